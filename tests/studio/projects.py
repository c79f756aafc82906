"""Projects on disk for tests of the studio."""

from __future__ import annotations

from pathlib import Path

SMALL = """\
format = 1

[project]
name = "small"

[defaults]
executor = "threads"

[nodes.load]
task = "tasks:load"
args = { path = "data.csv" }

[nodes.clean]
task = "tasks:clean"
inputs = { rows = "load" }

[nodes.report]
task = "tasks:report"
inputs = { rows = "clean" }
needs = ["clean"]
"""

TASKS = '''\
"""Tasks of a small project."""


def load(path):
    """Read the rows."""
    print("loading", path)
    return [1, 2, 3]


def clean(rows):
    print("cleaning", len(rows))
    return rows


def report(rows):
    return {"rows": len(rows)}
'''

BROKEN_TASKS = TASKS.replace('    print("cleaning", len(rows))\n', '    raise KeyError("r2")\n')


def project_in(folder: Path, text: str = SMALL, tasks: str = TASKS) -> Path:
    """A project in a folder; the path of its file."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "tasks.py").write_text(tasks, encoding="utf-8")
    file = folder / "project.toml"
    file.write_text(text, encoding="utf-8")
    return file
