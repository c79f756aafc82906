"""Model to text to model, and text to model to text: nothing is lost, nothing is added."""

from __future__ import annotations

import tomllib
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from engine.project.editing import Delete, Set, edit, update_text
from engine.project.findings import Notes
from engine.project.ids import why_bad
from engine.project.model import (
    AgentHost,
    AgentSettings,
    Approval,
    Command,
    Compensate,
    Composite,
    Conditional,
    CustomDelay,
    Defaults,
    ExponentialBackoff,
    Fail,
    FixedDelay,
    Immediate,
    Loop,
    Map,
    Node,
    NodeId,
    Param,
    Project,
    RetryPolicy,
    RunAlternative,
    RunSettings,
    Settings,
    Shell,
    Skip,
    SubWorkflow,
    Switch,
    Task,
    Wait,
    Workflow,
)
from engine.project.toml import read, write

EVERYTHING = (Path(__file__).parent / "everything.toml").read_text()

# -- any project -----------------------------------------------------------------------------------------------------

text = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
ids = st.one_of(
    st.sampled_from(["load", "clean", "fit", "任务1", "naïve", "_x", "1a", "a-b"]),
    st.text(st.characters(categories=["Lu", "Ll", "Lo", "Nd"]), min_size=1, max_size=6),
).filter(lambda name: why_bad(name) is None)
seconds = st.one_of(
    st.sampled_from([0.0, 0.25, 1.0, 90.0, 300.0, 5400.0, 86400.0, 1e-6, 1.5, 3661.0]),
    st.floats(min_value=0, max_value=1e7, allow_nan=False),
)
dates = st.one_of(
    st.dates(date(1970, 1, 1), date(2100, 1, 1)),
    st.datetimes(datetime(1970, 1, 1), datetime(2100, 1, 1)),
    st.datetimes(datetime(1970, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)),
    st.times().map(lambda moment: moment.replace(tzinfo=None)),
)
scalars = st.one_of(
    text,
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False),
    dates,
    st.sampled_from(["${params.x}", "two\nlines\n", "'''", '"""', "\\", "\r\n", "\x1b[31m", "", " ", "'", '"']),
)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3), max_leaves=6
)
tables = st.dictionaries(text, values, max_size=3)
functions = st.sampled_from(["tasks:load", "pkg.tasks:Class.method"])
names = st.lists(ids.map(NodeId), max_size=3).map(tuple)

strategies = st.one_of(
    st.just(Immediate()),
    st.builds(FixedDelay, seconds),
    st.builds(ExponentialBackoff, seconds, st.floats(1, 10), seconds, st.floats(0, 1)),
    st.builds(CustomDelay, functions),
)
retries = st.builds(
    RetryPolicy, st.integers(0, 9), strategies, st.lists(st.sampled_from(["ValueError", 3]), max_size=2).map(tuple)
)
actions = st.one_of(
    st.just(Fail()), st.just(Skip()), st.builds(RunAlternative, ids.map(NodeId)), st.builds(Compensate, names)
)
outputs = st.sampled_from(["text", "lines", "json", "none", "full"])
codes = st.lists(st.integers(0, 255), max_size=2).map(tuple)
words = st.lists(text, max_size=3).map(tuple)


@st.composite
def some_settings(draw: Any, undo: st.SearchStrategy[Node] | None = None) -> Settings:
    maybe = st.none()
    return Settings(
        description=draw(maybe | text),
        notes=draw(maybe | st.just("one\ntwo\n")),
        tags=draw(words),
        enabled=draw(st.booleans()),
        executor=draw(maybe | st.sampled_from(["inline", "acme"])),
        timeout=draw(maybe | seconds),
        retry=draw(maybe | retries),
        on_error=draw(maybe | actions),
        undo=None if undo is None else draw(maybe | undo),
        join=draw(st.sampled_from(["all", "any", "all_done", 1, 3])),
        when=draw(maybe | st.booleans() | text),
        priority=draw(st.integers(-5, 5)),
        requires=draw(maybe | st.just(["gpu"]) | tables),
        pool=draw(maybe | text),
        cache=draw(maybe | st.booleans()),
        once=draw(st.booleans()),
        env=draw(tables),
        cwd=draw(maybe | text),
        reads=draw(words),
        writes=draw(words),
    )


