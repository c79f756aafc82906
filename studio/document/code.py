"""The source of a task, found by reading: `tasks:load` -> the lines of `def load` in tasks.py.

Nothing is imported. A module is looked for in the project's folder only, as `tasks.py` or `tasks/__init__.py`; what is
no ordinary file (a FIFO would wait for ever) or too large is left alone. A file that Python cannot parse still shows:
its text is searched for the `def` line.
"""

from __future__ import annotations

import ast
import re
import stat
import warnings
from dataclasses import dataclass
from pathlib import Path

MAX_SOURCE_BYTES = 2_000_000
_IDENTIFIER = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*")


@dataclass(frozen=True, slots=True)
class Code:
    """Some lines of a file. `line` is the number of the first one, from 1; `signature` is `name(arguments)`."""

    file: Path
    line: int
    text: str
    signature: str = ""
    doc: str = ""


def source_of(folder: Path, reference: str) -> Code | None:
    """The function behind `module:function`, or None where it cannot be found in `folder`."""
    module, _, function = reference.partition(":")
    if not _IDENTIFIER.fullmatch(module) or not _IDENTIFIER.fullmatch(function):
        return None
    for file in _candidates(folder, module):
        text = read_source(file)
        if text is not None:
            return _found(file, text, function)
    return None


def read_source(file: Path) -> str | None:
    """The text of an ordinary file of bearable size; None for anything else."""
    try:
        about = file.stat()
        if not stat.S_ISREG(about.st_mode) or about.st_size > MAX_SOURCE_BYTES:
            return None
        return file.read_bytes().decode("utf-8", errors="replace")
    except (OSError, ValueError):
        return None


def parsed(text: str) -> ast.Module | None:
    """The syntax tree, or None where Python cannot parse the text. Nobody is told of warnings about the text."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _candidates(folder: Path, module: str) -> list[Path]:
    base = folder.joinpath(*module.split("."))
    return [base.with_name(base.name + ".py"), base / "__init__.py"]


def _found(file: Path, text: str, function: str) -> Code | None:
    tree = parsed(text)
    if tree is None:
        return _by_line(file, text, function.rpartition(".")[2])
    node = _definition(tree, function.split("."))
    if node is None:
        return None
    lines = text.splitlines()
    first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
    body = "\n".join(lines[first - 1 : node.end_lineno])
    arguments = ast.unparse(node.args) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) else ""
    return Code(file, first, body, f"{node.name}({arguments})", ast.get_docstring(node) or "")


_Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def _definition(tree: ast.AST, names: list[str]) -> _Definition | None:
    """The last definition of a dotted name: later ones replace earlier ones, as at run time."""
    found: _Definition | None = None
    for child in ast.iter_child_nodes(tree):
        if isinstance(child, _Definition) and child.name == names[0]:
            found = child if len(names) == 1 else _definition(child, names[1:]) or found
        elif isinstance(child, ast.If | ast.Try | ast.With):
            found = _definition(child, names) or found
    return found


def _by_line(file: Path, text: str, name: str) -> Code | None:
    """Where the file cannot be parsed: from the `def` line as far as lines are indented below it."""
    lines = text.splitlines()
    start = next(
        (i for i, line in enumerate(lines) if re.match(rf"\s*(async\s+)?def\s+{re.escape(name)}\b", line)), None
    )
    if start is None:
        return None
    depth = len(lines[start]) - len(lines[start].lstrip())
    end = start + 1
    while end < len(lines) and (not lines[end].strip() or len(lines[end]) - len(lines[end].lstrip()) > depth):
        end += 1
    return Code(file, start + 1, "\n".join(lines[start:end]).rstrip(), name)
