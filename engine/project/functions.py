"""The functions of a project as their source tells them: read, never imported.

`Sources` answers for `module:function` whether it is there, which arguments it takes, and what stands in its
`@task(...)`. It reads the modules of the project's folder with Python's own parser. What a parser cannot know (a name
made at run time, a decorator that changes the arguments, an installed package) it says it does not know.
"""

from __future__ import annotations

import ast
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from msgspec import Struct

MAX_SOURCE_BYTES = 4 * 2**20


class Function(Struct, frozen=True):
    """A function as its source tells it. `line` from 1; `literals` are what its `@task(...)` says in plain literals."""

    name: str
    line: int
    known: bool = False
    """True if the arguments below are all there is to know; False for classes, assigned names, unknown decorators."""
    positional: tuple[str, ...] = ()
    """Arguments that cannot be given by name."""
    named: tuple[str, ...] = ()
    required: frozenset[str] = frozenset()
    any_name: bool = False
    """True if it takes **anything."""
    literals: dict[str, Any] = {}
    function: bool = True
    """False if the name is something that is no function or class, such as a number."""


class Module(Struct, frozen=True):
    """The names of one module. `open_ended` if it can have more than its source shows."""

    file: Path
    functions: dict[str, Function] = {}
    open_ended: bool = False
    problem: str | None = None
    problem_line: int | None = None


class Sources:
    """The sources of one project's folder; each module is read once."""

    def __init__(self, folder: Path, python: str | None = None) -> None:
        self.folder = folder
        self.python = python
        self._modules: dict[str, Module | None] = {}
        self._said: set[str] = set()

    def module(self, name: str) -> Module | None:
        """The module of that dotted name, if the project's folder holds it; None otherwise."""
        if name not in self._modules:
            file = self._file_of(name)
            self._modules[name] = None if file is None else read_module(file)
        return self._modules[name]

    def function(self, reference: str) -> Function | None:
        """The function of `module:function`; None where it is not known."""
        module_name, _, name = reference.partition(":")
        module = self.module(module_name)
        return None if module is None else module.functions.get(name)

    def first_time(self, name: str) -> bool:
        """True when asked about `name` for the first time: a module that is wrong is wrong for every node in it."""
        if name in self._said:
            return False
        self._said.add(name)
        return True

    def installed(self, name: str) -> bool:
        """True if a module that is not in the project's folder can be expected to be there for its tasks."""
        top = name.partition(".")[0]
        if top in sys.stdlib_module_names or top in sys.builtin_module_names:
            return True
        return any(_holds(folder, top) for folder in self._package_folders())

    def modules_here(self) -> list[str]:
        """The names of the modules that the folder holds at its top, for naming the nearest."""
        try:
            with os.scandir(self.folder) as entries:
                files = [entry.name[:-3] for entry in entries if entry.name.endswith(".py")]
        except OSError:
            return []
        return sorted(files)[:1_000]

    def _file_of(self, name: str) -> Path | None:
        parts = name.split(".")
        if not all(part.isidentifier() for part in parts):
            return None
        base = self.folder.joinpath(*parts)
        for file in (base.with_suffix(".py"), base / "__init__.py"):
            if file.is_file():
                return file
        return None

    def _package_folders(self) -> Iterator[Path]:
        yield from (Path(entry) for entry in os.environ.get("PYTHONPATH", "").split(os.pathsep) if entry)
        environments = [self.folder / ".venv", self.folder / "venv"]
        if self.python is not None:
            environments.append((self.folder / self.python).parent.parent)
        if "VIRTUAL_ENV" in os.environ:
            environments.append(Path(os.environ["VIRTUAL_ENV"]))
        for environment in environments:
            yield from environment.glob("lib/python3*/site-packages")
        yield from (Path(entry) for entry in sys.path if entry)


def read_module(file: Path) -> Module:
    """The names that a Python file defines at its top. Never raises: what is wrong with it is its `problem`."""
    from engine.errors import ValidationFailed
    from engine.project.source import read_source

    try:
        source = read_source(file)
    except ValidationFailed as error:
        return Module(file, open_ended=True, problem=error.findings[0].message)
    if len(source.text) > MAX_SOURCE_BYTES:
        return Module(file, open_ended=True)
    try:
        tree = ast.parse(source.text)
    except SyntaxError as error:
        return Module(file, open_ended=True, problem=f"it is no Python: {error.msg}", problem_line=error.lineno)
    except (ValueError, RecursionError, MemoryError):
        return Module(file, open_ended=True, problem="it is no Python that can be read")
    functions: dict[str, Function] = {}
    open_ended = _collect(tree.body, "", functions)
    return Module(file, functions, open_ended or "__getattr__" in functions)


