"""Every exception that Flowloom raises on purpose.

    WorkflowError                   anything about a workflow; has node_id, retryable, to_dict()
    ├── NodeNotFound                no node of that id; names the nearest ones
    ├── ExecutionFailed             a node's code failed; carries the far traceback as text
    ├── ValidationFailed            a project or graph that cannot run; carries its findings
    │   └── CycleDetected           carries one concrete cycle
    ├── WorkflowTimeout             a limit in seconds and the time that passed
    ├── NotReady                    run, resume, ... asked for in the wrong state
    ├── InvalidTransition           our own rules were about to be broken: a bug
    ├── NetworkError                the link to an agent failed (the agents' own tree hangs below it)
    ├── SystemFailure               the operating system refused; carries errno
    ├── Canceled                    somebody canceled the node or the run
    └── CustomError                 base of users' own errors; each registers a code

Three kinds of trouble stay apart: a wrong project is a Finding (data), failed node code is an Outcome (data), a
broken world or a bug is one of these. Each message says what happened, where, and what to do about it.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from typing import Any, ClassVar


class WorkflowError(Exception):
    """Root of the tree: something about a workflow went wrong.

    `node_id` is the path of the node it happened at, where there is one; `retryable` tells whether trying the same
    thing again can help.
    """

    retryable: bool = False

    def __init__(self, message: str, *, node_id: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.node_id = node_id

    def to_dict(self) -> dict[str, Any]:
        """Plain data for logs and `--json`: the type's name, the message, the node, and what the subclass carries."""
        return {
            "type": type(self).__name__,
            "message": self.message,
            "node_id": self.node_id,
            "retryable": self.retryable,
            **self._details(),
        }

    def _details(self) -> dict[str, Any]:
        return {}


class NodeNotFound(WorkflowError):
    """No node has this id. Names the ids that come nearest to it."""

    def __init__(self, node_id: str, known: Iterable[str] = ()) -> None:
        self.near = difflib.get_close_matches(node_id, list(known), n=3)
        hint = f"; did you mean {', '.join(self.near)}?" if self.near else ""
        super().__init__(f"there is no node {node_id!r}{hint}", node_id=node_id)

    def _details(self) -> dict[str, Any]:
        return {"near": self.near}


class ExecutionFailed(WorkflowError):
    """A node's own code failed. `error_type` and `traceback` are text, also where the code ran on another machine."""

    retryable = True

    def __init__(
        self, message: str, *, node_id: str | None = None, error_type: str | None = None, traceback: str | None = None
    ) -> None:
        super().__init__(message, node_id=node_id)
        self.error_type = error_type
        self.traceback = traceback

    def _details(self) -> dict[str, Any]:
        return {"error_type": self.error_type, "traceback": self.traceback}


class ValidationFailed(WorkflowError):
    """A project or graph that cannot run as it is written; `findings` say what, where and what to do."""

    def __init__(self, message: str, findings: Sequence[Any] = (), *, node_id: str | None = None) -> None:
        super().__init__(message, node_id=node_id)
        self.findings = tuple(findings)

    def _details(self) -> dict[str, Any]:
        return {"findings": [str(finding) for finding in self.findings]}


class CycleDetected(ValidationFailed):
    """Nodes that wait for each other in a circle. `cycle` is one such circle, its first id repeated at the end."""

    def __init__(self, cycle: Sequence[str]) -> None:
        self.cycle = tuple(cycle)
        shown = list(self.cycle) if len(self.cycle) <= 12 else [*self.cycle[:6], "...", *self.cycle[-5:]]
        super().__init__(f"these nodes wait for each other: {' -> '.join(shown)}; remove one of the edges")

    def _details(self) -> dict[str, Any]:
        return {"cycle": list(self.cycle)}


class WorkflowTimeout(WorkflowError):
    """A node or a run took longer than it may. `limit` and `elapsed` in seconds."""

    retryable = True

    def __init__(self, limit: float, elapsed: float, *, node_id: str | None = None) -> None:
        what = f"node {node_id!r}" if node_id else "the run"
        super().__init__(f"{what} timed out: {elapsed:.3g} s passed, {limit:g} s allowed", node_id=node_id)
        self.limit = limit
        self.elapsed = elapsed

    def _details(self) -> dict[str, Any]:
        return {"limit": self.limit, "elapsed": self.elapsed}


class NotReady(WorkflowError):
    """Something was asked for that the present state does not allow, such as to resume what is not paused."""


class InvalidTransition(WorkflowError):
    """A change of state that the transition table does not have. Seeing one means a bug in Flowloom."""

    def __init__(self, old: object, new: object, *, node_id: str | None = None) -> None:
        super().__init__(f"{node_id or 'the run'} cannot go from {old} to {new}", node_id=node_id)


class NetworkError(WorkflowError):
    """The link to an agent failed. The kinds of failure are told apart in `agents`."""

    retryable = True


class SystemFailure(WorkflowError):
    """The operating system refused something; `errno` is its number where there is one."""

    def __init__(self, message: str, *, errno: int | None = None, node_id: str | None = None) -> None:
        super().__init__(message, node_id=node_id)
        self.errno = errno

    def _details(self) -> dict[str, Any]:
        return {"errno": self.errno}


class Canceled(WorkflowError):
    """Somebody canceled the node or the run. Not asyncio's CancelledError, which never leaves the engine."""


class CustomError(WorkflowError):
    """Base of errors that users define: `class QuotaSpent(CustomError, code="quota")` registers its code."""

    code: ClassVar[str] = "custom"
    registry: ClassVar[dict[str, type[CustomError]]] = {}

    def __init_subclass__(cls, *, code: str | None = None, **rest: Any) -> None:
        super().__init_subclass__(**rest)
        if code is not None:
            if code in CustomError.registry:
                raise ValueError(f"the code {code!r} is taken by {CustomError.registry[code].__name__}")
            cls.code = code
            CustomError.registry[code] = cls

    def _details(self) -> dict[str, Any]:
        return {"code": self.code}
