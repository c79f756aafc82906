"""Goldens: FLOWLOOM_UPDATE_GOLDENS=1 writes the pictures of goldens/ anew; look at the diff before you commit it."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """Compare a picture with the one that is kept beside the test."""
    goldens = request.path.parent / "goldens"

    def compare(name: str, text: str) -> None:
        path = goldens / name
        if os.environ.get("FLOWLOOM_UPDATE_GOLDENS"):
            path.write_text(text, encoding="utf-8")
        assert path.read_text(encoding="utf-8") == text, f"{name} changed; FLOWLOOM_UPDATE_GOLDENS=1 keeps it"

    return compare
