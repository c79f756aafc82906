"""What a person prefers and what the studio remembers, as files in their own folders.

`config.toml` and `keymap.toml` are written by people: read once at the start, never changed by us, and a mistake in
one is told with its line while everything else of it still holds. What the studio remembers (projects opened, how each
was looked at, the theme picked) is JSON of ours in the state folder; when it is damaged it is forgotten, as nothing
depends on it.

    # config.toml                       # keymap.toml
    theme = "loom-light"                [keys]
    glyphs = "ascii"                    "run.all" = "f9"
    animations = "none"                 "find" = ["slash", "ctrl+g"]
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import tempfile
import time
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from msgspec import structs

from studio.state import Recent, Remembered

APP = "flowloom"
MAX_RECENT = 12
MAX_BYTES = 200_000
_DRAWERS = ("problems", "toml", "changes", "log")


@dataclass(frozen=True, slots=True)
class Mistake:
    """Something in a file of the person's that cannot be used: what, where, what to do."""

    file: Path
    message: str
    remedy: str
    line: int | None = None

    def __str__(self) -> str:
        place = f"{self.file.name}:{self.line}" if self.line else self.file.name
        return f"{place}: {self.message}. {self.remedy}"


@dataclass(frozen=True, slots=True)
class Config:
    """What a person prefers. None: nothing was said, so the terminal or the studio decides."""

    theme: str | None = None
    ascii: bool | None = None
    animations: str | None = None
    keys: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    mistakes: tuple[Mistake, ...] = ()


@dataclass(frozen=True, slots=True)
class Kept:
    """What the studio remembers between two sittings."""

    theme: str | None = None
    ascii: bool | None = None
    recent: tuple[Recent, ...] = ()
    views: Mapping[str, Remembered] = field(default_factory=dict)


def config_folder() -> Path:
    """Where people put config.toml and keymap.toml."""
    from platformdirs import user_config_path

    return user_config_path(APP)


def state_file() -> Path:
    """Where the studio keeps what it remembers."""
    from platformdirs import user_state_path

    return user_state_path(APP) / "studio.json"


# -- files of the person ---------------------------------------------------------------------------------------------


def read_config(folder: Path | None = None, *, commands: frozenset[str] | None = None) -> Config:
    """Both files, with their mistakes. `commands` are the ids that a keymap may name; None accepts any."""
    folder = folder or config_folder()
    mistakes: list[Mistake] = []
    said = _settings(folder / "config.toml", mistakes)
    keys = _keymap(folder / "keymap.toml", mistakes, commands)
    return Config(
        theme=said.get("theme"),
        ascii=None if "glyphs" not in said else said["glyphs"] == "ascii",
        animations=said.get("animations"),
        keys=keys,
        mistakes=tuple(mistakes),
    )


_SETTINGS: dict[str, tuple[Callable[[Any], bool], str]] = {
    "theme": (lambda value: isinstance(value, str), 'Write a name in quotes: theme = "loom-light"'),
    "glyphs": (lambda value: value in ("ascii", "unicode"), 'Write glyphs = "ascii" or glyphs = "unicode"'),
    "animations": (lambda value: value in ("none", "basic", "full"), 'Write "none", "basic" or "full"'),
}


def _settings(file: Path, mistakes: list[Mistake]) -> dict[str, Any]:
    table, text = _table(file, mistakes)
    good: dict[str, Any] = {}
    for key, value in table.items():
        known = _SETTINGS.get(key)
        if known is None:
            remedy = f"These can be set: {', '.join(_SETTINGS)}"
            mistakes.append(Mistake(file, f"{_short(key)} is no setting", remedy, _line_of(text, key)))
        elif not known[0](value):
            mistakes.append(Mistake(file, f"{key} = {_short(value)} cannot be used", known[1], _line_of(text, key)))
        else:
            good[key] = value
    return good


def _keymap(file: Path, mistakes: list[Mistake], commands: frozenset[str] | None) -> dict[str, tuple[str, ...]]:
    table, text = _table(file, mistakes)
    given = table.get("keys", {})
    if not isinstance(given, dict) or set(table) - {"keys"}:
        mistakes.append(Mistake(file, "only a table [keys] belongs here", 'Write [keys], then "find" = "slash"'))
    good: dict[str, tuple[str, ...]] = {}
    for command, keys in (given if isinstance(given, dict) else {}).items():
        wanted = (keys,) if isinstance(keys, str) else keys
        line = _line_of(text, command)
        if commands is not None and command not in commands:
            remedy = "flowloom's help screen (?) lists the names of all commands"
            mistakes.append(Mistake(file, f"there is no command {_short(command)}", remedy, line))
        elif not isinstance(wanted, list | tuple) or not all(isinstance(key, str) and _is_key(key) for key in wanted):
            remedy = 'Write a key as "x", "ctrl+x" or "f5", or a list of them'
            mistakes.append(Mistake(file, f"{_short(keys)} is no key for {_short(command)}", remedy, line))
        else:
            good[command] = tuple(wanted)
    return good


