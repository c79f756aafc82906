"""Workflows that cannot work though their file is well formed. Numbers are those of the list of bad inputs."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.project.loading import look
from tests.engine.project.texts import HELLO, codes, findings_of, looked_at, only


def chain(length: int, *, closed: bool) -> str:
    first = f'needs = ["n{length - 1}"]\n' if closed else ""
    rest = "".join(f'[nodes.n{i}]\nshell = "x"\nneeds = ["n{i - 1}"]\n' for i in range(1, length))
    return f'[nodes.n0]\nshell = "x"\n{first}{rest}'


# -- circles ---------------------------------------------------------------------------------------------------------


def test_27_a_node_that_waits_for_itself() -> None:
    found = only(findings_of('[nodes.a]\nshell = "x"\nneeds = ["a"]\n'), "cycle")
    assert found.message == '"a" waits for itself'
    assert (found.line, found.column) == (3, 10)


def test_27_two_nodes_that_wait_for_each_other() -> None:
    found = only(findings_of(chain(2, closed=True)), "cycle")
    assert found.message.startswith("2 nodes wait for each other: ")
    assert '"n0" waits for "n1"' in found.message
    assert '"n1" waits for "n0"' in found.message
    assert "(lines 3 and 6)" in found.message


def test_27_a_circle_of_ten_thousand_is_one_finding_of_readable_length() -> None:
    found = only(findings_of(chain(10_000, closed=True)), "cycle")
    assert "10000 nodes wait for each other" in found.message
    assert "and so on through" in found.message
    assert len(found.message) < 500


@pytest.mark.parametrize(
    ("text", "words"),
    [
        # a child that waits for what holds it
        ('[nodes.p.nodes.a]\nshell = "x"\nneeds = ["p"]\n', '"p/a" waits for "p"'),
        # two composites through their children
        (
            '[nodes.p.nodes.a]\nshell = "x"\nneeds = ["q"]\n[nodes.q.nodes.b]\nshell = "x"\nneeds = ["p"]\n',
            '"p/a" waits for "q"',
        ),
        # against the order of a sequence
        (
            '[nodes.p]\nkind = "sequential"\n[nodes.p.nodes.a]\nshell = "x"\nneeds = ["b"]\n[nodes.p.nodes.b]\nshell = "x"\n',
            '"p/b" comes after "p/a"',
        ),
        # a branch that waits for its own conditional
        (
            '[nodes.c]\ncondition = "true"\n[nodes.c.then]\nshell = "x"\nneeds = ["c"]\n',
            '"c/then" waits for "c"',
        ),
        # by way of a value
        ('[nodes.a]\nshell = "x"\nargs = { n = "see ${b.n}" }\n[nodes.b]\nshell = "x"\nwhen = "${a} == 1"\n', '"a" waits'),
    ],
)  # fmt: skip
def test_27_circles_through_nesting_and_values_are_found(text: str, words: str) -> None:
    assert words in only(findings_of(text), "cycle").message


def test_a_composite_and_its_neighbours_are_no_circle() -> None:
    text = (
        '[nodes.a]\nshell = "x"\n[nodes.p]\nneeds = ["a"]\n[nodes.p.nodes.b]\nshell = "x"\ninputs = { v = "a" }\n'
        '[nodes.p.nodes.c]\nshell = "x"\nneeds = ["b"]\n[nodes.d]\nshell = "x"\nneeds = ["p/b", "p"]\n'
    )
    assert set(codes(findings_of(text))) == {"not-yet"} or not findings_of(text)


def test_31_a_chain_of_a_hundred_thousand_needs_no_stack() -> None:
    assert not findings_of(chain(100_000, closed=False))


def test_32_a_node_with_fifty_thousand_parents() -> None:
    many = "".join(f'n{i} = {{ shell = "x" }}\n' for i in range(50_000))
    needs = ", ".join(f'"n{i}"' for i in range(50_000))
    assert not findings_of(f'[nodes]\n{many}[nodes.last]\nshell = "x"\nneeds = [{needs}]\n')


# -- names that lead nowhere -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "line", "remedy"),
    [
        ('needs = ["lod"]', 4, 'did you mean "load"?'),
        ('needs = ["LOAD"]', 4, 'did you mean "load"?'),
        ('inputs = { a = "lod.x" }', 4, 'did you mean "load"?'),
        ('inputs = { a = ["load", "xyz"] }', 4, "known here: load, b"),
        ('args = { a = "${lod}" }', 4, 'did you mean "load"?'),
        ('when = "${lod.n} > 1"', 4, 'did you mean "load"?'),
        ('env = { A = "x ${lod}" }', 4, 'did you mean "load"?'),
        ('on_error = { alternative = "lod" }', 4, 'did you mean "load"?'),
        ('on_error = { compensate = ["lod"] }', 4, 'did you mean "load"?'),
    ],
)
def test_28_a_name_that_leads_nowhere_is_found_wherever_it_stands(text: str, line: int, remedy: str) -> None:
    found = only(findings_of(f'[nodes.load]\nshell = "x"\n[nodes.b]\n{text}\nshell = "x"\n'), "unknown-node")
    assert found.line == line
    assert found.remedy == remedy


@pytest.mark.parametrize(
    ("text", "code", "remedy"),
    [
        ('args = { a = "${params.iland}" }', "unknown-param", "did you mean ${params.island}?"),
        ('args = { a = "${params.zzz}" }', "unknown-param", "add zzz = ... to [params]"),
        ('args = { a = "${vars.x}" }', "unknown-var", "add x = ... to [vars]"),
        ('args = { a = "${item}" }', "no-item", "add `map` to the node"),
        ('args = { a = "${value}" }', "no-value", "add `until` or `while` to the node"),
        ('args = { a = "${index}" }', "no-index", "add `map`, `until` or `while` to the node"),
        ('args = { a = "${b" }', "bad-reference", "add the closing }, or write $${ for a plain ${"),
        ('inputs = { a = "${hello}" }', "bad-reference", 'write "hello" without ${ }, or move it to `args`'),
        ('inputs = { a = "params.island" }', "bad-reference", 'use it as a value: args = { NAME = "${params.island}" }'),
        ('needs = ["hello.x"]', "bad-need", 'an order edge carries no data: write "hello"'),
    ],
)  # fmt: skip
def test_references_that_cannot_mean_anything(text: str, code: str, remedy: str) -> None:
    found = only(findings_of(f'[params]\nisland = "x"\n{HELLO}[nodes.b]\nshell = "x"\n{text}\n'), code)
    assert found.remedy == remedy
    assert found.line == 7


def test_names_are_looked_up_outward_and_downward_but_never_into_a_map() -> None:
    text = """
