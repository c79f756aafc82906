"""What a pool runs in its children beyond the functions themselves. Standard library only: children import it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

_begun: dict[str, Any] = {}


class InitializerFailed(Exception):
    """The pool's initializer raised; no task of the pool runs in this process."""


def begin(token: str, initializer: Callable[..., Any], initargs: tuple[Any, ...]) -> None:
    """Run a pool's initializer, once per process."""
    if token in _begun:
        if _begun[token] is not None:
            raise InitializerFailed(_begun[token])
        return
    try:
        initializer(*initargs)
    except BaseException as problem:
        _begun[token] = f"{type(problem).__name__}: {problem}"
        raise InitializerFailed(_begun[token]) from problem
    _begun[token] = None


def call_begun(
    token: str,
    initializer: Callable[..., Any],
    initargs: tuple[Any, ...],
    function: Callable[..., Any],
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
) -> Any:
    """Call a function in a process where the initializer has run."""
    begin(token, initializer, initargs)
    return function(*args, **kwargs)


def call(function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Call something that is no plain function: a bound method, a partial, an object with `__call__`."""
    return function(*args, **kwargs)


def call_each(function: Callable[..., Any], chunk: list[tuple[Any, ...]]) -> list[Any]:
    """Several calls that travel together."""
    return [function(*args) for args in chunk]
