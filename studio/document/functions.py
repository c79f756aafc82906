"""The functions that a project has to offer as tasks, found by reading its Python files; nothing is imported.

`read_functions` walks the project's folder and keeps, module by module, the public functions at their top: what they
take, the first line of their docstring, what their `@task(...)` says. A folder can hold anything, so the walk is
bounded in depth, files and bytes, and leaves out what is nobody's tasks: tests, environments, vendored packages, hidden
and generated folders. A second reading takes over every file that has not changed since the first.
"""

from __future__ import annotations

import ast
import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct

from studio.document.code import parsed

MAX_DEPTH = 4
MAX_FILES = 300
MAX_FUNCTIONS = 5_000
MAX_FILE_BYTES = 500_000
MAX_BYTES = 8_000_000

_LEFT_OUT = frozenset(
    {
        *(
            "tests",
            "test",
            "testing",
            "venv",
            "env",
            "node_modules",
            "site-packages",
            "vendor",
            "vendored",
            "third_party",
        ),
        *("build", "dist", "out", "docs", "doc", "examples", "migrations", "__pycache__"),
    }
)
_NO_TASKS = frozenset({"conftest.py", "setup.py", "noxfile.py", "fabfile.py", "__main__.py"})
_NO_TASK_DECORATORS = frozenset(
    {"fixture", "overload", "contextmanager", "asynccontextmanager", "property", "hookimpl"}
)


class Argument(Struct, frozen=True):
    """One argument: `default` is the source of its default, None where it must be given."""

    name: str
    default: str | None = None
    annotation: str = ""

    @property
    def wanted(self) -> bool:
        """Whether it must come from somewhere: from another node, or as a value."""
        return self.default is None


class TaskFunction(Struct, frozen=True):
    """A function that a node can call. `arguments` are those that can be given by name, without the context.

    `options` are the plain literals of its `@task(...)`; `takes_any` is True for `**anything`, `takes_context` where it
    asks for `ctx`. `file` is told from the project's folder, `line` counts from 1.
    """

    module: str
    name: str
    file: str
    line: int
    arguments: tuple[Argument, ...] = ()
    about: str = ""
    is_async: bool = False
    decorated: bool = False
    takes_any: bool = False
    takes_context: bool = False
    options: Mapping[str, Any] = {}

    @property
    def reference(self) -> str:
        """What a node's `task` says: `tasks:load`."""
        return f"{self.module}:{self.name}"

    @property
    def inputs(self) -> tuple[str, ...]:
        """The arguments that have no default: what other nodes are to give."""
        return tuple(argument.name for argument in self.arguments if argument.wanted)

    @property
    def signature(self) -> str:
        """`rows, z=3.0`: its arguments as a person would write them in short."""
        shown = [a.name if a.default is None else f"{a.name}={a.default}" for a in self.arguments]
        return ", ".join([*shown, *(["**"] if self.takes_any else [])])


class ReadModule(Struct, frozen=True):
    """What one file offered when it was read; `stamp` tells whether it is still that file."""

    file: str
    stamp: tuple[int, int]
    functions: tuple[TaskFunction, ...] = ()


Modules = Mapping[str, ReadModule]
"""What was read, by file from the project's folder."""


def read_functions(folder: Path, before: Modules | None = None) -> Modules:
    """The modules of a project's folder with their functions, in order of their names, those at the top first.

    What is in `before` and has not changed is taken over. Never raises: what cannot be read offers nothing.
    """
    known, found = before or {}, {}
    room, left = MAX_BYTES, MAX_FUNCTIONS
    for file, about in _files(folder):
        room -= about.st_size
        if room < 0 or left <= 0:
            break
        stamp = (about.st_mtime_ns, about.st_size)
        module = known.get(file)
        if module is None or module.stamp != stamp:
            module = ReadModule(file, stamp, _functions_of(folder, file)[:left])
        left -= len(module.functions)
        found[file] = module
    return found


def functions_in(text: str, module: str, file: str) -> tuple[TaskFunction, ...]:
    """The functions that a module's source offers, those with `@task` first, then in order of the file."""
    tree = parsed(text)
    if tree is None:
        return ()
    public = _said_public(tree)
    found: dict[str, TaskFunction] = {}
    for definition in _definitions(tree.body):
        if (definition.name in public) if public is not None else not definition.name.startswith("_"):
            function = _function(definition, module, file)
            if function is not None:
                found[definition.name] = function  # the last one of a name is the one that holds
    return tuple(sorted(found.values(), key=lambda function: (not function.decorated, function.line)))


# -- files -----------------------------------------------------------------------------------------------------------


