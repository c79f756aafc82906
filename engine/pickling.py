"""The ways of packing that run code: pickle, dill, cloudpickle, and who is to blame when none of them works.

Loaded only when a value is not plain data. Each way is a function `(value, strict) -> (data, buffers)` that raises only
`Refusal`. dill and cloudpickle are imported when a value first needs them (dill takes about 0.1 s).

Who is to blame. dill's pickler is written in Python and calls `save` for each object on the way down. Ours keeps the
chain of objects that it is inside of; when something raises, the chain still stands and ends at the culprit. `blame`
turns it into a path a person can follow, asking each object of the chain how it holds the next one, without running
any code of theirs.
"""

from __future__ import annotations

import _pickle  # the C pickler itself: tasks may replace what `pickle` names
import _thread
import functools
import io
import types
from collections.abc import Callable, Sequence
from typing import Any

from engine.forms import CLOUDPICKLE, DILL, DILL_RECURSE, PICKLE, is_reachable
from engine.preview import type_name

PROTOCOL = 5
_OUT_OF_BAND = 4096
"""Bytes from which a buffer travels beside the pickle instead of inside."""

_LOCK = "a lock belongs to the process that made it"
_FILE = "an open file belongs to the process that opened it; return its path"

# Types whose copies would not be what they were, and why. dill would copy them.
_STAY: dict[type, str] = {
    _thread.LockType: _LOCK,
    _thread.RLock: _LOCK,
    io.TextIOWrapper: _FILE,
    io.BufferedReader: _FILE,
    io.BufferedWriter: _FILE,
    io.BufferedRandom: _FILE,
    io.FileIO: _FILE,
    types.GeneratorType: "a generator cannot be copied; return a list of what it gives",
    types.AsyncGeneratorType: "a generator cannot be copied; return a list of what it gives",
    types.CoroutineType: "a coroutine cannot be copied; await it and return what it gives",
    types.FrameType: "a frame belongs to running code",
    types.TracebackType: "a traceback belongs to running code; return its text",
    types.ModuleType: "a module is imported, not sent; return its name",
}


