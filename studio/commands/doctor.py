"""`flowloom doctor`: can this machine, this terminal and this Python do what Flowloom needs? Each answer has its remedy."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import click

from studio.front import exit_codes
from studio.front.paint import Paint
from studio.front.streams import tell
from studio.front.terminal import terminal_of

GREEN, AMBER, RED = "green", "amber", "red"
ENOUGH_SPACE = 200 * 1024 * 1024
ENOUGH_FILES = 256
_SEEN = {GREEN: ("completed", "green"), AMBER: ("warning", "yellow"), RED: ("error", "red")}


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """One answer. `light` is green, amber (works, but) or red (will not work); `remedy` is empty where all is well."""

    what: str
    light: str
    found: str
    remedy: str = ""


@click.command("doctor", short_help="Check this machine, terminal and Python.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
def command(as_json: bool) -> int:
    """Check whether Python, packages, terminal, state folder, ssh and child processes are as Flowloom needs them."""
    answers = [answer for check in CHECKS for answer in check()]
    if as_json:
        tell(json.dumps({"format": 1, "checks": [asdict(answer) for answer in answers]}, ensure_ascii=False, indent=2))
    else:
        _print(answers)
    return exit_codes.BROKEN if any(answer.light == RED for answer in answers) else exit_codes.COMPLETED


def _print(answers: list[Diagnosis]) -> None:
    paint = Paint(terminal_of(sys.stdout))
    widest = max(len(answer.what) for answer in answers)
    for answer in answers:
        name, colour = _SEEN[answer.light]
        mark = paint.glyph("completed") if name == "completed" else paint.style(paint.sign(name), colour)
        tell(f"{mark} {answer.what:<{widest}}  {paint.safe(answer.found)}")
        if answer.remedy:
            tell(f"  {'':<{widest}}  {paint.muted(paint.safe(answer.remedy))}")
    red, amber = (sum(answer.light == light for answer in answers) for light in (RED, AMBER))
    tell("")
    if red:
        tell(paint.style(f"{red} of these keep Flowloom from working.", "red"))
    elif amber:
        tell(f"Flowloom works here; {amber} {'thing' if amber == 1 else 'things'} could be better.")
    else:
        tell("All is well.")


# -- the checks ------------------------------------------------------------------------------------------------------


def check_python() -> Iterator[Diagnosis]:
    """Is this Python new enough, and this system one that we know?"""
    found = f"{sys.version.split()[0]} ({sys.executable})"
    if sys.version_info < (3, 11):  # noqa: UP036 - who looks here may have forced the installation
        yield Diagnosis("python", RED, found, "install Python 3.11 or later, and Flowloom into it")
    else:
        yield Diagnosis("python", GREEN, found)
    if sys.platform not in ("linux", "darwin"):
        yield Diagnosis("system", RED, sys.platform, "on Windows use WSL: https://learn.microsoft.com/windows/wsl")
    else:
        wsl = " (WSL)" if "WSL_DISTRO_NAME" in os.environ else ""
        yield Diagnosis("system", GREEN, f"{'Linux' if sys.platform == 'linux' else 'macOS'}{wsl}, {_cores()}")


def _cores() -> str:
    count = os.cpu_count() or 1
    return f"{count} core{'s' if count > 1 else ''}"


def check_packages() -> Iterator[Diagnosis]:
    """Are the packages that we need there, and is `agents` ours?"""
    from importlib import metadata
    from importlib.util import find_spec

    try:
        needs = [need for need in metadata.requires("flowloom") or [] if "extra ==" not in need]
    except metadata.PackageNotFoundError:
        yield Diagnosis("packages", RED, "Flowloom is not installed in this Python", "pip install flowloom")
        return
    names = [_name_of(need) for need in needs]
    missing = [name for name in names if not _is_installed(name)]
    if missing:
        yield Diagnosis("packages", RED, f"missing: {', '.join(missing)}", f"pip install {' '.join(missing)}")
    else:
        yield Diagnosis("packages", GREEN, f"all {len(names)} are there")
    ours = Path(__file__).resolve().parents[2]
    for package in ("engine", "agents", "studio"):
        spec = find_spec(package)
        place = Path(spec.origin).resolve().parents[1] if spec is not None and spec.origin else None
        if place != ours:
            remedy = f"another package brings {package!r} too (openai-agents brings 'agents'): install Flowloom apart, "
            yield Diagnosis(package, RED, f"imported from {place}", remedy + "with pipx or uv tool")


def _name_of(need: str) -> str:
    import re

    return re.split(r"[\s<>=!~;\[]", need, maxsplit=1)[0]


def _is_installed(name: str) -> bool:
    from importlib import metadata

    try:
        metadata.version(name)
    except metadata.PackageNotFoundError:
        return False
    return True


def check_terminal() -> Iterator[Diagnosis]:
    """What can the terminal show?"""
    terminal = terminal_of(sys.stdout)
    term = os.environ.get("TERM", "")
    if not terminal.live:
        why = f"TERM={term}" if sys.stdout.isatty() else "stdout is no terminal"
        yield Diagnosis("terminal", AMBER, f"{why}: plain lines, no studio", "run this in a terminal")
        return
    size = f"{term}, {terminal.width}x{terminal.height}"
    if terminal.width < 60 or terminal.height < 16:
        yield Diagnosis("terminal", AMBER, size, "the studio wants 60x16 at least; make the window larger")
    else:
        yield Diagnosis("terminal", GREEN, size)
    if terminal.colour:
        depth = "24 bits" if os.environ.get("COLORTERM") in ("truecolor", "24bit") else "256 or fewer"
        yield Diagnosis("colours", GREEN, depth)
    else:
        yield Diagnosis("colours", GREEN, "off (NO_COLOR): states are told apart by their signs")


def check_unicode() -> Iterator[Diagnosis]:
    """Is the output UTF-8?"""
    terminal = terminal_of(sys.stdout)
    paint = Paint(terminal)
    if terminal.ascii:
        yield Diagnosis("unicode", AMBER, "off: signs are ASCII", "set LANG=C.UTF-8 (and unset FLOWLOOM_ASCII)")
    else:
        signs = " ".join(paint.sign(name) for name in ("brand", "into", "bar done", "item"))
        yield Diagnosis("unicode", GREEN, f"{signs} 任务 (odd here? FLOWLOOM_ASCII=1)")


def check_state() -> Iterator[Diagnosis]:
    """Can state be written, and is there room?"""
    from engine.errors import SystemFailure
    from engine.store.state_folder import file_system_of, local_state, state_folder
    from studio.front.places import nearest_project

    places = [("user state", local_state())]
    project = nearest_project(Path.cwd())
    if project is not None:
        try:
            state = state_folder(project.resolve().parent, make=False)
        except SystemFailure as error:
            yield Diagnosis("project state", RED, str(error), "")
        else:
            if state.remark:
                yield Diagnosis("project state", AMBER, state.remark, "name a place of your own: FLOWLOOM_STATE=FOLDER")
            else:
                places.append(("project state", state.path))
    for what, place in places:
        existing = next(folder for folder in (place, *place.parents) if folder.exists())
        if not os.access(existing, os.W_OK):
            yield Diagnosis(what, RED, f"{place} cannot be written", "set FLOWLOOM_STATE or XDG_STATE_HOME")
            continue
        free = shutil.disk_usage(existing).free
        kind = file_system_of(existing)
        told = f"{place} ({kind + ', ' if kind else ''}{free / 2**30:.1f} GiB free)"
        if free < ENOUGH_SPACE:
            yield Diagnosis(what, AMBER, told, "free some space, or set FLOWLOOM_STATE to another disk")
        else:
            yield Diagnosis(what, GREEN, told)


def check_children() -> Iterator[Diagnosis]:
    """Can the Python of the tasks be started?"""
    from engine.errors import SystemFailure
    from engine.interpreter import choose_python

    try:
        python = choose_python(Path.cwd(), environment=os.environ)
        began = time.monotonic()
        code = "import sys; print('.'.join(map(str, sys.version_info[:3])))"
        ran = subprocess.run([python, "-I", "-c", code], capture_output=True, text=True, timeout=20, check=True)
    except SystemFailure as error:
        yield Diagnosis("children", RED, str(error), "")
    except (OSError, subprocess.SubprocessError) as error:
        yield Diagnosis("children", RED, f"{python} does not start: {error}", "mend or remove it, or use --python")
    else:
        took = (time.monotonic() - began) * 1000
        yield Diagnosis("children", GREEN, f"Python {ran.stdout.strip()} starts in {took:.0f} ms ({python})")


def check_limits() -> Iterator[Diagnosis]:
    """How many files may be open?"""
    import resource

    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < ENOUGH_FILES:
        yield Diagnosis("open files", AMBER, f"at most {soft}", "raise it: ulimit -n 1024")


def check_clock() -> Iterator[Diagnosis]:
    """Is the clock anywhere near today?"""
    year = time.gmtime().tm_year
    if not 2025 <= year <= 2100:
        remedy = "set it: run ids and times of day are wrong meanwhile; timeouts are not touched by it"
        yield Diagnosis("clock", AMBER, f"says the year {year}", remedy)


def check_ssh() -> Iterator[Diagnosis]:
    """Is there an ssh to reach other machines with?"""
    ssh = shutil.which("ssh")
    if ssh is None:
        yield Diagnosis("ssh", AMBER, "not found", "needed only for agents on other machines: install OpenSSH's client")
    else:
        yield Diagnosis("ssh", GREEN, ssh)


CHECKS: tuple[Callable[[], Iterator[Diagnosis]], ...] = (
    check_python,
    check_packages,
    check_terminal,
    check_unicode,
    check_state,
    check_children,
    check_limits,
    check_clock,
    check_ssh,
)
