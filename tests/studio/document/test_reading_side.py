"""What is shown of a project: fields, code, colours, places. All by reading."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.document import highlight
from studio.document.code import source_of
from studio.document.reader import (
    Broken,
    Document,
    inside,
    line_of,
    node_at,
    outline,
    path_at,
    path_of_keys,
    read,
    walk,
)
from studio.document.samples import free_folder, make_project, samples, templates
from studio.document.uses import origin_of, uses_of
from studio.editor_program import command_of
from studio.log_book import LogBook, LogLine
from tests.studio.projects import SMALL, project_in

# -- code


def test_code_is_found_in_modules_packages_classes_and_under_conditions(tmp_path: Path) -> None:
    (tmp_path / "tasks.py").write_text(
        "import os\n\n@dec\n@dec2(1)\ndef a(x, *, y=2):\n    '''Doc.'''\n    return x\n\n"
        "class B:\n    def c(self): pass\n\nif os:\n    def d(): pass\n\ndef a2(): pass\ndef a2(new): pass\n",
        encoding="utf-8",
    )
    (tmp_path / "pack").mkdir()
    (tmp_path / "pack" / "__init__.py").write_text("async def e(): pass\n", encoding="utf-8")
    a = source_of(tmp_path, "tasks:a")
    assert a is not None
    assert (a.line, a.signature, a.doc) == (3, "a(x, *, y=2)", "Doc.")
    assert a.text.startswith("@dec\n")
    assert a.text.endswith("return x")
    assert source_of(tmp_path, "tasks:B.c") is not None
    assert source_of(tmp_path, "tasks:d") is not None
    assert getattr(source_of(tmp_path, "tasks:a2"), "signature", "") == "a2(new)"
    assert getattr(source_of(tmp_path, "pack:e"), "line", 0) == 1


@pytest.mark.parametrize(
    "reference", ["tasks:no", "no:a", "tasks", ":a", "../tasks:a", "tasks:a b", "a/b:c", "\0:x", ""]
)
def test_code_that_is_not_there_is_none(tmp_path: Path, reference: str) -> None:
    (tmp_path / "tasks.py").write_text("def a(): pass\n", encoding="utf-8")
    assert source_of(tmp_path / "sub", reference) is None
    assert source_of(tmp_path, reference) is None


def test_code_that_python_cannot_parse_is_found_by_its_line(tmp_path: Path) -> None:
    (tmp_path / "tasks.py").write_text("x = (\n\ndef a(b):\n    return b\n\nnext = 1\n", encoding="utf-8")
    found = source_of(tmp_path, "tasks:a")
    assert found is not None
    assert (found.line, found.text) == (3, "def a(b):\n    return b")


def test_what_is_no_ordinary_file_is_left_alone(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "tasks.py")
    assert source_of(tmp_path, "tasks:a") is None
    (tmp_path / "folder.py").mkdir()
    assert source_of(tmp_path, "folder:a") is None


# -- colours


def test_python_and_toml_have_their_colours() -> None:
    (spans,) = highlight.python('def f(x): return "a" + 1  # why')
    assert [kind for _, _, kind in spans] == ["keyword", "name", "keyword", "string", "number", "comment"]
    rows = highlight.python('"""one\ntwo"""\nx')
    assert rows == [[(0, 6, "string")], [(0, 6, "string")], []]
    toml = highlight.toml('[nodes.a]\ntask = "x:y"  # c\nn = 3\nok = true\ns = """\nx\n"""')
    assert [[kind for _, _, kind in row] for row in toml] == [
        ["table"],
        ["key", "string", "comment"],
        ["key", "number"],
        ["key", "keyword"],
        ["key", "string"],
        ["string"],
        ["string"],
    ]


@given(st.text(alphabet=st.sampled_from("ab1.#'\"[]=\\ \n\t\x1b()@é任")))
def test_colours_never_overlap_and_never_leave_the_row(text: str) -> None:
    for rows in (highlight.python(text), highlight.toml(text)):
        lines = text.split("\n")
        assert len(rows) == len(lines)
        for row, spans in zip(lines, rows, strict=True):
            ends = 0
            for start, end, _ in spans:
                assert ends <= start < end <= len(row) or (start == end == ends)
                ends = end


# -- places


TEXT = f"""{SMALL}
[nodes.pub]
kind = "sequential"
[nodes.pub.nodes."r.e"]
shell = "x"
[nodes.if]
condition = "${{load}} == 1"
[nodes.if.then]
shell = "x"
"""


def test_nodes_are_found_by_their_path_and_their_line(tmp_path: Path) -> None:
    found = read(project_in(tmp_path, TEXT))
    assert isinstance(found, Document)
    workflow = found.project.workflow
    paths = [path for path, _ in walk(workflow.nodes)]
    assert paths == ["load", "clean", "report", "pub", "pub/r.e", "if", "if/then"]
    places = outline(TEXT)
    for path in paths:
        assert node_at(workflow, path) is not None
        line = line_of(places, path)
        assert line is not None
        assert path_at(places, line) == path
    assert node_at(workflow, "pub/nothing") is None
    assert set(inside(workflow.nodes["if"])) == {"then"}
    assert line_of(places, "nowhere") is None
    assert path_at(places, 1) is None


def test_keys_of_the_file_lead_to_a_node() -> None:
    assert path_of_keys(("nodes", "a", "timeout")) == "a"
    assert path_of_keys(("nodes", "a", "nodes", "b", "retry", "on")) == "a/b"
    assert path_of_keys(("nodes", "a", "then", "task")) == "a/then"
    assert path_of_keys(("nodes", "a", "cases", "x")) == "a/x"
    assert path_of_keys(("project", "name")) is None
    assert path_of_keys(()) is None


@pytest.mark.parametrize(
    "data", [b"\xff\xfe\x00", b"a = [", b"\x00", b"", b"x = 1\nx = 2\n", b"n = " + b"9" * 5000], ids=range(6)
)
def test_any_file_is_a_document_or_says_why_not(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "project.toml").write_bytes(data)
    found = read(tmp_path)
    assert isinstance(found, Document) or (isinstance(found, Broken) and found.message and found.remedy)


# -- samples, uses, editors, logs


def test_samples_and_templates_can_be_opened(tmp_path: Path) -> None:
    assert {"penguins", "release"} <= {sample.name for sample in samples()}
    assert all(sample.text for sample in samples())
    for template in templates():
        folder = make_project(template.name, tmp_path / template.name)
        found = read(folder)
        assert isinstance(found, Document)
        assert found.errors == 0
    assert free_folder(tmp_path, "python") == tmp_path / "python-2"


def test_what_a_project_would_use_is_told_without_using_it(tmp_path: Path) -> None:
    more = ('command = ["tar"]', 'shell = "x"', 'workflow = "../other.toml"', 'task = "elsewhere:f"')
    text = SMALL + "".join(f"[nodes.x{number}]\n{body}\n" for number, body in enumerate(more))
    file = project_in(tmp_path, text, "import pandas, json\nfrom requests import get\ndef load(path): ...\n")
    found = read(file)
    assert isinstance(found, Document)
    uses = {use.file if use.kind == "task" else use.noun: use for use in uses_of(found.project, tmp_path, file)}
    assert uses["tasks.py"].detail == "imports pandas, requests"
    assert uses["tasks.py"].count == 3
    assert uses["commands"].detail == "tar"
    assert uses["workflow"].odd
    assert uses["elsewhere"].odd


def test_the_origin_is_read_from_git_without_asking_git(tmp_path: Path) -> None:
    assert "this machine" in origin_of(tmp_path)
    (tmp_path / ".git").mkdir()
    config = '[core]\nfsmonitor = evil\n[remote "origin"]\n\turl = https://me:secret@github.com/someone/penguins.git\n'
    (tmp_path / ".git" / "config").write_text(config, encoding="utf-8")
    assert origin_of(tmp_path) == "git clone of github.com/someone/penguins"


@pytest.mark.parametrize(
    ("editor", "words"),
    [
        ("vim", ["vim", "+7", "/p/a.py"]),
        ("/usr/bin/nano -w", ["/usr/bin/nano", "-w", "+7", "/p/a.py"]),
        ("code", ["code", "--wait", "--goto", "/p/a.py:7"]),
        ("hx", ["hx", "/p/a.py:7"]),
        ("my-own", ["my-own", "/p/a.py"]),
        ("vim 'a b'; rm -rf x", ["vim", "a b;", "rm", "-rf", "x", "+7", "/p/a.py"]),
    ],
)
def test_editors_are_started_at_the_line_by_words_and_no_shell(editor: str, words: list[str]) -> None:
    assert command_of({"EDITOR": editor}, Path("/p/a.py"), 7) == words
    assert command_of({"VISUAL": editor, "EDITOR": "other"}, Path("/p/a.py"), 7) == words


def test_a_book_keeps_the_newest_lines_of_each_node() -> None:
    book = LogBook(kept=3)
    book.add(LogLine("a", 1, "stdout", float(at), str(at)) for at in range(5))
    book.add([LogLine("a/b", 1, "stderr", 2.5, "inner"), LogLine("c", 1, "stdout", 9.0, "x" * 10_000)])
    assert [line.text for line in book.lines("a")] == ["inner", "3", "4"]
    assert len(book.lines("c")[0].text) < 5000
    assert book.counts == {"a": 5, "a/b": 1, "c": 1}
    assert book.lines("nothing") == []
    before = book.stamp
    book.clear()
    assert book.lines(None) == []
    assert book.stamp > before