class Refusal(Exception):
    """One way did not work. `trail` is the chain of objects from the value to the culprit, where it is known."""

    def __init__(self, reason: str, trail: Sequence[Any] = (), *, final: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.trail = list(trail)
        self.final = final


class _Unreachable(Exception):
    """A class or function that the other side would not find by its name."""


class _Stays(Exception):
    """An object that must not be copied."""


# -- pickle -----------------------------------------------------------------------------------------------------------


class _StrictPickler(_pickle.Pickler):
    """pickle that refuses what only its own process could find."""

    def reducer_override(self, thing: Any) -> Any:
        if isinstance(thing, _NAMED) and not is_reachable(thing) and thing not in _SINGLE_TYPES:
            raise _Unreachable(f"{getattr(thing, '__qualname__', thing)} cannot be found by name elsewhere")
        return NotImplemented


_NAMED = (type, types.FunctionType, type(functools.lru_cache(len)))
"""What pickle sends as a mere name."""
_SINGLE_TYPES = (type(None), type(NotImplemented), type(...))


def _by_pickle(value: Any, strict: bool) -> tuple[bytes, Sequence[Any]]:
    buffers: list[Any] = []

    def apart(buffer: Any) -> bool:
        try:
            raw = buffer.raw()
        except BufferError:  # not contiguous
            return True
        if raw.nbytes < _OUT_OF_BAND:
            return True
        buffers.append(raw)
        return False

    file = io.BytesIO()
    try:
        _StrictPickler(file, PROTOCOL, buffer_callback=apart).dump(value)
    except RecursionError:
        raise Refusal("it is nested too deep", _descent(value), final=True) from None
    except (Exception, SystemExit, GeneratorExit) as problem:
        raise Refusal(_text(problem)) from None
    return file.getvalue(), [bytes(buffer) for buffer in buffers]


def _descent(value: Any) -> list[Any]:
    """The first members of nested lists, dicts and tuples, as deep as a person wants to see."""
    trail = [value]
    while len(trail) < 12:
        last = trail[-1]
        if type(last) in (list, tuple) and last:
            trail.append(max(last, key=lambda member: type(member) in (list, tuple, dict)))
        elif type(last) is dict and last:
            trail.append(max(last.values(), key=lambda member: type(member) in (list, tuple, dict)))
        else:
            break
    return trail


# -- dill -------------------------------------------------------------------------------------------------------------


def _dill_pickler() -> Any:
    """Our kind of dill pickler, made when dill is first needed. Raises Refusal where dill is missing."""
    global _pickler
    if _pickler is None:
        try:
            import dill
        except Exception as problem:
            raise Refusal(f"dill cannot be imported here: {_text(problem)}") from None

        class Pickler(dill.Pickler):  # type: ignore[misc]
            """dill that keeps the chain of objects it is inside of, and refuses what would not arrive."""

            def __init__(self, file: Any, *, strict: bool, recurse: bool) -> None:
                super().__init__(file, protocol=PROTOCOL, byref=False, recurse=recurse)
                self.trail: list[Any] = []
                self.code = 0  # how many functions and classes we are inside of: what they use may be made anew
                self.strict = strict
                self.selective = recurse

            def save(self, obj: Any, save_persistent_id: bool = True) -> None:
                self.trail.append(obj)
                kind = type(obj)
                is_code = kind is types.FunctionType or isinstance(obj, type)
                if is_code:
                    if kind is types.FunctionType and not self.selective and not is_reachable(obj):
                        raise _Unreachable("its globals would not be found elsewhere")
                    self.code += 1
                elif self.strict and not self.code and kind in _STAY:
                    raise _Stays(_STAY[kind])
                super().save(obj, save_persistent_id)
                self.code -= is_code
                self.trail.pop()

        Pickler.__module__ = "dill._dill"  # dill looks there to know its own
        _pickler = Pickler
    return _pickler


_pickler: Any = None


def _pickling_warning() -> Any:
    import dill

    return dill.PicklingWarning


def _dump_with_dill(value: Any, strict: bool, recurse: bool) -> tuple[bytes, Sequence[Any]]:
    import warnings

    file = io.BytesIO()
    pickler = _dill_pickler()(file, strict=strict, recurse=recurse)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            warnings.simplefilter("error", _pickling_warning())  # it would fail at the far end
            pickler.dump(value)
    except _Stays as problem:
        raise Refusal(str(problem), pickler.trail, final=True) from None
    except RecursionError:
        raise Refusal("it is nested too deep", pickler.trail) from None
    except (Exception, SystemExit, GeneratorExit) as problem:
        raise Refusal(_text(problem), pickler.trail) from None
    return file.getvalue(), ()


def _by_dill(value: Any, strict: bool) -> tuple[bytes, Sequence[Any]]:
    return _dump_with_dill(value, strict, recurse=False)


def _by_dill_recurse(value: Any, strict: bool) -> tuple[bytes, Sequence[Any]]:
    return _dump_with_dill(value, strict, recurse=True)


# -- cloudpickle ------------------------------------------------------------------------------------------------------


def _by_cloudpickle(value: Any, strict: bool) -> tuple[bytes, Sequence[Any]]:
    try:
        import cloudpickle
    except Exception as problem:
        raise Refusal(f"cloudpickle cannot be imported here: {_text(problem)}") from None
    try:
        return cloudpickle.dumps(value, protocol=PROTOCOL), ()
    except (Exception, SystemExit, GeneratorExit) as problem:
        raise Refusal(_text(problem)) from None


WAYS: tuple[tuple[int, Callable[[Any, bool], tuple[bytes, Sequence[Any]]]], ...] = (
    (PICKLE, _by_pickle),
    (DILL, _by_dill),
    (DILL_RECURSE, _by_dill_recurse),
    (CLOUDPICKLE, _by_cloudpickle),
)


def _open_pickle(data: bytes, buffers: Sequence[Any]) -> Any:
    # Buffers are handed out writable, as they were.
    return _pickle.loads(data, buffers=[bytearray(buffer) for buffer in buffers])


def _open_dill(data: bytes, buffers: Sequence[Any]) -> Any:
    import dill

    return dill.loads(data)


OPENERS: dict[int, Callable[[bytes, Sequence[Any]], Any]] = {
    PICKLE: _open_pickle,
    DILL: _open_dill,
    DILL_RECURSE: _open_dill,
    CLOUDPICKLE: _open_pickle,
}


# -- blame ------------------------------------------------------------------------------------------------------------


def blame(name: str, value: Any, refusal: Refusal) -> tuple[str, str, str]:
    """(the way to the culprit, its type, the reason), for NotPackable."""
    steps: list[str] = []
    anchor = value
    for thing in refusal.trail[1:]:
        step = _step(anchor, thing)
        if step is not None:
            steps.append(step)
            anchor = thing
    if len(steps) > 12:
        steps = [*steps[:8], "...", steps[-1]]
    return name + "".join(steps), type_name(anchor), refusal.reason


def _step(holder: Any, thing: Any) -> str | None:
    """How `holder` holds `thing`: `[3]`, `["rows"]`, `.lock`; None if it does not."""
    kind = type(holder)
    if kind in (list, tuple) or issubclass(kind, (list, tuple)):
        for index, member in enumerate(kind.__iter__(holder)):
            if member is thing:
                return f"[{index}]"
    if issubclass(kind, dict):
        for key, member in dict.items(holder):
            if member is thing:
                return f"[{_key(key)}]"
            if key is thing:
                return f".key({_key(key)})"
    if kind in (set, frozenset) and any(member is thing for member in holder):
        return "{...}"
    if kind is types.FunctionType:
        return _step_of_function(holder, thing)
    return _step_of_object(holder, thing)


def _step_of_object(holder: Any, thing: Any) -> str | None:
    try:
        fields = object.__getattribute__(holder, "__dict__")
    except Exception:
        fields = {}
    for name, member in list(dict.items(fields)) if isinstance(fields, dict) else ():
        if member is thing:
            return f".{name}"
    for base in type(holder).__mro__:
        slots = base.__dict__.get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else slots:
            member = base.__dict__.get(name)
            if isinstance(member, types.MemberDescriptorType):
                try:
                    if member.__get__(holder, type(holder)) is thing:
                        return f".{name}"
                except AttributeError:
                    continue
    return None


def _step_of_function(holder: Any, thing: Any) -> str | None:
    code = holder.__code__
    for name, cell in zip(code.co_freevars, holder.__closure__ or ()):
        try:
            if cell is thing or cell.cell_contents is thing:
                return f"'s variable {name}"
        except ValueError:
            continue
    for name, member in list(holder.__globals__.items()):
        if member is thing and name in code.co_names:
            return f"'s global {name}"
    for member in (*(holder.__defaults__ or ()), *(holder.__kwdefaults__ or {}).values()):
        if member is thing:
            return "'s default value"
    return None


def _key(key: Any) -> str:
    if type(key) is str:
        return '"' + key[:40].replace('"', "'") + ('..."' if len(key) > 40 else '"')
    return repr(key)[:40] if type(key) in (int, float, bool, bytes, type(None)) else f"<{type_name(key)}>"


def _text(problem: BaseException) -> str:
    try:
        text = str(problem)
    except Exception:
        text = ""
    name = type(problem).__name__
    if isinstance(problem, _Unreachable):
        return text[:500]
    return f"{name}: {text[:500]}" if text else name
