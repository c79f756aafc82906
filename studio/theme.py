"""What each state and kind looks like, and every colour: for the canvas, the tables and the command line.

Two rules carry it. *Fill is attention*: only a state that needs an eye has a fill and a coloured frame. *Two colours of
meaning*: the accent is the person (cursor, keys, kinds, lit path), state colours are the run; nothing else has colour.

A glyph says what its colour says, so that no fact is lost without colour, and each has a letter for terminals that have
only ASCII. All glyphs take one cell and have no emoji form. Colours are tokens; `TOKENS` gives a token's colour in each
of the three themes and the Textual variable it travels by. Contrast (WCAG) is held by tests: text is readable on every
ground it may stand on. This file imports neither textual nor rich; `textual_themes` does, when it is called.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.draw import glyphs

if TYPE_CHECKING:
    from textual.theme import Theme

# -- states ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class StateLook:
    """How a state is shown. `token` colours the glyph; `fill` is a token too, empty where the state is calm.

    `framed`: the frame takes the state's colour (without colour: heavy lines). `muted`: the name steps back.
    `ansi` is the nearest of the terminal's own 16 colours, for lines that are printed and not painted.
    """

    word: str
    glyph: str
    ascii: str
    token: str
    fill: str = ""
    framed: bool = False
    muted: bool = False
    ansi: str = "default"


STATES: Mapping[str, StateLook] = {
    look.word: look
    for look in (
        StateLook("ready", "○", "o", "ready"),
        StateLook("running", "●", "@", "running", "runbg", framed=True, ansi="blue"),
        StateLook("completed", "✓", "+", "completed", ansi="green"),
        StateLook("failed", "✗", "x", "failed", "failbg", framed=True, ansi="red"),
        StateLook("suspended", "‖", '"', "suspended", "warnbg", framed=True, ansi="yellow"),
        StateLook("canceled", "⊘", "-", "canceled", muted=True, ansi="magenta"),
        StateLook("skipped", "»", ">", "skipped", muted=True, ansi="bright_black"),
        StateLook("retrying", "↻", "r", "retrying", "warnbg", framed=True, ansi="yellow"),
        StateLook("unknown", "?", "?", "unknown", framed=True, ansi="magenta"),
        StateLook("compensated", "↶", "<", "completed", ansi="green"),
        StateLook("cached", "≡", "#", "cached", ansi="cyan"),
        StateLook("dirty", "~", "~", "dirty", ansi="yellow"),
    )
}
"""The states of a node of a run, and of its freshness (`cached`, `dirty`, `ready` for never run)."""

RUN_STATES: Mapping[str, str] = {
    "pending": "ready",
    "ready": "ready",
    "running": "running",
    "paused": "suspended",
    "compensating": "retrying",
    "completed": "completed",
    "failed": "failed",
    "canceled": "canceled",
}
"""A run's state -> the node state it looks like."""

SPINNER = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
"""Frames of a running node where motion is wanted; the static sign is the one of the table."""

ASCII_SPINNER = "|/-\\"


def look(word: str) -> StateLook:
    """The look of a node's or a run's state; a word that nobody knows looks like `unknown`."""
    return STATES.get(word) or STATES[RUN_STATES.get(word, "unknown")]


def glyph(word: str, *, ascii: bool = False) -> str:
    """The one cell that stands for a state."""
    found = look(word)
    return found.ascii if ascii else found.glyph


def worst(words: Iterable[str], default: str = "ready") -> str:
    """The state that a group of nodes shows."""
    return glyphs.worst(words) or default


# -- kinds -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class KindLook:
    """How a kind of node is shown: its glyph, and whether it holds nodes of its own that can be folded."""

    word: str
    glyph: str
    ascii: str
    group: bool = False


KINDS: Mapping[str, KindLook] = {
    kind.word: kind
    for kind in (
        KindLook("task", "ƒ", "f"),
        KindLook("command", "$", "$"),
        KindLook("conditional", "◇", "?", group=True),
        KindLook("switch", "◆", "%", group=True),
        KindLook("sequential", "→", ">", group=True),
        KindLook("parallel", "⇉", "=", group=True),
        KindLook("sub_workflow", "▣", "&"),
        KindLook("map", "∀", "*", group=True),
        KindLook("loop", "∞", "@", group=True),
        KindLook("wait", "◔", "t"),
        KindLook("approval", "¿", "!"),
    )
}
"""Kinds of nodes by the words of the project model; a command is a task that runs a program."""

