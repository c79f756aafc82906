"""Params: read by their type, checked before anything starts."""

from __future__ import annotations

from datetime import date, time
from typing import Any

import pytest

from engine.errors import ValidationFailed
from engine.project.model import Param
from engine.project.params import bind_params, type_of

PARAMS = {
    "island": Param("Biscoe", short=True),
    "rows": Param(10, short=True),
    "rate": Param(0.5, short=True),
    "fast": Param(False, short=True),
    "rates": Param([0.1], type="list"),
    "limits": Param({"a": 1}, type="table"),
    "day": Param(date(2026, 1, 1), short=True),
    "colour": Param("red", choices=("red", "green")),
    "code": Param("ab", pattern="[a-z]+"),
}


@pytest.mark.parametrize(
    ("given", "value"),
    [
        ("island=Dream", "Dream"),
        ("island=a=b", "a=b"),
        ("island=", ""),
        ("rows=0x10", 16),
        ("rows=-3", -3),
        ("rate=2", 2.0),
        ("fast=yes", True),
        ("fast=0", False),
        ("rates=1,2.5,x", [1, 2.5, "x"]),
        ("rates=[1, 2]", [1, 2]),
        ("rates=", []),
        ('limits={"b": 2}', {"b": 2}),
        ("limits={ b = 2 }", {"b": 2}),
        ("day=2026-02-28", date(2026, 2, 28)),
        ("day=12:30", time(12, 30)),
        ("colour=green", "green"),
    ],
)
def test_a_value_is_read_by_the_type_of_its_param(given: str, value: Any) -> None:
    found = bind_params(PARAMS, [given])[given.partition("=")[0]]
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("given", "words", "remedy"),
    [
        ("rows=ten", "a whole number", "-p rows=10"),
        ("rows=1.5", "a whole number", "-p rows=10"),
        ("rows=" + "9" * 5000, "a whole number", "-p rows=10"),
        ("rate=nan", "a number", "-p rate=0.5"),
        ("fast=maybe", "true or false", "-p fast=true"),
        ("rates={", "a list", "-p rates=a,b,c"),
        ("rates=" + "[" * 100_000, "a list", "-p rates=a,b,c"),
        ("limits=[1]", "a table", "-p limits="),
        ("day=2026-02-30", "a date", "-p day=2026-01-31"),
        ("colour=blue", "not among the choices", 'choose one of "red", "green"'),
        ("code=AB", "does not match", "[a-z]+"),
        ("ilsand=x", "there is no param", "did you mean island?"),
        ("island", "gives no value", "-p island=VALUE"),
        ("=x", "there is no param", "known: island"),
    ],
)
def test_what_does_not_fit_is_refused_with_a_remedy(given: str, words: str, remedy: str) -> None:
    with pytest.raises(ValidationFailed) as caught:
        bind_params(PARAMS, [given])
    assert len(caught.value.findings) == 1
    assert words in caught.value.findings[0].message
    assert remedy in caught.value.findings[0].remedy


def test_all_mistakes_are_told_at_once() -> None:
    with pytest.raises(ValidationFailed) as caught:
        bind_params(PARAMS, ["rows=x", "rate=y", "zzz=1"])
    assert len(caught.value.findings) == 3


def test_without_a_value_the_default_holds() -> None:
    assert bind_params(PARAMS)["island"] == "Biscoe"


def test_a_required_param_must_be_given() -> None:
    params = {"token": Param(type="str", required=True, help="from the portal")}
    with pytest.raises(ValidationFailed, match="required: from the portal"):
        bind_params(params)
    assert bind_params(params, ["token=x"]) == {"token": "x"}


def test_values_from_python_are_checked_too() -> None:
    assert bind_params(PARAMS, {"rows": 3})["rows"] == 3
    with pytest.raises(ValidationFailed, match="a whole number"):
        bind_params(PARAMS, {"rows": "3"})


def test_the_type_comes_from_the_default_where_it_is_not_said() -> None:
    assert [type_of(param) for param in PARAMS.values()] == [
        "str", "int", "float", "bool", "list", "table", "date", "str", "str",
    ]  # fmt: skip
    assert type_of(Param(required=True)) == "str"
    assert type_of(Param(1, type="float")) == "float"
