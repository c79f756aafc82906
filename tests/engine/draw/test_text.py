"""Text is measured as terminals measure it, shortened without tearing anything, and cannot do harm."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.draw.text import clip, clusters, cut, elide, pad, safe, width


@pytest.mark.parametrize(
    ("text", "cells"),
    [
        ("", 0),
        ("load_rows", 9),
        ("任务一", 6),
        ("한국어", 6),
        ("ｗｉｄｅ", 8),
        ("größe", 5),
        ("gro\u0308sse", 6),
        ("é́é", 2),
        ("👍", 2),
        ("👍🏽", 2),
        ("👨‍👩‍👧", 2),
        ("❤️", 2),
        ("❤", 1),
        ("🇩🇪", 2),
        ("🇩🇪🇫🇷", 4),
        ("✓ done", 6),
        ("a\u200bb", 2),
        ("ƒ ◇ ∀ ⇉", 7),
    ],
)
def test_width_counts_cells(text: str, cells: int) -> None:
    assert width(text) == cells


def test_single_characters_are_as_wide_as_rich_says() -> None:
    """Rich measures for Textual, which paints what is drawn here."""
    from rich.cells import get_character_cell_size

    ranges = [(0x20, 0x7F), (0xA1, 0x300), (0x370, 0x483), (0x3041, 0x3097), (0x4E00, 0x4F00), (0xAC00, 0xAD00)]
    ranges += [(0x2190, 0x2200), (0x2500, 0x25A0), (0x1F600, 0x1F64F), (0xFF01, 0xFF61)]
    odd = [chr(code) for first, stop in ranges for code in range(first, stop)]
    known = [char for char in odd if unicodedata.category(char) not in ("Cn", "Cf")]
    assert [char for char in known if width(char) != get_character_cell_size(char)] == []


def test_a_long_name_loses_its_middle() -> None:
    assert elide("load_customers_of_2024", 15) == "load_cust…_2024"
    assert elide("short", 5) == "short"
    assert elide("任务一二三四五六", 9) == "任务一…六"
    assert elide("anything", 1) == "…"
    assert elide("anything", 0) == ""


@given(st.text(max_size=30), st.integers(0, 30))
def test_shortened_text_fits_and_tears_no_cluster(text: str, cells: int) -> None:
    whole = [cluster for cluster, _ in clusters(text)]
    for made in (elide(text, cells), cut(text, cells), clip(text, cells)):
        assert width(made) <= max(cells, 0)
        for cluster in (cluster for cluster, _ in clusters(made)):
            assert any(cluster in known or known in cluster for known in [*whole, "…"])
    assert width(pad(text, cells)) == cells


@given(st.text())
def test_safe_text_has_nothing_that_acts(text: str) -> None:
    made = safe(text)
    assert len(made) == len(text)
    for char in made:
        assert unicodedata.category(char) not in ("Cc", "Cs", "Zl", "Zp")
        assert unicodedata.bidirectional(char) not in ("LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI")
    assert safe(made) == made
    assert safe(text, ascii_only=True).isascii()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[2Jx", "␛[2Jx"),
        ("a\r\nb", "a␍␊b"),
        ("\x9b31m", "�31m"),
        ("rtl\u202eexe", "rtl�exe"),
        ("zero\u200bwidth", "zero�width"),
        ("\x7f\0", "␡␀"),
        ("👨‍👩‍👧 任务", "👨‍👩‍👧 任务"),
    ],
)
def test_each_dangerous_character_becomes_a_visible_mark(text: str, shown: str) -> None:
    assert safe(text) == shown