ALIASES: Mapping[str, str] = {
    "shell": "command",
    "plugin": "task",
    "composite": "parallel",
    "sub-workflow": "sub_workflow",
    "workflow": "sub_workflow",
}


def kind_look(word: str) -> KindLook:
    """The look of a kind; one that a plug-in brings looks like a task."""
    return KINDS.get(word) or KINDS[ALIASES.get(word, "task")]


def kind_glyph(word: str, *, ascii: bool = False) -> str:
    """The one cell that stands for a kind."""
    kind = kind_look(word)
    return kind.ascii if ascii else kind.glyph


# -- other signs -----------------------------------------------------------------------------------------------------

SIGNS: Mapping[str, tuple[str, str]] = {
    "brand": ("≋", "#"),
    "into": ("▸", ">"),
    "unsaved": ("●", "*"),
    "error": ("✗", "x"),
    "warning": ("!", "!"),
    "pinned": ("=", "="),
    "added": ("+", "+"),
    "changed": ("~", "~"),
    "removed": ("-", "-"),
    "breakpoint": ("●", "*"),
    "selected": ("▌", "|"),
    "forbidden": ("⊘", "x"),
    "left": ("◂", "<"),
    "right": ("▸", ">"),
    "up": ("▴", "^"),
    "down": ("▾", "v"),
    "ellipsis": ("…", "~"),
    "dot": ("●", "o"),
    "dot ready": ("·", "."),
    "item": ("■", "#"),
    "item ready": ("□", "."),
    "bar done": ("━", "="),
    "bar left": ("─", "-"),
    "again": ("◂", "<"),
    "enter": ("⏎", "Enter"),
    "times": ("×", "x"),
    "between": ("·", "-"),
}
"""Signs that are neither states nor kinds: name -> (Unicode, ASCII)."""


def sign(name: str, *, ascii: bool = False) -> str:
    """A sign by its name."""
    return SIGNS[name][ascii]


# -- colours ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Token:
    """A colour by what it is for: its Textual variables, and its value in the dark, light and high-contrast theme."""

    name: str
    variables: tuple[str, ...]
    dark: str
    light: str
    contrast: str


DARK, LIGHT, CONTRAST = "loom-dark", "loom-light", "loom-contrast"
THEMES = (DARK, LIGHT, CONTRAST)

TOKENS: Mapping[str, Token] = {
    token.name: token
    for token in (
        Token("bg", ("background",), "#10131a", "#fbfbfd", "#000000"),
        Token("panel", ("panel",), "#161b25", "#f0f1f5", "#000000"),
        Token("surface", ("surface",), "#1d2330", "#ffffff", "#000000"),
        Token("raised", ("loom-raised",), "#2a3245", "#e2e4ec", "#262626"),
        Token("trackbg", ("loom-well",), "#0c0f15", "#e9ebf1", "#000000"),
        Token("accentbg", ("loom-cursor",), "#33295c", "#e4defc", "#3a3a00"),
        Token("runbg", ("loom-running-bg",), "#17324a", "#dcecfb", "#003352"),
        Token("failbg", ("loom-failed-bg",), "#3a1e26", "#fde4e4", "#4d0000"),
        Token("warnbg", ("loom-warn-bg",), "#3a3018", "#fbf0d6", "#3d2e00"),
        Token("okbg", ("loom-added-bg",), "#1b3527", "#dff3e4", "#003d10"),
        Token("line", ("loom-frame",), "#445069", "#b3bac8", "#ffffff"),
        Token("edge", ("loom-edge",), "#66738f", "#7b869a", "#d9d9d9"),
        Token("text", ("foreground",), "#dde3ee", "#1b2130", "#ffffff"),
        Token("muted", ("text-muted",), "#95a1b8", "#566073", "#d9d9d9"),
        Token("accent", ("primary", "accent"), "#b9a3ff", "#5a3fd0", "#ffff00"),
        Token("ready", ("loom-ready",), "#a7b3c9", "#4c586c", "#ffffff"),
        Token("running", ("loom-running", "secondary"), "#5cc0ff", "#095eb3", "#4dd2ff"),
        Token("completed", ("loom-completed", "success"), "#7ed491", "#166a2f", "#5cff7a"),
        Token("failed", ("loom-failed", "error"), "#ff7d7d", "#b81d28", "#ff8080"),
        Token("suspended", ("loom-suspended", "warning"), "#e9bd5b", "#855700", "#ffd24d"),
        Token("retrying", ("loom-retrying",), "#ffa45e", "#a84300", "#ffb066"),
        Token("canceled", ("loom-canceled",), "#c3a8c9", "#74507c", "#e6c2ff"),
        Token("skipped", ("loom-skipped",), "#95a1b8", "#566073", "#d9d9d9"),
        Token("unknown", ("loom-unknown",), "#ff8fd4", "#a0127c", "#ff99e6"),
        Token("cached", ("loom-cached",), "#63d3c3", "#096f66", "#66ffe6"),
        Token("dirty", ("loom-dirty",), "#e9bd5b", "#855700", "#ffd24d"),
        Token("critical", ("loom-critical",), "#ffcf5c", "#8a5a00", "#ffff00"),
    )
}

