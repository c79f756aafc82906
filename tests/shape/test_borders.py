"""Heavy or dangerous modules are imported in the places meant for them, and nowhere else.

The import contracts in pyproject.toml hold the layers; these tests hold the borders to other people's packages.
They read the source and run none of it.
"""

from __future__ import annotations

import ast
import sys
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("engine", "agents", "studio")

# Who may import what comes from outside: {package: where}. A place ends with "/" for a whole folder.
BORDERS = {
    "zmq": ("agents/gate.py", "agents/sockets.py"),
    "textual": ("studio/app.py", "studio/screens/", "studio/widgets/", "studio/notices.py", "studio/theme.py"),
    "networkx": ("engine/analysis.py",),
    "dask": ("engine/executors/dask.py",),
    "distributed": ("engine/executors/dask.py",),
    "dill": ("engine/pickling.py", "engine/executors/child.py"),
    "cloudpickle": ("engine/pickling.py",),
    "pickle": ("engine/pickling.py", "engine/executors/child.py"),
    "sqlite3": ("engine/store/",),
    "aiohttp": ("studio/browser.py",),
    "textual_serve": ("studio/browser.py",),
}

# Files that decide: the moment, chance and the outer world reach them as arguments.
DECIDING = (
    "engine/machine/",
    "engine/graph.py",
    "engine/plan.py",
    "engine/draw/",
    "engine/project/",
    "agents/backlog.py",
    "agents/coordinator.py",
    "agents/fleet.py",
    "agents/jobs.py",
    "agents/ledger.py",
    "agents/link.py",
    "agents/orders.py",
    "agents/peer.py",
    "agents/protocol.py",
    "agents/results.py",
    "agents/roster.py",
    "agents/sayings.py",
    "agents/turns.py",
    "agents/wire.py",
    "agents/worker.py",
    "studio/reduce.py",
    "studio/reduce_agents.py",
    "studio/reduce_cursor.py",
    "studio/reduce_edits.py",
    "studio/reduce_file.py",
    "studio/reduce_fixes.py",
    "studio/reduce_look.py",
    "studio/reduce_places.py",
    "studio/reduce_project.py",
    "studio/reduce_runs.py",
    "studio/document/",
    "studio/pictures/",
)
WORLD = {"asyncio", "random", "socket", "sqlite3", "subprocess", "textual", "threading", "time", "zmq"}

# Files that run inside the project's own Python, whose packages are unknown to us.
CARRIED = (
    "engine/attempt.py",
    "engine/call.py",
    "engine/context.py",
    "engine/failures.py",
    "engine/forms.py",
    "engine/payload.py",
    "engine/performer.py",
    "engine/pickling.py",
    "engine/plain.py",
    "engine/preview.py",
    "engine/programs.py",
    "engine/executors/child.py",
    "engine/executors/aftermath.py",
    "engine/executors/answers.py",
    "engine/executors/family.py",
    "engine/executors/orphan.py",
    "engine/executors/sealing.py",
    "engine/executors/frames.py",
)
CARRIED_MAY_USE = {"dill", "msgspec", "cloudpickle", "engine"}


def files() -> list[str]:
    return sorted(str(path.relative_to(ROOT)) for package in PACKAGES for path in (ROOT / package).rglob("*.py"))


@cache
def imported(file: str) -> frozenset[str]:
    """The top names of every module that `file` imports, at any depth of its code, type checking left out."""
    names: set[str] = set()
    waiting: list[ast.AST] = [ast.parse((ROOT / file).read_text("utf-8"))]
    while waiting:
        place = waiting.pop()
        if isinstance(place, ast.If) and "TYPE_CHECKING" in ast.unparse(place.test):
            waiting.extend(place.orelse)
            continue
        if isinstance(place, ast.Import):
            names.update(alias.name.split(".")[0] for alias in place.names)
        elif isinstance(place, ast.ImportFrom) and place.module and place.level == 0:
            names.add(place.module.split(".")[0])
        waiting.extend(ast.iter_child_nodes(place))
    return frozenset(names)


def inside(file: str, places: tuple[str, ...]) -> bool:
    return any(file == place or (place.endswith("/") and file.startswith(place)) for place in places)


@pytest.mark.parametrize("package", sorted(BORDERS))
def test_an_outer_package_is_imported_only_at_its_border(package: str) -> None:
    strangers = [file for file in files() if package in imported(file) and not inside(file, BORDERS[package])]
    assert strangers == [], f"{package} belongs in {', '.join(BORDERS[package])}"


def test_deciding_files_import_nothing_of_the_world() -> None:
    found = {file: sorted(imported(file) & WORLD) for file in files() if inside(file, DECIDING)}
    assert {file: names for file, names in found.items() if names} == {}


def test_files_carried_to_children_need_only_the_standard_library_and_dill() -> None:
    found = {
        file: sorted(imported(file) - sys.stdlib_module_names - CARRIED_MAY_USE)
        for file in CARRIED
        if (ROOT / file).exists()
    }
    assert {file: names for file, names in found.items() if names} == {}


def test_no_file_imports_a_package_root_of_ours() -> None:
    """`from engine import X` inside the project would load the public face, and hide who needs whom."""
    found = []
    for file in files():
        tree = ast.parse((ROOT / file).read_text("utf-8"))
        for place in ast.walk(tree):
            if isinstance(place, ast.ImportFrom) and place.module in PACKAGES and place.level == 0:
                names = {alias.name for alias in place.names}
                package = ROOT / str(place.module)
                modules = {name for name in names if (package / f"{name}.py").exists() or (package / name).is_dir()}
                found += [f"{file}:{place.lineno}: {name}" for name in sorted(names - modules - {"__version__"})]
    assert found == []


def test_the_engines_face_names_only_what_exists_and_loads_nothing() -> None:
    """Importing `engine` stays cheap for child processes, and type checkers see the same names as Python."""
    import subprocess

    code = (
        "import sys, engine; loaded = sorted(m for m in sys.modules if m.startswith('engine.')); "
        "assert loaded == [], loaded; assert [n for n in engine.__all__ if not hasattr(engine, n)] == []"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=False)
    assert told.returncode == 0, told.stderr
