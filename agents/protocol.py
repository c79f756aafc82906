"""The protocol between an engine and its agents: every message, and how much each may hold.

Structs are arrays with an integer tag first: short, quick, and a newer side may add fields at the end, which an older one
does not see. How messages become frames, and what is refused, is the business of `wire`.

Rules that hold for every message:
- a length of time travels, never a moment: two machines have two clocks (the one wall clock is for people);
- a value is opaque bytes here. Nothing in this package unpickles; errors travel as text;
- texts that people will see are bounded and carry no control characters where they name something.

Large values travel as `Chunk`s before the message that names them, once per session and by name, the function of a task
inside the first assignment that needs it.
"""

from __future__ import annotations

from typing import Annotated, NamedTuple

from msgspec import Meta, Struct

VERSION = 1
CHUNK = 1 << 20  # bytes of a large value in one frame
INLINE = 64 << 10  # a value of more bytes travels in chunks
VALUE_LIMIT = 2 << 30  # bytes of one value

_PLAIN = r"^[^\x00-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]*$"
Label = Annotated[str, Meta(min_length=1, max_length=64, pattern=_PLAIN)]
Text = Annotated[str, Meta(max_length=64 << 10)]
Seconds = Annotated[float, Meta(ge=0.0, le=1e9)]
Share = Annotated[float, Meta(ge=0.0, le=1.0)]
Amount = Annotated[float, Meta(ge=0.0, le=1e18)]
Count = Annotated[int, Meta(ge=0, le=1 << 62)]
Slots = Annotated[int, Meta(ge=1, le=4096)]
Digest = Annotated[bytes, Meta(min_length=1, max_length=32)]


class TaskId(NamedTuple):
    """Which lease of which try of which node of which run: what makes a result count once."""

    run: str
    node: int
    attempt: int
    epoch: int

    def __str__(self) -> str:
        return f"{self.run}/{self.node}#{self.attempt}@{self.epoch}"


class Message(Struct, frozen=True, array_like=True, gc=False):
    """One thing that one side tells the other."""


class _OfTask(Message, frozen=True, array_like=True, gc=False):
    """A message about one lease."""

    run: str
    node: Count
    number: Count
    epoch: Count

    @property
    def task_id(self) -> TaskId:
        return TaskId(self.run, self.node, self.number, self.epoch)


class Trouble(Struct, frozen=True, array_like=True):
    """Why an attempt failed, as text: the wire's form of `engine.attempt.Trouble`."""

    type: Text
    message: Text
    traceback: Text = ""
    lineage: Annotated[list[Text], Meta(max_length=64)] = []
    exit_code: int | None = None
    signal: str | None = None
    retryable: bool = True


# ---------------------------------------------------------------- from the engine to an agent


class Welcome(Message, frozen=True, array_like=True, gc=False, tag=1):
    """The answer to a registration: who holds the agent now, in which generation, and what it expects.

    `engine` is the run (or pool) that holds the agent; the same one with a higher `generation` is that engine come
    back, which adopts what still runs. `heartbeat` and `linger` in seconds. `workplace` may name a folder and a Python.
    """

    engine: Annotated[str, Meta(max_length=128)]
    generation: Count
    heartbeat: Seconds
    linger: Seconds
    workplace: dict[str, str] = {}


class TaskAssignment(_OfTask, frozen=True, array_like=True, gc=False, tag=2):
    """Run this. `work` numbers the task's body within the session; `serialized_task` is that body where the agent has
    not got it yet, or None. `inputs` are the arguments, `values` the names of large values among them, `task_value`
    names a body too large to travel inside. `timeout` in seconds, counted by the agent; `usual` is what it may take.
    """

    work: Count
    inputs: bytes = b""
    serialized_task: bytes | None = None
    timeout: Seconds | None = None
    usual: Seconds = 0.0
    values: list[Digest] = []
    task_value: bytes = b""


class Cancel(Message, frozen=True, array_like=True, gc=False, tag=3):
    """End these: ask, wait `grace` seconds, kill. Each still gets its result, once it is gone."""

    tasks: list[TaskId]
    grace: Seconds = 5.0


class Hold(Message, frozen=True, array_like=True, gc=False, tag=4):
    """Suspend these (`on`), or let them go on."""

    tasks: list[TaskId]
    on: bool = True


class Recorded(Message, frozen=True, array_like=True, gc=False, tag=5):
    """The first `count` results of this session are safe; the agent may forget them."""

    count: Count


class Recall(Message, frozen=True, array_like=True, gc=False, tag=6):
    """Give these back if they have not begun: somebody else has nothing to do."""

    tasks: list[TaskId]


class Drain(Message, frozen=True, array_like=True, gc=False, tag=7):
    """Finish what you have, take nothing new."""


class Shutdown(Message, frozen=True, array_like=True, gc=False, tag=8):
    """Finish (`drain`) or cancel what you have, then end with exit code 0."""

    drain: bool = True
    grace: Seconds = 5.0


class Release(Message, frozen=True, array_like=True, gc=False, tag=9):
    """This engine is done with the agent; another one may have it at once."""


# ---------------------------------------------------------------- from an agent to the engine


