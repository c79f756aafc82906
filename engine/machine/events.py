"""What happened in a run: the machine's only output, the journal's only vocabulary.

An event is a fact in the past tense. Replaying a run's events gives its state again, so nothing that matters may happen
without one. Each is a msgspec struct written as an array with a small integer tag, because a run has several per node;
the tags are part of the journal's format: never reuse one.

Units: `at` is seconds since the run began, on the engine's monotonic clock; `seconds` is how long code ran, measured
where it ran. Nodes are plan numbers. A `value` is what an Outcome brought: a scalar, a `payload.Payload`, or a `Live`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from msgspec import Struct

from engine.attempt import Trouble

if TYPE_CHECKING:
    from engine.plan import Plan


class Live:
    """A result that lives in this process, beside the form of it that was fixed for the journal when it came.

    The next node may change `content`, and the journal is written a little later: so `record` is made at once.
    """

    __slots__ = ("content", "record")

    def __init__(self, content: Any, record: Any) -> None:
        self.content = content
        self.record = record


class Event(Struct, frozen=True, gc=False, array_like=True):
    """Something that happened `at` seconds after the run began."""

    at: float


class RunStarted(Event, frozen=True, gc=False, array_like=True, tag=0):
    """The run began; `wall` is the time of day then, seconds since 1970, for people only."""

    wall: float


class Started(Event, frozen=True, gc=False, array_like=True, tag=1):
    """An attempt was handed out."""

    node: int
    attempt: int


class Completed(Event, frozen=True, gc=False, array_like=True, tag=2):
    """An attempt, and with it the node, completed."""

    node: int
    seconds: float
    value: Any


class AttemptFailed(Event, frozen=True, gc=False, array_like=True, tag=3):
    """An attempt failed: its code raised, its program said so, or its process died."""

    node: int
    seconds: float
    error: Trouble


class AttemptTimedOut(Event, frozen=True, gc=False, array_like=True, tag=4):
    """An attempt was ended because its time was up."""

    node: int
    seconds: float
    error: Trouble


class RetryPlanned(Event, frozen=True, gc=False, array_like=True, tag=5):
    """A failed node gets another attempt, `due` seconds after the run began."""

    node: int
    due: float


class RetryDue(Event, frozen=True, gc=False, array_like=True, tag=6):
    """The wait before another attempt is over."""

    node: int


class Skipped(Event, frozen=True, gc=False, array_like=True, tag=7):
    """A node will not run. `cause` is the node because of which, or -1."""

    node: int
    reason: str
    cause: int = -1


class NodeCanceled(Event, frozen=True, gc=False, array_like=True, tag=8):
    """A node was canceled: before it started, or its attempt is now really gone. `cause` as in Skipped."""

    node: int
    seconds: float
    reason: str
    cause: int = -1


class Lost(Event, frozen=True, gc=False, array_like=True, tag=9):
    """Nobody knows what became of an attempt."""

    node: int
    attempt: int


class Admitted(Event, frozen=True, gc=False, array_like=True, tag=10):
    """A node whose start had to be decided (its guard, its join) may start."""

    node: int


class VariablesChanged(Event, frozen=True, gc=False, array_like=True, tag=11):
    """A completed attempt set shared variables."""

    node: int
    values: Mapping[str, Any]


class MetricsChanged(Event, frozen=True, gc=False, array_like=True, tag=12):
    """An attempt set texts with `ctx.set_metric`."""

    node: int
    values: Mapping[str, str]


class AttemptsPlaced(Event, frozen=True, gc=False, array_like=True, tag=44):
    """Attempts went to an agent: `nodes[i]` with its attempt number `numbers[i]`. One event for all that went together."""

    agent: str
    nodes: Sequence[int]
    numbers: Sequence[int]


class RunPaused(Event, frozen=True, gc=False, array_like=True, tag=13):
    """Nothing new starts from here on; `by` says who or what asked."""

    by: str = ""


class RunResumed(Event, frozen=True, gc=False, array_like=True, tag=14):
    """Nodes may start again."""


class RunFailing(Event, frozen=True, gc=False, array_like=True, tag=15):
    """A node failed for good, so nothing else starts; the run ends when what runs has ended."""

    cause: int


class RunCanceling(Event, frozen=True, gc=False, array_like=True, tag=16):
    """Somebody canceled the run, or its time was up (`timed_out`); it ends when what runs is gone."""

    reason: str
    timed_out: bool = False


class RunEnded(Event, frozen=True, gc=False, array_like=True, tag=17):
    """The run is over. `state` is a WorkflowState's value, `cause` the first node that failed, or -1."""

    state: str
    reason: str = ""
    cause: int = -1


