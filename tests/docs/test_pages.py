"""Every command in the docs does what the page says, in a real shell, and every link leads somewhere."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.pages import ROOT, blocks, differs, pages

BIN = Path(sys.executable).parent
PAGES = {str(page.relative_to(ROOT)): page for page in pages()}
COMMANDS = {
    name for name, page in PAGES.items() if any(b.info[:1] == ["console"] and not b.skipped for b in blocks(page))
}
LINK = re.compile(r"\[[^\]]*\]\((?!https?:|mailto:|#)([^)#\s]+)(?:#[^)\s]*)?\)")


@pytest.fixture
def reader(tmp_path: Path) -> dict[str, str]:
    """The environment of somebody who installed Flowloom and reads the page for the first time."""
    home = tmp_path / "home"
    home.mkdir()
    kept = {name: value for name, value in os.environ.items() if name in ("LANG", "TMPDIR")}
    return kept | {
        "PATH": f"{BIN}:/usr/local/bin:/usr/bin:/bin",
        "HOME": str(home),
        "LC_ALL": "C.UTF-8",
        "COLUMNS": "100",
        "PYTHONDONTWRITEBYTECODE": "1",
        "FLOWLOOM_SOURCE": str(ROOT),
    }


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_the_commands_of_a_page_do_what_it_says(name: str, tmp_path: Path, reader: dict[str, str]) -> None:
    here = tmp_path / "work"
    here.mkdir()
    for block in blocks(PAGES[name]):
        if block.skipped:
            continue
        if block.folder:
            here = (here / block.folder).resolve()
        if block.file:
            file = here / block.file
            file.parent.mkdir(parents=True, exist_ok=True)
            with file.open("a" if "more" in block.info else "w", encoding="utf-8") as out:
                out.write(block.text)
        if block.info[:1] != ["console"]:
            continue
        commands = block.commands()
        for command in commands:
            wanted = block.exit_code if command is commands[-1] else 0
            where = f"{name}:{block.line}: $ {command.line}"
            told = subprocess.run(
                ["/bin/bash", "-c", f'{command.line}\ncode=$?; pwd > "$HOME/.here"; exit $code'],
                cwd=here,
                env=reader,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                timeout=60,
                check=False,
            )
            assert told.returncode == wanted, f"{where}\nexit code {told.returncode}, not {wanted}\n{told.stdout}"
            if command.prints:
                assert (why := differs(command.prints, told.stdout)) is None, f"{where}\n{why}\n\n{told.stdout}"
            here = Path((tmp_path / "home" / ".here").read_text().strip())


@pytest.mark.parametrize("name", sorted(PAGES))
def test_links_of_a_page_lead_somewhere(name: str) -> None:
    page = PAGES[name]
    prose = re.sub(r"```.*?```", "", page.read_text("utf-8"), flags=re.DOTALL)
    assert [link for link in LINK.findall(prose) if not (page.parent / link).exists()] == []


@pytest.mark.parametrize(
    ("shown", "printed", "agree"),
    [
        (["a", "b"], "a\nb\n", True),
        (["a", "c"], "a\nb\n", False),
        (["a"], "a\nb\n", False),
        (["a", "..."], "a\nb\nc\n", True),
        (["...", "c"], "a\nb\nc\n", True),
        (["...", "b"], "a\nb\nc\n", False),
        (["took ... s"], "took 0.31 s\n", True),
        (["took ... s"], "took 0.31 minutes\n", False),
        (["a", "", "b"], "a\nb\n", True),
    ],
)
def test_what_is_shown_is_compared_line_by_line(shown: list[str], printed: str, agree: bool) -> None:
    assert (differs(shown, printed) is None) is agree