def _is_key(text: str) -> bool:
    return len(text) == 1 or re.fullmatch(r"((ctrl|shift|alt)\+)*[a-z0-9_]+", text) is not None


def _table(file: Path, mistakes: list[Mistake]) -> tuple[dict[str, Any], str]:
    try:
        if file.stat().st_size > MAX_BYTES:
            raise ValueError("it is too large")
        text = file.read_bytes().decode("utf-8")
        return tomllib.loads(text), text
    except (FileNotFoundError, NotADirectoryError):
        return {}, ""
    except (OSError, ValueError, RecursionError) as error:
        found = re.search(r"\(at line (\d+)", str(error))
        what = re.sub(r"\s*\(at .*\)$", "", getattr(error, "strerror", None) or str(error) or "it cannot be read")
        mistakes.append(
            Mistake(file, what, "Nothing of this file is used until it is mended", int(found[1]) if found else None)
        )
        return {}, ""


def _line_of(text: str, key: str) -> int | None:
    for number, line in enumerate(text.splitlines(), 1):
        if line.lstrip().lstrip("\"'").startswith(key):
            return number
    return None


def _short(value: object) -> str:
    from engine.project.findings import harmless

    text = harmless(str(value))
    return f'"{text[:40]}..."' if len(text) > 40 else f'"{text}"'


# -- what the studio remembers ---------------------------------------------------------------------------------------


def read_kept(file: Path | None = None) -> Kept:
    """What was remembered; nothing where the file is not there, damaged or of another kind."""
    try:
        data = json.loads((file or state_file()).read_bytes())
        recent = tuple(Recent(Path(r["path"]), str(r["name"]), float(r["opened"])) for r in data.get("recent", []))
        views = {str(path): _view(view) for path, view in data.get("views", {}).items()}
        theme, glyphs = data.get("theme"), data.get("ascii")
        return Kept(
            theme if isinstance(theme, str) else None,
            glyphs if isinstance(glyphs, bool) else None,
            recent[:MAX_RECENT],
            views,
        )
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return Kept()


def _view(data: Mapping[str, Any]) -> Remembered:
    cursor, drawer, inspector, zoom = (data.get(key) for key in ("cursor", "drawer", "inspector", "zoom"))
    return Remembered(
        cursor if isinstance(cursor, str) else None,
        drawer if drawer in _DRAWERS else None,
        inspector if isinstance(inspector, bool) else None,
        zoom if isinstance(zoom, int) and 1 <= zoom <= 3 else None,
    )


def keep(change: Callable[[Kept], Kept], file: Path | None = None) -> bool:
    """Change what is remembered, in one step. False where that cannot be written: nobody is stopped by it."""
    file = file or state_file()
    new = change(read_kept(file))
    data = {
        "theme": new.theme,
        "ascii": new.ascii,
        "recent": [{"path": str(r.path), "name": r.name, "opened": r.opened} for r in new.recent],
        "views": {path: structs.asdict(view) for path, view in list(new.views.items())[-100:]},
    }
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=file.parent, prefix=".studio-")
        try:
            with os.fdopen(handle, "w", encoding="utf-8", errors="replace") as out:
                json.dump(data, out)
            Path(name).replace(file)
        except BaseException:
            with contextlib.suppress(OSError):
                Path(name).unlink()
            raise
    except OSError:
        return False
    return True


def opened(path: Path, name: str, at: float | None = None) -> Callable[[Kept], Kept]:
    """The change that puts a project first among the recent ones."""

    def change(kept: Kept) -> Kept:
        entry = Recent(path, name, time.time() if at is None else at)
        others = tuple(recent for recent in kept.recent if recent.path != path)
        return Kept(kept.theme, kept.ascii, (entry, *others)[:MAX_RECENT], kept.views)

    return change


def looked_at(path: Path, view: Remembered) -> Callable[[Kept], Kept]:
    """The change that remembers how a project was looked at."""

    def change(kept: Kept) -> Kept:
        views = {key: old for key, old in kept.views.items() if key != str(path)}
        return Kept(kept.theme, kept.ascii, kept.recent, {**views, str(path): view})

    return change


def looks_like(theme: str, ascii: bool) -> Callable[[Kept], Kept]:
    """The change that remembers theme and glyphs."""
    return lambda kept: Kept(theme, ascii, kept.recent, kept.views)
