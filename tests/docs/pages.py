"""What a page of the docs asks its reader to do, as steps that a test can follow.

A page is a list of fenced blocks. A block whose info string ends with a file name, as in

    ```toml project.toml

is a file to write (`more project.toml` adds to it); a `console` block holds commands behind `$ ` and, under each, what
it prints. A printed line may leave parts out with `...`; a line that is only `...` stands for any lines. An HTML
comment right above a block says what is unusual about it: `<!-- exit 1 -->` the last command's exit code,
`<!-- in DIR -->` where to go first, `<!-- not run: reason -->` a block that no test can run, with the reason.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FENCE = re.compile(r"^(?P<indent> *)```(?P<info>[^`\n]*)\n(?P<body>.*?)^(?P=indent)```\s*$", re.MULTILINE | re.DOTALL)
REMARK = re.compile(r"<!-- (?P<words>[^>]*?) -->\s*$")


@dataclass
class Command:
    """A line behind `$ `, with what the page says it prints."""

    line: str
    prints: list[str] = field(default_factory=list)


@dataclass
class Block:
    """One fenced block: its line in the page, its info string, its text and the remark above it."""

    line: int
    info: list[str]
    text: str
    remark: str = ""

    @property
    def file(self) -> str | None:
        """The file that the block is the content of."""
        last = self.info[-1] if len(self.info) > 1 else ""
        return last if "." in last or "/" in last else None

    @property
    def skipped(self) -> bool:
        return self.remark.startswith("not run:")

    @property
    def exit_code(self) -> int:
        return int(self.remark.split()[1]) if self.remark.startswith("exit ") else 0

    @property
    def folder(self) -> str | None:
        return self.remark.split()[1] if self.remark.startswith("in ") else None

    def commands(self) -> list[Command]:
        found: list[Command] = []
        for line in self.text.splitlines():
            if line.startswith("$ "):
                found.append(Command(line[2:]))
            elif found and found[-1].line.endswith("\\"):
                found[-1].line += "\n" + line.removeprefix("> ")
            elif found:
                found[-1].prints.append(line)
        return found


def pages() -> list[Path]:
    """Every page for readers, the top-level ones and those under docs/."""
    return [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]


def blocks(page: Path) -> list[Block]:
    text = page.read_text("utf-8")
    found = []
    for fence in FENCE.finditer(text):
        indent = len(fence["indent"])
        body = "".join(line[indent:] if line.strip() else line for line in fence["body"].splitlines(keepends=True))
        remark = REMARK.search(text[: fence.start()])
        line = text.count("\n", 0, fence.start()) + 1
        found.append(Block(line, fence["info"].split(), body, remark["words"] if remark else ""))
    return found


def differs(expected: list[str], printed: str) -> str | None:
    """Why `printed` is not what the page shows, None if it is: each shown line must come, in order."""
    lines = [line.rstrip() for line in printed.splitlines()]
    at, gap = 0, False
    for shown in (line.rstrip() for line in expected):
        if shown == "...":
            gap = True
            continue
        if not shown:
            continue
        pattern = re.compile(".*?".join(re.escape(part) for part in shown.split("...")) + r"\Z")
        while at < len(lines) and (gap or not lines[at]) and not pattern.match(lines[at]):
            at += 1
        if at == len(lines):
            return f"the page shows {shown!r}, and nothing like it is printed"
        if not pattern.match(lines[at]):
            return f"the page shows {shown!r}, printed is {lines[at]!r}"
        at, gap = at + 1, False
    rest = [line for line in lines[at:] if line]
    if expected and not gap and rest:
        return f"printed and not shown: {rest[0]!r}"
    return None
