"""What lies over the screen: a question with its answers, a menu, the keys.

A dialog is a framed page in the middle, at most 72 cells wide. Each answer has a letter and says what it does; the
cursor stands on the safe one, and Esc gives that one too. Amber where it asks, red where it destroys.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from textual import events
from textual.app import ComposeResult
from textual.screen import ModalScreen

from studio import key_hints, keys
from studio.actions import Action, AgentEnded, Asked, ChangeAnswered, Recovered, TrustAnswered
from studio.document.uses import Use
from studio.notices import Notice
from studio.state import AgentNow, Foreseen
from studio.theme import kind_glyph, sign
from studio.widgets.page import Line, Page, Piece, cut, on, shortened, spread, width_of, words

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


# -- questions -------------------------------------------------------------------------------------------------------


def trust_question(
    uses: Sequence[Use], origin: str, folder: str, me: str, *, ascii: bool, size: tuple[int, int]
) -> Question:
    """Whether code of this project may run; as long as fits the terminal of `size`."""
    room = min(WIDEST, size[0] - 2) - 8
    most = max(1, min(8, size[1] - 21))
    shown = uses if len(uses) <= most else uses[: most - 1]
    text: list[Line] = []
    opening = f"To run this workflow, Flowloom must import its Python files and start its commands as you, {me}."
    rows = words("Nothing has run yet. " + opening, room)
    first = "Nothing has run yet."
    text.append([Piece(first, bold=True), Piece(rows[0][len(first) :])])
    text += [[Piece(row)] for row in rows[1:]]
    text += [[], [Piece("It would use", "muted")]]
    for use in shown:
        kind = f"{kind_glyph(use.kind, ascii=ascii)} {use.count} {use.noun if use.count != 1 else use.noun.rstrip('s')}"
        left = [Piece(f"{cut(use.file, 15, ascii=ascii):<16}"), Piece(f"{kind:<17}", "accent")]
        text.append([*left, Piece(cut(use.detail, room - 33, ascii=ascii), "suspended" if use.odd else "muted")])
    if len(uses) > len(shown):
        text.append([Piece(f"and {len(uses) - len(shown)} more", "muted")])
    text += [[], [Piece("Where it came from", "muted")], [Piece(cut(origin, room, ascii=ascii))]]
    text += [[Piece(cut(folder, room, ascii=ascii), "muted")], [Piece("not trusted on this machine before", "muted")]]
    return Question(
        "Run code from this project?",
        text,
        (
            Answer("n", "Look only", "open and draw; nothing runs", TrustAnswered("no")),
            Answer("o", "Once", "trust until the studio closes", TrustAnswered("once")),
            Answer("t", "Trust this folder", "do not ask again", TrustAnswered("always")),
        ),
    )


def cancel_question(done: int, total: int) -> Question:
    """Whether the run shall end."""
    return Question(
        "Cancel the run?",
        [[Piece(f"{done} of {total} nodes are done and stay so. What runs now is ended.")]],
        (
            Answer("n", "Let it go on", "nothing changes"),
            Answer("c", "Cancel the run", "ends what runs, starts nothing more", Asked("cancel.run.now")),
        ),
        ink="failed",
    )


def quit_question() -> Question:
    """Whether to leave while a run goes on."""
    return Question(
        "A run is going on. Leave?",
        [[Piece("It runs inside this studio: leaving cancels it.")]],
        (
            Answer("n", "Stay", "the run goes on"),
            Answer("l", "Cancel the run and leave", "ends what runs", Asked("quit.now")),
        ),
        ink="failed",
    )


def stop_question(agent: AgentNow) -> Question:
    """Whether to end an agent."""
    what = f"It has {agent.busy} {'attempt' if agent.busy == 1 else 'attempts'} now: " if agent.busy else "It is idle: "
    after = "they go to other agents, or fail." if agent.busy else "nothing is lost."
    return Question(
        f"Stop {agent.name}?",
        [[Piece(what + after)]],
        (
            Answer("n", "Leave it", "d lets it finish first"),
            Answer("x", "Stop it", "ends the agent and what it runs", AgentEnded(agent.name)),
        ),
        ink="failed",
    )


def recover_question(name: str, when: str, changed: bool) -> Question:
    """Whether to take up a draft that was never saved."""
    text: list[Line] = [[Piece(f"There are changes of {name} that were never saved.")]]
    text.append([Piece(f"They were kept {when}.", "muted")])
    if changed:
        text.append([Piece("The file was changed since; both will be joined.", "muted")])
    return Question(
        "Go on with the draft?",
        text,
        (
            Answer("t", "Take it up", "nothing is written until you save", Recovered(True)),
            Answer("n", "Not now", "it stays kept, and is offered again"),
            Answer("f", "Forget it", "the draft is deleted", Recovered(False)),
        ),
        safe=1,
    )


def unsaved_question() -> Question:
    """Whether to leave though the draft can be kept nowhere."""
    return Question(
        "Leave without saving?",
        [[Piece("The changes are not saved, and a draft of them cannot be kept.")]],
        (
            Answer("n", "Stay", "S saves"),
            Answer("l", "Leave", "the changes are lost", Asked("quit.kept")),
        ),
        ink="failed",
    )


def change_question(nodes: Sequence[Foreseen], summary: str, *, ascii: bool, size: tuple[int, int]) -> Question:
    """Whether the run in hand goes on with the edits; what that means, as many nodes as fit."""
    room = min(WIDEST, size[0] - 2) - 8
    most = max(1, size[1] - 16)
    shown = nodes if len(nodes) <= most else nodes[: most - 1]
    text: list[Line] = [[Piece(row)] for row in words(f"{summary}.", room)]
    text.append([])
    wide = max((min(len(node.path), 26) for node in shown), default=0) + 2
    for node in shown:
        ink = "failed" if node.cancels or node.fate == "is removed" else _FATES.get(node.fate, "muted")
        said = f"{node.fate}, its attempt is ended" if node.cancels else node.fate
        why = f"   {node.reason}" if node.reason else ""
        left = [Piece(f"{cut(node.path, wide - 2, ascii=ascii):<{wide}}", bold=True), Piece(said, ink)]
        text.append([*left, Piece(cut(why, room - wide - len(said), ascii=ascii), "muted")])
    if len(nodes) > len(shown):
        text.append([Piece(f"and {len(nodes) - len(shown)} more", "muted")])
    loses = any(node.cancels or node.fate in ("runs again", "is removed") for node in nodes)
    return Question(
        "Go on with the edits?",
        text,
        (
            Answer("n", "Not now", "the run goes on as it is", ChangeAnswered(False)),
            Answer("m", "Change the run", "all of this at once, or nothing", ChangeAnswered(True)),
        ),
        ink="suspended" if loses else "accent",
    )


_FATES = {"runs again": "retrying", "has yet to run": "running", "goes on": "running", "will not run": "suspended"}


def run_menu(live: bool, paused: bool, node: str) -> Question:
    """What can be done about running; `node` is the one at the cursor, empty where there is none."""
    close = Answer("n", "Close", "")
    if live:
        going = Answer("p", "Go on", "start nodes again", Asked("pause"))
        holding = Answer("p", "Pause", "what runs goes on, nothing new starts", Asked("pause"))
        changing = Answer("m", "Apply edits", "go on with what is on the screen", Asked("change.run"))
        ending = Answer("x", "Cancel", "end what runs (asks first)", Asked("cancel.run"))
        return Question("Run", [], (going if paused else holding, changing, ending, close), 3, "accent")
    every = Answer("a", "Run all", "every node of the workflow", Asked("run.all"))
    if not node:
        return Question("Run", [], (every, close), 0, "accent")
    parts = (
        Answer("t", f"To {node}", "it, and all that leads to it", Asked("run.to")),
        Answer("f", f"From {node}", "it, and all that follows it", Asked("run.from")),
        Answer("o", f"Only {node}", "with what the last runs left before it", Asked("run.only")),
    )
    return Question("Run", [], (every, *parts, close), 0, "accent")


# -- keys ------------------------------------------------------------------------------------------------------------


class Keys(Page):
    """All keys that hold where one is, in as many columns as there is room for."""

    can_focus = True

    def __init__(self, where: str, actions: dict[str, keys.KeyAction]) -> None:
        super().__init__(id="keys")
        self.where = where
        self.actions = actions

    def lines(self, width: int, height: int) -> list[Line]:
        blocks: list[list[Line]] = []
        columns = max(1, min(3, width // 62))
        room = width // columns - 2
        for title, rows in key_hints.help_sections(self.where, ascii=self.ascii, actions=self.actions):
            block: list[Line] = [[Piece("  " + title, bold=True)]]
            wide = min(max((len(caps) for caps, _, _ in rows), default=0), 24)
            for caps, text, mouse in rows:
                told = words(text, max(room - wide - 6, 10))
                pointer = f"  {mouse}" if mouse and len(told[-1]) + len(mouse) + wide + 8 < room else ""
                left = Piece(f"    {cut(caps, wide, ascii=self.ascii):<{wide}}  ", "accent", bold=True)
                block.append([left, Piece(told[0]), *([Piece(pointer, "muted")] if len(told) == 1 else [])])
                block += [[Piece(" " * (wide + 6)), Piece(row)] for row in told[1:]]
            blocks.append([*block, []])
        return [[], *_poured(blocks, columns, width)]


def _poured(blocks: list[list[Line]], columns: int, width: int) -> list[Line]:
    """Blocks one below the other in columns of about the same height, each block whole."""
    each = width // columns
    heights = [0] * columns
    piles: list[list[Line]] = [[] for _ in range(columns)]
    for block in blocks:
        at = heights.index(min(heights))
        piles[at] += block
        heights[at] += len(block)
    found: list[Line] = []
    for row in range(max(heights, default=0)):
        line: list[Piece] = []
        for pile in piles:
            part = list(pile[row]) if row < len(pile) else []
            line += [*part, Piece(" " * max(each - width_of(part), 0))]
        found.append(line)
    return found


class Help(ModalScreen[None]):
    """The keys and what they do."""

    DEFAULT_CSS = "Help { align: center middle; } Help #keys { width: 100%; height: 100%; }"

    def __init__(self, where: str, actions: dict[str, keys.KeyAction]) -> None:
        super().__init__()
        self.where = where
        self.actions = actions

    def compose(self) -> ComposeResult:
        yield HelpFrame(self.where, self.actions)

    def on_key(self, event: events.Key) -> None:
        """Arrows scroll, anything that closes closes."""
        page = self.query_one(Keys)
        far = len(page.shown)
        half = max(page.size.height // 2, 1)
        steps = {"down": 1, "j": 1, "up": -1, "k": -1, "pagedown": half, "J": half, "pageup": -half, "K": -half}
        steps |= {"home": -far, "end": far, "G": far, "space": half}
        event.stop()
        event.prevent_default()
        if event.key in {"escape", "q", "question_mark", "f1", "enter"}:
            if self.is_current:  # a second key may have been on its way
                self.dismiss(None)
        elif event.key in steps:
            page.scroll_lines(steps[event.key])


class HelpFrame(Keys):
    """The help as a page over everything, with its own last row."""

    def lines(self, width: int, height: int) -> list[Line]:
        text = "Keys and what they do"
        head = [Piece(f"  {sign('brand', ascii=self.ascii)} ", "accent", bold=True), Piece(text, bold=True)]
        tail = [Piece("Esc", "accent", bold=True), Piece(" closes   ", "muted")]
        return [on("surface", spread(head, tail, width)), *super().lines(width, height)]
