"""Workers on this machine and others: the engine gives attempts, agents run them and keep the results.

The public names are loaded when they are first asked for, so that `import agents` costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

_HOMES = {
    "AgentInfo": "fleet",
    "AgentPool": "pool",
    "AgentStatus": "fleet",
    "AgentUnavailable": "errors",
    "AgentsExecutor": "executor",
    "ConnectionFailed": "errors",
    "Coordinator": "coordinator",
    "LoadBalancingStrategy": "fleet",
    "Message": "protocol",
    "MemoryNetwork": "transport",
    "MemoryTransport": "transport",
    "MessageTooLarge": "errors",
    "NetworkError": "errors",
    "NetworkTransport": "transport",
    "NetworkUnavailable": "errors",
    "NodeInfo": "fleet",
    "NodeStatus": "fleet",
    "NodeUnavailable": "errors",
    "SerializationError": "errors",
    "StatusUpdate": "protocol",
    "TaskAssignment": "protocol",
    "TaskResult": "protocol",
    "Timeout": "errors",
    "UnknownError": "errors",
    "ZmqTransport": "transport",
}

__all__ = sorted(_HOMES)  # noqa: PLE0605 - the table above is the list


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'agents' has no attribute {name!r}")
    value = getattr(import_module(f"agents.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
