"""Whatever a file says, it is read or refused: no exception, and every error has its place."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.project.checks import check_text
from engine.project.layout import to_text
from engine.project.model import Project
from engine.project.toml import parse

EVERYTHING = (Path(__file__).parent / "everything.toml").read_text()
DATA = parse(EVERYTHING)[1]

strange = st.sampled_from(
    [0, -1, 1, 2**70, 1.5, float("inf"), float("nan"), True, "", "x", "${", "${a}", "a:b", "\x1b", [], {}, [[]], [{}],
     {"a": 1}, {"": {}}, [1, "a"], "skip", "5m", {"task": 3}, {"nodes": {}}, {"shell": "x"}]
)  # fmt: skip


@st.composite
def one_value_changed(draw: Any) -> dict[str, Any]:
    """All of the format, with something strange in one place."""

    def copied(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: copied(item) for key, item in value.items()}
        return [copied(item) for item in value] if isinstance(value, list) else value

    data = copied(DATA)
    here: Any = data
    while True:
        keys = list(here) if isinstance(here, dict) else list(range(len(here)))
        key = draw(st.sampled_from(keys))
        if not isinstance(here[key], dict | list) or not here[key] or draw(st.integers(0, 4)) == 0:
            break
        here = here[key]
    what = draw(st.sampled_from(["value", "key", "delete"]))
    if what == "delete" and isinstance(here, dict):
        del here[key]
    elif what == "key" and isinstance(here, dict):
        here[draw(st.sampled_from(["", "x", "task", "nodes", "wait", "a b", "\u202e"]))] = draw(strange)
    else:
        here[key] = draw(strange)
    return data


@settings(max_examples=250, deadline=None, suppress_health_check=list(HealthCheck))
@given(one_value_changed())
def test_something_strange_in_one_place_is_read_or_refused(data: dict[str, Any]) -> None:
    text = to_text(data)
    project, findings = check_text(text, file=Path(__file__).with_name("project.toml"))
    assert isinstance(project, Project) or findings.errors
    for finding in findings:
        assert finding.message
        assert finding.remedy
        assert finding.line is not None or finding.code == "shadowing" or not finding.path
        assert all(char.isprintable() for char in finding.message + finding.remedy)
    findings.render()


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_a_damaged_text_is_read_or_refused(data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(EVERYTHING) - 1))
    end = data.draw(st.integers(start, min(start + 20, len(EVERYTHING))))
    text = EVERYTHING[:start] + data.draw(st.text(max_size=4)) + EVERYTHING[end:]
    project, findings = check_text(text)
    assert isinstance(project, Project) or findings.errors
    assert all(finding.remedy for finding in findings)
