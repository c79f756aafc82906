"""An exception to text: its type, its message, its lineage and its traceback without our own frames.

Nothing that an exception does when it is printed gets out of here: a `__str__` that raises, a text of a gigabyte, a chain
of a thousand causes, a recursion error with a thousand frames.
"""

from __future__ import annotations

from engine.attempt import Trouble

TYPE_CHECKING = False  # as type checkers see it; importing typing takes a child long
if TYPE_CHECKING:
    from typing import Any, Iterator, List, Set

MESSAGE = 4000
TRACEBACK = 20_000
"""Characters kept of each."""
_OURS = (
    "engine/performer.py",
    "engine/call.py",
    "engine/context.py",
    "engine/payload.py",
    "engine/pickling.py",
    "engine/programs.py",
    "engine/executors/child.py",
)
_CANNOT_START = "engine.call.CannotStart"


def trouble_of(problem: BaseException) -> Trouble:
    """What is told of an exception that node code raised."""
    name = name_of(type(problem))
    if name == _CANNOT_START:
        return Trouble("CannotStart", message_of(problem), retryable=False)
    missing = isinstance(problem, (ImportError, SyntaxError))
    return Trouble(
        name,
        message_of(problem),
        traceback=traceback_of(problem),
        lineage=lineage_of(type(problem)),
        exit_code=_exit_code(problem),
        retryable=not missing,
    )


def name_of(kind: type) -> str:
    """`KeyError`, `tasks.BadRow`; no module for builtins and for classes of a script."""
    module = getattr(kind, "__module__", None)
    name = getattr(kind, "__qualname__", "an exception").replace("<locals>.", "")
    if not isinstance(module, str) or module in ("builtins", "__main__", "__mp_main__"):
        return str(name)
    return f"{module}.{name}"


def lineage_of(kind: type) -> List[str]:
    """The names of the base classes, nearest first."""
    return [name_of(base) for base in kind.__mro__[1:] if base is not object]


def message_of(problem: BaseException) -> str:
    """The text of an exception, cut to a size that can be shown."""
    if isinstance(problem, SystemExit):
        return f"the task called sys.exit({problem.code!r})"[:MESSAGE]
    try:
        text = str(problem)
    except BaseException as second:
        return f"<its text cannot be had: __str__ raised {type(second).__name__}>"
    return _cut(text, MESSAGE)


def traceback_of(problem: BaseException) -> str:
    """The printed traceback, our own frames left out. Empty if there is nothing but our frames."""
    try:
        return _cut(_format(problem), TRACEBACK)
    except BaseException as second:
        return f"<no traceback: printing it raised {type(second).__name__}>\n"


def _format(problem: BaseException) -> str:
    from traceback import TracebackException

    printed = TracebackException(type(problem), problem, problem.__traceback__, limit=-200)
    seen: Set[int] = set()
    for part in _parts(printed, seen):
        frames = [frame for frame in part.stack if not frame.filename.replace("\\", "/").endswith(_OURS)]
        del part.stack[:]
        part.stack.extend(frames)
    return "".join(printed.format())


def _parts(printed: Any, seen: Set[int]) -> Iterator[Any]:
    waiting = [printed]
    while waiting:
        part = waiting.pop()
        if part is None or id(part) in seen:
            continue
        seen.add(id(part))
        yield part
        waiting += [part.__cause__, part.__context__, *(getattr(part, "exceptions", None) or ())]


def _exit_code(problem: BaseException) -> Any:
    if not isinstance(problem, SystemExit):
        return None
    code = problem.code
    if code is None:
        return 0
    return code if isinstance(code, int) else 1


def _cut(text: str, most: int) -> str:
    if len(text) > most:
        half = most // 2
        text = f"{text[:half]}\n... {len(text) - most} characters left out ...\n{text[-half:]}"
    return text.encode("utf-8", "replace").decode("utf-8")
