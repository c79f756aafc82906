"""What is asked over the screen, and the action that each answer means."""

from __future__ import annotations

from collections.abc import Sequence

from studio.actions import AgentEnded, Asked, ChangeAnswered, Recovered, TrustAnswered
from studio.document.uses import Use
from studio.state import AgentNow, Foreseen
from studio.theme import kind_glyph
from studio.widgets.dialogs import WIDEST, Answer, Question
from studio.widgets.page import Line, Piece, cut, words


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
