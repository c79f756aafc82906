"""The project file as a file: read without surprises, saved without losing anything.

Reading refuses what is no ordinary file before it touches it (a FIFO would wait for ever, a device never ends), reads
no more than the limit, and says which encoding a file has when it is not UTF-8. Saving writes a new file beside the old
one and puts it in its place in one step: whatever goes wrong, the old file is whole. A file that somebody else changed
since it was read is not overwritten.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import zlib
from pathlib import Path

from msgspec import Struct

from engine.errors import SystemFailure, ValidationFailed
from engine.project.findings import Finding, harmless
from engine.project.limits import MAX_FILE_BYTES

Stamp = str
"""Length and checksum of a file's bytes: tells whether it is still the file that was read. No proof against a forger."""

_KINDS = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)

_MARKS = (
    (b"\xff\xfe\x00\x00", "UTF-32"),
    (b"\x00\x00\xfe\xff", "UTF-32"),
    (b"\xff\xfe", "UTF-16"),
    (b"\xfe\xff", "UTF-16"),
)

_NAMED = {
    errno.ENOENT: ("there is no such file", "name a folder with a project.toml, or a workflow's .toml file"),
    errno.ENOTDIR: ("a part of this path is no folder", "check the path"),
    errno.EACCES: ("reading it is not allowed", "give yourself the right to read it (chmod u+r)"),
    errno.ELOOP: ("the symbolic link leads back to itself", "replace the link by the file"),
    errno.ENAMETOOLONG: ("the name is too long for the file system", "use a shorter path"),
}


class Source(Struct, frozen=True):
    """The text of a project file, and the stamp of the bytes that it came from."""

    path: Path
    text: str
    stamp: Stamp


class ChangedOnDisk(SystemFailure):
    """The file was changed by somebody else between reading and saving; nothing was written."""


def read_source(path: Path) -> Source:
    """The text at `path`. Raises ValidationFailed, with one finding, for whatever is not a readable UTF-8 text file."""
    data = _read_bytes(path)
    return Source(path, _decode(path, data), stamp_of(data))


def stamp_of(data: bytes) -> Stamp:
    """The stamp of a file with these bytes."""
    return f"{len(data)}-{zlib.crc32(data):08x}"


def save(path: Path, text: str, *, expected: Stamp | None = None) -> Stamp:
    """Put `text` at `path`, whole or not at all, and return the new stamp.

    With `expected`, the stamp from reading, a file that has changed since (or is gone) is left alone: ChangedOnDisk.
    A symbolic link is followed, and the mode of the old file kept. Raises SystemFailure where the system refuses.
    """
    data = _encode(text)
    target = Path(os.path.realpath(path))
    try:
        if expected is not None:
            _refuse_changed(target, expected)
        _replace(target, data)
    except OSError as error:
        message = f"{path} could not be saved: {error.strerror or error}; the old file is untouched"
        raise SystemFailure(message, errno=error.errno) from error
    return stamp_of(data)


def _refuse_changed(target: Path, expected: Stamp) -> None:
    try:
        now = stamp_of(target.read_bytes())
    except FileNotFoundError:
        now = ""
    if now != expected:
        raise ChangedOnDisk(f"{target} was changed by another program since it was read; read it again, then save")


def _replace(target: Path, data: bytes) -> None:
    try:
        mode = stat.S_IMODE(target.stat().st_mode)
    except FileNotFoundError:
        mode = None  # a new file gets what the umask leaves
    new = target.with_name(f".{target.name[:100]}.{os.urandom(4).hex()}.new")
    handle = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            if mode is not None:
                os.fchmod(file.fileno(), mode)
            os.fsync(file.fileno())
        new.replace(target)
    except BaseException:
        with contextlib.suppress(OSError):
            new.unlink()
        raise
    _sync_folder(target.parent)


def _sync_folder(folder: Path) -> None:
    # Not every file system lets a folder be synced; the file itself is safe by then.
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _encode(text: str) -> bytes:
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError as error:
        line = text.count("\n", 0, error.start) + 1
        raise ValueError(
            f"line {line} holds half of a character (a lone surrogate, U+{ord(text[error.start]):04X}), "
            "which no file can hold; nothing was saved"
        ) from None


def _read_bytes(path: Path) -> bytes:
    try:
        # O_NONBLOCK: opening a pipe must not wait for a writer.
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except ValueError:
        raise _refusal(path, "the path holds a NUL character", "check the path") from None
    except OSError as error:
        if error.errno == errno.ENXIO:  # what opening a socket says
            raise _refusal(path, "this is a socket, not a file", "name the project file") from None
        what, remedy = _NAMED.get(error.errno or 0, (error.strerror or "it cannot be read", "check the file"))
        raise _refusal(path, what, remedy) from None
    with os.fdopen(handle, "rb") as file:
        mode = os.fstat(file.fileno()).st_mode
        for test, kind in _KINDS:
            if test(mode):
                raise _refusal(path, f"this is {kind}, not a file", "name the project file itself")
        try:
            data = file.read(MAX_FILE_BYTES + 1)
        except OSError as error:
            raise _refusal(path, f"it cannot be read: {error.strerror}", "check the disk") from None
    if len(data) > MAX_FILE_BYTES:
        limit = MAX_FILE_BYTES // 2**20
        raise _refusal(path, f"the file is larger than {limit} MiB", "split it, or keep data in files of its own")
    return data


def _decode(path: Path, data: bytes) -> str:
    for mark, name in _MARKS:
        if data.startswith(mark):
            raise _refusal(path, f"the file is {name}, not UTF-8", "save it as UTF-8", line=1, column=1)
    if data.startswith(b"\xef\xbb\xbf"):
        raise _refusal(
            path,
            "the file begins with a byte order mark (BOM), which TOML does not allow",
            'save it as "UTF-8 without BOM"',
            line=1,
            column=1,
        )
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        before = data[: error.start]
        line = before.count(b"\n") + 1
        column = len(before[before.rfind(b"\n") + 1 :].decode("utf-8", "replace")) + 1
        kind = "UTF-16 without a mark" if data[:64].count(0) > len(data[:64]) // 4 else "another encoding"
        what = f"byte 0x{data[error.start]:02x} is not UTF-8; the file may be in {kind}"
        raise _refusal(path, what, "save it as UTF-8", line=line, column=column) from None


def _refusal(
    path: Path, what: str, remedy: str, *, line: int | None = None, column: int | None = None
) -> ValidationFailed:
    name = harmless(os.fsdecode(path))
    finding = Finding("unreadable", "error", what, remedy, file=name, line=line, column=column)
    return ValidationFailed(f"{name} cannot be read: {what}", [finding])
