"""What lies over the screen and asks: a question with its answers, or a menu.

A dialog is a framed page in the middle, at most 72 cells wide. Each answer has a letter and says what it does; the
cursor stands on the safe one, and Esc gives that one too. Amber where it asks, red where it destroys.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from textual import events
from textual.app import ComposeResult
from textual.screen import ModalScreen

from studio.actions import Action, Asked
from studio.notices import Notice
from studio.widgets.page import Line, Page, Piece, cut, shortened, spread, width_of

WIDEST = 72


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer: the letter that gives it, its name, what it does, and the action it means (None: nothing)."""

    key: str
    name: str
    says: str
    action: Action | None = None


@dataclass(frozen=True, slots=True)
class Question:
    """What a dialog asks. `lines` are made for a width; `safe` is the number of the answer that harms nothing."""

    title: str
    text: Sequence[Line]
    answers: Sequence[Answer]
    safe: int = 0
    ink: str = "suspended"


def framed(title: str, body: Sequence[Line], width: int, ink: str, *, ascii: bool) -> list[Line]:
    """Lines in a round frame with its title in the border, on a panel."""
    corners = "++++-|" if ascii else "╭╮╰╯─│"
    top = [Piece(f" {corners[0]}{corners[4]}", ink), Piece(f" {title} ", ink, bold=True)]
    top.append(Piece(corners[4] * max(width - 7 - len(title), 0) + corners[1] + " ", ink))
    found: list[Line] = [[Piece(" " * width)], top]
    for line in body:
        room = width - 6
        line = shortened(line, room)
        gap = room - width_of(line)
        tail = [Piece(" " * max(gap, 0), ground=line[-1].ground if line and gap else "")]
        found.append([Piece(f" {corners[5]} ", ink), *line, *tail, Piece(f" {corners[5]} ", ink)])
    found.append([Piece(f" {corners[2]}{corners[4] * (width - 4)}{corners[3]} ", ink)])
    return [*found, [Piece(" " * width)]]


class Asking(Page):
    """The page of a dialog."""

    DEFAULT_CSS = "Asking { width: auto; height: auto; }"
    can_focus = True

    def __init__(self, question: Question) -> None:
        super().__init__(id="asking")
        self.question = question
        self.chosen = question.safe

    def get_content_width(self, container: object, viewport: object) -> int:
        return min(WIDEST, self.app.size.width - 2)

    def get_content_height(self, container: object, viewport: object, width: int) -> int:
        return min(len(self.lines(width, 0)), self.app.size.height)

    def lines(self, width: int, height: int) -> list[Line]:
        room = width - 6
        body: list[Line] = [[]]
        body += [[Piece(" "), *line] for line in self.question.text]
        if self.question.text:
            body.append([])
        for number, answer in enumerate(self.question.answers):
            here = number == self.chosen
            ground = "accentbg" if here else "surface"
            act = Asked(f"answer:{number}")
            mark = ("|" if self.ascii else "▌") if here else " "
            left = [Piece(mark, "accent"), Piece(f" {answer.key}  ", "accent", bold=True)]
            left.append(Piece(answer.name, bold=here))
            says = cut(answer.says, room - width_of(left) - 3, ascii=self.ascii)
            line = spread(left, [Piece(f"{says} ", "muted")], room)
            body.append([piece._replace(ground=ground, act=act) for piece in line])
        body.append([])
        return framed(self.question.title, body, width, self.question.ink, ascii=self.ascii)


class Dialog(ModalScreen[Action | None]):
    """Asks, and gives the action that the answer means."""

    DEFAULT_CSS = "Dialog { align: center middle; background: $background 60%; }"

    def __init__(self, question: Question) -> None:
        super().__init__()
        self.question = question

    def compose(self) -> ComposeResult:
        yield Asking(self.question)

    def on_mount(self) -> None:
        """The keys are the dialog's."""
        self.query_one(Asking).focus()

    def on_notice(self, notice: Notice) -> None:
        """A click on an answer gives it."""
        if isinstance(notice.action, Asked) and notice.action.command.startswith("answer:"):
            notice.stop()
            self._give(int(notice.action.command.partition(":")[2]))

    def on_key(self, event: events.Key) -> None:
        """Letters give their answer, arrows move, Enter gives the one in hand, Esc the safe one."""
        page = self.query_one(Asking)
        event.stop()
        event.prevent_default()
        letters = {answer.key: number for number, answer in enumerate(self.question.answers)}
        step = {"down": 1, "j": 1, "tab": 1, "up": -1, "k": -1, "shift+tab": -1}.get(event.key)
        if event.character in letters:
            self._give(letters[event.character])
        elif step is not None:
            page.chosen = (page.chosen + step) % len(self.question.answers)
            page.repaint()
        elif event.key == "enter":
            self._give(page.chosen)
        elif event.key in {"escape", "q"}:
            self._give(self.question.safe)

    def _give(self, number: int) -> None:
        if self.is_current:  # a second key may have been on its way
            self.dismiss(self.question.answers[number].action)
