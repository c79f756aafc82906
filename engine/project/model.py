"""The nouns of a project: what a person wrote, with nothing filled in and nothing decided.

A `Project` has params, settings and nodes; a `Node` has one *body* (what it does), its *edges* (`inputs` carry data,
`needs` carry only order), possibly a wrapper that runs the body many times (`each`, `again`), and `Settings` (how it is
run). Every struct is frozen: an edit makes a new one. Field names are the words of the project file, so the reader and
writer (`toml`), the JSON Schema, the inspector of the studio and the docs all come from this one file; help texts are
the `Meta` descriptions. Times are seconds as float: "90s" became 90.0 in `toml` and nowhere else.

Values of args, params, env and the like are kept as written, with `${...}` references unread: `references` reads them,
`plan` binds them. Callables stand in for `module:function` where a workflow is written in Python.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import Enum
from typing import Annotated, Any, Literal, NewType

from msgspec import UNSET, Meta, Struct, UnsetType

NodeId = NewType("NodeId", str)
"""An id, unique among its siblings, or a path of them: `publish/render`."""

Value = Any
"""Plain data as TOML has it: str, int, float, bool, date, time, list, table; strings may hold `${...}`."""

Function = str | Callable[..., Any]
"""`module:function` of the project, or the function itself where the workflow is written in Python."""

Reference = str
"""The result of a node, or a part of it: `load`, `load.field`, `load["any key"]`, `load[0]`."""

Seconds = Annotated[float, Meta(ge=0, extra={"unit": "s"}, extra_json_schema={"x-unit": "s"})]
"""A length of time: a number of seconds here, also "90s" or "1h30m" in the project file."""


class NodeType(Enum):
    """What kind of thing a node is."""

    TASK = "task"
    COMPOSITE = "composite"
    CONDITIONAL = "conditional"
    PARALLEL = "parallel"
    SEQUENTIAL = "sequential"
    SUB_WORKFLOW = "sub_workflow"
    MAP = "map"
    LOOP = "loop"
    SWITCH = "switch"
    WAIT = "wait"
    APPROVAL = "approval"


# -- how often to try again ------------------------------------------------------------------------------------------


class RetryStrategy(Struct, frozen=True, tag_field="strategy"):
    """How long to wait before the next try. One of the four below."""


class Immediate(RetryStrategy, frozen=True, tag="immediate"):
    """Try again at once."""


class FixedDelay(RetryStrategy, frozen=True, tag="fixed"):
    """Wait the same time before every try."""

    delay: Annotated[Seconds, Meta(description="seconds before each new try")] = 1.0


class ExponentialBackoff(RetryStrategy, frozen=True, tag="exponential"):
    """Wait longer before every try: min(max, initial * multiplier ** (k - 1)) before retry k, give or take `jitter`."""

    initial: Annotated[Seconds, Meta(description="seconds before the first new try")] = 1.0
    multiplier: Annotated[float, Meta(ge=1, description="by how much each wait is longer than the last")] = 2.0
    max: Annotated[Seconds, Meta(description="no wait is longer than this")] = 60.0
    jitter: Annotated[float, Meta(ge=0, le=1, description="share of the wait, 0 to 1, that chance may add or take")] = (
        0.0
    )


class CustomDelay(RetryStrategy, frozen=True, tag="custom"):
    """Ask a function of yours: it gets the number of the failed attempt (from 1) and returns seconds."""

    function: Annotated[Function, Meta(description="module:function")]


class RetryPolicy(Struct, frozen=True):
    """How often a failed attempt is tried again, after which wait, and after which failures."""

    max_retries: Annotated[int, Meta(ge=0, description="tries after the first one")] = 0
    strategy: RetryStrategy = Immediate()
    on: Annotated[tuple[str | int, ...], Meta(description="only after these: exception names, exit codes")] = ()


# -- what to do when all tries failed --------------------------------------------------------------------------------


class OnError(Struct, frozen=True, tag_field="action"):
    """What to do when a node has failed for good. One of the four below."""


class Fail(OnError, frozen=True, tag="fail"):
    """The run fails."""


class Skip(OnError, frozen=True, tag="skip"):
    """The node counts as skipped, and the run goes on."""


class RunAlternative(OnError, frozen=True, tag="alternative"):
    """Another node runs with the same inputs; its result stands in for the missing one."""

    alternative: NodeId


class Compensate(OnError, frozen=True, tag="compensate"):
    """What was done is undone: the named nodes in their order, or every finished `undo`, last finished first."""

    nodes: tuple[NodeId, ...] = ()


Join = Literal["all", "any", "all_done"] | int
"""When a node with several upstream nodes may start; a number n is `{ at_least = n }`."""


# -- bodies: what a node does ----------------------------------------------------------------------------------------


class Task(Struct, frozen=True):
    """Calls a function of the project."""

    task: Annotated[Function, Meta(description="module:function, imported from the project's folder")]


Output = Literal["text", "lines", "json", "none", "full"]


class Command(Struct, frozen=True):
    """Runs a program, without any shell in between."""

    command: Annotated[tuple[str, ...], Meta(description="the program and its arguments")]
    output: Annotated[Output, Meta(description="what of its output becomes the result")] = "text"
    ok_codes: Annotated[tuple[int, ...], Meta(description="exit codes that mean success")] = (0,)


class Shell(Struct, frozen=True):
    """Runs a script with /bin/sh -euc. Its text is never filled in: inputs and args arrive as environment variables."""

    shell: Annotated[str, Meta(description="the script")]
    output: Annotated[Output, Meta(description="what of its output becomes the result")] = "text"
    ok_codes: Annotated[tuple[int, ...], Meta(description="exit codes that mean success")] = (0,)


class SubWorkflow(Struct, frozen=True):
    """Runs another workflow with params of its own."""

    workflow: Annotated[str, Meta(description="a file, or the NAME of a [workflows.NAME] of this one")]
    params: Annotated[Mapping[str, Value], Meta(description="values for its params")] = {}


class Composite(Struct, frozen=True):
    """Holds nodes of its own, run one after the other or side by side."""

    nodes: Mapping[str, Node] = {}
    kind: Annotated[Literal["parallel", "sequential"], Meta(description="side by side, or in file order")] = "parallel"
    max_parallel: Annotated[int | None, Meta(ge=1, description="at most so many of them at once")] = None


class Conditional(Struct, frozen=True, rename={"then": "then", "otherwise": "else"}):
    """Runs one of two branches, which it owns; its result is the taken branch's."""

    condition: Annotated[Function, Meta(description="a comparison over ${...}, or module:function")]
    then: Node
    otherwise: Node | None = None