def _files(folder: Path) -> Iterator[tuple[str, os.stat_result]]:
    """Python files that can be imported from the folder, breadth first, at most `MAX_FILES`."""
    todo = [("", 0)]
    count = 0
    while todo:
        inside, depth = todo.pop(0)
        try:
            with os.scandir(folder / inside) as entries:
                near = sorted(entries, key=lambda entry: entry.name)
        except OSError:
            continue
        if inside and any(entry.name == "pyvenv.cfg" for entry in near):
            continue
        for entry in near:
            try:
                if entry.is_dir(follow_symlinks=False):
                    if depth < MAX_DEPTH and _is_package_name(entry.name):
                        todo.append((f"{inside}{entry.name}/", depth + 1))
                    continue
                about = entry.stat()
            except OSError:
                continue
            if _offers_tasks(entry.name) and stat.S_ISREG(about.st_mode) and about.st_size <= MAX_FILE_BYTES:
                count += 1
                if count > MAX_FILES:
                    return
                yield inside + entry.name, about


def _is_package_name(name: str) -> bool:
    return name.isidentifier() and name not in _LEFT_OUT and not name.startswith("_")


def _offers_tasks(name: str) -> bool:
    stem = name.removesuffix(".py")
    if stem == name or name in _NO_TASKS:
        return False
    return stem == "__init__" or (stem.isidentifier() and not stem.startswith(("_", "test_")) and stem[-5:] != "_test")


def _functions_of(folder: Path, file: str) -> tuple[TaskFunction, ...]:
    from studio.document.code import read_source

    text = read_source(folder / file)
    module = file.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
    return functions_in(text, module, file) if text is not None and module != "__init__" else ()


# -- source ----------------------------------------------------------------------------------------------------------

_Definition = ast.FunctionDef | ast.AsyncFunctionDef


def _definitions(body: list[ast.stmt]) -> Iterator[_Definition]:
    """Functions at the top of a module, those inside of `if` and `try` too."""
    todo = list(reversed(body))
    while todo:
        statement = todo.pop()
        if isinstance(statement, _Definition):
            yield statement
        elif isinstance(statement, ast.If | ast.Try):
            todo.extend(reversed([*statement.body, *statement.orelse]))


def _said_public(tree: ast.Module) -> frozenset[str] | None:
    """The names of `__all__`, where it is a plain list."""
    for statement in tree.body:
        if isinstance(statement, ast.Assign) and any(
            isinstance(target, ast.Name) and target.id == "__all__" for target in statement.targets
        ):
            try:
                names = ast.literal_eval(statement.value)
            except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
                return None
            return (
                frozenset(name for name in names if isinstance(name, str)) if isinstance(names, list | tuple) else None
            )
    return None


def _function(found: _Definition, module: str, file: str) -> TaskFunction | None:
    decorators = {_name_of(decorator) for decorator in found.decorator_list}
    if decorators & _NO_TASK_DECORATORS:
        return None
    arguments = list(_arguments(found.args))
    return TaskFunction(
        module=module,
        name=found.name,
        file=file,
        line=found.lineno,
        arguments=tuple(argument for argument in arguments if argument.name != "ctx"),
        about=_first_line(found),
        is_async=isinstance(found, ast.AsyncFunctionDef),
        decorated="task" in decorators,
        takes_any=found.args.kwarg is not None,
        takes_context=any(argument.name == "ctx" for argument in arguments),
        options=_options(found.decorator_list),
    )


def _arguments(said: ast.arguments) -> Iterator[Argument]:
    places = [*said.posonlyargs, *said.args]
    defaults: list[ast.expr | None] = [None] * (len(places) - len(said.defaults))
    defaults += said.defaults
    pairs = list(zip(places, defaults, strict=True))[len(said.posonlyargs) :]
    for argument, default in [*pairs, *zip(said.kwonlyargs, said.kw_defaults, strict=True)]:
        yield Argument(argument.arg, _source(default), _source(argument.annotation) or "")


def _source(expression: ast.expr | None) -> str | None:
    """An expression as text, short."""
    if expression is None:
        return None
    try:
        text = ast.unparse(expression)
    except (RecursionError, ValueError):
        return "..."
    return text if len(text) <= 60 else "..."


def _first_line(found: _Definition) -> str:
    text = ast.get_docstring(found) or ""
    return text.strip().partition("\n")[0][:200]


def _name_of(decorator: ast.expr) -> str:
    if isinstance(decorator, ast.Call):
        decorator = decorator.func
    return decorator.attr if isinstance(decorator, ast.Attribute) else getattr(decorator, "id", "")


def _options(decorators: list[ast.expr]) -> dict[str, Any]:
    """What `@task(...)` says in plain literals; the rest cannot be known without running it."""
    found: dict[str, Any] = {}
    for decorator in decorators:
        if isinstance(decorator, ast.Call) and _name_of(decorator) == "task":
            for keyword in decorator.keywords:
                try:
                    value = ast.literal_eval(keyword.value)
                except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
                    continue
                if keyword.arg is not None:
                    found[keyword.arg] = value
    return found
