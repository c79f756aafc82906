"""What every executor promises: how an attempt gets done, in this process, in children, or on other machines.

An executor owns slots. The runner hands it attempts, never more than `capacity()` at once, and the executor reports
News through the function it was opened with. It decides nothing about the workflow: no retries, no order.

Promises, tested by one module against every executor:
- `start` and `cancel` return at once, whatever the attempts do;
- each started attempt gets exactly one Outcome, also when its process dies, its limit passes, or it is canceled;
- an Outcome means that the attempt is over: its process, and what that started, is gone or idle again;
- `report` may be called from any thread, with several pieces of news at once; per attempt they come in order;
- `close` leaves nothing behind: no process, no thread, no file descriptor. It may be called twice.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

from engine.attempt import Attempt, News, Outcome

Report = Callable[[Sequence[News]], None]
"""Takes news from an executor; returns at once; safe to call from any thread."""


Turn = Callable[[Sequence[News]], Attempt | None]
"""Takes news, turns the loop of the run, and may give the caller its next attempt."""


class Workplace:
    """Where attempts of one run happen: what an executor has to know beyond the attempts themselves.

    `folder` is the project's folder (tasks are imported from it, commands run in it), `state` the run's own folder
    (scratch folders go under it), `python` the interpreter of the tasks, `slots` how many attempts may run at once,
    `run` the run's id, `values` whether results must come back in a form that can be stored.
    """

    __slots__ = ("folder", "python", "run", "slots", "state", "values")

    def __init__(
        self,
        *,
        folder: Path,
        state: Path,
        python: str | None = None,
        slots: int = 2,
        run: str = "",
        values: bool = True,
    ) -> None:
        self.folder = folder
        self.state = state
        self.python = python
        self.slots = slots
        self.run = run
        self.values = values


@runtime_checkable
class Executor(Protocol):
    """How attempts get done. Life: made by name without arguments, `open`, any number of `start`, `cancel`, `close`."""

    def open(self, workplace: Workplace, report: Report) -> None:
        """Get ready. Raises SystemFailure or NetworkError where that cannot be done, with the remedy in the message."""

    def capacity(self) -> int:
        """How many attempts may be handed out at once: at least the slots, more where very short ones queue here."""

    def start(self, attempts: Sequence[Attempt]) -> None:
        """Begin these attempts, or queue them here until a slot is free."""

    def cancel(self, attempts: Sequence[tuple[int, int]], grace: float = 5.0) -> None:
        """End these (node, number) attempts: ask, wait `grace` seconds, kill. Unknown or ended ones are ignored."""

    def suspend(self, attempts: Sequence[tuple[int, int]]) -> None:
        """Hold these attempts where they are, as far as that can be done (stopped processes, `ctx.checkpoint()`)."""

    def resume(self, attempts: Sequence[tuple[int, int]]) -> None:
        """Let suspended attempts go on."""

    def close(self, grace: float = 5.0) -> None:
        """Cancel what still runs, wait until it is gone, free everything."""


@runtime_checkable
class InPlace(Protocol):
    """An executor that works in the engine's own thread. The runner performs its attempts one by one, without queues."""

    def perform(self, attempt: Attempt) -> Outcome:
        """Run the attempt to its end, here and now."""


@runtime_checkable
class Renewing(Protocol):
    """An executor that loads the project's code once, and can do so again."""

    def renew(self) -> None:
        """Let attempts that begin from now on use the code as its files are now. What runs goes on with the old."""


@runtime_checkable
class Lending(Protocol):
    """An executor whose threads turn the loop of the run themselves: who ends an attempt fetches the next ones.

    It needs no thread of the engine's to be woken for each outcome, and a chain of nodes never leaves its thread.
    """

    def lend(self, leave: Report, turn: Turn) -> None:
        """Called once, after `open`. From then on outcomes go to one of these instead of `report`.

        `leave` wakes nobody: the outcome is taken up by whoever turns next, within a few milliseconds. `turn` takes up
        all that was left, may call `start`, and gives back what its caller shall do next. A thread that has nothing else
        to do, or has kept others waiting, calls `turn`; it returns at once where another thread is at it.
        """


@dataclass(frozen=True, slots=True)
class AgentLoad:
    """How one agent does at this moment, for people.

    `state` is a word of the seed's statuses (`available`, `busy`, `draining`, `suspected`, `offline`, `failed`) or
    `revoked`. `running` counts attempts, `load` is 1 with every slot busy, `heard` is how many seconds ago it last said
    something (None: it does not live), `engine` who holds it (empty: nobody), `reason` why it is not available.
    """

    name: str
    state: str
    slots: int
    running: int = 0
    load: float = 0.0
    heard: float | None = None
    labels: tuple[str, ...] = ()
    engine: str = ""
    reason: str = ""


@runtime_checkable
class Fleet(Protocol):
    """Some agents that a person can look after: those of this machine, or those that one run uses."""

    def loads(self) -> Sequence[AgentLoad]:
        """How each of them does, by name. Quick: it is asked for once a second."""

    def drain(self, agent: str) -> None:
        """Let an agent finish what it has and give it nothing new. Raises WorkflowError where that cannot be."""

    def stop(self, agent: str) -> None:
        """End an agent: what it runs is canceled. Returns when it is gone. Raises WorkflowError where that cannot be."""


@runtime_checkable
class Launching(Fleet, Protocol):
    """A fleet that can be added to."""

    def launch(self) -> str:
        """Start one more agent, and say under which name. Raises WorkflowError where that cannot be."""
