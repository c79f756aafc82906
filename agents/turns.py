"""What follows from one input of the coordinator: parcels to send, and news for the engine."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from agents.fleet import AgentStatus
from agents.jobs import Job
from agents.protocol import TaskResult


class Ended:
    """News: an attempt is over. `result` is None where no agent said so: it was lost, or canceled before it was sent."""

    __slots__ = ("agent", "job", "kind", "reason", "result")

    def __init__(
        self, job: Job, kind: str, result: TaskResult | None = None, reason: str = "", agent: str = ""
    ) -> None:
        self.job = job
        self.kind = kind
        self.result = result
        self.reason = reason
        self.agent = agent


class Said:
    """News of an attempt that goes on: progress, lines, a metric."""

    __slots__ = ("job", "message")

    def __init__(self, job: Job, message: Any) -> None:
        self.job = job
        self.message = message


class Given:
    """News: an agent has these attempts now."""

    __slots__ = ("agent", "jobs")

    def __init__(self, agent: str, jobs: Sequence[Job]) -> None:
        self.agent = agent
        self.jobs = jobs


class FleetChanged:
    """News: an agent came, went, or changed its state; `reason` for people."""

    __slots__ = ("agent", "reason", "status")

    def __init__(self, agent: str, status: AgentStatus, reason: str) -> None:
        self.agent = agent
        self.status = status
        self.reason = reason


class Turn:
    """Parcels to send, as (agent, frames), and news for the engine."""

    __slots__ = ("news", "sends")

    def __init__(self) -> None:
        self.sends: list[tuple[str, list[Any]]] = []
        self.news: list[Ended | Said | Given | FleetChanged] = []
