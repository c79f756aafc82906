"""Where a project's runs are kept, and who may read them.

`$FLOWLOOM_STATE` where that is set; else `PROJECT/.flowloom`, which brings its own .gitignore; else, where the project
lies on something that cannot be written or is a network file system (file locks and SQLite's WAL do not work
there), a folder of this machine, and a line that says so. State is for its owner only: folders are made with mode 0700.
"""

from __future__ import annotations

import contextlib
import os
import stat
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from engine.store.trouble import StoreTrouble, from_os

NAME = ".flowloom"
VARIABLE = "FLOWLOOM_STATE"
POINTER = "elsewhere.txt"
RUNS = "runs"

NETWORK = frozenset(
    {
        *("nfs", "nfs4", "cifs", "smb3", "smbfs", "ncpfs", "afpfs", "afs", "webdav", "9p"),
        *("beegfs", "ceph", "glusterfs", "gpfs", "lustre", "orangefs", "panfs", "pvfs2"),
        *("fuse.ceph", "fuse.cifs", "fuse.davfs", "fuse.glusterfs", "fuse.rclone", "fuse.s3fs", "fuse.sshfs"),
    }
)
"""File systems on which locks or shared memory cannot be relied on."""


@dataclass(frozen=True, slots=True)
class StateFolder:
    """A project's state folder. `remark` says why it does not lie where one would look for it; else empty."""

    path: Path
    remark: str = ""

    @property
    def runs(self) -> Path:
        """Where the folders of the runs are."""
        return self.path / RUNS

    def run(self, run: str) -> Path:
        """The folder of one run."""
        return self.runs / run


def state_folder(
    project: Path,
    *,
    environ: Mapping[str, str] | None = None,
    make: bool = True,
    file_system: Callable[[Path], str] | None = None,
) -> StateFolder:
    """The state folder of the project in `project`; made, with its permissions, unless `make` is false.

    Raises StoreTrouble where no place at all can be written.
    """
    environ = os.environ if environ is None else environ
    asked = environ.get(VARIABLE)
    if asked:
        path = Path(asked).expanduser().absolute()
        if make:
            _make(path, f"use {VARIABLE}=")
        return StateFolder(path)
    own = project.absolute() / NAME
    kind = (file_system or file_system_of)(project)
    if kind in NETWORK:
        reason = f"{project} is on a network file system ({kind})"
    else:
        refused = _refusal(own, make)
        if not refused:
            return StateFolder(own)
        reason = f"{own} cannot be written ({refused})"
    path = local_state(environ) / "projects" / _name_for(project)
    if make:
        _make(path, "make the state folder ")
        _point(own, path, project)
    return StateFolder(path, f"{reason}; runs are kept in {path}")


def local_state(environ: Mapping[str, str] | None = None) -> Path:
    """The folder of this user on this machine for what belongs to no project; a temporary one without a home."""
    environ = os.environ if environ is None else environ
    base = environ.get("XDG_STATE_HOME")
    if base and Path(base).is_absolute():
        return Path(base) / "flowloom"
    import platformdirs

    try:
        path = platformdirs.user_state_path("flowloom")
    except RuntimeError:  # no home can be found out
        path = Path("~")
    if not path.is_absolute() or "~" in path.parts:
        import tempfile

        path = Path(tempfile.gettempdir()) / f"flowloom-{os.getuid()}"
    return path


def file_system_of(path: Path) -> str:
    """The kind of file system that `path` lies on ("ext4", "nfs4"); empty where that cannot be found out."""
    if not sys.platform.startswith("linux"):
        return ""
    try:
        lines = Path("/proc/self/mountinfo").read_text("utf-8", "replace").splitlines()
        real = os.path.realpath(path)
    except OSError:
        return ""
    best, kind = "", ""
    for line in lines:
        before, _, after = line.partition(" - ")
        fields = before.split(" ")
        if len(fields) < 5 or not after:
            continue
        mount = _unescaped(fields[4])
        inside = real == mount or real.startswith(mount.rstrip("/") + "/")
        if inside and len(mount) >= len(best):
            best, kind = mount, after.split(" ", 1)[0]
    return kind


def _unescaped(text: str) -> str:
    for code, char in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")):
        text = text.replace(code, char)
    return text


def _refusal(path: Path, make: bool) -> str:
    """Why a folder cannot serve as state folder; empty if it can."""
    try:
        if make:
            _prepare(path)
        elif path.exists():
            if not os.access(path, os.W_OK | os.X_OK):
                return "no permission"
        elif not os.access(path.parent, os.W_OK | os.X_OK):
            return "no permission"
        if path.exists() and not path.is_dir():
            return "a file of that name is in the way"
        if path.exists() and path.stat().st_uid != os.getuid() and os.getuid():
            return "it belongs to somebody else"
    except OSError as error:
        return (error.strerror or str(error)).lower()
    return ""


def _prepare(path: Path) -> None:
    """Make the folder ours alone, with the file that keeps it out of git. Raises OSError."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = path.stat()
    if stat.S_IMODE(found.st_mode) & 0o077 and found.st_uid == os.getuid():
        path.chmod(0o700)
    (path / RUNS).mkdir(mode=0o700, exist_ok=True)
    ignore = path / ".gitignore"
    if not ignore.exists():
        ignore.write_text("# Flowloom keeps its runs here; nothing of it belongs into a repository.\n*\n", "utf-8")
    trial = path / f".try-{os.getpid()}"  # permission bits do not tell about read-only mounts
    trial.touch(mode=0o600)
    trial.unlink(missing_ok=True)


def _make(path: Path, what: str) -> None:
    try:
        _prepare(path)
    except OSError as error:
        if what.endswith("="):
            raise StoreTrouble(
                f"{what}{path} cannot be used: {error.strerror or error}; "
                "name a folder that can be written, or unset the variable",
                errno=error.errno,
            ) from error
        raise from_os("write to", path, error) from error


def _name_for(project: Path) -> str:
    from hashlib import sha256

    real = os.path.realpath(project)
    mark = sha256(os.fsencode(real)).hexdigest()[:10]
    name = "".join(char if char.isalnum() or char in "_-" else "_" for char in Path(real).name)[:40]
    return f"{name or 'project'}-{mark}"


def _point(own: Path, path: Path, project: Path) -> None:
    """Leave word in both places, as far as they can be written."""
    with contextlib.suppress(OSError):
        (path / "project.txt").write_text(f"{project.absolute()}\n", "utf-8", "backslashreplace")
    with contextlib.suppress(OSError):
        own.mkdir(mode=0o700, exist_ok=True)
        (own / ".gitignore").write_text("*\n", "utf-8")
        (own / POINTER).write_text(f"On {os.uname().nodename} the runs of this project are in {path}\n", "utf-8")
