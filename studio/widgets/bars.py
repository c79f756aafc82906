"""The rows around the canvas: top bar, strip of the run, line of the node, footer.

Each is one function from the state to a line; `Bar` puts any of them on the screen. The footer tells the truth: what
keys do *now*. A word that does not fit is left out, never cut.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from engine.project.model import Node, SubWorkflow
from studio import key_hints, key_names, keys
from studio.actions import Asked, CameOut, DrawerChosen, NodeOpened, PlaceChosen
from studio.pictures.faces import seconds
from studio.state import MIN_HEIGHT, MIN_WIDTH, NodeNow, RunNow, StudioState
from studio.theme import KINDS, STATES, kind_glyph, look, sign
from studio.widgets.page import Line, Page, Piece, spread, width_of

PLACES = (("1", "editor", "Editor"), ("2", "monitor", "Monitor"), ("3", "runs", "Runs"), ("4", "agents", "Agents"))

Painter = Callable[[StudioState, int, bool], Line]


class Bar(Page):
    """One row (or, for the rail, one column) of the screen, painted by a function of the state."""

    DEFAULT_CSS = "Bar { height: 1; width: 1fr; }"

    def __init__(self, painter: Painter, *, ground: str = "panel", id: str | None = None) -> None:
        super().__init__(id=id)
        self.painter = painter
        self.GROUND = ground
        self.state: StudioState | None = None

    def show(self, state: StudioState) -> None:
        """Paint this state."""
        self.state = state
        self.repaint()

    def lines(self, width: int, height: int) -> list[Line]:
        return [self.painter(self.state, width, self.ascii)] if self.state is not None else []


# -- words for figures -----------------------------------------------------------------------------------------------


def clock_text(seconds: float) -> str:
    """`0:42`, `12:05`, `1:02:03`."""
    whole = int(seconds)
    hours, minutes = whole // 3600, whole // 60 % 60
    return f"{hours}:{minutes:02}:{whole % 60:02}" if hours else f"{minutes}:{whole % 60:02}"


def when_text(moment: float, now: float) -> str:
    """`today 14:02`, `yesterday 18:10`, `Mon 11:40`, `2026-11-02`: a moment as people say it."""
    import datetime

    then = datetime.datetime.fromtimestamp(moment).astimezone()
    today = datetime.datetime.fromtimestamp(now).astimezone().date()
    days = (today - then.date()).days
    if days == 0:
        return f"today {then:%H:%M}"
    if days == 1:
        return f"yesterday {then:%H:%M}"
    return f"{then:%a %H:%M}" if 1 < days < 7 else f"{then:%Y-%m-%d}"


def short_id(run: str) -> str:
    """The end of a run's id, which tells it from others of the day: `20261123-101500-k3f` -> `k3f`."""
    return run.rpartition("-")[2] or run


# -- top bar ---------------------------------------------------------------------------------------------------------


def top_bar(state: StudioState, width: int, ascii: bool) -> Line:
    """Project and breadcrumb at the left, places at the right."""
    left = [Piece(" "), Piece(sign("brand", ascii=ascii), "accent", bold=True), Piece(" ")]
    if state.place == "welcome" or (state.document is None and state.broken is None):
        left.append(Piece("Flowloom", bold=True))
        return spread(left, [], width)
    name = state.document.name if state.document else (state.broken.path.name if state.broken else "")
    into = f" {sign('into', ascii=ascii)} "
    back = CameOut(len(state.scope)) if state.scope else None
    if state.dirty:
        left.append(Piece(f"{sign('unsaved', ascii=ascii)} ", "suspended", act=Asked("save")))
    left.append(Piece(name, bold=True, act=back))
    for depth, step in enumerate(state.scope):
        left += [Piece(into, "muted"), Piece(step, act=CameOut(len(state.scope) - depth - 1) or None)]
    if not state.scope:
        where = {"runs": "runs", "agents": "agents"}.get(state.place, "canvas")
        if state.place == "monitor" and state.run is not None:
            where = f"run {short_id(state.run.id)}"
        left += [Piece(into, "muted"), Piece(where, "muted")]
    return spread(left, _places(state, narrow=width < width_of(left) + 48), width)


def _places(state: StudioState, *, narrow: bool) -> list[Piece]:
    found: list[Piece] = []
    for key, place, name in PLACES:
        here = place == state.place
        ground = "accentbg" if here else ""
        act = PlaceChosen(place)  # type: ignore[arg-type]
        found.append(Piece(f" {key}", "accent" if here else "muted", ground, bold=here, act=act))
        shown = f" {name} " if here or not narrow else " "
        found.append(Piece(shown, "text" if here else "muted", ground, bold=here, act=act))
        if not narrow:
            found.append(Piece(" "))
    return found


# -- the run ---------------------------------------------------------------------------------------------------------

COUNTED = (
    "completed",
    "cached",
    "running",
    "retrying",
    "failed",
    "suspended",
    "unknown",
    "canceled",
    "skipped",
    "ready",
)


