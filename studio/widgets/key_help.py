"""All keys that hold where one is, and what they do, over the whole screen."""

from __future__ import annotations

from textual import events
from textual.app import ComposeResult
from textual.screen import ModalScreen

from studio import key_hints, keys
from studio.theme import sign
from studio.widgets.page import Line, Page, Piece, cut, on, spread, width_of, words


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
