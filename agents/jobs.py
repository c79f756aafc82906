"""Attempts as the coordinator holds them, from `submit` until their outcome is known. Nothing here looks into a value."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from agents.fleet import NOTHING, Requirements

Key = tuple[int, int]  # a node's number and the number of its attempt


class TaskBody:
    """What attempts of one node have in common and travels once per agent: `data` is opaque here."""

    __slots__ = ("data", "number", "usual")

    def __init__(self, number: int, data: bytes) -> None:
        self.number = number
        self.data = data
        self.usual: float | None = None  # smoothed seconds of an attempt, None until one has ended

    @property
    def name(self) -> bytes:
        """How it travels if it is too large for an assignment."""
        return b"task %d" % self.number

    def took(self, seconds: float) -> None:
        """An attempt of it has ended after so long."""
        usual = self.usual
        self.usual = seconds if usual is None else usual + 0.25 * (seconds - usual)


class Job:
    """One attempt. `values` are large parts of its inputs by name, `once` says that it must not be given away again."""

    __slots__ = (
        "agent",
        "body",
        "canceled",
        "epoch",
        "inputs",
        "losses",
        "node",
        "number",
        "once",
        "over",
        "requires",
        "timeout",
        "values",
    )

    def __init__(
        self,
        node: int,
        number: int,
        body: TaskBody,
        inputs: bytes = b"",
        *,
        values: Mapping[bytes, Any] | None = None,
        timeout: float | None = None,
        requires: Requirements = NOTHING,
        once: bool = False,
        epoch: int = 0,
    ) -> None:
        self.node = node
        self.number = number
        self.body = body
        self.inputs = inputs
        self.values = values
        self.timeout = timeout
        self.requires = requires
        self.once = once
        self.epoch = epoch
        self.agent = ""  # who has it, "" while it waits
        self.losses = 0
        self.canceled = False
        self.over = False

    @property
    def key(self) -> Key:
        return (self.node, self.number)