def run_strip(state: StudioState, width: int, ascii: bool) -> Line:
    """State, run, bar, counts by glyph, elapsed. Counts that are zero are left out; amber while the run is paused."""
    run = state.run
    if run is None:
        return [Piece("  nothing has run yet", "muted")]
    how = look(run.state)
    held = run.state == "paused"
    ink = "suspended" if held else how.token
    ground = "warnbg" if held else ""
    glyph = how.ascii if ascii else how.glyph
    left = [Piece(f" {glyph} ", ink, ground, bold=True), Piece(run.state, ink, ground, bold=True)]
    if width >= 100:
        left.append(Piece(f"  run {short_id(run.id)}", "muted", ground))
    left.append(Piece("  ", ground=ground))
    left += _bar(run, 36 if width >= 120 else 12, ink, ground, ascii)
    left += _counts(run.counts, ground, ascii)
    right = [Piece("elapsed ", "muted", ground), Piece(clock_text(run.seconds) + " ", "text", ground, bold=True)]
    if not run.live:
        right = [Piece("took ", "muted", ground), Piece(seconds(run.seconds) + " ", "text", ground)]
    if run.error and width >= 120:
        left += [Piece("   ", ground=ground), Piece(run.error, "failed", ground)]
    line = spread(left, right if width >= 72 else right[1:], width)
    return [piece._replace(ground=piece.ground or ground) for piece in line]


def _bar(run: RunNow, cells: int, ink: str, ground: str, ascii: bool) -> list[Piece]:
    # A run that failed is as far as it got; what it will never do is not progress.
    ended_badly = not run.live and run.state != "completed"
    done = run.counts.get("completed", 0) + run.counts.get("cached", 0) if ended_badly else run.done
    share = done / run.total if run.total else (0.0 if run.live else 1.0)
    full = min(cells, int(share * cells + 0.5))
    return [
        Piece(sign("bar done", ascii=ascii) * full, ink, ground),
        Piece(sign("bar left", ascii=ascii) * (cells - full), "line", ground),
        Piece(f" {int(share * 100):3d} %", "text", ground, bold=True),
    ]


def _counts(counts: Mapping[str, int], ground: str, ascii: bool) -> list[Piece]:
    found: list[Piece] = []
    for word in COUNTED:
        if counts.get(word):
            how = STATES[word]
            found.append(Piece(f"   {how.ascii if ascii else how.glyph}", how.token, ground))
            found.append(Piece(f" {counts[word]}", "text", ground))
    return found


# -- the node under the cursor, where there is no room for an inspector ----------------------------------------------


def node_line(state: StudioState, width: int, ascii: bool) -> Line:
    """The node in one line: what it is, what it takes, how it went."""
    node, path = state.node, state.cursor
    if node is None or path is None:
        return []
    left = [
        Piece(f" {kind_glyph(kind_word(node), ascii=ascii)} ", "accent"),
        Piece(path.rpartition("/")[2], bold=True),
    ]
    now = state.node_now
    if now is not None:
        left += [Piece("  "), *state_pieces(now, ascii)]
    arrow = "<-" if ascii else "←"
    inputs = [f"{name} {arrow} {ref if isinstance(ref, str) else ', '.join(ref)}" for name, ref in node.inputs.items()]
    if inputs and (now is None or not now.error):
        left.append(Piece("   " + "  ".join(inputs), "muted"))
    act = NodeOpened(path)
    right = [Piece(sign("enter", ascii=ascii), "accent", bold=True, act=act), Piece(" open ", "muted", act=act)]
    return [piece._replace(ground="surface") for piece in spread(left, right, width)]


def state_pieces(now: NodeNow, ascii: bool, *, cause: bool = True) -> list[Piece]:
    """`✓ completed 0.84 s`, `✗ failed KeyError: 'r2'`: how a node stands, in a few words; the cause if asked for."""
    how = look(now.state)
    found = [Piece(f"{how.ascii if ascii else how.glyph} ", how.token), Piece(now.state, how.token)]
    if now.seconds is not None and now.state != "ready":
        found.append(Piece(f" {seconds(now.seconds)}", "muted"))
    if now.attempt > 1:
        found.append(Piece(f"  attempt {now.attempt}", "muted"))
    if not cause:
        return found
    if now.error:
        found.append(Piece(f"  {now.error}", "failed" if now.state == "failed" else "muted"))
    elif now.text:
        found.append(Piece(f"  {now.text}", "muted"))
    return found


def kind_word(node: Node) -> str:
    """The word of `theme.KINDS` for a node."""
    from engine.draw.outline import kind_of

    return kind_of(node)


# -- footer and rail -------------------------------------------------------------------------------------------------


def where_of(state: StudioState) -> str:
    """The place in the sense of `keys`: a drawer in use is narrower than the screen it lies on."""
    if state.focus in {"problems", "log", "toml", "text", "changes", "inspector", "field"} and state.place in {
        "editor",
        "monitor",
    }:
        return state.focus
    return {"welcome": "welcome", "runs": "runs", "agents": "agents", "monitor": "monitor"}.get(state.place, "editor")


