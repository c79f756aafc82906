"""Exit codes of the `flowloom` command: scripts rely on them."""

from __future__ import annotations

COMPLETED = 0
FAILED = 1
"""The run failed."""
WRONG = 2
"""Wrong usage, or a project that cannot run: the findings are on stderr."""
CANCELED = 3
"""Somebody else's command canceled the run."""
WAITING = 4
"""The run waits for a person."""
BROKEN = 5
"""The environment is broken: no space, no permission, no connection."""
BUG = 70
"""Flowloom itself failed; a report was written."""
HUNG_UP = 129
INTERRUPTED = 130
TERMINATED = 143