class Switch(Struct, frozen=True, rename={"otherwise": "else"}):
    """Runs the branch whose key equals a value, which it owns."""

    switch: Annotated[Function, Meta(description="a ${...} reference, or module:function")]
    cases: Mapping[str, Node] = {}
    otherwise: Node | None = None


class Wait(Struct, frozen=True, rename={"seconds": "for"}):
    """Waits: for a length of time, until a time of day, or until a file is there. Exactly one of the three."""

    seconds: Annotated[Seconds | None, Meta(description="a length of time")] = None
    until: Annotated[str | None, Meta(description="a time of day, 02:00, or a date and time")] = None
    file: Annotated[str | None, Meta(description="a file that somebody makes")] = None


class Approval(Struct, frozen=True):
    """Waits until a person answers."""

    approval: Annotated[str, Meta(description="the question")]
    choices: Annotated[tuple[str, ...], Meta(description="the answers to choose from")] = ("yes", "no")
    default: Annotated[str | None, Meta(description="the answer when `timeout` has passed")] = None


class Plugin(Struct, frozen=True):
    """A kind of node that an installed package brings."""

    kind: str
    options: Mapping[str, Value] = {}


Body = Task | Command | Shell | SubWorkflow | Composite | Conditional | Switch | Wait | Approval | Plugin


# -- wrappers: a body many times -------------------------------------------------------------------------------------


class Map(Struct, frozen=True):
    """Runs the body once for each item, the number of which is known when it starts."""

    map: Annotated[Value, Meta(description="a node, a ${...} reference, a list, or a table of them")]
    product: Annotated[bool, Meta(description="every combination instead of side by side")] = False
    max_parallel: Annotated[int | None, Meta(ge=1, description="at most so many items at once")] = None