class NodeFailed(Event, frozen=True, gc=False, array_like=True, tag=18):
    """A node failed for good: no attempt, no alternative and no leniency is left."""

    node: int


class StartFailed(Event, frozen=True, gc=False, array_like=True, tag=19):
    """A node failed before any attempt: its guard could not be decided, or its arguments could not be bound."""

    node: int
    error: Trouble


class Opened(Event, frozen=True, gc=False, array_like=True, tag=20):
    """A frame (a composite, a conditional, a map, ...) began: its children may start."""

    node: int


class Chosen(Event, frozen=True, gc=False, array_like=True, tag=21):
    """A conditional or switch took the branch that is node `branch`, or none (-1). `case` is what it decided by."""

    node: int
    branch: int
    case: Any


class Expanded(Event, frozen=True, gc=False, array_like=True, tag=22):
    """A map knows its items: so many copies of its body were born."""

    node: int
    count: int


class RoundBegan(Event, frozen=True, gc=False, array_like=True, tag=23):
    """A loop began round `index` (from 0): one more copy of its body was born."""

    node: int
    index: int


class Released(Event, frozen=True, gc=False, array_like=True, tag=24):
    """A child that its frame held back (`max_parallel`) may start."""

    node: int
    frame: int


class WaitPlanned(Event, frozen=True, gc=False, array_like=True, tag=25):
    """A frame waits until `due` seconds after the run began: a wait, the pause between rounds, an unanswered question."""

    node: int
    due: float


class WaitOver(Event, frozen=True, gc=False, array_like=True, tag=26):
    """The moment that a frame waited for has come."""

    node: int


class QuestionAsked(Event, frozen=True, gc=False, array_like=True, tag=27):
    """An approval waits for a person, or a wait for a file: `text` is the question, or the file."""

    node: int
    text: str


class Answered(Event, frozen=True, gc=False, array_like=True, tag=28):
    """What a frame waited for from outside has come: a person's answer, a file that is there."""

    node: int
    value: Any
    by: str = ""


class Closed(Event, frozen=True, gc=False, array_like=True, tag=29):
    """A frame completed; its result follows from its children's."""

    node: int


class FrameFailed(Event, frozen=True, gc=False, array_like=True, tag=30):
    """A frame failed, because of a child (`cause`), or because it could not go on (-1)."""

    node: int
    error: Trouble
    cause: int = -1


class AlternativeCalled(Event, frozen=True, gc=False, array_like=True, tag=31):
    """A node failed for good, and another one is run in its place."""

    node: int
    alternative: int


class Replaced(Event, frozen=True, gc=False, array_like=True, tag=32):
    """The result of an alternative stands in for that of the node that failed."""

    node: int
    alternative: int


class RunCompensating(Event, frozen=True, gc=False, array_like=True, tag=33):
    """The run takes back what it did: these undo nodes are run, in this order."""

    undos: tuple[int, ...]


class UndoEnded(Event, frozen=True, gc=False, array_like=True, tag=34):
    """An undo came to its end; `owner` is the node whose work it took back, or -1 if it did not."""

    node: int
    owner: int


