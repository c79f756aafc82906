"""Problems that a key mends: edits of the file, and functions that were missing."""

from __future__ import annotations

import ast
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import SystemFailure
from engine.project.checks import check_text
from engine.project.model import Node, NodeId, Settings, Task
from studio import actions, effects
from studio.actions import Asked, FixChosen
from studio.document.draft import draft_of
from studio.document.mending import edit_for
from studio.document.reader import Document, read
from studio.document.rules import apply
from studio.document.stubs import module_file, stub_of, with_stub
from studio.project_files import opened_at, write_function
from studio.reduce import reduce
from studio.state import StudioState
from tests.studio.payloads import PAYLOADS
from tests.studio.projects import TASKS, project_in

HEAD = "format = 1\n\n[params]\nisland = 1\n\n[pools]\ngpu = 1\n\n[nodes.load]\ntask = 'tasks:load'\nargs = { path = 'x' }\n\n"

WRONG = {
    "unknown key": ("[nodes.a]\ntask = 'tasks:load'\ntimout = 5\nargs.path = 1\n", "timeout = 5"),
    "key of other tools": ("[nodes.a]\nshell = 'x'\ndepends_on = ['load']\n", 'needs = ["load"]'),
    "length of time": ("[nodes.a]\nshell = 'x'\ntimeout = '5 min'\n", 'timeout = "5m"'),
    "choice": ("[nodes.a]\nshell = 'x'\noutput = 'jsn'\n", 'output = "json"'),
    "list": ("[nodes.a]\nshell = 'x'\ntags = 'slow'\n", 'tags = ["slow"]'),
    "number in quotes": ("[nodes.a]\nshell = 'x'\npriority = '3'\n", "priority = 3"),
    "yes": ("[nodes.a]\nshell = 'x'\nonce = 'yes'\n", "once = true"),
    "on_error": ("[nodes.a]\nshell = 'x'\non_error = 'ignore'\n", 'on_error = "skip"'),
    "retry": ("[nodes.a]\nshell = 'x'\nretry = { max_retries = 1, strategy = 'fixd' }\n", 'strategy = "fixed"'),
    "node": ("[nodes.a]\nshell = 'x'\ninputs = { rows = 'laod' }\n", 'rows = "load"'),
    "node in a list": ("[nodes.a]\nshell = 'x'\nneeds = ['load', 'laod']\n", '"load", "load"'),
    "node in a value": ("[nodes.a]\nshell = 'x'\nargs = { r = 'to ${laod.rows[0]}' }\n", '"to ${load.rows[0]}"'),
    "param": ("[nodes.a]\nshell = 'x'\nargs = { i = '${params.iland}' }\n", '"${params.island}"'),
    "node in a condition": ("[nodes.a]\nshell = 'x'\nwhen = '${laod} == 1'\n", '"${load} == 1"'),
    "dollar in inputs": ("[nodes.a]\nshell = 'x'\ninputs = { rows = '${load}' }\n", 'rows = "load"'),
    "function": ("[nodes.a]\ntask = 'tasks:laod'\nargs = { path = 1 }\n", 'task = "tasks:load"'),
    "function with a dot": ("[nodes.a]\ntask = 'tasks.load'\nargs = { path = 1 }\n", 'task = "tasks:load"'),
    "argument": ("[nodes.a]\ntask = 'tasks:load'\nargs = { pth = 1 }\n", "path = 1"),
    "inside of a group": ("[nodes.g.nodes.a]\nshell = 'x'\ntimeout = '5 min'\n", 'timeout = "5m"'),
    "run": ("[run]\nfail_fst = true\n[nodes.a]\nshell = 'x'\n", "fail_fast = true"),
    "workflow": ("[workflows.w.nodes.a]\nshell = 'x'\ntimeout = '5 min'\n", 'timeout = "5m"'),
}


def opened(folder: Path, text: str) -> StudioState:
    found = opened_at(project_in(folder, text))
    state, _ = reduce(StudioState(), found)
    return state


@pytest.mark.parametrize("name", WRONG)
def test_a_problem_with_one_remedy_is_mended_and_nothing_else_changes(tmp_path: Path, name: str) -> None:
    text, mended = WRONG[name]
    state = opened(tmp_path, HEAD + text)
    assert state.document is not None
    assert state.draft is not None
    before = state.document.findings
    finding = next(finding for finding in before if finding.fix is not None)
    edit = edit_for(state.draft, finding)
    assert edit is not None
    draft, inverse = apply(state.draft, edit)
    assert mended in draft.text
    _, after = check_text(draft.text, file=state.document.path)
    assert len(after) < len(before)
    assert apply(draft, inverse)[0].text == state.draft.text
    gone = set(state.draft.text.splitlines()) - set(draft.text.splitlines())
    assert len(gone) == 1


def test_all_are_mended_in_one_step(tmp_path: Path) -> None:
    text = (
        HEAD
        + "[nodes.a]\nshell = 'x'\ntimout = 5\ninputs = { rows = 'laod' }\n[nodes.b]\nshell = 'x'\nneeds = ['aa']\n"
    )
    state = opened(tmp_path, text)
    state, done = reduce(state, Asked("problem.all"))
    assert state.draft is not None
    assert tomllib.loads(state.draft.text)["nodes"]["a"] == {"shell": "x", "timeout": 5, "inputs": {"rows": "load"}}
    assert [effect.message for effect in done if isinstance(effect, effects.Tell)] == [
        "Fixed 3 problems; u takes it back"
    ]
    assert reduce(state, Asked("undo"))[0].draft.text == text  # type: ignore[union-attr]


