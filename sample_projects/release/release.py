"""The steps of a release that are easier to say in Python than in shell."""

import ast
import hashlib
from pathlib import Path


def read_version(path):
    """The value of `__version__` in a Python file, read without running it."""
    for statement in ast.parse(Path(path).read_text(encoding="utf-8")).body:
        if isinstance(statement, ast.Assign) and any(
            isinstance(target, ast.Name) and target.id == "__version__" for target in statement.targets
        ):
            version = ast.literal_eval(statement.value)
            print(f"version {version}")
            return version
    raise LookupError(f"{path} sets no __version__")


def write_notes(version, changes, path):
    """Copy what the change log says of `version` to a file of its own."""
    taken, taking = [], False
    for line in Path(changes).read_text(encoding="utf-8").splitlines():
        if line.startswith("## "):
            taking = line.startswith(f"## {version} ")
        elif taking:
            taken.append(line)
    notes = "\n".join(taken).strip()
    if not notes:
        raise LookupError(f"{changes} says nothing about {version}")
    file = Path(path)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"# tally {version}\n\n{notes}\n", encoding="utf-8")
    return {"path": path, "lines": len(notes.splitlines())}


def checksum(folder, patterns, path):
    """SHA-256 of every file in `folder` that matches; written the way `sha256sum --check` reads it."""
    files = sorted({file for pattern in patterns for file in Path(folder).glob(pattern)})
    if not files:
        raise FileNotFoundError(f"nothing in {folder} matches {', '.join(patterns)}")
    sums = {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in files}
    Path(path).write_text("".join(f"{digest}  {name}\n" for name, digest in sums.items()), encoding="utf-8")
    for name, digest in sums.items():
        print(f"{digest[:12]}  {name}")
    return sums
