"""What follows from one input of the worker, for the agent's shell to carry out."""

from __future__ import annotations

from typing import Any

from agents.protocol import TaskAssignment, TaskId, TaskResult


class Orders:
    """To be carried out in this order.

    `sends` are parcels; `start` assignments to begin; `cancel` (lease, grace); `hold` (lease, on); `keep` results to
    spool and to `forget` (nobody needs them any more); `stop` a reason to end the process, or None.
    """

    __slots__ = ("cancel", "forget", "hold", "keep", "sends", "start", "stop")

    def __init__(self) -> None:
        self.sends: list[list[Any]] = []
        self.start: list[TaskAssignment] = []
        self.cancel: list[tuple[TaskId, float]] = []
        self.hold: list[tuple[TaskId, bool]] = []
        self.keep: list[TaskResult] = []
        self.forget: list[TaskResult] = []
        self.stop: str | None = None
