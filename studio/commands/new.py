"""`flowloom new`: a small project that runs at once, from a template."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
from pathlib import Path

import click

from studio.front import exit_codes
from studio.front.paint import Paint
from studio.front.streams import say
from studio.front.terminal import terminal_of

TEMPLATES = Path(__file__).resolve().parent.parent / "templates"
NAMED = ("project.toml", "README.md")
"""The files of a template in which __NAME__ stands for the project's name."""

_LONGEST = 120  # bytes of a folder's name: file systems allow 255, and files in it need their own
_DEVICES = frozenset(
    {"con", "prn", "aux", "nul", *(f"com{n}" for n in range(1, 10)), *(f"lpt{n}" for n in range(1, 10))}
)


@click.command("new", short_help="Make a project that runs at once.")
@click.argument("folder", type=click.UNPROCESSED)
@click.option(
    "--template",
    type=click.Choice(["python", "shell"]),
    default="python",
    show_default=True,
    help="What its nodes are: Python functions, or shell commands.",
)
@click.option("--here", is_flag=True, help="Also in a folder that has other files; none of them is changed.")
def command(folder: str, template: str, here: bool) -> int:
    """Make a project in FOLDER that runs at once, to be changed into yours."""
    place = _place(folder)
    name = why_bad_name(place)
    if name:
        raise click.UsageError(name)
    if not here:
        _refuse_used(place, folder)
    made = _copy(TEMPLATES / template, place, project_name(place))
    paint = Paint(terminal_of(sys.stderr))
    shown = paint.safe(os.fsdecode(_as_typed(place)))
    say(f"{paint.glyph('completed')} made {paint.style(shown, 'bold')} with {', '.join(sorted(made))}")
    say(f"  {paint.accent(f'flowloom run {_quoted(shown)}')}   runs it")
    say(f"  {paint.accent(f'flowloom {_quoted(_pathlike(shown))}')}   opens it in the studio")
    _trust(place)
    return exit_codes.COMPLETED


def why_bad_name(place: Path) -> str:
    """Why a folder of this name should not become a project; empty if it may."""
    name = place.name
    if not name:
        return "the root of the file system cannot become a project; name a folder"
    if name.startswith("-"):
        return f"a name that begins with '-' would be taken for an option; use another, or ./{_safe(name)} for a path"
    if any(not char.isprintable() for char in name):
        return f"the name {_safe(name)} has characters that cannot be seen; use letters, digits, '_' and '-'"
    if len(os.fsencode(name)) > _LONGEST:
        return f"the name {_safe(name[:30])}... is too long ({len(name)} characters); use at most {_LONGEST} bytes"
    if name.split(".")[0].casefold() in _DEVICES:
        return f"{_safe(name)} is the name of a device on some systems; use another"
    return ""


def project_name(place: Path) -> str:
    """The project's name: its folder's, as far as that may be one."""
    name = "".join(char if char.isalnum() or char in "_-" else "-" for char in place.name).strip("-")
    return name[:64] or "project"


def _place(folder: str) -> Path:
    if "\0" in folder or not folder:
        raise click.UsageError("this cannot be the name of a folder; use letters, digits, '_' and '-'")
    name = folder.rstrip("/").rsplit("/", 1)[-1]
    if name not in (".", "..", "") and (name.startswith("-") or any(not char.isprintable() for char in name)):
        raise click.UsageError(why_bad_name(Path(name)))
    return Path(os.path.abspath(folder))  # noqa: PTH100 - `absolute` keeps '..', and `resolve` follows links


def _refuse_used(place: Path, typed: str) -> None:
    try:
        if place.is_dir() and not any(place.iterdir()):
            return
        taken = place.exists() or place.is_symlink()
    except OSError as error:
        raise click.UsageError(f"cannot look at {_safe(typed)}: {error.strerror or error}; use another name") from error
    if taken:
        what = "is not empty; add --here to put a project beside its files" if place.is_dir() else "is a file"
        raise click.UsageError(f"{_safe(typed)} {what}, or name another folder")


def _copy(template: Path, place: Path, name: str) -> list[str]:
    """Copy a template, whole or not at all: it is made beside its place and moved there."""
    files = sorted(file for file in template.rglob("*") if file.is_file() and "__pycache__" not in file.parts)
    names = [str(file.relative_to(template)) for file in files]
    in_the_way = [file for file in names if (place / file).exists() or (place / file).is_symlink()]
    if in_the_way:
        raise click.UsageError(f"{_safe(place / in_the_way[0])} is there already; nothing was changed")
    fresh = not place.exists()
    made: list[Path] = []
    try:
        place.mkdir(parents=True, exist_ok=True)
        for file, relative in zip(files, names, strict=True):
            target = place / relative
            target.parent.mkdir(parents=True, exist_ok=True)
            made.append(target)
            if relative in NAMED:
                target.write_text(file.read_text("utf-8").replace("__NAME__", name), "utf-8")
            else:
                shutil.copyfile(file, target)
    except OSError as error:
        with contextlib.suppress(OSError):
            for target in made:
                target.unlink(missing_ok=True)
            if fresh and place.is_dir() and not any(place.iterdir()):
                place.rmdir()
        from engine.errors import SystemFailure

        why = error.strerror or str(error)
        raise SystemFailure(
            f"cannot make {_safe(place)}: {why.lower()}; name another folder", errno=error.errno
        ) from error
    return names


def _trust(place: Path) -> None:
    """A project that we just wrote may run. Where that cannot be remembered, the studio will ask."""
    from engine.errors import SystemFailure
    from engine.project.trust import trust

    with contextlib.suppress(SystemFailure):
        trust(place)


def _as_typed(place: Path) -> Path:
    try:
        return place.relative_to(Path.cwd())
    except (ValueError, OSError):
        return place


def _quoted(path: str) -> str:
    import shlex

    return shlex.quote(path)


def _pathlike(path: str) -> str:
    return path if path.startswith(("/", ".")) else f"./{path}"


def _safe(text: object) -> str:
    from engine.project.findings import harmless

    return harmless(str(text))
