"""A run in words: a line for what happened to a node, the cause of a failure, the summary at the end.

Everything that a task or a project wrote goes through `Paint.safe` on its way into a line.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.machine import events as e
from engine.machine.state import SKIPPED, RunState
from engine.targets import NOT_ASKED_FOR
from studio.front.paint import Paint, cells, seconds

if TYPE_CHECKING:
    from engine.attempt import LogLines, Trouble
    from engine.store.logs import LogLine

TRACEBACK_LINES = 8
LOG_LINES = 8
NAMED_FOLLOWERS = 6
NAME_ROOM = 28


class Story:
    """Turns events into lines, at most `most` at a time for what went well; failures are always told."""

    def __init__(self, paint: Paint, state: RunState, most: int = 40) -> None:
        self.paint = paint
        self.state = state
        self.most = most
        widest = max([8, *(cells(paint.safe(name)) for name in state.plan.names[:500])])
        self.name_room = min(NAME_ROOM, max(paint.terminal.width // 4, 10), widest)

    def tell(self, events: Iterable[e.Event]) -> list[str]:
        """Lines for what just happened, in its order."""
        lines: list[str] = []
        calm = 0
        for event in events:
            teller = _TELLERS.get(type(event))
            if teller is None or (type(event) is e.Skipped and event.reason == NOT_ASKED_FOR):
                continue
            if type(event) in _CALM:
                calm += 1
                if calm > self.most:
                    continue
            line = teller(self, event)
            if line:
                lines.append(line)
        if calm > self.most:
            lines.append(self.paint.muted(f"  and {calm - self.most} more nodes ended"))
        return lines

    def line(self, state: str, node: int, text: str, spent: float | None = None, *, at: float) -> str:
        """`12.30  ✓ load   0.81 s  text`."""
        paint = self.paint
        name = paint.safe(self.state.plan.names[node])
        gap = " " * max(self.name_room - cells(name), 0)
        took = f"{seconds(spent):>8}" if spent is not None else " " * 8
        head = f"{paint.muted(f'{at:8.2f}')}  {paint.glyph(state)} {paint.style(name, 'bold')}{gap} {took}"
        room = paint.terminal.width - 13 - max(self.name_room, cells(name)) - 9 - 2
        return f"{head}  {paint.fit(text, max(room, 12))}".rstrip()

    def logged(self, lines: LogLines) -> list[str]:
        """What an attempt printed, with its node in front."""
        paint = self.paint
        name = paint.style(paint.safe(self.state.plan.names[lines.node]), "accent")
        bar = paint.muted("|" if paint.terminal.ascii else "│")
        style = {"stderr": "yellow", "log": "muted"}.get(lines.stream, "default")
        return [f"          {name} {bar} {paint.style(paint.printed(text), style)}" for text in lines.lines]

    # -- one for each kind of event that people want to hear of ------------------------------------------------------

    def completed(self, event: e.Completed) -> str:
        attempts = self.state.attempts[event.node]
        text = self.paint.muted(f"attempt {attempts}") if attempts > 1 else ""
        return self.line("completed", event.node, text, event.seconds, at=event.at)

    def planned(self, event: e.RetryPlanned) -> str:
        error = self.state.errors.get(event.node)
        text = f"again in {seconds(event.due - event.at)}: {self.paint.safe(_first_line(error))}"
        return self.line("retrying", event.node, text, at=event.at)

    def failed(self, event: e.NodeFailed) -> str:
        error = self.state.errors.get(event.node)
        text = self.paint.safe(_first_line(error))
        return self.line("failed", event.node, text, self.state.spent[event.node], at=event.at)

    def replaced_by(self, event: e.AlternativeCalled) -> str:
        """A failure that does not end here: what failed is told, though the node may complete in the end."""
        instead = self.state.plan.names[event.alternative]
        text = self.paint.safe(f"{instead} is run instead: {_first_line(self.state.errors.get(event.node))}")
        return self.line("failed", event.node, text, self.state.spent[event.node], at=event.at)

    def stood_in(self, event: e.Replaced) -> str:
        text = self.paint.muted(self.paint.safe(f"by {self.state.plan.names[event.alternative]}"))
        return self.line("completed", event.node, text, at=event.at)

    def compensating(self, event: e.RunCompensating) -> str:
        count = len(event.undos)
        return self._of_run(
            "compensated", f"taking back what was done: {count} {'node' if count == 1 else 'nodes'}", event.at
        )

    def taken_back(self, event: e.UndoEnded) -> str:
        if event.owner < 0:
            return ""
        return self.line("compensated", event.owner, self.paint.muted("taken back"), at=event.at)

    def skipped(self, event: e.Skipped) -> str:
        frame = self.state.plan.parents.get(event.node)
        if frame is not None and self.state.states[frame] == SKIPPED:
            return ""  # told by the outermost that was skipped
        return self.line("skipped", event.node, self.paint.safe(event.reason), at=event.at)

    def canceled(self, event: e.NodeCanceled) -> str:
        if not self.state.attempts[event.node]:
            return ""
        return self.line("canceled", event.node, self.paint.safe(event.reason), event.seconds, at=event.at)

    def closed(self, event: e.Closed) -> str:
        """A frame is told by its children; only what has none (a wait, an approval) gets a line of its own."""
        frame = self.state.plan.frames.get(event.node)
        if frame is None or frame.children:
            return ""
        return self.line("completed", event.node, "", event.at - self.state.started[event.node], at=event.at)

    def frame_failed(self, event: e.FrameFailed) -> str:
        if event.cause >= 0:
            return ""
        return self.line("failed", event.node, self.paint.safe(_first_line(event.error)), at=event.at)

    def lost(self, event: e.Lost) -> str:
        return self.line("unknown", event.node, "its attempt was lost; it is run again", at=event.at)

    def paused(self, event: e.RunPaused) -> str:
        return self._of_run("suspended", f"paused{' by ' + event.by if event.by else ''}", event.at)

    def resumed(self, event: e.RunResumed) -> str:
        return self._of_run("running", "goes on", event.at)

    def canceling(self, event: e.RunCanceling) -> str:
        return self._of_run("canceled", f"{event.reason}: ending what runs", event.at)

    def asked(self, event: e.QuestionAsked) -> str:
        return self.line("suspended", event.node, self.paint.safe(f"waits: {event.text}"), at=event.at)

    def _of_run(self, state: str, text: str, at: float) -> str:
        return f"{self.paint.muted(f'{at:8.2f}')}  {self.paint.glyph(state)} {self.paint.safe(text)}"


_CALM = frozenset({e.Completed, e.Skipped, e.NodeCanceled})
_TELLERS: dict[type[e.Event], Any] = {
    e.Completed: Story.completed,
    e.RetryPlanned: Story.planned,
    e.NodeFailed: Story.failed,
    e.AlternativeCalled: Story.replaced_by,
    e.Replaced: Story.stood_in,
    e.RunCompensating: Story.compensating,
    e.UndoEnded: Story.taken_back,
    e.Skipped: Story.skipped,
    e.NodeCanceled: Story.canceled,
    e.Lost: Story.lost,
    e.Closed: Story.closed,
    e.FrameFailed: Story.frame_failed,
    e.RunPaused: Story.paused,
    e.RunResumed: Story.resumed,
    e.RunCanceling: Story.canceling,
    e.QuestionAsked: Story.asked,
}


def cause_block(state: RunState, node: int, printed: Sequence[LogLine], paint: Paint) -> list[str]:
    """Why a node failed: the error, the end of its traceback, the end of what it printed, who could not run."""
    record = state.node(node)
    error = record.error
    tries = f", {record.attempts} attempts" if record.attempts > 1 else ""
    head = f"{paint.glyph('failed')} {paint.style(paint.safe(record.id), 'bold')} failed"
    lines = [f"{head} {paint.muted(f'after {seconds(record.seconds)}{tries}')}"]
    if error is not None:
        shown = paint.safe(_first_line(error, 2000))
        lines.append(f"  {paint.style(shown, 'red')}")
        lines += [f"  {paint.muted(text)}" for text in _traceback_tail(error, paint)]
    if printed:
        bar = paint.muted("|" if paint.terminal.ascii else "│")
        lines.append(f"  {paint.muted('it printed')}")
        for line in printed[-LOG_LINES:]:
            text = paint.printed(line.text)
            lines.append(f"  {bar} {paint.style(text, 'yellow') if line.stream == 'stderr' else text}")
    followers = [state.plan.names[other] for other, cause in sorted(state.causes.items()) if cause == node]
    if followers:
        named = ", ".join(paint.safe(name) for name in followers[:NAMED_FOLLOWERS])
        more = f" and {len(followers) - NAMED_FOLLOWERS} more" if len(followers) > NAMED_FOLLOWERS else ""
        lines.append(f"  {paint.muted('because of it, these did not run:')} {named}{more}")
    return lines


def counts_text(counts: dict[str, int], paint: Paint) -> str:
    """`✓ 12  ✗ 1  » 3`: states with nothing in them are left out."""
    return "  ".join(f"{paint.glyph(word)} {count}" for word, count in counts.items() if count)


def summary(state: RunState, run: str, folder: Path | None, paint: Paint, *, counts: dict[str, int]) -> list[str]:
    """How the run went, where it is kept, and what one may want to do next. `run` is how it is named: "" for the last."""
    how = state.state.value
    took = seconds((state.ended_at or 0.0) - (state.started_at or 0.0))
    reason = f": {paint.safe(state.reason)}" if state.reason and how != "completed" and state.cause < 0 else ""
    title = paint.safe(state.plan.name or "the run")
    head = f"{paint.glyph(how)} {paint.style(title, 'bold')} {how} {paint.muted('in')} {took}{reason}"
    lines = [f"{head}   {counts_text(counts, paint)}"]
    if state.cause >= 0 and "(compensated" in state.reason:
        lines.append(f"  {paint.safe(state.reason[state.reason.index('(compensated') + 1 : -1])}")
    lines += _result(state, paint)
    if folder is not None:
        lines.append(f"  {paint.muted('kept in')} {paint.safe(_short_path(folder))}")
        lines.append(f"  {paint.muted('next')}    {_next(state, run, paint)}")
    return lines


def _result(state: RunState, paint: Paint) -> list[str]:
    """What the run brought, where the project names one result and it can be shown."""
    if state.state.value != "completed" or not state.plan.result_is_one:
        return []
    from engine.result import run_result

    text = brief(run_result(state, run="", python="").value)
    room = paint.terminal.width - 10 if paint.terminal.live else 1000
    return [f"  {paint.muted('result')}  {paint.fit(paint.safe(text), room)}"] if text != "None" else []


def brief(value: object) -> str:
    """A value in a few words: its preview where this process must not open it."""
    preview = getattr(value, "preview", None)
    text = preview if isinstance(preview, str) and preview else repr(value)[:200]
    return text if cells(text) <= 120 else f"{text[:117]}..."


def _next(state: RunState, run: str, paint: Paint) -> str:
    between = f" {paint.sign('between')} "
    show = paint.accent(f"flowloom show {run}".rstrip())
    if state.cause >= 0:
        import shlex

        node = paint.safe(shlex.quote(state.plan.names[state.cause]))
        return between.join([paint.accent(f"flowloom logs {run or 'last'} {node}"), show])
    return between.join([show, paint.accent(f"flowloom logs {run}".rstrip())])


def _first_line(error: Trouble | None, room: int = 300) -> str:
    if error is None:
        return "it failed"
    text = str(error).strip() or error.type
    first, _, rest = text.partition("\n")
    return f"{first[:room]}{' ...' if rest or len(first) > room else ''}"


def _traceback_tail(error: Trouble, paint: Paint) -> list[str]:
    """The end of a traceback without its first and last line, which are said already."""
    found = [text for text in error.traceback.rstrip().splitlines() if not text.startswith("Traceback (most recent")]
    if found and found[-1].startswith(error.type.rsplit(".", 1)[-1]):
        found = found[:-1]
    cut = len(found) > TRACEBACK_LINES
    return [*(["..."] if cut else []), *(paint.safe(text) for text in found[-TRACEBACK_LINES:])]


def _short_path(path: Path) -> str:
    try:
        return str(path.relative_to(Path.cwd()))
    except (ValueError, OSError):
        return str(path)