simple_bodies = st.one_of(
    st.builds(Task, functions),
    st.builds(Command, words, outputs, codes),
    st.builds(Shell, text | st.just("set -e\necho '''x'''\n"), outputs, codes),
    st.builds(SubWorkflow, ids, tables),
    seconds.map(lambda length: Wait(seconds=length)),
    text.map(lambda moment: Wait(until=moment)),
    text.map(lambda name: Wait(file=name)),
    st.builds(Approval, text, words, st.none() | text),
)
sources = st.one_of(ids, st.lists(ids, max_size=2).map(tuple))


def node_named(name: str, bodies: st.SearchStrategy[Any], undo: Any = None) -> st.SearchStrategy[Node]:
    def wrapped(node: Node, each: Map | None, again: Loop | None) -> Node:
        if isinstance(node.body, Composite) and node.body.max_parallel is not None:
            each = None
        return replace(node, each=each, again=again)

    plain = st.builds(
        Node,
        id=st.just(NodeId(name)),
        body=bodies,
        inputs=st.dictionaries(text, sources, max_size=2),
        args=tables,
        needs=names,
        settings=st.just(Settings()) | some_settings(undo),
    )
    maps = st.builds(
        Map, st.sampled_from(["load", ["a", 1], "${params.x}", {"row": "clean"}]), st.booleans(), st.none() | st.just(3)
    )
    loops = st.builds(
        Loop, st.sampled_from(["tasks:done", "${value}"]), st.booleans(), st.none() | text, st.none() | scalars, seconds,
        st.none() | st.integers(1, 9),
    )  # fmt: skip
    return st.builds(wrapped, plain, st.none() | maps, st.none() | loops)


def nodes_of(bodies: st.SearchStrategy[Any], undo: Any = None) -> st.SearchStrategy[dict[str, Node]]:
    return st.lists(ids, max_size=3, unique=True).flatmap(
        lambda found: st.fixed_dictionaries({name: node_named(name, bodies, undo) for name in found})
    )


