"""Goldens: FLOWLOOM_UPDATE_GOLDENS=1 writes the pictures of goldens/ anew; look at the diff before you commit it."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

GOLDENS = Path(__file__).parent / "goldens"


@pytest.fixture
def golden() -> Callable[[str, str], None]:
    """Compare a picture with the kept one."""

    def compare(name: str, text: str) -> None:
        path = GOLDENS / name
        if os.environ.get("FLOWLOOM_UPDATE_GOLDENS"):
            path.write_text(text, encoding="utf-8")
        assert path.read_text(encoding="utf-8") == text, f"{name} changed; FLOWLOOM_UPDATE_GOLDENS=1 keeps it"

    return compare