[nodes.a]
shell = "x"
[nodes.p.nodes.b]
shell = "x"
needs = ["a"]
[nodes.p.nodes.q.nodes.c]
shell = "x"
needs = ["b", "a"]
[nodes.d]
shell = "x"
needs = ["p/q/c"]
[nodes.m]
map = "a"
[nodes.m.nodes.e]
shell = "x"
args = { i = "${item}", a = "${a}" }
"""
    assert set(codes(findings_of(text))) <= {"not-yet"}
    found = only(findings_of(text + '[nodes.f]\nshell = "x"\nneeds = ["m/e"]\n'), "unknown-node")
    assert "nothing outside sees into a map or loop" in found.message
    found = only(findings_of(text + '[nodes.f]\nshell = "x"\nneeds = ["p/q/zz"]\n'), "unknown-node")
    assert found.message == '"p/q/zz" names nothing: "p/q" holds no "zz"'
    found = only(findings_of(text + '[nodes.f]\nshell = "x"\nneeds = ["c"]\n'), "unknown-node")
    assert found.line == 20


def test_a_sub_workflow_sees_only_its_own_params() -> None:
    text = (
        "[params]\nouter = 1\n[workflows.inner]\n[workflows.inner.params]\nmine = 1\n[workflows.inner.nodes.a]\n"
        'shell = "x"\nargs = { a = "${params.mine}", b = "${params.outer}" }\n'
    )
    found = only(findings_of(text), "unknown-param")
    assert found.message == 'there is no param "outer"'
    assert found.line == 8


# -- ids -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("first", "second"),
    [("Load", "load"), ("é", "e\u0301"), ("straße", "STRASSE"), ("ﬁt", "fit"), ("Σ", "ς")],
)
def test_29_names_that_count_as_one(first: str, second: str) -> None:
    text = f'[nodes."{first}"]\nshell = "x"\n[nodes."{second}"]\nshell = "x"\n'
    found = [finding for finding in findings_of(text) if finding.code in ("twin-ids", "lookalike-ids")]
    assert len(found) == 1
    assert "(lines 1 and 3)" in found[0].message


def test_29_letters_of_another_script_that_look_the_same() -> None:
    text = '[nodes.scope]\nshell = "x"\n[nodes."sсope"]\nshell = "x"\n'
    findings = findings_of(text)
    assert "U+0441" in only(findings, "lookalike-ids").message
    assert only(findings, "mixed-scripts").severity == "warning"


def test_the_same_name_may_stand_in_two_places() -> None:
    text = '[nodes.a]\nshell = "x"\n[nodes.p.nodes.a]\nshell = "x"\n[nodes.q.nodes.A]\nshell = "x"\n'
    assert set(codes(findings_of(text))) <= {"not-yet"}


@pytest.mark.seed("S6")
@pytest.mark.parametrize("name", ["load", "任务1", "1st", "_x", "a-b", "naïve", "ภาษา", "हिन्दी", "x" * 64, "ñandú"])
def test_letters_of_any_script_make_good_ids(name: str) -> None:
    assert not findings_of(f'[nodes."{name}"]\nshell = "x"\n')


@pytest.mark.seed("S6")
@pytest.mark.parametrize(
    "name",
    ["a b", "-a", "a/b", "a.b", "a[0]", "a#1", "x" * 65, "params", "item", "else", "nodes", "a\\u200db", "a\\u00ad",
     "😀", "a$", "${a}", "\\u0301a"],
)  # fmt: skip
def test_other_ids_are_named_with_what_to_do(name: str) -> None:
    found = only(findings_of(f'[nodes."{name}"]\nshell = "x"\n'), "bad-id")
    assert found.remedy
    assert found.line == 1


def test_a_dot_in_an_id_has_its_own_finding() -> None:
    found = only(findings_of('[nodes.v1.2]\nshell = "x"\n'), "dotted-id")
    assert found.message == '[nodes.v1.2] is read as a table "2" inside of the node "v1"'
    assert "write v1_2" in found.remedy


# -- bodies and keys -------------------------------------------------------------------------------------------------


def test_two_bodies_name_their_lines() -> None:
    found = only(findings_of('[nodes.a]\nshell = "x"\n\ncommand = ["y"]\n'), "two-bodies")
    assert found.message == "`nodes.a` has 2 bodies, `command` and `shell` (lines 2 and 4)"


def test_no_body_names_what_was_probably_meant() -> None:
    assert only(findings_of("[nodes.a]\ntimeout = 3\n"), "no-body").remedy.startswith("add one of task, command")
    assert only(findings_of('[nodes.a]\ntsk = "m:f"\n'), "no-body").remedy == "did you mean `task`?"


@pytest.mark.parametrize(
    ("line", "code", "words"),
    [
        ("timeot = 3", "unknown-key", "did you mean `timeout`?"),
        ("Timeout = 3", "unknown-key", "did you mean `timeout`?"),
        ("max-parallel = 3", "unknown-key", "did you mean `max_parallel`?"),
        ("max_parallel = 3", "stray-key", "add `map`"),
        ("condition = 'x'", "two-bodies", "keep one of them"),
        ("then = { shell = 'x' }", "stray-key", "delete the line"),
        ("delay = 3", "stray-key", "`until` or `while`"),
        ("until = 'true'\nwhile = 'true'", "two-conditions", "keep one"),
        ("retry = { max_retry = 3 }", "unknown-key", "did you mean `max_retries`?"),
        ("retry = { delay = 3, strategy = 'exponential' }", "stray-key", 'strategy = "fixed"'),
        ("retry = { strategy = 'exponental' }", "wrong-value", 'did you mean "exponential"?'),
        ("retry = 3", "wrong-value", "retry = { max_retries = 3 }"),
        ("on_error = 'skp'", "wrong-value", 'did you mean "skip"?'),
        ("join = 'al'", "wrong-value", 'did you mean "all"?'),
        ("join = { at_least = 0 }", "wrong-value", "1 or more"),
        ("join = { at_least = 2 }", "dead-join", "add `needs`"),
        ("needs = 'a'", "wrong-value", "brackets"),
        ("output = 'txt'", "wrong-value", 'did you mean "text"?'),
        ("executor = 'proceses'", "unknown-executor", 'did you mean "processes"?'),
        ("pool = 'db'", "unknown-pool", "add db = 4 to [pools]"),
        ("enabled = 1", "wrong-value", "true or false"),
        ("when = 'tasks:enough'", "bad-when", "which may be a function"),
        ("when = 3", "bad-when", "write it as a comparison"),
        ("args = { PATH = 'x' }", "bad-argument", "another name"),
        ("args = { 'a b' = 'x' }", "bad-argument", "letters a-z"),
        ("args = { a = 1 }\ninputs = { a = 'hello' }", "two-sources", "keep one"),
        ("env = { A = [1] }", "bad-env", "quotes"),
        ("ok_codes = [300]", "bad-code", "[0, 1]"),
        ("retry = { max_retries = 1, on = ['Value Error'] }", "bad-exception", "ValueError"),
        ("retry = { max_retries = 1, initial = '1h' }", "idle-setting", "`max` larger"),
        ("on_error = { alternative = 'b' }", "bad-alternative", "another node"),
    ],
)
def test_what_a_node_cannot_say(line: str, code: str, words: str) -> None:
    findings = findings_of(f'{HELLO}[nodes.b]\nshell = "y"\n{line}\n')
    found = [finding for finding in findings if finding.code == code]
    assert found, codes(findings)
    assert words in found[0].remedy
    assert found[0].line is not None
    assert found[0].line >= 3


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        ("[projct]\nname = 'x'\n", "unknown-key", "did you mean `project`?"),
        ("[project]\nnme = 'x'\n", "unknown-key", "did you mean `name`?"),
        ("[run]\ntimeout = 'soon'\n", "wrong-value", "1h30m"),
        ("[run]\nfail-fast = true\n", "unknown-key", "did you mean `fail_fast`?"),
        ("[defaults.retry]\nmax_retries = 'two'\n", "wrong-value", "without quotes"),
        ("[agents]\nstrategy = 'roundrobin'\n", "wrong-value", 'did you mean "round-robin"?'),
        ("[pools]\ndb = 0\n", "wrong-value", "change the number"),
        ("[params.x]\nlow = 1\n", "bad-param", "[params.x] and in it default"),
        ("[params.x]\ntype = 'int'\ndefault = 'a'\n", "param-value", "for example 10"),
        ("[params.x]\ndefault = 3\nchoices = [1, 2]\n", "param-value", "choose one of 1, 2"),
        ("[params.x]\ndefault = 'a'\npattern = '('\n", "bad-param", "correct the pattern"),
        ("[params.x]\ndefault = 1\npattern = 'a'\n", "bad-param", "patterns are for text"),
        ("[params.x]\ndefault = 1\nrequired = true\n", "idle-default", "delete `required`"),
        ("[params]\n'a b' = 1\n", "bad-name", "letters, digits"),
        ("nodes = 3\n", "wrong-value", "[nodes.NAME]"),
        ("project = 3\n", "wrong-value", "[project]"),
        ("[nodes]\na = 3\n", "wrong-value", "[nodes.a]"),
        ("[project]\nresult = 'helo'\n", "unknown-node", 'did you mean "hello"?'),
    ],
)
def test_what_a_project_cannot_say(text: str, code: str, words: str) -> None:
    findings = findings_of(text + ("" if "nodes" in text else HELLO))
    found = [finding for finding in findings if finding.code == code]
    assert found, codes(findings)
    assert words in found[0].remedy
    assert found[0].line is not None


def test_30_no_nodes_is_only_a_warning() -> None:
    assert [finding.severity for finding in findings_of("[project]\nname = 'x'\n")] == ["warning"]


def test_34_conditions_that_cannot_be_read_are_found_before_the_run() -> None:
    found = only(findings_of(f'{HELLO}when = "hello = 3"\n'), "bad-reference")
    assert found.line == 3
    text = f"{HELLO}[nodes.c]\ncondition = '${{hello}} = 3'\n[nodes.c.then]\nshell = 'x'\n"
    assert only(findings_of(text), "bad-reference").remedy == "write == to compare"


def test_35_a_param_named_like_a_builtin_is_a_param() -> None:
    text = '[params]\nprint = 1\nlist = [1]\n__import__ = "x"\n' + HELLO
    assert codes(findings_of(text)) in ([], ["bad-name"])


def test_params_of_shell_nodes_are_not_pasted_into_the_script() -> None:
    found = only(findings_of('[params]\nx = 1\n[nodes.a]\nshell = "echo ${params.x}"\n'), "shell-reference")
    assert "args = { NAME" in found.remedy


# -- sub-workflows -----------------------------------------------------------------------------------------------------


def test_33_a_workflow_that_includes_itself(tmp_path: Path) -> None:
    loaded = looked_at(tmp_path, '[nodes.a]\nworkflow = "project.toml"\n')
    assert "includes itself never ends" in only(loaded.findings, "includes-itself").message


def test_33_files_that_include_each_other(tmp_path: Path) -> None:
    (tmp_path / "b.toml").write_text('[nodes.x]\nworkflow = "c.toml"\n')
    (tmp_path / "c.toml").write_text('[nodes.x]\nworkflow = "b.toml"\n')
    found = only(look(tmp_path / "b.toml").findings, "includes-itself")
    assert '"b" includes "c" includes "b"' in found.message
    assert found.line == 2


def test_33_workflows_of_one_file_that_include_each_other() -> None:
    text = '[nodes.a]\nworkflow = "x"\n[workflows.x.nodes.a]\nworkflow = "y"\n[workflows.y.nodes.a]\nworkflow = "x"\n'
    assert [found.line for found in findings_of(text) if found.code == "includes-itself"] == [4, 6]


def test_sub_workflows_that_are_not_there_or_get_wrong_params(tmp_path: Path) -> None:
    (tmp_path / "month.toml").write_text(f"[params.month]\ntype = 'int'\nrequired = true\n{HELLO}")
    (tmp_path / "broken.toml").write_text("[nodes.a]\n")
    text = """