def test_the_problem_of_the_node_in_hand_is_mended_and_others_are_not(tmp_path: Path) -> None:
    state = opened(tmp_path, HEAD + "[nodes.a]\nshell = 'x'\ntimout = 5\n[nodes.b]\nshell = 'x'\ntimout = 6\n")
    state, _ = reduce(state, actions.CursorMoved("b"))
    state, _ = reduce(state, Asked("fix"))
    assert state.draft is not None
    assert "timeout = 6" in state.draft.text
    assert "timout = 5" in state.draft.text
    _, done = reduce(reduce(state, actions.CursorMoved("load"))[0], Asked("fix"))
    assert done == (effects.Tell("Nothing is wrong with this node"),)


def test_what_a_person_must_decide_is_said_and_left_alone(tmp_path: Path) -> None:
    state = opened(tmp_path, HEAD + "[nodes.a]\nshell = 'x'\ninputs = { rows = 'zzzzzzz' }\n")
    after, done = reduce(state, FixChosen(0))
    assert after.draft is state.draft
    assert "known here: load, a" in getattr(done[0], "message", "")


def test_a_problem_that_is_gone_meanwhile_is_no_trouble(tmp_path: Path) -> None:
    state = opened(tmp_path, HEAD + "[nodes.a]\nshell = 'x'\ntimout = 5\n")
    assert state.document is not None
    finding = state.document.findings[0]
    clean = read(project_in(tmp_path / "clean", HEAD))
    assert isinstance(clean, Document)
    assert edit_for(draft_of(clean), finding) is None


# -- functions


def test_a_missing_function_is_written_from_what_the_node_gives(tmp_path: Path) -> None:
    text = (
        HEAD
        + "[nodes.tidy]\ntask = 'tasks:straighten'\ninputs = { rows = 'load' }\nargs = { z = 3 }\ndescription = 'Tidy up'\n"
    )
    state = opened(tmp_path, text)
    state, _ = reduce(state, actions.CursorMoved("tidy"))
    _, done = reduce(state, Asked("fix"))
    wish = next(effect for effect in done if isinstance(effect, effects.WriteFunction))
    file, line = write_function(wish.folder, wish.reference, wish.source)
    assert file.read_text() == TASKS + (
        '\n\ndef straighten(rows, z):\n    """Tidy up"""\n    raise NotImplementedError("straighten is not written yet")\n'
    )
    assert file.read_text().splitlines()[line - 1] == "def straighten(rows, z):"
    assert [f.code for f in read(file.parent).findings] == []  # type: ignore[union-attr]


def test_the_editor_opens_at_a_function_that_was_not_there(tmp_path: Path) -> None:
    state = opened(tmp_path, HEAD + "[nodes.new]\ntask = 'fresh.steps:begin'\n")
    state, _ = reduce(state, actions.CursorMoved("new"))
    _, done = reduce(state, Asked("code"))
    wish = done[0]
    assert isinstance(wish, effects.WriteFunction)
    assert wish.then_open
    file, line = write_function(wish.folder, wish.reference, wish.source)
    _, done = reduce(state, actions.FunctionWritten(wish.folder, wish.reference, file, line, then_open=True))
    assert effects.OpenEditor(tmp_path / "fresh" / "steps.py", 1) in done


def test_what_is_in_a_module_is_never_touched(tmp_path: Path) -> None:
    stub = stub_of(Node(NodeId("a"), Task("tasks:load")), "tasks:load")
    project_in(tmp_path)
    with pytest.raises(SystemFailure, match="has a load already"):
        write_function(tmp_path, "tasks:load", stub)
    assert (tmp_path / "tasks.py").read_text() == TASKS
    windows = "def a():\r\n    pass\r\n\r\n\r\n\r\n"
    source, line = with_stub(windows, "def b():\n    pass\n")
    assert source == "def a():\r\n    pass\r\n\r\n\r\ndef b():\r\n    pass\r\n"
    assert source.split("\r\n")[line - 1] == "def b():"


@pytest.mark.parametrize("reference", ["../x:f", "a.b-c:f", "tasks:Class.method", "tasks:", "tasks:def", "/etc/x:f"])
def test_a_function_goes_to_no_strange_place(tmp_path: Path, reference: str) -> None:
    assert module_file(tmp_path, reference) is None


def test_a_module_that_leads_out_of_the_folder_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "here").mkdir()
    (tmp_path / "there.py").write_text("")
    (tmp_path / "here" / "tasks.py").symlink_to(tmp_path / "there.py")
    assert module_file(tmp_path / "here", "tasks:f") is None


@given(about=st.sampled_from(sorted(PAYLOADS.values())) | st.text(), argument=st.text(max_size=8))
def test_a_stub_is_python_whatever_a_node_says(about: str, argument: str) -> None:
    node = Node(NodeId("a"), Task("tasks:f"), inputs={argument: "b", "rows": "c"}, settings=Settings(description=about))
    tree = ast.parse(stub_of(node, "tasks:f"))
    (function,) = tree.body
    assert isinstance(function, ast.FunctionDef)
    assert "rows" in [found.arg for found in function.args.args]
