"""What the attempts of a run printed, as plain files that `tail` and `grep` understand too.

`folder/logs/`, one file per node, named after it. Its first line names the node, every other line is

    SECONDS TAB ATTEMPT TAB STREAM TAB TEXT          12.034   1   out   loaded 344 rows

SECONDS since the run began, STREAM `out`, `err` or `log`. TEXT is as it was printed, without its newline: who shows
it to a person makes it harmless first. Lines are gathered in memory and appended a few times a second; logs are not
what a run is (that is its journal), so they are not forced to the disk, and when they cannot be written the run
goes on without.

A run that prints without end must not fill the disk: a file, and all of them together, stop growing at a limit, and
say so in their last line.
"""

from __future__ import annotations

import heapq
import threading
import time
import unicodedata
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

FOLDER = "logs"
FILE_LIMIT = 64 * 1024 * 1024
TOTAL_LIMIT = 512 * 1024 * 1024
LONGEST_LINE = 1024 * 1024
BUFFER = 256 * 1024

_SHORT: Mapping[str, str] = {"stdout": "out", "stderr": "err", "log": "log"}
_LONG: Mapping[str, str] = {short: name for name, short in _SHORT.items()}
_HEAD = "# "
_LONGEST_NAME = 180  # bytes; file systems allow 255


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line that an attempt printed. `at` in seconds since the run began, `stream` is stdout, stderr or log."""

    node: str
    attempt: int
    stream: str
    at: float
    text: str


def file_name(node: str) -> str:
    """The name of a node's log file: readable, safe on any file system, different for different nodes.

    Letters of every script stay; a step down (`publish/render`) becomes a dot, which no id has; anything else
    becomes %XX.
    """
    normal = unicodedata.normalize("NFC", node)
    quoted = "".join(
        char if char.isalnum() or char in "_-[]#" else "." if char == "/" else _percent(char) for char in normal
    )
    if quoted.startswith((".", "-")) or not quoted:
        quoted = "_" + quoted
    if quoted.casefold() != node.replace("/", ".").casefold() or len(quoted.encode()) > _LONGEST_NAME:
        mark = f"{zlib.crc32(node.encode('utf-8', 'surrogatepass')):08x}"
        quoted = f"{quoted.encode()[: _LONGEST_NAME - 10].decode('utf-8', 'ignore')}~{mark}"
    return f"{quoted}.log"


def _percent(char: str) -> str:
    return "".join(f"%{byte:02X}" for byte in char.encode("utf-8", "surrogatepass"))


class RunLogs:
    """The logs of one run. `folder` is the run's folder; nothing is made there before the first line is written.

    One process writes (`write`, `flush`, `close`, from any thread); any other reads (`read`, `follow`).
    """

    def __init__(self, folder: Path, *, file_limit: int = FILE_LIMIT, total_limit: int = TOTAL_LIMIT) -> None:
        self.folder = folder / FOLDER
        self.trouble: OSError | None = None
        """Why lines could not be kept, if that happened."""
        self.dropped = 0
        """Lines that were not kept: past a limit, or because the disk refused."""
        self._file_limit = file_limit
        self._total_limit = total_limit
        self._lock = threading.Lock()
        self._waiting: dict[str, list[bytes]] = {}
        self._waiting_bytes = 0
        self._sizes: dict[str, int] = {}
        self._full: set[str] = set()
        self._total = 0

    # -- the writer ------------------------------------------------------------------------------------------------

    def write(self, path_of_node: str, number: int, stream: str, lines: Sequence[str], at: float) -> None:
        """Keep lines that attempt `number` of a node printed `at` seconds after the run began. Never raises OSError."""
        head = f"{at:.3f}\t{number}\t{_SHORT.get(stream, stream)}\t"
        rows = [_row(head, line) for line in lines]
        with self._lock:
            self._waiting.setdefault(path_of_node, []).extend(rows)
            self._waiting_bytes += sum(map(len, rows))
            if self._waiting_bytes > BUFFER:
                self._write_out()

    def flush(self) -> None:
        """Hand everything gathered to the operating system, where other processes see it."""
        if self._waiting:
            with self._lock:
                self._write_out()

    def close(self) -> None:
        """Flush; nothing is held open."""
        self.flush()

    def _write_out(self) -> None:
        waiting, self._waiting, self._waiting_bytes = self._waiting, {}, 0
        for node, rows in waiting.items():
            try:
                self._append(node, rows)
            except OSError as error:
                self.trouble = error
                self.dropped += len(rows)

    def _append(self, node: str, rows: list[bytes]) -> None:
        if node in self._full:
            self.dropped += len(rows)
            return
        file, size, head = self.folder / file_name(node), self._sizes.get(node), b""
        if size is None:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            size = file.stat().st_size if file.exists() else 0
            head = b"" if size else _row(_HEAD, node)
        text = b"".join(rows)
        room = min(self._file_limit - size, self._total_limit - self._total)
        if len(text) > room:
            kept = text[: text.rfind(b"\n", 0, max(room, 0)) + 1]
            self.dropped += len(rows) - kept.count(b"\n")
            self._full.add(node)
            text = kept + self._limit_row(rows[-1])
        text = head + text
        with file.open("ab") as out:
            out.write(text)
        self._sizes[node] = size + len(text)
        self._total += len(text)

    def _limit_row(self, like: bytes) -> bytes:
        at, number, _, _ = like.split(b"\t", 3)
        limit = min(self._file_limit, self._total_limit) / (1024 * 1024)
        text = f"the log reached its limit ({limit:g} MiB): nothing that is printed from here on is kept"
        return b"\t".join((at, number, b"log", text.encode())) + b"\n"

    # -- readers -----------------------------------------------------------------------------------------------------

    def nodes(self) -> list[str]:
        """The nodes that printed something, in the order of their file names."""
        return [tail.node for tail in map(_Tail, self._files(None)) if tail.begin()]

    def read(self, node: str | None = None, *, under: bool = True) -> Iterator[LogLine]:
        """What a node printed, or every node in the order of time. Reading a file in pieces, so size does not matter.

        With `under`, a composite's path brings the nodes inside it too.
        """
        tails = [tail for tail in map(_Tail, self._files(node)) if tail.begin() and _belongs(tail.node, node, under)]
        yield from heapq.merge(*(tail.lines() for tail in tails), key=lambda line: line.at)

    def follow(
        self,
        node: str | None = None,
        *,
        over: Callable[[], bool] = lambda: False,
        pause: Callable[[float], object] = time.sleep,
        every: float = 0.15,
    ) -> Iterator[LogLine]:
        """What was printed and what is printed from now on, until `over()` is true and everything was given."""
        tails: dict[Path, _Tail] = {}
        while True:
            last = over()
            found: list[LogLine] = []
            for file in self._files(node):
                tail = tails.get(file)
                if tail is None:
                    tail = tails[file] = _Tail(file)
                if tail.begin() and _belongs(tail.node, node, True):
                    found += tail.lines()
            found.sort(key=lambda line: line.at)
            yield from found
            if last:
                return
            if not found:
                pause(every)

    def _files(self, node: str | None) -> list[Path]:
        if node is not None:
            exact = self.folder / file_name(node)
            if exact.is_file():
                return [exact]
        try:
            return sorted(file for file in self.folder.iterdir() if file.suffix == ".log")
        except OSError:
            return []


class _Tail:
    """A log file, read from where the last reading ended."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.node = ""
        self._at = 0

    def begin(self) -> bool:
        """Read the first line; false while it is not there yet."""
        if self._at:
            return True
        try:
            with self.file.open("rb") as text:
                line = text.readline(LONGEST_LINE)
        except OSError:
            return False
        if not line.startswith(_HEAD.encode()) or not line.endswith(b"\n"):
            return False
        self.node = line[len(_HEAD) : -1].decode("utf-8", "replace")
        self._at = len(line)
        return True

    def lines(self) -> Iterator[LogLine]:
        """Whole lines that came since."""
        try:
            with self.file.open("rb") as text:
                text.seek(self._at)
                for row in text:
                    if not row.endswith(b"\n"):
                        return  # the rest of it comes
                    self._at += len(row)
                    line = self._line(row[:-1])
                    if line is not None:
                        yield line
        except OSError:
            return

    def _line(self, row: bytes) -> LogLine | None:
        try:
            at, number, stream, text = row.decode("utf-8", "replace").split("\t", 3)
            return LogLine(self.node, int(number), _LONG.get(stream, stream), float(at), text)
        except ValueError:
            return None  # not ours; somebody else wrote into the file


def _row(head: str, text: str) -> bytes:
    row = (head + text.replace("\n", "␤")).encode("utf-8", "backslashreplace")
    if len(row) > LONGEST_LINE:
        row = row[: LONGEST_LINE - 64].decode("utf-8", "ignore").encode() + f" ... ({len(row)} bytes)".encode()
    return row + b"\n"


def _belongs(found: str, wanted: str | None, under: bool) -> bool:
    if wanted is None or found == wanted:
        return True
    return under and (found.startswith((f"{wanted}/", f"{wanted}[")))
