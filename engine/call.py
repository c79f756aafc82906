"""What a call needs: the function behind a reference, arguments opened where they run, the surroundings of an attempt.

This file is imported by children that run the project's own Python: standard library of 3.9 only, loaded late.
"""

from __future__ import annotations

from engine.attempt import Attempt, Work

TYPE_CHECKING = False  # as type checkers see it; importing typing takes a child long
if TYPE_CHECKING:
    from typing import Any, Callable, Dict, List, Mapping, Optional, Tuple


class CannotStart(Exception):
    """The attempt cannot even be called: its function or an argument is not to be had here."""


def prepare(work: Work) -> Tuple[Callable[..., Any], bool]:
    """The function of a Work and whether it wants `ctx`. Raises CannotStart, or what importing its module raises."""
    function = work.function
    if function is None:
        if work.reference is None:
            raise CannotStart("the attempt names no function")
        function = find_function(work.reference)
    if work.wants_context is None:
        work.wants_context = wants_context(function)
    return function, work.wants_context


def find_function(reference: str) -> Callable[..., Any]:
    """What `module:name` names. Raises CannotStart with a remedy, or whatever the module's own code raises."""
    module_name, _, path = reference.partition(":")
    from importlib import import_module

    try:
        # Not from sys.modules: another thread may be in the middle of importing it.
        module: Any = import_module(module_name)
    except ModuleNotFoundError as problem:
        if problem.name is not None and module_name.startswith(problem.name):
            raise CannotStart(
                f"there is no module {problem.name!r} for {reference!r}: is the file in the project's folder, "
                "or the package installed in this Python?"
            ) from None
        raise
    found: Any = module
    for step in path.split("."):
        try:
            found = getattr(found, step)
        except AttributeError:
            raise CannotStart(f"{module_name} has no {path!r}{_nearest(path, module)}") from None
    if not callable(found):
        raise CannotStart(f"{reference!r} is {type(found).__name__}, and a function is needed")
    return found  # type: ignore[no-any-return]


def _nearest(name: str, module: Any) -> str:
    from difflib import get_close_matches

    near = get_close_matches(name, [known for known in vars(module) if not known.startswith("_")], n=2)
    return f"; did you mean {' or '.join(near)}?" if near else ""


def wants_context(function: Callable[..., Any]) -> bool:
    """Whether a function has a parameter named `ctx`."""
    code = getattr(function, "__code__", None)
    if code is not None and not hasattr(function, "__wrapped__"):
        return "ctx" in code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    from inspect import signature

    try:
        return "ctx" in signature(function).parameters
    except (TypeError, ValueError):
        return False


def arguments_of(attempt: Attempt) -> Tuple[List[Any], Dict[str, Any]]:
    """The arguments, opened, with the fields that have to be taken here. Raises CannotStart naming the argument."""
    args = list(attempt.args)
    kwargs = dict(attempt.kwargs)
    if attempt.sealed:
        for index, value in enumerate(args):
            args[index] = _opened(value, index)
        for name, value in kwargs.items():
            kwargs[name] = _opened(value, name)
    for name, steps in (attempt.parts or {}).items():
        kwargs[name] = taken(kwargs[name], steps, name)
    return args, kwargs


def _opened(value: Any, name: Any) -> Any:
    from engine.payload import NotOpenable, open_sealed

    try:
        return open_sealed(value)
    except NotOpenable as problem:
        raise CannotStart(f"argument {name!r}: {problem}") from None
    except ModuleNotFoundError as problem:
        raise CannotStart(f"argument {name!r} needs the module {problem.name!r}, which this Python lacks") from None
    except RecursionError:
        raise CannotStart(f"argument {name!r} is nested too deep to be opened") from None


def opened_variables(attempt: Attempt) -> Mapping[str, Any]:
    """The snapshot of variables, opened where it came from another process."""
    if not attempt.variables:
        return {}
    return {name: _opened(value, f"variable {name}") for name, value in attempt.variables.items()}


def taken(value: Any, steps: Tuple[Any, ...], name: Any) -> Any:
    """The field that `steps` lead to: each is a key, else an attribute, else an index."""
    for step in steps:
        try:
            value = _one_step(value, step)
        except (LookupError, AttributeError, TypeError):
            raise CannotStart(f"argument {name!r}: {type(value).__name__} has no {step!r}") from None
    return value


def _one_step(value: Any, step: Any) -> Any:
    if isinstance(step, str) and not hasattr(value, "keys"):
        try:
            return getattr(value, step)
        except AttributeError:
            return value[step]
    try:
        return value[step]
    except (LookupError, TypeError):
        if not isinstance(step, str):
            raise
        return getattr(value, step)


class Surroundings:
    """The environment and the working directory of one attempt, put back afterwards."""

    __slots__ = ("cwd", "env", "old_cwd", "old_env")

    def __init__(self, env: Mapping[str, str], cwd: Optional[str], folder: str) -> None:
        import os

        self.env = dict(env)
        self.cwd = os.path.join(folder, cwd) if cwd else None
        self.old_env: Dict[str, Optional[str]] = {}
        self.old_cwd: Optional[str] = None

    def __enter__(self) -> Surroundings:
        import os

        if self.cwd:
            old = os.getcwd()
            try:
                os.chdir(self.cwd)
            except OSError as problem:
                raise CannotStart(f"cwd {self.cwd!r}: {problem.strerror}") from None
            self.old_cwd = old
        for name, text in self.env.items():
            self.old_env[name] = os.environ.get(name)
            os.environ[name] = text
        return self

    def __exit__(self, *_: object) -> None:
        import os

        for name, text in self.old_env.items():
            if text is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = text
        if self.old_cwd is not None:
            os.chdir(self.old_cwd)
