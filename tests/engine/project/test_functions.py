"""Functions of a project, found in its source without importing it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from engine.project.functions import Sources, read_module
from tests.engine.project.texts import codes, looked_at, only

TASKS = """
import json
from functools import partial
from engine import task

LIMIT = 3

def load(path, *, island="x", ctx=None): ...

@task(max_retries=2, timeout=30, name="l" + "x")
def clean(rows, *more, keep=True): ...

@task
def anything(**named): ...

@cached
def decorated(a): ...

def by_place(a, /, b): ...

async def later(a): ...

half = partial(load, "x")

class Model:
    def fit(self, rows): ...

if LIMIT:
    def sometimes(): ...

raise SystemExit("this file was run")
"""


def node(task: str, rest: str = "") -> str:
    return f'[nodes.a]\nshell = "x"\n[nodes.b]\ntask = "{task}"\n{rest}\n'


@pytest.mark.parametrize(
    "text",
    [
        node("tasks:load", 'args = { path = "x" }'),
        node("tasks:load", 'inputs = { path = "a", island = "a" }'),
        node("tasks:clean", 'inputs = { rows = "a" }'),
        node("tasks:anything", "args = { whatever = 1 }"),
        node("tasks:decorated", "args = { whatever = 1 }"),
        node("tasks:half"),
        node("tasks:later", "args = { a = 1 }"),
        node("tasks:Model.fit"),
        node("tasks:Model.inherited"),
        node("tasks:sometimes"),
        node("json:dumps", "args = { obj = 1 }"),
        node("msgspec.json:encode"),
        node("tasks:load", 'map = { path = "a" }').replace("map", "map"),
        node("tasks:load", 'until = "true"\ncarry = "path"'),
    ],
)
def test_what_is_in_the_source_is_found(text: str, tmp_path: Path) -> None:
    assert set(codes(looked_at(tmp_path, text, tasks=TASKS).findings)) <= {"not-yet"}


@pytest.mark.parametrize(
    ("text", "code", "message", "remedy"),
    [
        (node("tasks:laod"), "missing-function", 'no function "laod"', 'did you mean "tasks:load"?'),
        (node("tasks:xyz"), "missing-function", 'no function "xyz"', "add def xyz(...) to it"),
        (node("tasks:LIMIT"), "missing-function", "line 6, is a value", "name a function"),
        (node("task:load"), "missing-module", "task.py is not in the folder", "did you mean tasks?"),
        (node("nowhere.at.all:f"), "missing-module", "nowhere/at/all.py", "create nowhere/at/all.py"),
        (node("tasks.load"), "bad-function", "does not name a function", 'write "tasks:load"'),
        (node("tasks/load.py"), "bad-function", "does not name a function", 'write "tasks:load"'),
        (node("load"), "bad-function", "does not name a function", "module:function"),
        (node("tasks:load()"), "bad-function", "does not name a function", "module:function"),
        (node("tasks:load"), "missing-argument", "load() needs `path`", "inputs = { path ="),
        (node("tasks:clean", "args = { row = 1, rows = 2 }"), "bad-argument", 'no argument "row"', "did you mean `rows`?"),
        (node("tasks:clean", "args = { x = 1, rows = 2 }"), "bad-argument", 'no argument "x"', "it takes rows, keep"),
        (node("tasks:by_place", "args = { a = 1, b = 2 }"), "bad-argument", "by position only", "remove the /"),
        (node("tasks:load", 'args = { path = 1 }\nuntil = "tasks:nope"'), "missing-function", '"nope"', "add def nope"),
        (node("broken:f"), "bad-source", 'broken.py", line 2', "correct the file"),
    ],
)  # fmt: skip
def test_what_is_not_in_the_source_is_a_finding(
    text: str, code: str, message: str, remedy: str, tmp_path: Path
) -> None:
    found = only(looked_at(tmp_path, text, tasks=TASKS, broken="def f():\nreturn (").findings, code)
    assert message in found.message
    assert remedy in found.remedy
    assert found.line is not None


def test_a_module_that_is_not_there_is_told_once(tmp_path: Path) -> None:
    text = "".join(f'[nodes.n{i}]\ntask = "tasks:f{i}"\n' for i in range(20))
    assert codes(looked_at(tmp_path, text).findings) == ["missing-module"]


def test_literals_of_the_task_decorator_are_read(tmp_path: Path) -> None:
    (tmp_path / "tasks.py").write_text(TASKS)
    sources = Sources(tmp_path)
    found = sources.function("tasks:clean")
    assert found is not None
    assert found.literals == {"max_retries": 2, "timeout": 30}
    assert sources.function("tasks:load").literals == {}
    assert sources.function("tasks:nope") is None
    assert sources.function("nowhere:nope") is None


def test_packages_are_read_like_modules(tmp_path: Path) -> None:
    (tmp_path / "pkg" / "sub").mkdir(parents=True)
    (tmp_path / "pkg" / "__init__.py").write_text("def top(): ...\n")
    (tmp_path / "pkg" / "sub" / "deep.py").write_text("def low(): ...\n")
    text = '[nodes.a]\ntask = "pkg:top"\n[nodes.b]\ntask = "pkg.sub.deep:low"\n[nodes.c]\ntask = "pkg.sub.deep:lov"\n'
    assert only(looked_at(tmp_path, text).findings, "missing-function").line == 6


@pytest.mark.parametrize("source", ["from os import *\n", "def __getattr__(name): ...\n"])
def test_a_module_that_may_have_more_than_its_source_shows_is_believed(source: str, tmp_path: Path) -> None:
    assert not looked_at(tmp_path, '[nodes.a]\ntask = "tasks:f"\n', tasks=source).findings


@pytest.mark.parametrize(
    "source", ["x = " + "(" * 5000, "x = " + "-" * 5000 + "1", "\0", "é" * 10, "def f(", "if x:\n"]
)
def test_no_source_upsets_the_reader(source: str, tmp_path: Path) -> None:
    (tmp_path / "tasks.py").write_text(source)
    read_module(tmp_path / "tasks.py")


def test_modules_named_like_standard_ones_or_ours_are_told(tmp_path: Path) -> None:
    text = '[nodes.a]\ntask = "random:pick"\n'
    source = "def pick(): ...\n"
    findings = looked_at(tmp_path, text, random=source, json="", engine="", tasks="").findings
    told = {finding.message.split(" ")[0]: finding.severity for finding in findings if finding.code == "shadowing"}
    assert told == {"random.py": "error", "json.py": "warning", "engine.py": "warning"}


def test_nothing_is_imported(tmp_path: Path) -> None:
    before = set(sys.modules)
    looked_at(tmp_path, node("tasks:load", 'args = { path = "x" }'), tasks=TASKS)
    assert "tasks" not in set(sys.modules) - before
    assert not (tmp_path / "__pycache__").exists()
