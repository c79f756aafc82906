"""The pictures of the README, made by the real program.

    python docs/pictures/make.py [NAME...]      writes NAME.svg and, where rsvg-convert is installed, NAME.png

Each picture is the studio in Textual's headless driver: a copy of a sample project is opened at a size, keys are pressed, a
run is made, and what is on the screen then is exported. Nothing is drawn by hand, so a picture cannot show what the program
does not do.
"""

from __future__ import annotations

import asyncio
import html
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]

if TYPE_CHECKING:
    from studio.app import StudioApp
    from studio.state import StudioState


@dataclass(frozen=True)
class Picture:
    """One picture: a sample, a size, what is pressed, and what it waits for. "run" among the keys runs and waits for the end,
    "start" waits until most is done. `changed` is a file, a text in it, and what to put there."""

    name: str
    project: str | None
    size: tuple[int, int]
    keys: Sequence[str] = ()
    theme: str = "loom-dark"
    changed: tuple[str, str, str] | None = None


PICTURES = (
    Picture("welcome", None, (100, 30)),
    Picture("editor", "penguins", (160, 46), ("right", "right")),
    Picture("draw", "penguins", (120, 30), ("slash", *"clean", "enter", "a", *"fit")),
    Picture("run", "penguins", (160, 46), ("run", "right", "right", "8")),
    Picture(
        "live",
        "penguins",
        (200, 50),
        ("start", "slash", *"certainty", "enter"),
        changed=("project.toml", "resamples = 1500", "resamples = 60000"),
    ),
    Picture("light", "penguins", (160, 46), ("run", "right", "right", "T"), theme="loom-light"),
    Picture(
        "failure",
        "penguins",
        (160, 46),
        ("run", "right_square_bracket", "8"),
        changed=(
            "table.py",
            "def clean(",
            "def clean(*args, **kwargs):\n    raise KeyError('sex')\n\n\ndef old_clean(",
        ),
    ),
    Picture("small", "penguins", (80, 24), ("right", "right")),
    Picture("trust", "penguins", (100, 32), ("R",)),
    Picture("keys", "penguins", (130, 44), ("question_mark",)),
)


async def _settled(app: StudioApp, true: Callable[[StudioState], bool], most: float = 60.0) -> None:
    began = time.monotonic()
    while not true(app.session.state):
        if time.monotonic() - began > most:
            raise TimeoutError("the studio did not come to what the picture wants")
        await asyncio.sleep(0.05)


def _is_over(state: StudioState) -> bool:
    return state.run is not None and not state.run.live


def _is_far(state: StudioState) -> bool:
    return _is_over(state) or (state.run is not None and state.run.done >= 10)


async def screenshot(picture: Picture, folder: Path | None) -> str:
    """The studio as SVG, after all keys."""
    from studio.actions import Asked, ThemeChosen
    from studio.app import StudioApp

    app = StudioApp(folder)
    async with app.run_test(size=picture.size) as pilot:
        app.session.dispatch(ThemeChosen(picture.theme))
        await pilot.pause(0.3)
        for key in picture.keys:
            if key in {"run", "start"}:
                app.session.dispatch(Asked("run.all"))
                await _settled(app, _is_over if key == "run" else _is_far)
                app.clear_notifications()
            else:
                await pilot.press(key)
            await pilot.pause(0.15)
        await pilot.pause(0.3)
        return straightened(app.export_screenshot(title=""))


_TEXT = re.compile(
    r'<text class="(terminal-[^"]*-r\d+)" x="([\d.]+)" y="([\d.]+)" textLength="[\d.]+"([^>]*)>([^<]*)</text>'
)
_PART = re.compile(r"[!-~]+|([^ \xa0])\1*")
CELL = 12.2  # the width of a cell in rich's SVG


def straightened(svg: str) -> str:
    """Put every word and every sign where its cell is: a glyph of another font would shift the rest of its line."""
    from rich.cells import cell_len

    def placed(match: re.Match[str]) -> str:
        text, found = html.unescape(match[5]), []
        for part in _PART.finditer(text):
            x = float(match[2]) + CELL * cell_len(text[: part.start()])
            length = CELL * cell_len(part[0])
            where = f'x="{x:.1f}" y="{match[3]}" textLength="{length:.1f}"'
            found.append(f'<text class="{match[1]}" {where}{match[4]}>{html.escape(part[0])}</text>')
        return "".join(found)

    return _TEXT.sub(placed, svg)


def make(picture: Picture, out: Path = HERE) -> Path:
    """Make one picture; the path of its SVG."""
    with tempfile.TemporaryDirectory(prefix="flowloom-picture-") as home:
        for name in ("STATE", "CONFIG", "DATA"):
            os.environ[f"XDG_{name}_HOME"] = home
        folder = None
        if picture.project is not None:
            from engine.project.trust import trust

            folder = Path(home) / picture.project
            ignored = shutil.ignore_patterns("out", ".flowloom", "__pycache__")
            shutil.copytree(ROOT / "sample_projects" / picture.project, folder, ignore=ignored)
            if picture.changed is not None:
                file, old, new = picture.changed
                text = (folder / file).read_text(encoding="utf-8")
                (folder / file).write_text(text.replace(old, new, 1), encoding="utf-8")
            if "R" not in picture.keys:
                trust(folder)
        svg = asyncio.run(screenshot(picture, folder))
    target = out / f"{picture.name}.svg"
    target.write_text(svg, encoding="utf-8")
    if shutil.which("rsvg-convert"):
        width = str(picture.size[0] * 10)
        subprocess.run(["rsvg-convert", "-w", width, target, "-o", target.with_suffix(".png")], check=True)
    return target


def main(names: Sequence[str]) -> None:
    """Make the pictures of these names, or all."""
    sys.path.insert(0, str(ROOT))
    for picture in PICTURES:
        if not names or picture.name in names:
            print(make(picture))


if __name__ == "__main__":
    main(sys.argv[1:])
