"""A scheduler for Flowloom: `[run] scheduler = "shortest"`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


class ShortestFirst:
    """Of what is ready, the shortest names first."""

    def schedule(self, workflow: Any) -> Sequence[str]:
        """Paths of nodes to start, most urgent first."""
        return sorted(workflow.ready(), key=len)

    def reschedule(self, workflow: Any, failed_node: str) -> None:
        """A failure changes no name."""
