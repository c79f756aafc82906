"""The language of conditions."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.project.comparisons import (
    MAX_COMPARISON,
    MAX_PARENTHESES,
    decide,
    is_function,
    read_comparison,
    references_of,
)
from engine.project.references import Ref, ReferenceFailed, ReferenceSyntax

VALUES: dict[str, Any] = {"n": 3, "s": "ready", "b": True, "f": False, "l": [1, 2], "t": {"x": {"y": 5}}, "none": None}


def holds(text: str) -> bool:
    return decide(read_comparison(text), lambda ref: VALUES[ref.name])


@pytest.mark.parametrize(
    "text",
    [
        "${n} == 3",
        "${n} != 4",
        "${n} >= 3 and ${n} <= 3",
        "${n} > 2.5",
        "${n} < 1e3",
        "${n} > -1",
        "${s} == 'ready'",
        '${s} == "ready"',
        "${s} in ['ready', 'done']",
        "${n} not in [1, 2]",
        "2 in ${l}",
        "'x' in ${t}",
        "${t.x.y} == 5",
        "${b}",
        "not ${f}",
        "not not ${b}",
        "${f} or ${b}",
        "${b} and not (${f} or ${n} == 0)",
        "${b} == true",
        "${none} == null",
        "1_000 == 1000",
        "${b} or ${missing} == 1",
        "not ${n} == 4",
        "true or false and false",
    ],
)
def test_a_condition_that_holds(text: str) -> None:
    assert holds(text) is True


@pytest.mark.parametrize("text", ["${n} == 4", "${f}", "${f} and ${missing}", "${s} in []", "null == 0", "'a' == 1"])
def test_a_condition_that_does_not_hold(text: str) -> None:
    assert holds(text) is False


@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        ("", "write for example"),
        ("   ", "write for example"),
        ("count > 1", "${count} for a reference"),
        ("${n} = 1", "write =="),
        ("${n} + 1 > 2", "no arithmetic"),
        ("1 < ${n} < 3", "a < b and b < c"),
        ("${b} && ${f}", "write and, or, not"),
        ("!${b}", "write and, or, not"),
        ("${n} ==", "write for example"),
        ("(${b}", "add the )"),
        ("${b})", "references, literals"),
        ("[1, 2", "add the ]"),
        ("'${s}' == 'ready'", "without quotes"),
        ("${n} == 'x", "references, literals"),
        ("__import__('os')", "reference"),
        ("${n}.real == 1", "references, literals"),
        ("${a b} == 1", "write NAME"),
        ("lambda: 1", "reference"),
        ("${n} is 3", "references, literals"),
    ],
)
def test_what_is_no_condition_is_refused_with_a_remedy(text: str, remedy: str) -> None:
    with pytest.raises(ReferenceSyntax) as caught:
        read_comparison(text)
    assert remedy in caught.value.remedy


@pytest.mark.parametrize("text", ["${n}", "${s}", "${none}", "${l}", "not ${n}", "${n} and ${b}", "${b} and 'x'"])
def test_a_condition_is_true_or_false_and_nothing_in_between(text: str) -> None:
    with pytest.raises(ReferenceFailed, match="neither true nor false"):
        holds(text)


@pytest.mark.parametrize("text", ["${s} < 3", "${none} >= 1", "1 in 5", "${t} < ${t}"])
def test_what_cannot_be_compared_fails_and_says_what_it_was(text: str) -> None:
    with pytest.raises(ReferenceFailed, match="cannot be compared"):
        holds(text)


def test_a_missing_field_fails() -> None:
    with pytest.raises(ReferenceFailed, match="has no value"):
        holds("${t.x.z} == 1")


def test_long_conditions_and_many_parentheses_are_refused_unread() -> None:
    with pytest.raises(ReferenceSyntax, match="characters"):
        read_comparison("${a} or " * MAX_COMPARISON)
    with pytest.raises(ReferenceSyntax, match="parentheses"):
        read_comparison("(" * 4000 + "true" + ")" * 4000)
    assert read_comparison("(" * MAX_PARENTHESES + "true" + ")" * MAX_PARENTHESES)


def test_a_long_chain_needs_no_stack() -> None:
    text = " or ".join(["${f}"] * 1000 + ["${b}"])
    assert holds(text) is True
    assert holds("not " * 1000 + "${b}") is True


def test_all_references_are_found() -> None:
    found = references_of(read_comparison("${a} == 1 and not (${b.c} in [${params.d}, 2])"))
    assert list(found) == [Ref("node", "a"), Ref("node", "b", ("c",)), Ref("params", "d")]


def test_a_function_is_told_from_a_comparison() -> None:
    assert is_function("tasks:enough")
    assert is_function("pkg.tasks:Class.method")
    assert not is_function("${a} == 'tasks:enough'")
    assert not is_function("tasks:enough()")
    assert not is_function("os.system:")


@given(st.text(alphabet="${}ab.'\"()[]<>=! andornotin123,", max_size=40))
def test_any_text_is_read_or_refused_and_nothing_else(text: str) -> None:
    try:
        comparison = read_comparison(text)
    except ReferenceSyntax:
        return
    try:
        decide(comparison, lambda ref: 1)
    except ReferenceFailed:
        pass