class Loop(Struct, frozen=True):
    """Runs the body again until its condition says stop."""

    condition: Annotated[Function, Meta(description="over ${value} and ${index}, or module:function")]
    negate: Annotated[bool, Meta(description="true for `while`: stop when it no longer holds")] = False
    carry: Annotated[str | None, Meta(description="the argument that gets the last round's value")] = None
    initial: Annotated[Value, Meta(description="what `carry` gets in the first round")] = None
    delay: Annotated[Seconds, Meta(description="seconds between rounds")] = 0.0
    max_iterations: Annotated[int | None, Meta(ge=1, description="fail after so many rounds")] = None


# -- settings: how a node is run -------------------------------------------------------------------------------------


class Settings(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How a node is run. None or an empty value means: not said here, look at [defaults]."""

    description: Annotated[str | None, Meta(description="one line for people")] = None
    notes: Annotated[str | None, Meta(description="as long as you like; shown on the canvas")] = None
    tags: Annotated[tuple[str, ...], Meta(description="words to find it by")] = ()
    enabled: Annotated[bool, Meta(description="false: bypassed, its inputs pass through")] = True
    executor: Annotated[str | None, Meta(description="inline, threads, processes, agents, dask, or a plug-in's")] = None
    timeout: Annotated[Seconds | None, Meta(description="seconds per attempt")] = None
    retry: RetryPolicy | None = None
    on_error: OnError | None = None
    undo: Annotated[Node | None, Meta(description="what takes it back; gets `result`")] = None
    join: Annotated[Join, Meta(description="all, any, all_done, or at least so many")] = "all"
    when: Annotated[Value, Meta(description="a guard: when it does not hold, the node is skipped")] = None
    priority: Annotated[int, Meta(description="higher starts first")] = 0
    requires: Annotated[Value, Meta(description='labels, or { labels = [...], gpu = 1, memory = "16GiB" }')] = None
    pool: Annotated[str | None, Meta(description="a named limit of [pools]")] = None
    cache: Annotated[bool | None, Meta(description="do not run again what has not changed")] = None
    once: Annotated[bool, Meta(description="never run again by itself when its fate is unknown")] = False
    env: Annotated[Mapping[str, Value], Meta(description="environment variables")] = {}
    cwd: Annotated[str | None, Meta(description="working directory, from the project's folder")] = None
    reads: Annotated[tuple[str, ...], Meta(description="files it reads")] = ()
    writes: Annotated[tuple[str, ...], Meta(description="files it writes")] = ()


DEFAULT_SETTINGS = Settings()


class Node(Struct, frozen=True):
    """One step of a workflow: a body, its edges, wrappers around the body, and how it is run."""

    id: NodeId
    body: Body
    inputs: Annotated[
        Mapping[str, Reference | tuple[Reference, ...]], Meta(description="argument <- result of a node, or a list")
    ] = {}
    args: Annotated[Mapping[str, Value], Meta(description="arguments that do not come from nodes")] = {}
    needs: Annotated[tuple[NodeId, ...], Meta(description="nodes that must end before, without data")] = ()
    each: Map | None = None
    again: Loop | None = None
    settings: Settings = DEFAULT_SETTINGS

    @property
    def node_type(self) -> NodeType:
        """The kind that people see: a wrapper hides its body."""
        if self.each is not None:
            return NodeType.MAP
        if self.again is not None:
            return NodeType.LOOP
        if isinstance(self.body, Composite):
            return NodeType.SEQUENTIAL if self.body.kind == "sequential" else NodeType.PARALLEL
        return _NODE_TYPES[type(self.body)]


_NODE_TYPES: dict[type, NodeType] = {
    Task: NodeType.TASK,
    Command: NodeType.TASK,
    Shell: NodeType.TASK,
    SubWorkflow: NodeType.SUB_WORKFLOW,
    Conditional: NodeType.CONDITIONAL,
    Switch: NodeType.SWITCH,
    Wait: NodeType.WAIT,
    Approval: NodeType.APPROVAL,
    Plugin: NodeType.TASK,
}


# -- the project -----------------------------------------------------------------------------------------------------

ParamType = Literal["str", "int", "float", "bool", "list", "table", "date"]


class Param(Struct, frozen=True):
    """A named value that whoever starts the run may choose. The short form `name = value` has only a default."""

    default: Annotated[Value | UnsetType, Meta(description="its value when nobody chooses one")] = UNSET
    type: Annotated[ParamType | None, Meta(description="taken from the default where it is not said")] = None
    required: Annotated[bool, Meta(description="must be given with -p")] = False
    choices: Annotated[tuple[Value, ...], Meta(description="the only values allowed")] = ()
    pattern: Annotated[str | None, Meta(description="a regular expression that text must match")] = None
    help: Annotated[str | None, Meta(description="one line for people")] = None
    short: bool = False
    """True if it was written `name = value`; the writer keeps that form."""


OWN_SCHEDULERS = ("topological", "priority", "longest-path")
"""What `scheduler` may say without any package."""


class RunSettings(Struct, frozen=True, kw_only=True):
    """The [run] table: rules for a whole run."""

    timeout: Annotated[Seconds | None, Meta(description="seconds for the whole run")] = None
    fail_fast: Annotated[bool, Meta(description="cancel what runs when a node fails")] = False
    max_parallel: Annotated[int | None, Meta(ge=1, description="at most so many attempts at once")] = None
    on_error: Annotated[Literal["fail", "compensate"], Meta(description="when a node fails for good")] = "fail"
    scheduler: Annotated[
        str | None,
        Meta(description="which ready nodes start first: topological, priority, longest-path, or a plug-in's"),
    ] = None
    error_handler: Annotated[str | None, Meta(description="a plug-in's, asked after each failed attempt")] = None
    on_success: Annotated[Node | None, Meta(description="a node run once after success")] = None
    on_failure: Annotated[Node | None, Meta(description="a node run once after failure")] = None
    overlap: Annotated[Literal["allow", "refuse", "queue"], Meta(description="two runs at once")] = "allow"
    durability: Annotated[Literal["normal", "strict"], Meta(description="strict: record before each start")] = "normal"
    notify: Annotated[Value, Meta(description="bell, a command or a webhook at the end")] = None
    keep: Annotated[Value, Meta(description="how many runs, or how long")] = None


class Defaults(Struct, frozen=True, kw_only=True):
    """The [defaults] table: for every task and command that does not say otherwise."""

    executor: str | None = None
    timeout: Seconds | None = None
    retry: RetryPolicy | None = None
    on_error: OnError | None = None
    env: Mapping[str, Value] = {}
    cwd: str | None = None
    pool: str | None = None
    cache: bool | None = None
    requires: Value = None


class AgentHost(Struct, frozen=True):
    """One [[agents.hosts]]: a machine that may run an agent."""

    host: str
    slots: Annotated[int | None, Meta(ge=1)] = None
    labels: tuple[str, ...] = ()
    resources: Mapping[str, Value] = {}
    python: str | None = None


class AgentSettings(Struct, frozen=True, rename="kebab"):
    """The [agents] table."""

    strategy: Literal["round-robin", "least-loaded", "capacity", "random"] = "least-loaded"
    heartbeat: Seconds | None = None
    linger: Seconds | None = None
    bind: str | None = None
    hosts: tuple[AgentHost, ...] = ()


class Workflow(Struct, frozen=True):
    """A graph with params and a result: the whole of a small project, or one [workflows.NAME] of a larger one."""

    name: str
    nodes: Mapping[str, Node] = {}
    params: Mapping[str, Param] = {}
    result: Reference | None = None
    description: str | None = None


class Project(Struct, frozen=True, kw_only=True):
    """Everything that one project file says."""

    workflow: Workflow
    format: int = 1
    python: Annotated[str | None, Meta(description="the interpreter that runs the tasks")] = None
    files: Annotated[tuple[str, ...], Meta(description="what travels to other machines")] = ()
    vars: Annotated[Mapping[str, Value], Meta(description="shared variables and their first values")] = {}
    run: RunSettings = RunSettings()
    defaults: Defaults = Defaults()
    pools: Annotated[Mapping[str, Annotated[int, Meta(ge=1)]], Meta(description="named limits: how many at once")] = {}
    workflows: Mapping[str, Workflow] = {}
    agents: AgentSettings = AgentSettings()
    studio: Annotated[Mapping[str, Value], Meta(description="the studio's own; the engine never reads it")] = {}