class NodeSuspended(Event, frozen=True, gc=False, array_like=True, tag=35):
    """A node is held: before it starts, or where its attempt lets itself be held."""

    node: int
    by: str = ""


class NodeResumed(Event, frozen=True, gc=False, array_like=True, tag=36):
    """A held node goes on."""

    node: int


class NodeCanceling(Event, frozen=True, gc=False, array_like=True, tag=37):
    """Somebody canceled a running node; its attempt is being ended."""

    node: int
    reason: str


class MarkedDone(Event, frozen=True, gc=False, array_like=True, tag=38):
    """A person said what the result of a node is, so that it need not run."""

    node: int
    value: Any
    by: str = ""


class DelayAsked(Event, frozen=True, gc=False, array_like=True, tag=39):
    """How long to wait before the next attempt is being asked of the project's own code, run as node `asked`."""

    node: int
    asked: int


class HookCalled(Event, frozen=True, gc=False, array_like=True, tag=40):
    """The run is as good as over, and the node that is run at its end may start. `state` is how the run will end."""

    node: int
    state: str


class GraphChanged(Event, frozen=True, gc=False, array_like=True, tag=41):
    """The run goes on with another version of its graph.

    `revision` makes its plan (a `Revision`, as the `content` of a Live; in a journal what it is made of). `changed` are
    nodes that do something else now, `reshaped` frames whose result has another form; what follows from that is in
    `fates`.
    """

    revision: Any
    changed: tuple[int, ...]
    reshaped: tuple[int, ...] = ()
    by: str = ""


class Retried(Event, frozen=True, gc=False, array_like=True, tag=42):
    """These nodes are tried again, and with them what hangs on them. A run that had ended goes on."""

    nodes: tuple[int, ...]
    by: str = ""


class Withdrawn(Event, frozen=True, gc=False, array_like=True, tag=43):
    """An attempt that a change or a retry has made pointless is really gone; its node may begin anew."""

    node: int
    seconds: float


OTHER_BRANCHES = "its branches changed"
"""How a `Revision` says that a conditional or switch has other branches, and nothing else about it changed."""


class Revision(Protocol):
    """Another version of a run's graph. `record` is what a journal keeps of it: plain data.

    `said` is the forecast of what it meant, made when a run took it up.
    """

    said: object

    @property
    def record(self) -> Mapping[str, Any]:
        """Enough to make it again, long after the project changed."""

    @property
    def executors(self) -> Sequence[str]:
        """Names of the executors that the plan last made uses."""

    def differences(self, old: Plan, new: Plan) -> Any:
        """What nodes of both plans do differently: `changed` and `reshaped`, each node -> why."""

    def onto(self, plan: Plan) -> Plan:
        """Its plan, in which the nodes of `plan` keep their numbers; nobody else holds it. Raises ValidationFailed."""

    def sketched(self, plan: Plan) -> Plan:
        """The same, to be looked at and given back: others may get it too, with what `carry_over` did to it."""


AnyEvent = (
    RunStarted
    | Started
    | Completed
    | AttemptFailed
    | AttemptTimedOut
    | RetryPlanned
    | RetryDue
    | Skipped
    | NodeCanceled
    | Lost
    | Admitted
    | VariablesChanged
    | MetricsChanged
    | AttemptsPlaced
    | RunPaused
    | RunResumed
    | RunFailing
    | RunCanceling
    | RunEnded
    | NodeFailed
    | StartFailed
    | Opened
    | Chosen
    | Expanded
    | RoundBegan
    | Released
    | WaitPlanned
    | WaitOver
    | QuestionAsked
    | Answered
    | Closed
    | FrameFailed
    | AlternativeCalled
    | Replaced
    | RunCompensating
    | UndoEnded
    | NodeSuspended
    | NodeResumed
    | NodeCanceling
    | MarkedDone
    | DelayAsked
    | HookCalled
    | GraphChanged
    | Retried
    | Withdrawn
)