class Footer:
    """What keys do now, most used first, and at the right what one should not forget; by a person's own table of keys."""

    def __init__(self, actions: Mapping[str, keys.KeyAction] = keys.ACTIONS) -> None:
        self._actions = actions
        self._hints: dict[tuple[str, int, bool, frozenset[str]], list[key_hints.Hint]] = {}

    def __call__(self, state: StudioState, width: int, ascii: bool) -> Line:
        """The line."""
        if state.mode:
            return _mode_line(state, width, ascii)
        badge = _badge(state, ascii)
        line = [Piece(" ")]
        for hint in self._hints_for(state, width - width_of(badge) - 2, ascii):
            act = Asked(hint.id)
            other = _WORDS.get(hint.id)
            word = (other(state) if other is not None else "") or hint.word
            line += [Piece(hint.key, "accent", bold=True, act=act), Piece(f" {word}  ", "muted", act=act)]
        return spread(line, badge, width)

    def _hints_for(self, state: StudioState, room: int, ascii: bool) -> list[key_hints.Hint]:
        """The hints that hold and fit; asked for at every step of the cursor, and nearly always the same."""
        idle = frozenset(name for name, rule in _HOLDS.items() if name in self._actions and not rule(state))
        key = (where_of(state), room, ascii, idle)
        found = self._hints.get(key)
        if found is None:
            true = {name: action for name, action in self._actions.items() if name not in idle}
            found = key_hints.footer(where_of(state), room, ascii=ascii, actions=true)
            self._hints = {**self._hints, key: found} if len(self._hints) < 64 else {key: found}
        return found


def _mode_line(state: StudioState, width: int, ascii: bool) -> Line:
    """What keys do in the canvas's mode, and at the right its name. What does not fit is left out."""
    badge = [Piece(f" {state.mode} ", "badge", bold=True)]
    line, room = [Piece(" ")], width - width_of(badge) - 2
    for key, word in state.mode_keys:
        cap = key_names.cap(key, ascii=ascii)
        room -= width_of([Piece(f"{cap} {word}  ")])
        if room < 0:
            break
        line += [Piece(cap, "accent", bold=True), Piece(f" {word}  ", "muted")]
    return spread(line, badge, width)


def holds(state: StudioState, command: str) -> bool:
    """Whether a command would do something now; the footer leaves out what would not."""
    rule = _HOLDS.get(command)
    return rule is None or rule(state)


def _on_canvas(state: StudioState) -> bool:
    return state.place in {"editor", "monitor"} and state.cursor is not None


def _is_group(state: StudioState) -> bool:
    node = state.node
    return node is not None and KINDS[kind_word(node)].group


def _is_live(state: StudioState) -> bool:
    return state.run is not None and state.run.live


def _at_root(state: StudioState) -> bool:
    """Whether there is nothing to go back from but the studio itself."""
    if state.place == "welcome":
        return state.document is None
    open_over = state.inspector_open and not state.docked
    return state.focus == "canvas" and state.drawer is None and not open_over and not state.stack


_HOLDS: Mapping[str, Callable[[StudioState], bool]] = {
    "find": _on_canvas,
    "log": _on_canvas,
    "open": lambda state: state.place not in {"editor", "monitor", "agents"} or state.cursor is not None,
    "code": lambda state: state.cursor is not None or state.broken is not None,
    "fold": _is_group,
    "dive": lambda state: state.node is not None and (isinstance(state.node.body, SubWorkflow) or _is_group(state)),
    **dict.fromkeys(("zoom.next", "fit", "near", "minimap", "inspector", "jump"), _on_canvas),
    "surface": lambda state: bool(state.stack),
    "pause": _is_live,
    "cancel.run": _is_live,
    "run": lambda state: not _is_live(state) and state.broken is None and state.cursor is not None,
}
_WORDS: Mapping[str, Callable[[StudioState], str]] = {
    "pause": lambda state: "go on" if state.run is not None and state.run.state == "paused" else "pause",
    "close": lambda state: "quit" if state.place in {"editor", "monitor", "welcome"} and _at_root(state) else "back",
    "inspector": lambda state: "no inspector" if state.inspector_open and not state.docked else "",
}


def _badge(state: StudioState, ascii: bool) -> list[Piece]:
    found: list[Piece] = []
    if state.place in {"editor", "monitor"} and state.document is not None:
        act = DrawerChosen("problems")
        if state.document.errors:
            found.append(Piece(f"{sign('error', ascii=ascii)}{state.document.errors} ", "failed", act=act))
        if state.document.warnings:
            found.append(Piece(f"{sign('warning', ascii=ascii)}{state.document.warnings} ", "dirty", act=act))
        if not state.trusted:
            found.append(Piece(" not trusted ", "mark", bold=True, act=Asked("run.all")))
    return found


def too_small(state: StudioState, width: int, height: int) -> list[Line]:
    """What is shown below the least size the studio can be used in."""
    text = f"{MIN_WIDTH}x{MIN_HEIGHT} at least; this is {width}x{height}"
    above: list[Line] = [[]] * max((height - 1) // 2, 0)
    return [*above, [Piece(" " * max((width - len(text)) // 2, 0)), Piece(text, "muted")]]