[nodes.a]
workflow = "moth.toml"
[nodes.b]
workflow = "inner"
[nodes.c]
workflow = "month.toml"
params = { mnth = 3 }
[nodes.d]
workflow = "broken.toml"
[workflows.iner.nodes.x]
shell = "x"
"""
    findings = looked_at(tmp_path, text).findings
    missing = [found for found in findings if found.code == "missing-workflow"]
    assert [found.line for found in missing] == [3, 5, 10]
    assert "there is no such file" in missing[0].message
    assert missing[1].remedy == 'did you mean "iner"?'
    assert "does not say what to do" in missing[2].message
    assert only(findings, "unknown-param").remedy == "did you mean `month`?"
    assert only(findings, "param-missing").remedy == "add params = { month = ... }"


# -- alternatives and joins --------------------------------------------------------------------------------------------


def test_an_alternative_that_waits_for_the_node_it_stands_in_for() -> None:
    text = '[nodes.a]\nshell = "x"\non_error = { alternative = "b" }\n[nodes.b]\nshell = "y"\nneeds = ["a"]\n'
    assert "which has failed by then" in only(findings_of(text), "bad-alternative").message


def test_alternatives_that_stand_in_for_each_other() -> None:
    text = (
        '[nodes.a]\nshell = "x"\non_error = { alternative = "b" }\n'
        '[nodes.b]\nshell = "y"\non_error = { alternative = "a" }\n'
    )
    assert codes(findings_of(text)).count("bad-alternative") == 2


def test_a_join_that_can_never_fire() -> None:
    text = f'{HELLO}[nodes.b]\nshell = "x"\nneeds = ["hello", "hello"]\njoin = {{ at_least = 2 }}\n'
    assert only(findings_of(text), "dead-join").message == '"b" waits for 2 nodes of 1: it can never start'


def test_a_count_of_retries_that_is_no_number_is_one_finding() -> None:
    text = f'{HELLO}retry = {{ max_retries = "one", strategy = "fixed" }}\n'
    assert len(findings_of(text)) == 1


def test_an_undo_that_is_only_text_is_one_finding_with_the_right_spelling() -> None:
    found = findings_of(f'{HELLO}undo = "tasks:clear"\n')
    assert [finding.remedy for finding in found] == ['write undo = { task = "tasks:clear" }']
