"""Where the work can be done: this machine, and the hosts that the project names."""

from __future__ import annotations

import os

from textual.app import ComposeResult
from textual.containers import Vertical

from studio.actions import Action
from studio.state import StudioState
from studio.theme import sign
from studio.widgets.page import Line, Page, Piece


class Hosts(Page):
    """Machines, and how to reach for more."""

    GROUND = "bg"
    can_focus = True

    def __init__(self) -> None:
        super().__init__(id="hosts")
        self.state: StudioState | None = None

    def show(self, state: StudioState) -> None:
        """Show the hosts of this state's project."""
        self.state = state
        self.repaint()

    def lines(self, width: int, height: int) -> list[Line]:
        settings = self.state.document.project.agents if self.state is not None and self.state.document else None
        hosts = settings.hosts if settings is not None else ()
        slots = os.cpu_count() or 1
        found: list[Line] = [
            [],
            [Piece("  host                slots   labels", "muted", "panel"), Piece("", ground="panel")],
            [Piece(f"  {sign('dot', ascii=self.ascii)} ", "completed"), Piece(f"{'this machine':<18}{slots:>5}")],
        ]
        for host in hosts:
            labels = ", ".join(host.labels)
            shown = f"{host.host[:17]:<18}{host.slots if host.slots is not None else '-':>5}   {labels}"
            found.append([Piece(f"  {sign('dot ready', ascii=self.ascii)} ", "muted"), Piece(shown)])
        if not hosts:
            found += [[], [Piece("  Only this machine. [[agents.hosts]] in the project file names others.", "muted")]]
        return [*found, [], [Piece("  flowloom agent ", "accent"), Piece("starts, lists and stops agents.", "muted")]]


class Agents(Vertical):
    """The place where the machines are."""

    DEFAULT_CSS = "Agents { height: 1fr; }"

    def __init__(self) -> None:
        super().__init__()
        self.state: StudioState | None = None

    def compose(self) -> ComposeResult:
        yield Hosts()

    def on_mount(self) -> None:
        """Now it can be shown."""
        show_place = getattr(self.screen, "show_place", None)
        if show_place is not None:
            show_place()

    def show(self, state: StudioState) -> None:
        """Show the hosts."""
        self.state = state
        self.query_one(Hosts).show(state)

    def take_focus(self) -> None:
        """The keys are the page's."""
        self.query_one(Hosts).focus()

    def command(self, name: str) -> Action | bool:
        """Nothing of its own."""
        return False
