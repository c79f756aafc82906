"""What single edits mean: for the file, for whatever names a node, and when they are refused."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest
from msgspec import UNSET

from engine.project.model import Node, NodeId, Task
from studio import clipboard
from studio.document import edits
from studio.document.changes import changes, lines
from studio.document.draft import Draft
from studio.document.edits import Edit, EditRefused
from studio.document.rules import allowed, apply, targets_of
from tests.studio.document.drafts import INLINE, WRITTEN, draft

CHAIN = """\
[project]
name = "chain"
result = "d"

[nodes.a]
task = "m:a"

# between
[nodes.b]
task = "m:b"
inputs = { rows = "a.table" }   # from a

[nodes.c]
task = "m:c"
inputs = { rows = "b", other = ["a", "b"] }
needs = ["b"]
when = "${b.count} > 0"

[nodes.d]
task = "m:d"
needs = ["c"]
"""

GROUPED = """\
[nodes.in]
task = "m:in"

[nodes.group]
kind = "sequential"
needs = ["in"]
[nodes.group.nodes.one]
task = "m:one"
[nodes.group.nodes.two]
task = "m:two"
inputs = { x = "one" }

[nodes.mapped]
map = "in"
nodes = { inner = { task = "m:inner" } }

[nodes.out]
task = "m:out"
inputs = { x = "group", y = "group/one" }
"""


def made(text: str, *wanted: Edit) -> Draft:
    found = draft(text)
    for edit in wanted:
        found, _ = apply(found, edit)
    return found


def nodes(found: Draft) -> dict[str, Any]:
    return tomllib.loads(found.text)["nodes"]  # type: ignore[no-any-return]


def refused(text: str, edit: Edit) -> EditRefused:
    with pytest.raises(EditRefused) as caught:
        apply(draft(text), edit)
    return caught.value


# -- nodes


def test_a_node_is_written_after_the_one_it_was_added_to_and_nothing_else_moves() -> None:
    found = made(CHAIN, edits.AddNode("x", Node(NodeId("x"), Task("m:x")), after="a"))
    assert found.text == CHAIN.replace("# between\n", '[nodes.x]\ntask = "m:x"\n\n# between\n')


def test_a_taken_id_is_refused_with_the_next_free_one_and_a_forbidden_one_with_the_reason() -> None:
    assert refused(CHAIN, edits.AddNode("B", {"task": "m:x"})).remedy == "B_2 is free"
    assert "reserved" in refused(CHAIN, edits.AddNode("then", {"task": "m:x"})).what
    assert "a space" in refused(CHAIN, edits.RenameNode("a", "a b")).what


def test_a_deleted_node_heals_to_what_it_got_and_what_it_waited_for() -> None:
    found = nodes(made(CHAIN, edits.DeleteNodes(("b",))))
    assert found["c"]["inputs"] == {"rows": "a.table", "other": ["a", "a.table"]}
    assert "needs" not in found["c"]
    assert nodes(made(CHAIN, edits.DeleteNodes(("b", "c"))))["d"]["needs"] == ["a"]


def test_without_healing_the_edges_of_a_deleted_node_end() -> None:
    found = nodes(made(CHAIN, edits.DeleteNodes(("b",), heal=False)))
    assert found["c"]["inputs"] == {"other": ["a"]}
    assert "needs" not in found["c"]


def test_deleting_the_node_whose_result_is_the_projects_takes_that_away() -> None:
    assert "result" not in tomllib.loads(made(CHAIN, edits.DeleteNodes(("d",))).text)["project"]


def test_the_last_node_of_a_group_and_the_then_of_a_condition_cannot_go_alone() -> None:
    assert "empty" in refused(WRITTEN, edits.DeleteNodes(("publish/inner/deep",))).what
    assert "then" in refused(WRITTEN, edits.DeleteNodes(("enough/then",))).what
    assert "else" not in nodes(made(WRITTEN, edits.DeleteNodes(("enough/else",))))["enough"]


def test_a_new_name_reaches_everything_that_names_the_node() -> None:
    found = tomllib.loads(made(WRITTEN, edits.RenameNode("load", "get"), edits.RenameNode("clean", "tidy")).text)
    node = found["nodes"]
    assert node["get"]["task"] == "tasks:load"
    assert node["tidy"]["inputs"] == {"rows": "get"}
    assert node["fit"]["needs"] == ["get", "tidy"]
    assert node["enough"]["condition"] == "${tidy.count} >= 10 and ${get} != 'x'"
    assert (
        node["enough"]["else"]["shell"] == "echo [nodes.fake]   # no header\necho ${load}\n"
    )  # text of a script stays
    assert node["publish"]["nodes"]["render"]["inputs"] == {"fit": "fit", "all": ["tidy", "get.rows[0]"]}
    assert node["each"]["map"] == {"row": "tidy"}
    assert node["each"]["on_error"] == {"alternative": "get"}
    assert node["month"]["params"] == {"rows": "${tidy}"}
    assert found["studio"]["places"] == {"get": [1, 2]}


def test_a_node_inside_is_renamed_for_those_outside_and_those_beside_it() -> None:
    node = nodes(made(WRITTEN, edits.RenameNode("publish/render", "draw")))
    assert node["report"]["command"][2] == "${publish/draw}"
    assert node["publish"]["nodes"]["inner"]["nodes"]["deep"]["needs"] == ["draw"]


def test_a_value_the_format_does_not_allow_is_written_and_found() -> None:
    found = made(CHAIN, edits.SetField("a", ("timeout",), "soon"))
    assert 'timeout = "soon"' in found.text
    assert found.project.workflow.nodes["a"].settings.timeout is None


def test_a_cleared_field_takes_the_table_that_it_leaves_empty_along() -> None:
    found = made(WRITTEN, edits.SetField("clean", ("retry", "max_retries"), UNSET))
    assert "retry" not in nodes(found)["clean"]
    assert made(CHAIN, edits.SetField("a", ("retry", "max_retries"), 2)).text.count("retry = { max_retries = 2 }") == 1


# -- edges


def test_connecting_writes_inputs_or_needs_and_a_taken_argument_becomes_a_list() -> None:
    found = nodes(
        made(CHAIN, edits.Connect("a", "d"), edits.Connect("b", "d", "x"), edits.Connect("a", "d", "x", ".y"))
    )
    assert found["d"]["needs"] == ["c", "a"]
    assert found["d"]["inputs"] == {"x": ["b", "a.y"]}


def test_a_wire_takes_the_place_of_a_value_that_was_written_out() -> None:
    found = nodes(made(WRITTEN, edits.AddNode("first", {"shell": "true"}), edits.Connect("first", "load", "path")))
    assert found["load"]["args"] == {"island": "${params.island}"}
    assert found["load"]["inputs"] == {"path": "first"}


def test_a_circle_is_refused_with_its_nodes() -> None:
    assert "a -> c -> d -> a" in refused(CHAIN, edits.Connect("d", "a")).what
    assert "circle" in refused(GROUPED, edits.Connect("group/two", "in")).what


def test_a_wire_into_another_scope_is_refused() -> None:
    assert "map" in refused(GROUPED, edits.Connect("mapped/inner", "out")).what
    assert allowed(draft(GROUPED), edits.Connect("group/one", "out")) is None
    assert nodes(made(GROUPED, edits.Connect("group/one", "out")))["out"]["needs"] == ["group/one"]


def test_where_a_wire_may_land_is_told_for_all_nodes_at_once() -> None:
    told = targets_of(draft(GROUPED), "group/two")
    assert told["out"] is None
    assert told["mapped"] is None
    for path in ("in", "group", "group/one", "group/two"):
        assert told[path] is not None, path
    for path, why in told.items():
        assert (allowed(draft(GROUPED), edits.Connect("group/two", path)) is None) is (why is None), path


def test_cutting_takes_one_edge_and_says_where_one_is_written_that_it_cannot_cut() -> None:
    found = nodes(made(CHAIN, edits.Disconnect("b", "c", "other"), edits.Disconnect("b", "c")))
    assert found["c"]["inputs"] == {"rows": "b", "other": ["a"]}
    assert "needs" not in found["c"]
    assert "`condition`" in refused(WRITTEN, edits.Disconnect("load", "enough", "rows")).what


def test_a_node_on_an_edge_hands_the_value_on() -> None:
    found = nodes(made(CHAIN, edits.InsertOnEdge(("a", "b", "rows"), "x", {"task": "m:x"}, takes="table")))
    assert found["x"]["inputs"] == {"table": "a.table"}
    assert found["b"]["inputs"] == {"rows": "x"}


# -- groups


def test_grouping_moves_tables_with_their_comments_and_outside_names_them_there() -> None:
    found = made(CHAIN, edits.Group(("b", "c"), "both"))
    assert "# between\n[nodes.both.nodes.b]" in found.text
    assert "# from a" in found.text
    assert nodes(found)["d"]["needs"] == ["both/c"]
    assert list(nodes(found)) == ["a", "both", "d"]
    back = nodes(made(CHAIN, edits.Group(("b", "c"), "both"), edits.Ungroup("both")))
    assert back == tomllib.loads(CHAIN)["nodes"]


def test_ungrouping_a_sequence_keeps_its_order_its_needs_and_its_result() -> None:
    found = nodes(made(GROUPED, edits.Ungroup("group")))
    assert found["one"]["needs"] == ["in"]
    assert found["two"]["inputs"] == {"x": "one"}
    assert found["out"]["inputs"] == {"x": "two", "y": "one"}


def test_what_nobody_could_name_any_more_refuses_the_move() -> None:
    loop = 'kind = "parallel"\nuntil = "${value} == 1"\n[nodes.loop.nodes.x]\nshell = "true"\n'
    text = f"{CHAIN}\n[nodes.loop]\n{loop}"
    assert "sees into the loop" in refused(text, edits.MoveInto(("b",), "loop")).what


def test_extracting_makes_params_of_what_comes_in_and_one_result_of_what_goes_out() -> None:
    found = made(CHAIN, edits.ExtractWorkflow(("b", "c"), "mid"))
    data = tomllib.loads(found.text)
    assert data["nodes"]["mid"] == {"workflow": "mid", "params": {"a": "${a}"}}
    assert data["nodes"]["d"]["needs"] == ["mid"]
    assert data["workflows"]["mid"]["params"] == {"a": {"required": True}}
    assert data["workflows"]["mid"]["nodes"]["b"]["args"] == {"rows": "${params.a.table}"}
    assert data["workflows"]["mid"]["nodes"]["c"]["args"] == {"other": ["${params.a}", "${b}"]}
    assert "# between\n[workflows.mid.nodes.b]" in found.text
    assert "lies between" in refused(CHAIN, edits.ExtractWorkflow(("a", "c"), "mid")).what


def test_inlining_is_the_way_back() -> None:
    text = CHAIN.replace(', other = ["a", "b"]', "")
    found = made(text, edits.ExtractWorkflow(("b", "c"), "mid"), edits.InlineWorkflow("mid"))
    assert nodes(found) == tomllib.loads(text)["nodes"]
    assert "workflows" not in tomllib.loads(found.text)


def test_a_sub_workflow_that_another_node_runs_too_is_copied() -> None:
    text = WRITTEN.replace(
        "[nodes.report]", '[nodes.other]\nworkflow = "monthly"\nparams = { rows = 1 }\n[nodes.report]'
    )
    found = made(text, edits.InlineWorkflow("month"))
    assert tomllib.loads(found.text)["workflows"]["monthly"] == tomllib.loads(text)["workflows"]["monthly"]
    assert nodes(found)["a"]["inputs"] == {"rows": "clean"}


# -- copies


def test_copies_are_plain_toml_wired_among_themselves_and_to_the_old_sources_only_if_wanted() -> None:
    text = clipboard.text_of(draft(CHAIN), ["b", "c"])
    assert text.startswith('# between\n[nodes.b]\ntask = "m:b"\n')
    copied, _ = clipboard.nodes_in(text)
    alone = nodes(made(CHAIN, edits.Paste(copied)))
    assert "inputs" not in alone["b_2"]
    assert alone["c_2"]["inputs"] == {"rows": "b_2", "other": ["b_2"]}
    kept = nodes(made(CHAIN, edits.Paste(copied, keep_inputs=True)))
    assert kept["b_2"]["inputs"] == {"rows": "a.table"}
    assert kept["c_2"]["when"] == "${b_2.count} > 0"


def test_a_clipboard_without_nodes_is_refused() -> None:
    for text in ("hello", "[project]\nname = 'x'\n", "nodes = 3\n", ""):
        with pytest.raises(EditRefused):
            clipboard.nodes_in(text)


# -- the file


def test_an_inline_file_stays_one() -> None:
    found = made(INLINE, edits.AddNode("c", {"task": "m:c"}), edits.Connect("b", "c", "x"), edits.RenameNode("a", "z"))
    assert found.text.count("\n") == INLINE.count("\n")
    assert nodes(found) == {
        "z": {"task": "m:a"},
        "b": {"task": "m:b", "inputs": {"x": "z"}},
        "c": {"task": "m:c", "inputs": {"x": "b"}},
    }


def test_the_params_and_the_head_are_written_where_they_belong() -> None:
    found = made(CHAIN, edits.SetParam("n", 3), edits.SetProject(("run", "timeout"), "1h"))
    assert found.project.workflow.params["n"].default == 3
    assert found.text.index("[params]") < found.text.index("[run]") < found.text.index("[nodes.a]")
    assert made(CHAIN, edits.SetParam("n", 3), edits.SetParam("n")).project.workflow.params == {}


def test_what_differs_from_the_file_is_told_by_node_key_and_line() -> None:
    found = changes(made(CHAIN, edits.SetField("a", ("timeout",), "5m"), edits.DeleteNodes(("d",))))
    assert found.nodes == {"a": "changed", "d": "removed"}
    assert found.counts == (0, 1, 1)
    assert {(value.path, value.keys) for value in found.values} == {("a", ("timeout",)), ("", ("project", "result"))}
    told = lines("one\ntwo\nthree\n", "one\n2\nthree\n")
    assert [(line.sign, line.text) for line in told] == [(" ", "one"), ("-", "two"), ("+", "2"), (" ", "three")]
