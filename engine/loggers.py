"""Where an engine writes what it has to say: any object with `log` and `log_node_state`.

`StandardLogger` hands everything to Python's logging, so that users' own configuration holds; `JsonLinesLogger` writes one
JSON object a line, for programs that read along.
"""

from __future__ import annotations

import json
import logging
import time
from enum import Enum
from typing import Any, Protocol, TextIO

from engine.machine.state import NodeState
from engine.monitor.observers import Observer


class LogLevel(Enum):
    """How much something matters, in the numbers of Python's logging."""

    DEBUG = logging.DEBUG
    INFO = logging.INFO
    WARNING = logging.WARNING
    ERROR = logging.ERROR

    def __lt__(self, other: LogLevel) -> bool:
        return self.value < other.value


class Logger(Protocol):
    """Takes messages and transitions of nodes."""

    def log(self, level: LogLevel, message: str) -> None:
        """Take a message."""

    def log_node_state(self, node_id: str, state: NodeState) -> None:
        """Take a transition: called exactly once for each."""


class StandardLogger:
    """Hands everything to a logger of Python's logging."""

    def __init__(self, logger: logging.Logger | None = None) -> None:
        self._logger = logger or logging.getLogger("flowloom")

    def log(self, level: LogLevel, message: str) -> None:
        """At the same level there."""
        self._logger.log(level.value, "%s", message)

    def log_node_state(self, node_id: str, state: NodeState) -> None:
        """At DEBUG: there are several for each node."""
        self._logger.debug("node %s is %s", node_id, state.value)


class JsonLinesLogger:
    """Writes one JSON object a line to a stream: time (seconds since 1970), level, message or node and state."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def log(self, level: LogLevel, message: str) -> None:
        """One line."""
        self._write(level=level.name.lower(), message=message)

    def log_node_state(self, node_id: str, state: NodeState) -> None:
        """One line."""
        self._write(level="debug", node=node_id, state=state.value)

    def _write(self, **facts: Any) -> None:
        self._stream.write(json.dumps({"time": round(time.time(), 3), **facts}, ensure_ascii=False) + "\n")


class TransitionLog(Observer):
    """Tells a logger of every transition."""

    def __init__(self, logger: Logger) -> None:
        self._logger = logger

    def on_node_state_change(self, node_id: str, old: NodeState, new: NodeState) -> None:
        """One call for each."""
        self._logger.log_node_state(node_id, new)
