"""What can be added to a workflow: functions found by reading, kinds, and the search through both."""

from __future__ import annotations

import os
from importlib import metadata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.project.checks import check_text
from engine.project.ids import why_bad
from engine.project.layout import to_text
from engine.project.model import Node, NodeId, Plugin, Project, Shell, Task, Workflow
from engine.project.writing import to_tables
from studio.document import catalog as catalog_room
from studio.document.catalog import KINDS, Catalog, free_id, read_catalog
from studio.document.functions import MAX_FILE_BYTES, functions_in, read_functions
from studio.document.matching import match
from studio.theme import KINDS as KIND_LOOKS

TASKS = '''\
from engine import task


def drop_outliers(rows, z=3.0, *, by: str = "mass"):
    """Drop rows further than z deviations out.

    More words.
    """
    raise SystemExit("nobody imports this")


@task(timeout="30s", retries=compute(), tags=["slow"])
async def fetch(ctx, url, **more):
    return url


def _private(): ...
def test_something(rows): ...


class Model:
    def fit(self): ...


if True:
    def plot(rows, path="out.svg"): ...

raise SystemExit("nobody runs this")
'''


def project(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        path = folder / name.replace("__", "/").replace("_py", ".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


# -- functions


def test_functions_are_found_by_reading_with_all_that_their_source_tells(tmp_path: Path) -> None:
    found = {f.name: f for f in read_functions(project(tmp_path, tasks_py=TASKS))["tasks.py"].functions}
    assert list(found) == ["fetch", "drop_outliers", "test_something", "plot"]  # what says @task comes first
    drop = found["drop_outliers"]
    assert (drop.reference, drop.signature) == ("tasks:drop_outliers", "rows, z=3.0, by='mass'")
    assert (drop.about, drop.line, drop.inputs) == ("Drop rows further than z deviations out.", 4, ("rows",))
    fetch = found["fetch"]
    assert fetch.is_async
    assert fetch.decorated
    assert fetch.takes_any
    assert fetch.takes_context
    assert (fetch.signature, fetch.options) == ("url, **", {"timeout": "30s", "tags": ["slow"]})


def test_what_is_nobodys_task_is_left_out(tmp_path: Path) -> None:
    code = "def found(): ...\n"
    project(tmp_path, tasks_py=code, pkg__steps_py=code, pkg__deep_steps_py=code)
    for place in ("tests/test_a.py", "test_b.py", "c_test.py", "conftest.py", "_hidden.py", ".git/d.py", "venv/e.py"):
        (tmp_path / place).parent.mkdir(exist_ok=True)
        (tmp_path / place).write_text(code)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "pyvenv.cfg").write_text("")
    (tmp_path / "elsewhere" / "f.py").write_text(code)
    (tmp_path / "large.py").write_text("#" * (MAX_FILE_BYTES + 1))
    (tmp_path / "loop").symlink_to(tmp_path)
    os.mkfifo(tmp_path / "pipe.py")
    found = [f.reference for module in read_functions(tmp_path).values() for f in module.functions]
    assert found == ["tasks:found", "pkg.deep_steps:found", "pkg.steps:found"]


@pytest.mark.parametrize("text", ["def broken(:", "\x00", "(" * 5_000, "def f(): pass\n" * 3 + "\ud83d"])
def test_source_that_cannot_be_read_offers_nothing_or_what_it_can(text: str) -> None:
    assert len(functions_in(text, "tasks", "tasks.py")) <= 1


def test_a_list_of_public_names_is_believed() -> None:
    text = '__all__ = ["_two"]\ndef one(): ...\ndef _two(): ...\n'
    assert [f.name for f in functions_in(text, "m", "m.py")] == ["_two"]


def test_only_files_that_changed_are_read_again(tmp_path: Path) -> None:
    first = read_catalog(project(tmp_path, a_py="def a(): ...\n", b_py="def b(): ...\n"))
    assert read_catalog(tmp_path, first) is first
    (tmp_path / "b.py").write_text("def b(): ...\ndef c(): ...\n")
    second = read_catalog(tmp_path, first)
    assert second.modules["a.py"] is first.modules["a.py"]
    assert [e.name for e in second.entries if e.own] == ["a", "b", "c"]
    assert second.function("b:c") is not None
    assert first.function("b:c") is None


# -- kinds


@pytest.mark.parametrize("after", [None, "load"])
@pytest.mark.parametrize("entry", KINDS, ids=lambda entry: entry.name)
def test_every_kind_starts_as_a_node_that_the_checks_accept(entry: catalog_room.Entry, after: str | None) -> None:
    node = entry.node({"load"}, after)
    nodes = {"load": Node(NodeId("load"), Shell("true")), str(node.id): node}
    text = to_text(to_tables(Project(workflow=Workflow("p", nodes))))
    read, findings = check_text(text)
    assert {finding.code for finding in findings} <= {"missing-workflow"}  # which one, only the person knows
    assert read is not None
    assert read.workflow.nodes[str(node.id)] == node
    assert entry.kind in KIND_LOOKS


def test_there_is_an_entry_for_every_kind() -> None:
    assert {entry.kind for entry in KINDS} == set(KIND_LOOKS)


def test_a_function_starts_as_a_task_under_a_free_id(tmp_path: Path) -> None:
    offered = read_catalog(project(tmp_path, tasks_py="def load(path): ...\n")).find("load")[0].entry
    assert offered.node({"load", "load_2"}) == Node(NodeId("load_3"), Task("tasks:load"))


def test_the_group_of_kinds_is_the_engines() -> None:
    from engine.plugins import NODES

    assert catalog_room.PLUGIN_GROUP == NODES


@pytest.mark.seed("S264")
def test_kinds_of_packages_are_offered_and_not_imported(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    point = metadata.EntryPoint("sparkle", "no_such_package:Sparkle", catalog_room.PLUGIN_GROUP)
    monkeypatch.setattr(metadata, "entry_points", lambda group: [point] if group == "flowloom.nodes" else [])
    catalog_room._plugin_names.cache_clear()
    try:
        entry = read_catalog(tmp_path).find("sparkle")[0].entry
    finally:
        catalog_room._plugin_names.cache_clear()
    assert entry.plugin == "sparkle"
    assert entry.node() == Node(NodeId("sparkle"), Plugin("sparkle"))


@given(st.text(max_size=80), st.sets(st.text(max_size=5)))
def test_a_free_id_is_a_good_one_that_nobody_has(wanted: str, taken: set[str]) -> None:
    free = free_id(wanted, taken)
    assert why_bad(free) is None
    assert free not in taken


# -- search


def test_functions_come_before_kinds_and_better_matches_before_worse(tmp_path: Path) -> None:
    text = "def route(x): ...\ndef outlier_plot(rows): ...\ndef drop_outliers(rows): ...\n"
    found = read_catalog(project(tmp_path, tasks_py=text)).find("out")
    assert [each.entry.name for each in found] == ["outlier_plot", "drop_outliers", "route"]
    assert [each.places for each in found] == [(0, 1, 2), (5, 6, 7), (1, 2, 3)]
    assert not any(each.entry.own for each in read_catalog(tmp_path).find("wait"))


def test_a_colon_searches_in_modules_too(tmp_path: Path) -> None:
    found = read_catalog(project(tmp_path, a_py="def load(): ...\n", b_py="def load(): ...\n")).find("b:lo")
    assert [(each.entry.function and each.entry.function.reference, each.places) for each in found] == [
        ("b:load", (0, 1))
    ]


def test_an_empty_query_finds_everything_in_its_order() -> None:
    everything = Catalog(KINDS).find("")
    assert [found.entry for found in everything] == list(KINDS)


@pytest.mark.parametrize(
    ("query", "text", "places"),
    [
        ("do", "drop_outliers", (0, 5)),
        ("FIT", "refit_fit", (6, 7, 8)),
        ("gi", "getItem", (0, 3)),
        ("x y", "x_y", (0, 2)),
    ],
)
def test_letters_that_begin_words_or_follow_each_other_are_preferred(
    query: str, text: str, places: tuple[int, ...]
) -> None:
    found = match(query, text)
    assert found is not None
    assert found.places == places


@given(st.text(max_size=30), st.text(max_size=60))
def test_matched_letters_spell_the_query(query: str, text: str) -> None:
    found = match(query, text)
    wanted = query.casefold().replace(" ", "")[:64]
    if found is not None:
        assert [text[place].casefold() for place in found.places] == list(wanted)
        assert list(found.places) == sorted(set(found.places))
    elif all(len(char.casefold()) == 1 for char in text):
        rest = iter(text.casefold())
        assert not all(char in rest for char in wanted)