GROUNDS = ("bg", "panel", "surface", "trackbg", "raised", "accentbg")
"""Where any text may stand."""

FILLS = ("runbg", "failbg", "warnbg", "okbg")
"""Where only text, muted text and the state of that fill stand."""

LINES = ("line", "edge")
"""Lines: they carry no text, so they may be fainter."""


def colour(theme: str, token: str) -> str:
    """The colour of a token in one of the three themes, as `#rrggbb`."""
    found = TOKENS[token]
    return (found.dark, found.light, found.contrast)[THEMES.index(theme)]


def contrast(one: str, other: str) -> float:
    """The contrast of two colours by the WCAG formula: 1 (the same) to 21 (black on white)."""
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: str) -> float:
    channels = (int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5))
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


# -- what the terminal can show --------------------------------------------------------------------------------------


def wants_ascii(environ: Mapping[str, str], encoding: str | None) -> bool:
    """Whether to draw with ASCII only. `encoding` is the one of the output; FLOWLOOM_ASCII decides if it is set."""
    said = environ.get("FLOWLOOM_ASCII")
    if said:
        return said.lower() not in ("0", "false", "no")
    if environ.get("TERM") == "linux":
        return True
    return bool(encoding) and (encoding or "").lower().replace("-", "").replace("_", "") not in ("utf8", "utf8sig")


def wants_no_colour(environ: Mapping[str, str]) -> bool:
    """Whether to do without colour: NO_COLOR is set to anything, or the terminal is a dumb one."""
    return bool(environ.get("NO_COLOR")) or environ.get("TERM") == "dumb"


# -- for Textual -----------------------------------------------------------------------------------------------------

_THEME_FIELDS = frozenset(
    {"primary", "secondary", "warning", "error", "success", "accent", "foreground", "background", "surface", "panel"}
)


def variables(theme: str = DARK) -> dict[str, str]:
    """Every variable of ours that Textual has no field for: a theme's `variables`, and the defaults under any theme."""
    return {
        name: colour(theme, token.name)
        for token in TOKENS.values()
        for name in token.variables
        if name not in _THEME_FIELDS
    }


def textual_themes() -> list[Theme]:
    """The three themes for `App.register_theme`."""
    from textual.theme import Theme

    return [
        Theme(
            name=name,
            dark=name != LIGHT,
            variables=variables(name) | _chrome(name),
            primary=colour(name, "accent"),
            accent=colour(name, "accent"),
            secondary=colour(name, "running"),
            success=colour(name, "completed"),
            warning=colour(name, "suspended"),
            error=colour(name, "failed"),
            foreground=colour(name, "text"),
            background=colour(name, "bg"),
            surface=colour(name, "surface"),
            panel=colour(name, "panel"),
        )
        for name in THEMES
    ]


def _chrome(theme: str) -> dict[str, str]:
    """Textual's own variables for what we do not draw ourselves: text cursors, scrollbars, footers, borders."""
    of = {name: colour(theme, name) for name in TOKENS}
    return {
        "border": of["accent"],
        "border-blurred": of["line"],
        "block-cursor-background": of["accentbg"],
        "block-cursor-foreground": of["text"],
        "block-cursor-text-style": "none",
        "input-selection-background": of["accentbg"],
        "input-cursor-background": of["accent"],
        "input-cursor-foreground": of["bg"],
        "screen-selection-background": of["accentbg"],
        "footer-background": of["panel"],
        "footer-foreground": of["muted"],
        "footer-key-foreground": of["accent"],
        "footer-description-foreground": of["muted"],
        "scrollbar": of["line"],
        "scrollbar-hover": of["edge"],
        "scrollbar-active": of["accent"],
        "scrollbar-background": of["bg"],
        "scrollbar-background-hover": of["bg"],
        "scrollbar-background-active": of["bg"],
        "scrollbar-corner-color": of["bg"],
        "link-color": of["accent"],
        "link-color-hover": of["accent"],
    }
