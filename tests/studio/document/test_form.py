"""Forms: which fields there are, what a person types in them, and what comes of it in the file."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET, structs

from engine.project.layout import to_text
from engine.project.model import (
    AgentSettings,
    Approval,
    Body,
    Command,
    Composite,
    Conditional,
    Defaults,
    Loop,
    Map,
    Node,
    NodeId,
    Project,
    RunSettings,
    Settings,
    Shell,
    SubWorkflow,
    Switch,
    Task,
    Wait,
    Workflow,
)
from engine.project.writing import to_tables
from studio.document import edits
from studio.document.buffer import Buffer, row_of, rows
from studio.document.catalog import KINDS, Catalog
from studio.document.completion import Around, complete
from studio.document.draft import draft_of
from studio.document.fields import Field, Section
from studio.document.filling import Filling, begin
from studio.document.form import node_form, project_form
from studio.document.functions import Argument, TaskFunction
from studio.document.reader import Document, read
from studio.document.remarks import about, node_remarks, surroundings
from studio.document.rules import apply
from studio.document.spelling import Refused, Way, shown
from studio.document.spelling import read as typed
from studio.document.variants import changes
from studio.state import StudioState
from studio.subject import edit_of, rename_of, subject_of
from tests.studio.payloads import PAYLOADS
from tests.studio.projects import SMALL, project_in

ONE = Node(NodeId("one"), Task("tasks:one"))
BODIES: list[Body] = [
    Task("tasks:load"),
    Command(("tar", "czf")),
    Shell("true"),
    SubWorkflow("deep", {"month": 3}),
    Composite({"one": ONE}, "sequential", 2),
    Conditional("${a} > 3", ONE, ONE),
    Switch("${a}", {"x": ONE}, ONE),
    Wait(5.0),
    Approval("Publish?"),
]


def table_of(node: Node) -> Mapping[str, Any]:
    found: Mapping[str, Any] = to_tables(Project(workflow=Workflow("w", {"n": node})))["nodes"]["n"]
    return found


def fields_in(sections: tuple[Section, ...]) -> dict[str, Field]:
    every = [field for section in sections for field in section.fields]
    return {".".join(field.keys) or field.label: field for field in every if field.role != "add"}


# -- which fields there are


@pytest.mark.parametrize("body", BODIES, ids=lambda body: type(body).__name__)
def test_every_field_of_the_model_has_a_place_in_the_form_and_a_help(body: Body) -> None:
    wrapped = not isinstance(body, Composite)  # it has a max_parallel of its own
    each = Map("clean") if wrapped else None
    node = Node(NodeId("n"), body, each=each, again=Loop("${value} == 1"), inputs={"rows": "load"}, args={"z": 1})
    fields = [field for section in node_form("n", table_of(node)) for field in section.fields]
    labels = {field.label.removeprefix("+ ") for field in fields}
    labels |= {word for field in fields if field.role == "wait" for word in field.options}
    for struct in (body, node.each, node.again, node.settings):
        for info in structs.fields(struct) if struct is not None else ():
            wanted = (
                {"condition": "until"} if struct is node.again else {"nodes": "one", "cases": "x", "params": "month"}
            )
            word = wanted.get(info.encode_name, info.encode_name)
            assert word in labels | {"negate"}
    assert {"id", "rows", "z", "needs", "input", "arg"} <= labels
    assert all(field.help for field in fields)


def test_a_project_has_a_form_of_everything_outside_of_its_nodes() -> None:
    text = '[params]\na = 1\n[params.b]\ntype = "str"\n[pools]\ngpu = 2\n[vars]\nc = 1\n'
    fields = fields_in(project_form(tomllib.loads(text)))
    for key, struct in (("run", RunSettings), ("defaults", Defaults), ("agents", AgentSettings)):
        for info in structs.fields(struct):
            inner = {"retry": "retry.max_retries"}.get(info.encode_name, info.encode_name)
            assert f"{key}.{inner}" in fields or info.encode_name in ("hosts", "env")
    assert {"project.name", "project.result", "params.a", "params.b.default", "params.b.choices", "pools.gpu"} <= set(
        fields
    )


def test_what_nobody_wrote_shows_what_will_hold_and_who_says_so() -> None:
    table = {"task": "t:f", "retry": {"max_retries": 2, "strategy": "exponential", "initial": "5s"}}
    defaults = {"executor": "threads", "timeout": "5m", "on_error": {"alternative": "b"}}
    fields = fields_in(node_form("n", table, defaults=defaults, said={"timeout": "30s"}))
    assert [(fields[key].text, fields[key].tag) for key in ("executor", "timeout", "on_error", "join", "cache")] == [
        ("threads", "[defaults]"),
        ("30s", "@task"),
        ("alternative b", "[defaults]"),
        ("all", "default"),
        ("false", "default"),
    ]
    assert [fields[f"retry.{key}"].text for key in ("max_retries", "strategy", "initial", "max")] == [
        *("2", "exponential", "5s", "60s")
    ]
    group = fields_in(node_form("n", {"nodes": {}}, defaults=defaults))
    assert group["timeout"].tag == "default"  # [defaults] is for what runs, not for what holds others


def test_what_is_wrong_or_unknown_stands_in_the_form_as_it_was_written() -> None:
    fields = fields_in(
        node_form("n", {"task": "a:b", "timeout": "5 min", "retry": 3, "tiemout": "1s", "inputs": ["x"]})
    )
    assert fields["timeout"].text == "5 min"
    assert fields["retry"].value == 3
    assert fields["tiemout"].tag == "unknown"
    assert fields["inputs"].value == ["x"]


# -- how values are typed

hard = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=12),
    st.sampled_from(
        ["true", "8", "1e5", "[a]", "{", "2026-01-01", " a", "a,b", "'x", '"x', 'l["a, b"]', "12:00", "a = 1"]
    ),
    st.sampled_from(sorted(PAYLOADS.values())),
)
whole = st.integers(-(2**63), 2**63 - 1)
plain = st.one_of(hard, st.booleans(), whole, st.floats(allow_nan=False), st.dates(), st.times(), st.datetimes())
anything = st.recursive(
    plain, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(hard, inner, max_size=3), max_leaves=5
)
VALUES: dict[Way, st.SearchStrategy[Any]] = {
    "text": hard.filter(bool),
    "lines": hard.filter(bool),
    "number": plain,
    "time": plain,
    "switch": st.booleans(),
    "value": anything,
    "list": st.lists(hard),
    "codes": st.lists(hard | whole),
    "words": st.lists(hard, min_size=1),
    "node": hard | st.lists(hard),
    "nodes": st.lists(hard),
}


@pytest.mark.parametrize("way", sorted(VALUES))
@given(data=st.data())
def test_a_value_that_is_shown_is_read_as_itself(way: Way, data: st.DataObject) -> None:
    value = data.draw(VALUES[way])
    again = typed(way, shown(way, value))
    assert (type(again), again) == (type(value), value)


def in_file(value: Any) -> Any:
    """What a file says after it was given a value."""
    return tomllib.loads(to_text({"x": value}))["x"]


@pytest.mark.parametrize("way", sorted(VALUES))
@given(text=hard | st.text(max_size=30))
def test_any_text_becomes_a_value_of_the_file_or_is_refused_with_words(way: Way, text: str) -> None:
    try:
        value = typed(way, text)
    except Refused as refused:
        value = refused
    if isinstance(value, Refused):
        assert str(value)
    elif value is UNSET:
        assert not text.strip() or (way in ("text", "lines") and not text)
    else:
        assert (type(in_file(value)), in_file(value)) == (type(value), value)


@pytest.mark.parametrize(
    ("way", "text", "value"),
    [
        ("value", "8", 8),
        ("value", '"8"', "8"),
        ("value", "two words", "two words"),
        ("value", "2 apples", "2 apples"),
        ("value", "${params.x}", "${params.x}"),
        ("value", "[1, 2]", [1, 2]),
        ("time", "90s", "90s"),
        ("time", "90", 90),
        ("number", "abc", "abc"),
        ("list", 'a, "b, c"', ["a", "b, c"]),
        ("codes", "0, 2, ValueError", [0, 2, "ValueError"]),
        ("words", "tar -x 'a b'", ["tar", "-x", "a b"]),
        ("node", "clean", "clean"),
        ("node", "a, b", ["a", "b"]),
        ("node", "a,", ["a"]),
        ("node", 'load["a, b"]', 'load["a, b"]'),
        ("nodes", "a", ["a"]),
    ],
)
def test_people_write_values_without_ceremony(way: Way, text: str, value: Any) -> None:
    assert typed(way, text) == value


@pytest.mark.parametrize(
    ("way", "text", "words"),
    [
        ("value", "[1, 2", "close it with ]"),
        ("value", '"x', "not closed"),
        ("words", "tar 'x", "a quote is not closed"),
        ("list", '"a', "not closed"),
        ("value", str(10**30), ""),
        ("text", "\ud800", "half of a character"),
    ],
)
def test_what_no_file_can_hold_is_refused_with_words(way: Way, text: str, words: str) -> None:
    if words:
        with pytest.raises(Refused, match=words.replace("[", r"\[")):
            typed(way, text)
    else:
        assert typed(way, text) == text  # a number that TOML does not have stays what was typed


# -- what can be written in several ways


def set_in(table: dict[str, Any], field: Field, value: Any) -> dict[str, Any]:
    """The table after the changes of one field."""
    table = tomllib.loads(to_text(table))
    for keys, item in changes(field, value, table):
        holder = table
        for key in keys[:-1]:
            holder = holder.setdefault(key, {})
        if item is UNSET:
            holder.pop(keys[-1], None)
        else:
            holder[keys[-1]] = item
    return table


@pytest.mark.parametrize(
    ("before", "label", "value", "after"),
    [
        ({"until": "${index} > 3"}, "loop", "while", {"while": "${index} > 3"}),
        ({"wait": {"for": "5s"}}, "wait", "file", {"wait": {"file": "ready"}}),
        ({"on_error": "skip"}, "on_error", "alternative", {"on_error": {"alternative": ""}}),
        ({"on_error": {"alternative": "b"}}, "on_error", "fail", {"on_error": "fail"}),
        ({"join": "all"}, "join", "at_least", {"join": {"at_least": 1}}),
        ({}, "retry", 3, {"retry": {"max_retries": 3}}),
        ({"retry": {"max_retries": 2, "delay": "1s"}}, "retry", UNSET, {}),
        ({}, "undo", "shell", {"undo": {"shell": "true"}}),
        (
            {"retry": {"max_retries": 2, "strategy": "fixed", "delay": "1s"}},
            "strategy",
            "exponential",
            {"retry": {"max_retries": 2, "strategy": "exponential"}},
        ),
    ],
)
def test_one_choice_never_leaves_a_key_of_another_behind(
    before: dict[str, Any], label: str, value: Any, after: dict[str, Any]
) -> None:
    body = {} if "wait" in before else {"shell": "x"}
    form = node_form("n", {**body, **before})
    field = next(field for section in form for field in section.fields if field.label == label)
    assert set_in({**body, **before}, field, value) == {**body, **after}


# -- typing


AROUND = Around(
    nodes=("load", "clean", "report"),
    params=("island", "seed"),
    arguments=("rows", "z"),
    catalog=Catalog(KINDS),
    mapped=True,
)


def hand(filling: Filling, *keys: str) -> tuple[Filling | None, list[Any], int]:
    """What comes of keys; a word in quotes is typed letter by letter."""
    given: list[Any] = []
    go = 0
    now: Filling | None = filling
    for key in keys:
        presses = [(letter, letter) for letter in key[1:]] if key.startswith("'") else [(key, None)]
        for name, character in presses:
            assert now is not None, f"{key} comes after the field was left"
            step = now.press({" ": "space"}.get(name, name), character, AROUND, 20)
            now, go = step.filling, step.go
            given += [step.value] if step.given else []
    return now, given, go


def test_letters_are_letters_and_every_one_counts_at_once() -> None:
    field = Field(keys=("timeout",), label="timeout", way="time")
    left, given, go = hand(begin(field, AROUND), "'90s", "tab")
    assert (left, given, go) == (None, [9, 90, "90s"], 1)
    _, given, _ = hand(begin(Field(keys=("d",), label="d", way="text"), AROUND), "'x q!", "backspace", "escape")
    assert given == ["x", "x ", "x q", "x q!", "x q"]


def test_an_emptied_field_takes_its_line_out_of_the_file_unless_it_must_be_there() -> None:
    field = Field(keys=("cwd",), label="cwd", way="text", value="a")
    assert hand(begin(field, AROUND), "backspace")[1] == [UNSET]
    assert hand(begin(structs.replace(field, required=True), AROUND), "backspace")[1] == [""]


def test_a_text_that_no_file_can_hold_stays_with_words_and_is_dropped_by_escape() -> None:
    field = Field(keys=("args", "x"), label="x", way="value")
    now, given, _ = hand(begin(field, AROUND), "'[1", "enter")
    assert now is not None
    assert "close it" in now.refused
    assert given == []
    assert hand(now, "', 2]")[1] == [[1, 2]]
    assert hand(now, "escape")[0] is None


def test_a_choice_opens_its_words_and_gives_the_chosen_one() -> None:
    field = Field(keys=("join",), label="join", way="choice", value="any", options=("all", "any", "all_done"))
    opened = begin(field, AROUND)
    assert [candidate.text for candidate in opened.candidates] == ["all", "any", "all_done"]
    assert hand(opened, "down", "enter")[1] == ["all_done"]
    assert hand(opened, "'done", "enter")[1] == ["all_done"]
    now, given, _ = hand(opened, "'xyz", "enter")
    assert now is not None
    assert (now.refused, given) == ("choose one of all, any, all_done", [])


def test_names_are_given_when_they_are_whole_and_not_if_they_cannot_be() -> None:
    field = Field(keys=(), label="id", way="text", value="load", role="name")
    assert hand(begin(field, AROUND), "'_2", "enter")[1] == ["load_2"]
    now, given, _ = hand(begin(field, AROUND, taken=("clean",)), "ctrl+u", "'clean", "enter")
    assert now is not None
    assert ("there already" in now.refused, given) == (True, [])
    now, _, _ = hand(begin(field, AROUND), "'.x")
    assert now is not None
    assert "letters, digits" in now.refused


def test_tab_takes_what_begins_with_the_word_and_else_goes_on() -> None:
    field = Field(keys=("inputs", "rows"), label="rows", way="node", completes="node", role="entry")
    now, given, _ = hand(begin(field, AROUND), "'cl", "tab")
    assert now is not None
    assert (given[-1], now.buffer.text) == ("clean", "clean")
    assert hand(now, "tab")[2] == 1
    now, given, _ = hand(now, "', re", "down", "enter")
    assert given[-1] == ["clean", "report"]
    assert hand(begin(field, AROUND), "'oad", "tab")[1][-1] == "oad"


@pytest.mark.parametrize(
    ("completes", "text", "offered"),
    [
        ("template", "${par", ["params.island", "params.seed"]),
        ("template", "${it", ["item"]),
        ("template", "par", []),
        ("condition", "${cl", ["clean"]),
        ("items", "cl", ["clean"]),
        ("node", "load, rep", ["report"]),
        ("node", "load.ro", []),
        ("argument", "r", ["rows"]),
        ("executor", "proc", ["processes"]),
    ],
)
def test_only_what_can_stand_there_is_offered(completes: str, text: str, offered: list[str]) -> None:
    field = Field(keys=("x",), label="x", completes=completes)
    found = complete(field, text, len(text), AROUND)
    assert [candidate.text for candidate in found.candidates][: len(offered) or None] == offered


def test_a_reference_is_closed_when_it_is_taken() -> None:
    field = Field(keys=("args", "x"), label="x", completes="template")
    now, given, _ = hand(begin(field, AROUND), "'to ${see", "tab")
    assert now is not None
    assert given[-1] == "to ${params.seed}"


# -- text in hand


@given(hard, st.integers(2, 9), st.integers(0, 40))
def test_rows_hold_every_letter_once_and_the_cursor_is_in_one_of_them(text: str, width: int, at: int) -> None:
    found = rows(text, width)
    assert "".join(text[row.start : row.end] for row in found) == text.replace("\n", "")
    at = min(at, len(text))
    row = found[row_of(found, at)]
    assert row.start <= at <= max(row.end, row.start)


KEYS = [
    "left",
    "right",
    "up",
    "down",
    "home",
    "end",
    "ctrl+left",
    "ctrl+right",
    "backspace",
    "delete",
    "ctrl+w",
    "ctrl+u",
]


@given(hard, st.lists(st.sampled_from([*KEYS, "ctrl+k"])))
def test_no_key_loses_the_cursor(text: str, keys: list[str]) -> None:
    buffer = Buffer(text, len(text))
    for key in keys:
        buffer = buffer.key(key, 7) or buffer
        assert 0 <= buffer.at <= len(buffer.text)


# -- remarks at once


def test_what_is_wrong_with_a_node_is_told_without_the_rest_of_the_file(tmp_path: Path) -> None:
    document = read(project_in(tmp_path))
    assert isinstance(document, Document)
    place = surroundings(document.project, document.project.workflow, "clean", document.folder)
    assert place is not None
    assert place.nodes == ("load", "report")
    table = {"task": "tasks:clen", "inputs": {"rows": "laod"}, "timeout": "5 min", "args": {"x": "${params.y}"}}
    found = node_remarks(table, place)
    told = {key: about(found, key) for key in (("task",), ("inputs", "rows"), ("timeout",), ("args", "x"))}
    assert {key: finding.remedy for key, finding in told.items() if finding is not None} == {
        ("task",): 'did you mean "tasks:clean"?',
        ("inputs", "rows"): 'did you mean "load"?',
        ("timeout",): 'did you mean "5m"?',
        ("args", "x"): "add y = ... to [params]",
    }


# -- from a field to the file


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> StudioState:
    document = read(
        project_in(tmp_path_factory.mktemp("form"), SMALL + '\n[params]\na = 1\n[params.b]\ntype = "int"\n')
    )
    assert isinstance(document, Document)
    return StudioState(place="editor", document=document, draft=draft_of(document), cursor="report")


SOME = st.sampled_from(
    ["timeout", "executor", "priority", "tags", "inputs.rows", "needs", "env", "retry.max_retries", "cwd"]
)


@given(label=SOME, text=hard)
def test_what_is_typed_in_a_field_is_exactly_that_in_the_toml_or_is_refused(
    opened: StudioState, label: str, text: str
) -> None:
    subject = subject_of(opened)
    assert subject is not None
    assert opened.draft is not None
    field = fields_in(subject.sections).get(label) or Field(keys=(label, "KEY"), label="KEY")
    try:
        value = typed(field.way, text)
    except Refused:
        return
    draft, inverse = apply(opened.draft, edit_of(subject, field, value))
    node: Any = tomllib.loads(draft.text)["nodes"]["report"]
    for key in field.keys:
        node = node.get(key, UNSET) if isinstance(node, dict) else UNSET
    assert (type(node), node) == (type(value), value)
    assert apply(draft, inverse)[0].text == opened.draft.text


@pytest.mark.parametrize(
    ("label", "value", "line"),
    [
        ("project.description", "two\nlines", "two"),
        ("run.timeout", "5m", '"5m"'),
        ("params.a", 2, "a = 2"),
        ("params.b.type", "str", '"str"'),
    ],
)
def test_the_project_is_edited_by_its_form_too(opened: StudioState, label: str, value: Any, line: str) -> None:
    subject = subject_of(structs.replace(opened, about="project"))
    assert subject is not None
    assert opened.draft is not None
    draft, _ = apply(opened.draft, edit_of(subject, fields_in(subject.sections)[label], value))
    assert line in draft.text


def test_a_workflow_of_the_file_has_a_form_of_its_own(tmp_path: Path) -> None:
    from studio.actions import WentIn
    from studio.reduce import reduce

    text = "[nodes.deep]\nworkflow = 'w'\n[workflows.w.params]\nmonth = 1\n[workflows.w.nodes.a]\nshell = 'x'\n"
    document = read(project_in(tmp_path, text))
    assert isinstance(document, Document)
    outside = StudioState(place="editor", document=document, draft=draft_of(document), cursor="deep")
    inside = structs.replace(reduce(outside, WentIn("deep"))[0], about="project")
    subject = subject_of(inside)
    assert subject is not None
    assert inside.draft is not None
    assert subject.name == "w"
    fields = fields_in(subject.sections)
    draft, _ = apply(inside.draft, edit_of(subject, fields["params.month"], 2))
    draft, _ = apply(draft, edit_of(subject, fields["result"], "a"))
    workflow = draft.project.workflows["w"]
    assert (workflow.params["month"].default, workflow.result) == (2, "a")


def test_a_line_of_a_table_is_renamed_in_its_place(opened: StudioState) -> None:
    subject = subject_of(opened)
    assert subject is not None
    assert opened.draft is not None
    draft, _ = apply(opened.draft, rename_of(subject, fields_in(subject.sections)["inputs.rows"], "table"))
    assert draft.project.workflow.nodes["report"].inputs == {"table": "clean"}


def test_another_kind_keeps_what_is_not_of_the_body(opened: StudioState) -> None:
    subject = subject_of(opened)
    assert subject is not None
    assert opened.draft is not None
    kind = next(field for field in subject.sections[0].fields if field.role == "kind")
    edit = edit_of(subject, kind, "shell")
    assert isinstance(edit, edits.SetBody)
    node = apply(opened.draft, edit)[0].project.workflow.nodes["report"]
    assert isinstance(node.body, Shell)
    assert node.needs == ("clean",)


def test_an_argument_of_the_function_is_offered_once(opened: StudioState) -> None:
    from studio.subject import around

    function = TaskFunction("tasks", "report", "tasks.py", 1, (Argument("rows"), Argument("path", '"x"')))
    entry = structs.replace(KINDS[0], function=function)
    subject = subject_of(structs.replace(opened, catalog=Catalog((entry,))))
    assert subject is not None
    assert around(structs.replace(opened, catalog=Catalog((entry,))), subject, None).arguments == ("path",)


def test_settings_of_a_run_are_looked_at_and_not_changed(opened: StudioState) -> None:
    subject = subject_of(structs.replace(opened, place="monitor"))
    assert subject is not None
    assert "run" in subject.locked


def test_no_setting_is_forgotten() -> None:
    labels = {field.label.removeprefix("+ ") for section in node_form("n", {"shell": "x"}) for field in section.fields}
    assert {info.encode_name for info in structs.fields(Settings)} <= labels


def test_a_value_that_nothing_can_read_is_told_as_a_change(opened: StudioState) -> None:
    from studio.document.changes import changes as differences

    subject = subject_of(opened)
    assert subject is not None
    assert opened.draft is not None
    draft, _ = apply(opened.draft, edit_of(subject, fields_in(subject.sections)["timeout"], "5 min"))
    told = differences(draft)
    assert told.nodes == {"report": "changed"}
    assert [(value.keys, value.before, value.after) for value in told.values] == [(("timeout",), None, "5 min")]
