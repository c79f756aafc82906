"""An error handler for Flowloom: `[run] error_handler = "gentle"`."""

from __future__ import annotations

from typing import Any

from engine import Retry, Skip


class Gentle:
    """Tries again after a ConnectionError, up to three times; skips what then still fails. Leaves all else as it is."""

    def handle_error(self, workflow: Any, node: str, error: Any) -> Any:
        """What follows for a node whose attempt failed."""
        if not error.type.endswith("ConnectionError"):
            return None
        return Retry() if workflow.node(node).attempts < 3 else Skip()
