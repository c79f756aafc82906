"""Where the work is done: the agents of the run in hand and of this machine, their load, and what runs on each.

While the place is on the screen, it is looked at once a second. Hosts that the project names are listed below.
"""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Vertical

from studio.actions import Action, AgentDrained, AgentEnded, AgentsWanted
from studio.notices import Notice
from studio.pictures.faces import seconds
from studio.state import AgentNow, StudioState
from studio.theme import sign
from studio.widgets.page import Line, Page, Piece
from studio.widgets.tables import Column, Row, Table

LOOK = 1.0
"""Seconds between two looks."""
SQUARES = 8
COLUMNS = (
    Column("agent", 16),
    Column("state", 12),
    Column("slots", SQUARES + 7),
    Column("load", 5, right=True, rank=3),
    Column("heard", 8, right=True),
    Column("labels", 14, rank=4),
    Column("held by", 20, rank=5),
    Column("running here", 0, rank=2),
)
INKS = {"available": "completed", "busy": "running", "draining": "suspended", "suspected": "suspended"}
EMPTY = "Only this machine. a starts an agent here; flowloom run --executor agents starts its own."


class Hosts(Page):
    """The hosts that the project names, under the agents."""

    GROUND = "bg"
    DEFAULT_CSS = "Hosts { height: auto; max-height: 10; }"

    def __init__(self) -> None:
        super().__init__(id="hosts")
        self.state: StudioState | None = None

    def show(self, state: StudioState) -> None:
        """Show the hosts of this state's project."""
        self.state = state
        hosts = self._hosts()
        self.styles.height = len(hosts) + 3 if hosts else 0
        self.repaint()

    def _hosts(self) -> list[tuple[str, str, str]]:
        document = self.state.document if self.state is not None else None
        project = document.project if document is not None else None
        hosts = project.agents.hosts if project is not None else ()
        return [(host.host, "" if host.slots is None else str(host.slots), ", ".join(host.labels)) for host in hosts]

    def lines(self, width: int, height: int) -> list[Line]:
        hosts = self._hosts()
        if not hosts:
            return []
        head = [Piece("  hosts of project.toml    slots   labels", "muted", "panel"), Piece("", ground="panel")]
        rows: list[Line] = [[Piece(f"  {host[:23]:<24} {slots:>5}   {labels}")] for host, slots, labels in hosts]
        return [[], head, *rows]


class Agents(Vertical):
    """The place where the agents are."""

    DEFAULT_CSS = "Agents { height: 1fr; } Agents Table { height: 1fr; }"

    def __init__(self) -> None:
        super().__init__()
        self.state: StudioState | None = None

    def compose(self) -> ComposeResult:
        yield Table(COLUMNS, "Looking for agents", id="agents")
        yield Hosts()

    def on_mount(self) -> None:
        """Now it can be shown, and looked at again and again."""
        show_place = getattr(self.screen, "show_place", None)
        if show_place is not None:
            show_place()
        self.set_interval(LOOK, self._look_again)

    def _look_again(self) -> None:
        if self.state is not None and self.state.place == "agents":
            self.post_message(Notice(AgentsWanted()))

    def show(self, state: StudioState) -> None:
        """Show this state's agents."""
        self.state = state
        table = self.query_one("#agents", Table)
        table.empty = "Looking for agents" if state.agents is None else EMPTY
        table.fill([_row(agent, table.ascii) for agent in state.agents or ()])
        self.query_one(Hosts).show(state)

    def take_focus(self) -> None:
        """The keys are the table's."""
        self.query_one("#agents", Table).focus()

    @property
    def agent(self) -> AgentNow | None:
        """The one under the cursor."""
        agents = self.state.agents if self.state is not None else None
        at = self.query_one("#agents", Table).cursor
        return agents[at] if agents and at < len(agents) else None

    def command(self, name: str) -> Action | bool:
        """An action to dispatch, or whether the command was ours."""
        agent = self.agent
        if name == "agent.drain" and agent is not None:
            return AgentDrained(agent.name)
        if name == "agent.stop" and agent is not None:
            if agent.state == "offline":
                return AgentEnded(agent.name)  # nothing to ask about; the fleet says that it does not run
            from studio.widgets.dialogs import Dialog
            from studio.widgets.questions import stop_question

            self.app.push_screen(Dialog(stop_question(agent)), self._answered)
            return True
        return name in {"agent.drain", "agent.stop"}

    def _answered(self, action: Action | None) -> None:
        if action is not None:
            self.post_message(Notice(action))


def _row(agent: AgentNow, ascii: bool) -> Row:
    ink = INKS.get(agent.state, "failed" if agent.state in {"failed", "revoked"} else "muted")
    living = agent.heard is not None
    mark = sign("dot" if living else "dot ready", ascii=ascii)
    return Row(
        (
            Piece(agent.name, "accent" if agent.own else "text", bold=agent.own),
            (Piece(f"{mark} ", ink), Piece(agent.state, ink)),
            tuple(_slots(agent, ascii)) if living else Piece(f"{agent.slots}", "muted"),
            Piece(f"{agent.load:.2f}" if living else "", "muted"),
            Piece(_ago(agent.heard), "muted"),
            Piece(", ".join(agent.labels), "muted"),
            Piece("this run" if agent.own else agent.engine, "text" if agent.own else "muted"),
            _here(agent),
        )
    )


def _ago(heard: float | None) -> str:
    if heard is None:
        return ""
    return f"{heard:.1f} s" if heard < 9.95 else seconds(heard)


def _slots(agent: AgentNow, ascii: bool) -> list[Piece]:
    """`■■□□ 2/4`: a square a slot, as many as there is room for."""
    room = min(SQUARES, agent.slots)
    full = min(room, -(-min(agent.busy, agent.slots) * room // max(agent.slots, 1)))
    return [
        Piece(sign("item", ascii=ascii) * full, "running"),
        Piece(sign("item ready", ascii=ascii) * (room - full), "muted"),
        Piece(f" {agent.busy}/{agent.slots}", "text"),
    ]


def _here(agent: AgentNow) -> Piece:
    if agent.running:
        return Piece(", ".join(agent.running[:40]))
    if agent.busy:
        return Piece(f"{agent.busy} of another run" if not agent.own else f"{agent.busy} on the way", "muted")
    return Piece(agent.reason, "muted")
