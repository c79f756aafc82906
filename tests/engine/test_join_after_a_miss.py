"""A node that waits for several others starts when its join says so, in whatever order they end."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from engine.start import start_run

if TYPE_CHECKING:
    from pathlib import Path

PROJECT = """
format = 1
[project]
name = "joins"
[nodes.{first}]
shell = "exit 1"
on_error = "skip"
priority = {first_priority}
[nodes.{second}]
shell = "echo there"
priority = {second_priority}
[nodes.after]
shell = "echo ${{missing:-none}} $present"
inputs = {{ missing = "{first}", present = "{second}" }}
join = {join}
"""


@pytest.mark.parametrize("join", ['"all_done"', '"any"', "{ at_least = 1 }"])
@pytest.mark.parametrize("failing_first", [True, False])
def test_a_join_that_can_live_without_a_node_starts_in_either_order(
    tmp_path: Path, join: str, failing_first: bool
) -> None:
    priorities = (1, 0) if failing_first else (0, 1)
    text = PROJECT.format(
        first="fails", second="works", first_priority=priorities[0], second_priority=priorities[1], join=join
    )
    (tmp_path / "project.toml").write_text(text)
    handle = start_run(tmp_path, executor="inline", jobs=1)
    assert handle.wait(30)
    states = {node: record.state.value for node, record in handle.result.nodes.items()}
    assert states == {"fails": "skipped", "works": "completed", "after": "completed"}
