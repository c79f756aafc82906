"""`${...}`: what it names, and what becomes of it."""

from __future__ import annotations

from datetime import date
from pathlib import PurePath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.project.references import (
    Ref,
    ReferenceFailed,
    ReferenceSyntax,
    Template,
    fill,
    read_reference,
    read_template,
    read_value,
    references_in,
)


@pytest.mark.parametrize(
    ("text", "ref"),
    [
        ("load", Ref("node", "load")),
        ("load.field", Ref("node", "load", ("field",))),
        ('load["any key"]', Ref("node", "load", ("any key",))),
        ("load['a\\'b']", Ref("node", "load", ("a'b",))),
        ("load[0].x[-1]", Ref("node", "load", (0, "x", -1))),
        ("publish/render.url", Ref("node", "publish/render", ("url",))),
        ("任务1", Ref("node", "任务1")),
        ("1st-step", Ref("node", "1st-step")),
        ("params.x", Ref("params", "x")),
        ("params.x.y", Ref("params", "x", ("y",))),
        ('params["x y"]', Ref("params", "x y")),
        ("vars.flag", Ref("vars", "flag")),
        ("run.id", Ref("run", "id")),
        ("env:HOME", Ref("env", "HOME")),
        ("secret:api/token", Ref("secret", "api/token")),
        ("item", Ref("item", "")),
        ("item.row", Ref("item", "", ("row",))),
        ("index", Ref("index", "")),
        ("value[0]", Ref("value", "", (0,))),
        (" load ", Ref("node", "load")),
    ],
)
def test_a_reference_is_read(text: str, ref: Ref) -> None:
    assert read_reference(text) == ref
    assert read_reference(str(ref)) == ref


@pytest.mark.parametrize(
    "text",
    ["", " ", "a b", "load.", "load[", "load[x]", "load[1.5]", "params", "vars[0]", "env:", "env:a b", ".x", "/a", "a//b",
     "load()", "load.f()", "a+b", "__import__('os')", "load[0]]", "${x}"],
)  # fmt: skip
def test_what_is_no_reference_is_refused_with_a_remedy(text: str) -> None:
    with pytest.raises(ReferenceSyntax) as caught:
        read_reference(text)
    assert caught.value.remedy


def test_text_without_references_stays_text() -> None:
    assert read_template("plain $5 {x}") == "plain $5 {x}"


def test_one_reference_alone_keeps_the_type_of_its_value() -> None:
    assert fill(read_template("${load}"), lambda ref: [1, {"a": None}]) == [1, {"a": None}]


def test_inside_of_other_text_it_becomes_text() -> None:
    values = {"n": 3, "f": 0.5, "b": True, "d": date(2026, 1, 31), "p": PurePath("a/b"), "s": "x"}
    template = read_template("${n} ${f} ${b} ${d} ${p} ${s}")
    assert isinstance(template, Template)
    assert fill(template, lambda ref: values[ref.name]) == "3 0.5 true 2026-01-31 a/b x"


@pytest.mark.parametrize("value", [[1], {"a": 1}, None, object(), b"x"])
def test_what_has_no_text_of_its_own_cannot_be_put_into_text(value: object) -> None:
    with pytest.raises(ReferenceFailed, match="cannot be put into text"):
        fill(read_template("a ${load} b"), lambda ref: value)


def test_two_dollars_make_a_plain_one() -> None:
    assert read_template("$${load}") == "${load}"
    assert fill(read_template("$${a} ${b}"), lambda ref: "B") == "${a} B"


def test_a_brace_in_quotes_does_not_end_a_reference() -> None:
    assert read_template('${load["}"]}') == Ref("node", "load", ("}",))


@pytest.mark.parametrize("text", ["${load", "a ${", "${a} ${b"])
def test_a_reference_that_is_never_closed_is_refused(text: str) -> None:
    with pytest.raises(ReferenceSyntax, match="never closed"):
        read_template(text)


def test_references_are_found_and_filled_anywhere_inside_of_a_value() -> None:
    value = read_value({"a": ["${x}", {"b": "see ${y.z}"}], "c": 3})
    assert [str(ref) for ref in references_in(value)] == ["x", "y.z"]
    assert fill(value, {"x": 1, "y": {"z": 2}}.__getitem__ and (lambda ref: {"x": 1, "y": {"z": 2}}[ref.name])) == {
        "a": [1, {"b": "see 2"}],
        "c": 3,
    }


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"a": 1}, "a table of a, without .count"),
        ([1, 2], "a list of 2"),
        (None, "null"),
        ("abc", "text"),
        (3, "a number"),
    ],
)
def test_a_field_that_is_not_there_is_named_with_what_is(value: object, text: str) -> None:
    with pytest.raises(ReferenceFailed, match=text):
        fill(read_template("${load.count}"), lambda ref: value)


def test_attributes_of_objects_are_out_of_reach() -> None:
    class Opaque:
        secret = "x"

    with pytest.raises(ReferenceFailed):
        fill(read_template("${load.secret}"), lambda ref: Opaque())
    with pytest.raises(ReferenceFailed):
        fill(read_template("${load.__class__}"), lambda ref: {})


@given(st.text(max_size=40))
def test_any_text_is_read_or_refused_and_nothing_else(text: str) -> None:
    try:
        found = read_template(text)
    except ReferenceSyntax:
        return
    assert isinstance(found, str | Ref | Template)