def _collect(body: list[ast.stmt], prefix: str, functions: dict[str, Function]) -> bool:
    """Write down every name that the statements define; True if they may define more than can be seen."""
    open_ended = False
    todo = list(reversed(body))
    while todo:
        statement = todo.pop()
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
            functions[prefix + statement.name] = _function(statement, method=bool(prefix))
        elif isinstance(statement, ast.ClassDef):
            name = prefix + statement.name
            functions[name] = Function(name, statement.lineno)
            if prefix.count(".") < 3:
                _collect(statement.body, f"{name}.", functions)
        elif isinstance(statement, ast.Import | ast.ImportFrom):
            for alias in statement.names:
                open_ended |= alias.name == "*"
                name = alias.asname or alias.name.partition(".")[0]
                functions[prefix + name] = Function(name, statement.lineno)
        else:
            _assigned(statement, prefix, functions)
            todo.extend(reversed(_nested(statement)))
    return open_ended


def _nested(statement: ast.stmt) -> list[ast.stmt]:
    """Statements inside of an `if`, `try`, `with`, `for`, `while` of the top level: they define names of the module."""
    found: list[ast.stmt] = []
    for field in ("body", "orelse", "finalbody"):
        found.extend(getattr(statement, field, ()))
    for handler in getattr(statement, "handlers", ()):
        found.extend(handler.body)
    return found


def _assigned(statement: ast.stmt, prefix: str, functions: dict[str, Function]) -> None:
    targets: list[ast.expr] = []
    value: ast.expr | None = None
    if isinstance(statement, ast.Assign):
        targets, value = statement.targets, statement.value
    elif isinstance(statement, ast.AnnAssign):
        targets, value = [statement.target], statement.value
    for target in targets:
        for name in ast.walk(target):
            if isinstance(name, ast.Name):
                plain = isinstance(value, ast.Constant | ast.List | ast.Dict | ast.Set | ast.JoinedStr)
                functions[prefix + name.id] = Function(name.id, statement.lineno, function=not plain)


def _function(found: ast.FunctionDef | ast.AsyncFunctionDef, *, method: bool) -> Function:
    arguments = found.args
    positional = [argument.arg for argument in arguments.posonlyargs]
    named = [argument.arg for argument in (*arguments.args, *arguments.kwonlyargs)]
    without_default = [*positional, *(argument.arg for argument in arguments.args)]
    if arguments.defaults:
        without_default = without_default[: -len(arguments.defaults)]
    pairs = zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
    without_default += [argument.arg for argument, default in pairs if default is None]
    known = not method and all(_is_task(decorator) for decorator in found.decorator_list)
    return Function(
        found.name,
        found.lineno,
        known=known,
        positional=tuple(positional),
        named=tuple(named),
        required=frozenset(without_default),
        any_name=arguments.kwarg is not None,
        literals=_literals(found.decorator_list),
    )


def _is_task(decorator: ast.expr) -> bool:
    """`@task`, `@engine.task`, and the same with arguments: they leave a function's own arguments as they are."""
    if isinstance(decorator, ast.Call):
        decorator = decorator.func
    name = decorator.attr if isinstance(decorator, ast.Attribute) else getattr(decorator, "id", None)
    return name == "task"


def _literals(decorators: list[ast.expr]) -> dict[str, Any]:
    """What `@task(...)` says in plain literals; what has to be computed is not known without running it."""
    found: dict[str, Any] = {}
    for decorator in decorators:
        if isinstance(decorator, ast.Call) and _is_task(decorator):
            for keyword in decorator.keywords:
                if keyword.arg is not None:
                    try:
                        found[keyword.arg] = ast.literal_eval(keyword.value)
                    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
                        continue
    return found


def _holds(folder: Path, name: str) -> bool:
    try:
        return (folder / name).is_dir() or (folder / f"{name}.py").is_file() or any(folder.glob(f"{name}.*.so"))
    except OSError:
        return False
