"""Every state can be told apart, in colour, without it and in ASCII; every text can be read on its ground."""

from __future__ import annotations

import subprocess
import sys
import unicodedata

import pytest

from engine.draw import glyphs
from studio import theme
from studio.theme import FILLS, GROUNDS, KINDS, LINES, SIGNS, STATES, THEMES, TOKENS, colour, contrast

GLYPHS = sorted(
    {look.glyph for look in STATES.values()}
    | {kind.glyph for kind in KINDS.values()}
    | {unicode for unicode, _ in SIGNS.values()}
    | set(theme.SPINNER)
)
# Those of the emoji list (Unicode 16, emoji-variation-sequences) in the blocks our signs come from.
EMOJI_FORMS = set(
    "©®‼⁉™ℹ↔↕↖↗↘↙↩↪⌚⌛⌨⏏⏩⏪⏫⏬⏭⏮⏯⏰⏱⏲⏳⏸⏹⏺Ⓜ▪▫▶◀◻◼◽◾☀☁☂☃☄☎☑☔☕☘☝☠☢☣☦☪☮☯☸☹☺♀♂♟♠♣♥♦♨♻♾♿⚒⚓⚔⚕⚖⚗⚙⚛⚜⚠⚡⚧⚪⚫✂✅✈✉✊✋✌✍✏✒✔✖✝✡✨✳✴❄❇❌❎❓❔❕❗❣❤➕➖➗➡➰➿⤴⤵⬅⬆⬇⬛⬜⭐⭕〰〽㊗㊙"
)


@pytest.mark.parametrize("glyph", GLYPHS)
def test_a_glyph_takes_one_cell_and_has_no_emoji_form(glyph: str) -> None:
    assert len(glyph) == 1
    assert unicodedata.east_asian_width(glyph) in ("N", "Na", "A")
    assert not unicodedata.combining(glyph)
    assert unicodedata.category(glyph) != "Co"
    assert glyph not in EMOJI_FORMS


def test_no_two_states_share_a_glyph_in_either_set() -> None:
    assert len({look.glyph for look in STATES.values()}) == len(STATES)
    assert len({look.ascii for look in STATES.values()}) == len(STATES)
    assert len({kind.glyph for kind in KINDS.values()}) == len(KINDS)
    assert len({kind.ascii for kind in KINDS.values()}) == len(KINDS)


def test_the_ascii_column_is_ascii() -> None:
    letters = [look.ascii for look in STATES.values()] + [kind.ascii for kind in KINDS.values()]
    assert all(letter.isascii() and letter.isprintable() and len(letter) == 1 for letter in letters)
    assert all(plain.isascii() and plain.isprintable() for _, plain in SIGNS.values())
    assert theme.ASCII_SPINNER.isascii()


def test_only_what_needs_an_eye_is_filled() -> None:
    assert {word for word, look in STATES.items() if look.fill} == {"running", "failed", "suspended", "retrying"}
    assert all(look.framed for look in STATES.values() if look.fill)


def test_the_tokens_of_every_look_exist() -> None:
    for look in STATES.values():
        assert look.token in TOKENS
        assert not look.fill or look.fill in TOKENS


TEXTS = [name for name in TOKENS if name not in (*GROUNDS, *FILLS, *LINES)]


@pytest.mark.parametrize("name", THEMES)
@pytest.mark.parametrize("token", TEXTS)
def test_text_can_be_read_on_every_ground(name: str, token: str) -> None:
    for ground in GROUNDS:
        assert contrast(colour(name, token), colour(name, ground)) >= 4.5, ground


@pytest.mark.parametrize("name", THEMES)
def test_a_state_can_be_read_on_its_own_fill(name: str) -> None:
    for look in STATES.values():
        if look.fill:
            for token in ("text", "muted", look.token):
                assert contrast(colour(name, token), colour(name, look.fill)) >= 4.5, (look.word, token)


@pytest.mark.parametrize("name", THEMES)
def test_canvas_colour_can_be_read_on_accent_and_state_colours(name: str) -> None:
    for token in TEXTS:
        if token not in ("text", "muted"):
            assert contrast(colour(name, "bg"), colour(name, token)) >= 5.0, token


@pytest.mark.parametrize("name", THEMES)
def test_lines_can_be_seen_on_the_canvas(name: str) -> None:
    for token in LINES:
        assert contrast(colour(name, token), colour(name, "bg")) >= 1.8, token


def test_the_contrast_formula_gives_its_known_ends() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#777777") == pytest.approx(1)
    assert contrast("#ffffff", "#767676") == pytest.approx(4.54, abs=0.01)


def test_a_group_shows_its_worst_child() -> None:
    assert theme.worst(["completed", "running", "failed", "ready"]) == "failed"
    assert theme.worst(["cached", "completed"]) == "completed"
    assert theme.worst([]) == "ready"
    assert set(glyphs.WORST_FIRST) == set(STATES)


def test_unheard_of_words_have_a_look_too() -> None:
    assert theme.look("no such state").word == "unknown"
    assert theme.look("paused").word == "suspended"
    assert theme.kind_look("kafka").word == "task"
    assert theme.kind_glyph("sub-workflow", ascii=True) == "&"


@pytest.mark.parametrize(
    ("environ", "encoding", "plain"),
    [
        ({}, "utf-8", False),
        ({}, "UTF8", False),
        ({}, "ascii", True),
        ({}, "latin-1", True),
        ({}, None, False),
        ({"TERM": "linux"}, "utf-8", True),
        ({"FLOWLOOM_ASCII": "1"}, "utf-8", True),
        ({"FLOWLOOM_ASCII": "0", "TERM": "linux"}, "utf-8", False),
    ],
)
def test_ascii_is_for_terminals_that_show_nothing_else_or_by_wish(
    environ: dict[str, str], encoding: str | None, plain: bool
) -> None:
    assert theme.wants_ascii(environ, encoding) is plain


def test_no_color_means_no_colour_whatever_its_value() -> None:
    assert theme.wants_no_colour({"NO_COLOR": "0"})
    assert not theme.wants_no_colour({"NO_COLOR": ""})
    assert theme.wants_no_colour({"TERM": "dumb"})
    assert not theme.wants_no_colour({"TERM": "xterm-256color"})


def test_textual_takes_the_themes_with_their_exact_colours() -> None:
    made = {one.name: one for one in theme.textual_themes()}
    assert set(made) == set(THEMES)
    for name, one in made.items():
        css = one.to_color_system().generate()
        for token in TOKENS.values():
            for variable in token.variables:
                shown, wanted = {**css, **one.variables}[variable], colour(name, token.name)
                # Textual goes through floats: one step of 255 may be lost.
                away = [abs(int(shown[at : at + 2], 16) - int(wanted[at : at + 2], 16)) for at in (1, 3, 5)]
                assert max(away) <= 1, (name, variable, shown, wanted)


def test_the_table_costs_no_import_of_textual_or_rich() -> None:
    code = "import sys, studio.theme; print([m for m in sys.modules if m.split('.')[0] in ('textual', 'rich')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