class Holding(Struct, frozen=True, array_like=True):
    """A lease that an agent still has when it registers; `done` if only its result is left to deliver."""

    task: TaskId
    done: bool = False


class NodeRegistration(Message, frozen=True, array_like=True, gc=False, tag=20):
    """An agent says who it is. `id` has to be the name that its key stands for."""

    id: Label
    slots: Slots
    address: Annotated[str, Meta(max_length=256, pattern=_PLAIN)] = ""
    capabilities: Annotated[list[Label], Meta(max_length=64)] = []
    resources: Annotated[dict[Label, Amount], Meta(max_length=64)] = {}
    versions: Annotated[dict[Label, Label], Meta(max_length=16)] = {}
    pid: Count = 0
    holding: Annotated[list[Holding], Meta(max_length=65536)] = []
    engine: Annotated[str, Meta(max_length=128)] = ""
    generation: Count = 0
    draining: bool = False


class Heartbeat(Message, frozen=True, array_like=True, gc=False, tag=21):
    """Still here. `free` slots and the load, 0 idle, 1 every slot busy, more with a queue."""

    id: Label
    free: Count = 0
    load_factor: Amount = 0.0


class TaskResult(_OfTask, frozen=True, array_like=True, gc=False, tag=22):
    """How an attempt ended; kept by the agent until `Recorded`.

    `kind` is one of `engine.attempt`'s constants. The value is in `serialized_result` (its form is `engine.payload`'s
    business), with large parts in the `values` that it names. `execution_time` was measured on the agent's monotonic clock.
    """

    kind: Annotated[str, Meta(max_length=16)]
    serialized_result: bytes | None = None
    execution_time: Seconds = 0.0
    error: Trouble | None = None
    values: list[Digest] = []
    extras: bytes | None = None

    @property
    def success(self) -> bool:
        return self.kind == "completed"

    @property
    def error_message(self) -> str | None:
        """Type, text and traceback of what went wrong, None if nothing did."""
        error = self.error
        if error is None:
            return None
        said = f"{error.type}: {error.message}" if error.message else error.type
        return f"{said}\n{error.traceback}" if error.traceback else said


class TaskProgress(_OfTask, frozen=True, array_like=True, gc=False, tag=23):
    """How far an attempt is (0 to 1, or None); a newer one replaces it."""

    fraction: Share | None
    text: Text = ""


class TaskLines(_OfTask, frozen=True, array_like=True, gc=False, tag=24):
    """Lines that an attempt printed or logged."""

    stream: Annotated[str, Meta(max_length=16)]
    lines: Annotated[list[str], Meta(max_length=65536)]


class TaskMetric(_OfTask, frozen=True, array_like=True, gc=False, tag=25):
    """`ctx.set_metric(name, text)`."""

    name: Text
    text: Text


class Returned(Message, frozen=True, array_like=True, gc=False, tag=26):
    """These were not begun and are given back; `reason` for people, empty where they were recalled."""

    tasks: list[TaskId]
    reason: Text = ""


class StatusUpdate(Message, frozen=True, array_like=True, gc=False, tag=27):
    """The agent's state as it sees it itself. `timestamp` is its wall clock, seconds since 1970, only to be shown."""

    node_id: Label
    status: Label
    load_factor: Amount = 0.0
    timestamp: Amount = 0.0


class Goodbye(Message, frozen=True, array_like=True, gc=False, tag=28):
    """The agent ends; what it still held is lost, what it had finished was delivered."""

    reason: Text = ""


# ---------------------------------------------------------------- both ways


class Chunk(Message, frozen=True, array_like=True, gc=False, tag=40):
    """A piece of a large value: the bytes are the next frame. `total` is the whole value's length."""

    name: Digest
    offset: Count
    total: Annotated[int, Meta(ge=0, le=VALUE_LIMIT)]


class Want(Message, frozen=True, array_like=True, gc=False, tag=41):
    """This large value is not here (any more): send it again."""

    name: Digest


class Refused(Message, frozen=True, array_like=True, gc=False, tag=42):
    """An error that the other side should know about. `code` for programs, `text` for people."""

    code: Annotated[str, Meta(max_length=32)]
    text: Annotated[str, Meta(max_length=4096)]


class Unknown(Struct, frozen=True):
    """A message with a tag that this side does not have; made by `decode`, never sent."""

    tag: str


MESSAGES: tuple[type[Message], ...] = (
    Welcome,
    TaskAssignment,
    Cancel,
    Hold,
    Recorded,
    Recall,
    Drain,
    Shutdown,
    Release,
    NodeRegistration,
    Heartbeat,
    TaskResult,
    TaskProgress,
    TaskLines,
    TaskMetric,
    Returned,
    StatusUpdate,
    Goodbye,
    Chunk,
    Want,
    Refused,
)
AnyMessage = (
    Welcome
    | TaskAssignment
    | Cancel
    | Hold
    | Recorded
    | Recall
    | Drain
    | Shutdown
    | Release
    | NodeRegistration
    | Heartbeat
    | TaskResult
    | TaskProgress
    | TaskLines
    | TaskMetric
    | Returned
    | StatusUpdate
    | Goodbye
    | Chunk
    | Want
    | Refused
)