def holding(bodies: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(
        bodies,
        st.builds(Composite, nodes_of(bodies), st.sampled_from(["parallel", "sequential"]), st.none() | st.just(2)),
        st.builds(Conditional, functions, node_named("then", bodies), st.none() | node_named("else", bodies)),
        st.builds(Switch, functions, nodes_of(bodies), st.none() | node_named("else", bodies)),
    )


bodies = holding(holding(simple_bodies))
plain_param = st.builds(Param, default=scalars | st.lists(scalars, max_size=2), short=st.just(True))
long_param = st.builds(
    Param,
    default=values,
    type=st.none() | st.sampled_from(["str", "int", "list"]),
    required=st.booleans(),
    choices=st.lists(scalars, max_size=2).map(tuple),
    pattern=st.none() | text,
    help=st.none() | text,
)
params = st.dictionaries(text, plain_param | long_param | st.just(Param(required=True)), max_size=3)


@st.composite
def projects(draw: Any) -> Project:
    undo = node_named("undo", simple_bodies)
    workflow = Workflow(
        draw(text), draw(nodes_of(bodies, undo)), draw(params), draw(st.none() | ids), draw(st.none() | text)
    )
    inner = {
        name: Workflow(name, draw(nodes_of(simple_bodies)), draw(params), draw(st.none() | ids), draw(st.none() | text))
        for name in draw(st.lists(ids, max_size=1))
    }
    return Project(
        workflow=workflow,
        python=draw(st.none() | text),
        files=draw(words),
        vars=draw(tables),
        run=draw(
            st.builds(
                RunSettings,
                timeout=st.none() | seconds,
                fail_fast=st.booleans(),
                max_parallel=st.none() | st.integers(1, 9),
                on_error=st.sampled_from(["fail", "compensate"]),
                on_failure=st.none() | node_named("on_failure", simple_bodies),
                overlap=st.sampled_from(["allow", "refuse"]),
                keep=st.none() | scalars,
            )
        ),
        defaults=draw(
            st.builds(
                Defaults,
                executor=st.none() | text,
                timeout=st.none() | seconds,
                retry=st.none() | retries,
                on_error=st.none() | actions,
                env=tables,
                cache=st.none() | st.booleans(),
            )
        ),
        pools=draw(st.dictionaries(text, st.integers(1, 99), max_size=2)),
        workflows=inner,
        agents=draw(
            st.builds(
                AgentSettings,
                strategy=st.sampled_from(["capacity", "least-loaded"]),
                heartbeat=st.none() | seconds,
                hosts=st.lists(
                    st.builds(AgentHost, text, st.none() | st.integers(1, 9), words, tables), max_size=2
                ).map(tuple),
            )
        ),
        studio=draw(tables),
    )


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(projects())
def test_what_is_written_is_read_back_equal(project: Project) -> None:
    written = write(project)
    reading = read(written)
    assert reading.notes.items == []
    assert reading.project == project
    assert write(reading.project) == written


def test_the_order_of_nodes_is_kept() -> None:
    written = write(read(EVERYTHING).project)
    assert list(tomllib.loads(written)["nodes"]) == list(tomllib.loads(EVERYTHING)["nodes"])


def test_every_kind_of_node_survives() -> None:
    project = read(EVERYTHING).project
    assert read(write(project)).project == project


# -- edits -----------------------------------------------------------------------------------------------------------


def with_node(project: Project, name: str, node: Node | None) -> Project:
    nodes = dict(project.workflow.nodes)
    if node is None:
        del nodes[name]
    else:
        nodes[name] = node
    return replace(project, workflow=replace(project.workflow, nodes=nodes))


COMMENTED = """\
# The whole story

format   =   1      # oddly spaced
[project]
name = 'penguins'   # single quotes

# first things first
[nodes.load]
task = "tasks:load"             # reads
args = { path = "a.csv" ,  n = 0x10 }

[nodes.clean]   # second
inputs = { rows = "load" }
task = "tasks:clean"
timeout = 90
# the end
"""


def test_no_change_leaves_every_byte() -> None:
    project = read(COMMENTED).project
    assert update_text(COMMENTED, project, project) == COMMENTED


def test_one_setting_changes_one_line() -> None:
    project = read(COMMENTED).project
    clean = project.workflow.nodes["clean"]
    new = with_node(project, "clean", replace(clean, settings=Settings(timeout=120.0)))
    edited = update_text(COMMENTED, project, new)
    assert edited == COMMENTED.replace("timeout = 90", 'timeout = "2m"')


def test_a_comment_behind_a_changed_value_stays() -> None:
    project = read(COMMENTED).project
    load = project.workflow.nodes["load"]
    edited = update_text(COMMENTED, project, with_node(project, "load", replace(load, body=Task("tasks:fetch"))))
    assert edited == COMMENTED.replace('"tasks:load"  ', '"tasks:fetch"  ')


def test_a_new_setting_stands_below_those_of_its_node() -> None:
    project = read(COMMENTED).project
    load = project.workflow.nodes["load"]
    new = with_node(project, "load", replace(load, settings=Settings(retry=RetryPolicy(2), tags=("a",))))
    edited = update_text(COMMENTED, project, new)
    below = edited.split("[nodes.load]")[1].split("[nodes.clean]")[0]
    assert below.endswith('tags = ["a"]\nretry = { max_retries = 2 }\n\n')
    assert edited.replace("retry = { max_retries = 2 }\n", "").replace('tags = ["a"]\n', "") == COMMENTED


def test_a_new_node_comes_last_and_changes_nothing_above() -> None:
    project = read(COMMENTED).project
    new = with_node(project, "pack", Node(NodeId("pack"), Command(("tar", "c")), needs=(NodeId("clean"),)))
    edited = update_text(COMMENTED, project, new)
    assert edited == COMMENTED + '\n[nodes.pack]\ncommand = ["tar", "c"]\nneeds = ["clean"]\n'


def test_a_removed_node_takes_only_itself() -> None:
    project = read(COMMENTED).project
    edited = update_text(COMMENTED, project, with_node(project, "load", None))
    assert "[nodes.clean]   # second" in edited
    assert "# The whole story" in edited
    assert "tasks:load" not in edited


def test_line_ends_of_windows_stay() -> None:
    text = COMMENTED.replace("\n", "\r\n")
    edited = edit(text, [Set(("nodes", "clean", "timeout"), 5), Set(("nodes", "new"), {"shell": "x"})])
    assert edited.count("\r\n") == edited.count("\n")
    assert tomllib.loads(edited)["nodes"]["clean"]["timeout"] == 5


def test_what_implied_a_strategy_may_go() -> None:
    old = read('[nodes.a]\nshell = "x"\nretry = { max_retries = 1, initial = "5s" }\n').project
    node = old.workflow.nodes["a"]
    new = with_node(old, "a", replace(node, settings=Settings(retry=RetryPolicy(1, ExponentialBackoff()))))
    edited = update_text('[nodes.a]\nshell = "x"\nretry = { max_retries = 1, initial = "5s" }\n', old, new)
    assert read(edited).project == new


def test_single_changes_and_what_is_not_there() -> None:
    text = "[nodes.a]\nshell = 'x'\n"
    assert edit(text, []) == text
    assert edit(text, [Delete(("nodes", "b", "shell")), Delete(("nodes", "a", "cwd"))]) == text
    changed = edit(text, [Set(("run", "timeout"), "5m"), Set(("nodes", "a", "env"), {"A": "1"})])
    assert tomllib.loads(changed) == {"nodes": {"a": {"shell": "x", "env": {"A": "1"}}}, "run": {"timeout": "5m"}}


def test_a_text_that_is_no_toml_is_not_edited() -> None:
    with pytest.raises(ValueError, match="corrected"):
        edit("[nodes", [Set(("a",), 1)])


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(projects(), projects())
def test_any_project_can_be_edited_into_any_other_in_one_text(old: Project, new: Project) -> None:
    written = "# a remark\n" + write(old)
    edited = update_text(written, old, new)
    assert edited.startswith("# a remark\n")
    assert read(edited).project == new


# -- what a file cannot hold --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "leave it out"),
        ({1, 2}, "type set"),
        (b"x", "type bytes"),
        (object(), "type object"),
        ([1, {"a": None}], "args.x\\[1\\].a"),
        ({1: "a"}, "a key that is no text"),
        ("\ud800", "half of a character"),
        ({"\udfff": 1}, "half of a character"),
        (2**64, "64 bits"),
        (lambda: 1, "type function"),
    ],
)
def test_what_toml_does_not_have_is_refused_before_anything_is_written(value: Any, words: str) -> None:
    nodes = {"a": Node(NodeId("a"), Task("m:f"), args={"x": value})}
    with pytest.raises(ValueError, match=words):
        write(Project(workflow=Workflow("w", nodes)))


def test_a_function_is_written_by_its_name_if_it_has_one() -> None:
    def inner() -> None: ...

    named = Project(workflow=Workflow("w", {"a": Node(NodeId("a"), Task(why_bad))}))
    assert 'task = "engine.project.ids:why_bad"' in write(named)
    local = Project(workflow=Workflow("w", {"a": Node(NodeId("a"), Task(inner))}))
    with pytest.raises(ValueError, match="define it at the top of a module"):
        write(local)


def test_notes_are_not_shared_between_readings() -> None:
    assert read("x = 1").notes.items
    assert Notes().items == []


def test_times_are_written_as_toml_has_them() -> None:
    args = {"d": date(2026, 1, 2), "t": time(3, 4), "m": datetime(2026, 1, 2, 3, 4, tzinfo=UTC)}
    project = Project(workflow=Workflow("w", {"a": Node(NodeId("a"), Task("m:f"), args=args)}))
    assert read(write(project)).project == project
