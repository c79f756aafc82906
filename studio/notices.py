"""The one message that widgets send up: an action for the session."""

from __future__ import annotations

from textual.message import Message

from studio.actions import Action


class Notice(Message):
    """`action` is what the person did or asked for; the app hands it to the session."""

    def __init__(self, action: Action) -> None:
        super().__init__()
        self.action = action
