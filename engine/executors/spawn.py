"""How a child process is started: the project's own Python, our few modules put where it finds them, pipes in place."""

from __future__ import annotations

import contextlib
import fcntl
import marshal
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from engine.executors.family import MARK

ROOT = Path(__file__).resolve().parents[2]
"""The folder that `engine` lies in."""

# Runs first in the child, before anything of the project can be imported. Our package is loaded from its own folder
# without that folder being on the path; the project's folder comes after the standard library and before packages; dill
# and cloudpickle (pure Python) are found in ours only if the project's Python has none.
_BOOT = """
if sys.path[:1] == [""]: del sys.path[0]
import _frozen_importlib as imp, _frozen_importlib_external as files
sys.argv[:] = [""]
sys.modules["engine"] = imp._load(files.PathFinder.find_spec("engine", [s["root"]]))
at = next((i for i, p in enumerate(sys.path) if p.endswith(("site-packages", "dist-packages"))), len(sys.path))
sys.path[at:at] = [p for p in s["path"] if p not in sys.path]
class Carried:
    def find_spec(name, path=None, target=None):
        return files.PathFinder.find_spec(name, [s["carried"]]) if name in ("dill", "cloudpickle") else None
sys.meta_path.append(Carried)
from engine.executors.child import main
main(s)
"""

# All that a list of processes shows: what follows it comes over the pipe.
_FIRST = "import sys, os, marshal; f, s = marshal.loads(os.read({0}, int(os.read({0}, 8), 16))); exec(f) # flowloom"

_PIPE_SIZE = 1 << 20
_SET_PIPE_SIZE = 1031  # F_SETPIPE_SZ, Linux only


class Pipes:
    """Our ends of a child's pipes: messages to it, messages from it, the bell that says look, what its tasks print."""

    __slots__ = ("bell", "inbox", "outbox", "stderr", "stdout")

    def __init__(self, inbox: int, outbox: int, bell: int, stdout: int, stderr: int) -> None:
        self.bell = bell
        self.inbox = inbox
        self.outbox = outbox
        self.stdout = stdout
        self.stderr = stderr

    def all(self) -> tuple[int, ...]:
        """The five descriptors."""
        return (self.inbox, self.outbox, self.bell, self.stdout, self.stderr)

    def close(self) -> None:
        """Close all of them."""
        for fd in self.all():
            with contextlib.suppress(OSError):
                os.close(fd)


def start_child(
    python: str, folder: str, *, mark: str, run: str, scratch: str, path: list[str], environ: Mapping[str, str]
) -> tuple[subprocess.Popen[bytes], Pipes]:
    """Start a child. Raises OSError if the interpreter cannot be run."""
    to_read, to_write = os.pipe()
    from_read, from_write = os.pipe()
    bell_read, bell_write = os.pipe()
    out_read, out_write = os.pipe()
    err_read, err_write = os.pipe()
    theirs = (to_read, from_write, bell_write, out_write, err_write)
    ours = Pipes(to_write, from_read, bell_read, out_read, err_read)
    settings: dict[str, Any] = {
        "root": str(ROOT),
        "carried": _home_of_dill(),
        "path": [folder, *path],
        "folder": folder,
        "run": run,
        "scratch": scratch,
        "mark": mark,
        "inbox": to_read,
        "outbox": from_write,
        "bell": bell_write,
    }
    first = marshal.dumps((_BOOT, settings), 4)
    os.write(to_write, b"%08x" % len(first) + first)
    try:
        process = subprocess.Popen(
            [python, "-c", _FIRST.format(to_read)],
            cwd=folder,
            env=_environment(python, mark, environ),
            stdin=subprocess.DEVNULL,
            stdout=out_write,
            stderr=err_write,
            pass_fds=(to_read, from_write, bell_write),
            start_new_session=True,
        )
    except BaseException:
        ours.close()
        raise
    finally:
        for fd in theirs:
            os.close(fd)
    for fd in (ours.inbox, ours.outbox, ours.stdout):
        with contextlib.suppress(OSError):
            fcntl.fcntl(fd, _SET_PIPE_SIZE, _PIPE_SIZE)
    for fd in ours.all():
        os.set_blocking(fd, False)
    return process, ours


def start_warden(mark: str) -> subprocess.Popen[bytes]:
    """Start the process that cleans up if this one is killed. It ends when its standard input is closed."""
    code = f"import sys; sys.path[:0] = [{str(ROOT)!r}]; from engine.executors.orphan import ward; ward({mark!r})"
    return subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", code],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd="/",
        start_new_session=True,
    )


def path_of_this_python() -> list[str]:
    """What this process added to the path of its Python: a child of the same Python imports the same modules."""
    prefixes = (sys.prefix, sys.base_prefix, sys.exec_prefix)
    return [str(Path(entry).absolute()) for entry in sys.path if not (entry and entry.startswith(prefixes))]


def is_this_python(python: str) -> bool:
    """Whether this is the interpreter, in the same environment, that runs now."""
    if not sys.executable:
        return False
    here, there = Path(sys.executable), Path(python)
    return here == there or (here.resolve() == there.resolve() and here.parent.resolve() == there.parent.resolve())


def _environment(python: str, mark: str, environ: Mapping[str, str]) -> dict[str, str]:
    done = {name: text for name, text in environ.items() if name not in ("PYTHONHOME", "__PYVENV_LAUNCHER__")}
    done[MARK] = mark
    place = str(Path(python).parent)
    done["PATH"] = os.pathsep.join((place, done.get("PATH", os.defpath)))
    return done


def _home_of_dill() -> str:
    from importlib.machinery import PathFinder

    found = PathFinder.find_spec("dill")
    return str(Path(found.origin).parents[1]) if found is not None and found.origin else ""
