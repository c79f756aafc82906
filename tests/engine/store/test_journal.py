"""A run's journal: what is recorded stays recorded, whoever dies, and what is damaged is never believed."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.attempt import Trouble
from engine.machine import events as e
from engine.store import journal as journal_file
from engine.store.journal import FILE, Journal, is_written
from engine.store.trouble import JournalBusy, JournalDamaged, StoreTrouble

ROOT = Path(__file__).resolve().parents[3]


def begun(folder: Path, **more: object) -> Journal:
    return Journal.create(folder, "20261123-101500-k3f", header=b"head", wall=1.5, **more)  # type: ignore[arg-type]


def a_run(nodes: int, at: float = 0.0) -> list[e.Event]:
    """Started and Completed for so many nodes."""
    found: list[e.Event] = []
    for node in range(nodes):
        found.append(e.Started(at + node, node, 1))
        found.append(e.Completed(at + node + 0.5, node, 0.25, node * 10))
    return found


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with begun(tmp_path / "run") as made:
        yield made


def test_what_was_appended_is_read_back_in_order(journal: Journal) -> None:
    first = [e.RunStarted(0.0, 100.0), *a_run(3)]
    second = [e.AttemptFailed(9.0, 3, 0.1, Trouble("KeyError", "'x'", lineage=("LookupError",), exit_code=None))]
    journal.append(first, {"state": "running"})
    journal.append(second, {"state": "failed", "failed": 1})
    with Journal.read(journal.folder) as reader:
        assert list(reader.events()) == first + second
        assert reader.header == b"head"
        assert (reader.row.run, reader.row.wall, reader.row.pid) == ("20261123-101500-k3f", 1.5, os.getpid())
        assert reader.row.counters == {"state": "failed", "failed": 1}


def test_a_reader_sees_what_is_committed_while_the_run_is_written(journal: Journal) -> None:
    with Journal.read(journal.folder) as reader:
        assert list(reader.events()) == []
        events = a_run(4)
        journal.append(events[:3])
        (batch,) = reader.batches()
        assert batch.events == events[:3]
        journal.append(events[3:])
        (rest,) = reader.batches(after=batch.next)
        assert (rest.first, rest.events, rest.next) == (3, events[3:], 8)
        assert list(reader.batches(after=rest.next)) == []


def test_reading_from_the_middle_of_a_batch_gives_its_rest(journal: Journal) -> None:
    events = a_run(3)
    journal.append(events)
    with Journal.read(journal.folder) as reader:
        (batch,) = reader.batches(after=4)
        assert (batch.first, batch.events) == (4, events[4:])


def test_an_empty_batch_only_updates_the_counters(journal: Journal) -> None:
    journal.append([], {"state": "paused"})
    with Journal.read(journal.folder) as reader:
        assert reader.row.counters == {"state": "paused"}
        assert list(reader.batches()) == []


def test_a_run_is_begun_only_once(journal: Journal) -> None:
    journal.append(a_run(1))
    journal.close()
    with pytest.raises(JournalBusy, match="there already"):
        begun(journal.folder)
    with Journal.read(journal.folder) as reader:
        assert len(list(reader.events())) == 2


def test_a_second_writer_is_refused_while_the_first_lives_and_let_in_after(journal: Journal) -> None:
    journal.append(a_run(1))
    assert is_written(journal.folder)
    with pytest.raises(JournalBusy, match="another process"):
        Journal.resume(journal.folder)
    journal.close()
    assert not is_written(journal.folder)
    with Journal.resume(journal.folder) as again:
        assert (again.epoch, again.written) == (2, 2)
        again.append(a_run(1, at=5.0))
    with Journal.read(journal.folder) as reader:
        assert len(list(reader.events())) == 4


def test_a_writer_whose_lock_did_not_hold_is_stopped_by_its_next_commit(journal: Journal) -> None:
    journal.append(a_run(1))
    (journal.folder / "lock").unlink()  # as on a file system that forgets locks
    with Journal.resume(journal.folder) as thief:
        with pytest.raises(JournalBusy, match="taken over"):
            journal.append(a_run(1), {"state": "running"})
        with pytest.raises(JournalBusy, match="taken over"):
            journal.append(a_run(1))
        thief.append(a_run(1, at=7.0))
    with Journal.read(journal.folder) as reader:
        assert [event.at for event in reader.events()] == [0.0, 0.5, 7.0, 7.5]


def test_of_many_processes_that_want_one_run_exactly_one_gets_it(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from engine.store.journal import Journal\n"
        "from engine.store.trouble import JournalBusy\n"
        "sys.stdin.readline()\n"
        "try: journal = Journal.create(Path(sys.argv[1]), 'r', header=b'', wall=0.0)\n"
        "except JournalBusy: print('busy', flush=True)\n"
        "else: print('mine', flush=True)\n"
        "sys.stdin.readline()\n"
    )
    pipe = subprocess.PIPE
    racers = [
        subprocess.Popen([sys.executable, "-c", code, tmp_path / "run"], stdin=pipe, stdout=pipe, text=True, cwd=ROOT)
        for _ in range(6)
    ]
    for racer in racers:
        assert racer.stdin is not None
        racer.stdin.write("\n")
        racer.stdin.flush()
    answers = [racer.stdout.readline().strip() for racer in racers if racer.stdout is not None]
    for racer in racers:
        racer.communicate("\n")
    assert sorted(answers) == ["busy"] * 5 + ["mine"]


WRITER = """
import sys
from pathlib import Path
from engine.machine import events as e
from engine.store.journal import Journal
folder = Path(sys.argv[1])
journal = Journal.resume(folder) if folder.exists() else Journal.create(folder, "r", header=b"", wall=0.0)
while True:
    first = journal.written
    batch = [e.Completed(float(number), number, 0.0, "x" * 50) for number in range(first, first + 7)]
    journal.append(batch, {"done": first + 7})
    print(first + 7, flush=True)
"""


def test_nothing_acknowledged_is_lost_when_the_writer_is_killed(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    for kill in range(6):
        writer = subprocess.Popen([sys.executable, "-c", WRITER, folder], stdout=subprocess.PIPE, text=True, cwd=ROOT)
        assert writer.stdout is not None
        told = 0
        for _ in range(3 + 11 * kill):
            told = int(writer.stdout.readline())
        writer.send_signal(signal.SIGKILL)
        told = max([told, *(int(line) for line in writer.stdout.read().splitlines() if line)])
        writer.wait()
        writer.stdout.close()
        with Journal.read(folder) as reader:
            numbers = [event.node for event in reader.events() if isinstance(event, e.Completed)]
            assert numbers == list(range(len(numbers)))
            assert len(numbers) >= told
            assert reader.row.counters["done"] == len(numbers)


def test_a_flipped_bit_anywhere_in_a_batch_is_refused_by_name(journal: Journal) -> None:
    journal.append(a_run(2))
    journal.append(a_run(2, at=10.0))
    journal.close()
    database = sqlite3.connect(journal.path, isolation_level=None)
    blob = database.execute("select events from batch where first=4").fetchone()[0]
    for place in range(len(blob)):
        harmed = bytearray(blob)
        harmed[place] ^= 1 << (place % 8)
        database.execute("update batch set events=? where first=4", (bytes(harmed),))
        with Journal.read(journal.folder) as reader:
            batches = reader.batches()
            assert len(next(batches).events) == 4  # what lies before it can be read
            with pytest.raises(JournalDamaged, match="batch from event 4"):
                next(batches)
    database.close()


@pytest.mark.parametrize("change", ["count = count + 1", "until = until + 1", "crc = crc + 1", "first = 5"])
def test_a_batch_whose_numbers_were_changed_is_refused(journal: Journal, change: str) -> None:
    journal.append(a_run(2))
    journal.append(a_run(2, at=10.0))
    journal.close()
    with sqlite3.connect(journal.path) as database:
        database.execute(f"update batch set {change} where first=4")
    database.close()
    with Journal.read(journal.folder) as reader, pytest.raises(JournalDamaged):
        list(reader.events())


def test_a_missing_batch_is_a_gap_and_not_guessed_over(journal: Journal) -> None:
    for part in range(3):
        journal.append(a_run(1, at=float(part)))
    journal.close()
    with sqlite3.connect(journal.path) as database:
        database.execute("delete from batch where first=2")
    database.close()
    with Journal.read(journal.folder) as reader, pytest.raises(JournalDamaged, match="event 2 is missing"):
        list(reader.events())


@pytest.mark.parametrize("content", [b"", b"hello", b"SQLite format 3\x00" + bytes(5000)])
def test_a_file_that_is_no_journal_is_refused_without_a_traceback_of_sqlite(tmp_path: Path, content: bytes) -> None:
    (tmp_path / FILE).write_bytes(content)
    with pytest.raises(StoreTrouble, match=FILE):
        Journal.read(tmp_path)


def test_every_truncation_of_a_journal_is_refused_or_read_right(journal: Journal, tmp_path: Path) -> None:
    events = a_run(40)
    for start in range(0, 80, 8):
        journal.append(events[start : start + 8])
    journal.close()
    whole = journal.path.read_bytes()
    cut = tmp_path / "cut"
    cut.mkdir()
    for size in range(0, len(whole), 509):
        (cut / FILE).write_bytes(whole[:size])
        try:
            with Journal.read(cut) as reader:
                found = list(reader.events())
        except StoreTrouble:
            continue
        assert found == events


def test_a_damaged_header_is_refused(journal: Journal) -> None:
    journal.close()
    with sqlite3.connect(journal.path) as database:
        database.execute("update run set header=?", (b"hexd",))
    database.close()
    with Journal.read(journal.folder) as reader, pytest.raises(JournalDamaged, match="header"):
        _ = reader.header


def test_a_journal_of_a_newer_schema_is_refused_with_what_to_do(journal: Journal) -> None:
    journal.close()
    with sqlite3.connect(journal.path) as database:
        database.execute(f"pragma user_version={journal_file.SCHEMA + 1}")
    database.close()
    with pytest.raises(StoreTrouble, match=r"newer Flowloom.*update"):
        Journal.read(journal.folder)


def full(journal: Journal, pages: int | None) -> None:
    """Make SQLite refuse to grow, as a full disk does; None gives the space back."""
    assert journal._connection is not None
    journal._connection.execute(f"pragma max_page_count={pages or 1 << 30}")


def test_a_commit_that_fails_harms_nothing_and_the_same_batch_goes_in_later(journal: Journal) -> None:
    before, after = a_run(2), [e.Completed(5.0, 9, 0.1, "y" * 30_000)]
    journal.append(before, {"done": 2})
    full(journal, 1)
    with pytest.raises(StoreTrouble, match="free some space") as trouble:
        journal.append(after, {"done": 3})
    assert trouble.value.retryable
    with Journal.read(journal.folder) as reader:
        assert list(reader.events()) == before
        assert reader.row.counters == {"done": 2}
    journal.append(after, {"done": 3})
    with Journal.read(journal.folder) as reader:
        assert list(reader.events()) == before + after
        assert reader.row.counters == {"done": 3}


def test_a_batch_that_arrived_although_its_commit_failed_is_not_written_twice(journal: Journal) -> None:
    events = a_run(3)
    journal.append(events)
    journal.written = 0  # as if the commit had been reported as failed
    journal._drop()
    more = [e.RunPaused(9.0, "no space")]
    journal.append([*events, *more])
    with Journal.read(journal.folder) as reader:
        assert list(reader.events()) == events + more


@pytest.mark.skipif(os.getuid() != 0, reason="needs root to mount a small file system")
def test_on_a_really_full_disk_the_run_is_kept_and_goes_on_when_space_returns(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "none", disk], check=False, capture_output=True)
    if mounted.returncode:
        pytest.skip("this machine does not allow to mount a tmpfs")
    try:
        journal = begun(disk / "run")
        hog = disk / "hog"
        written: list[e.Event] = []
        refused, errors = 0, set()
        with hog.open("wb", buffering=0) as out:
            while True:
                batch: list[e.Event] = [e.Completed(float(journal.written), 1, 0.0, "z" * 20_000)]
                try:
                    journal.append(batch, {"done": len(written)})
                except StoreTrouble as trouble:
                    refused += 1
                    errors.add(trouble.errno)
                    if refused == 1:
                        continue  # the reserve lets it be told
                    break
                written += batch
                if refused == 0:
                    out.write(bytes(40_000)[: max(0, os.statvfs(disk).f_bavail * 4096 - 100_000)])
        with Journal.read(disk / "run") as reader:
            assert list(reader.events()) == written
        assert None not in errors
        hog.unlink()
        journal.append(batch, {"done": -1})
        with Journal.read(disk / "run") as reader:
            assert list(reader.events()) == written + batch
        journal.close()
    finally:
        subprocess.run(["umount", disk], check=True)


def test_a_run_left_by_a_killed_writer_can_be_read_where_nothing_may_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "run"
    code = WRITER.replace("while True:", "for _ in range(2):") + "import os; os._exit(9)"
    subprocess.run([sys.executable, "-c", code, folder], check=False, cwd=ROOT, capture_output=True)
    assert (folder / f"{FILE}-wal").stat().st_size
    monkeypatch.setattr(os, "access", lambda *_: False)
    files = sorted(file.name for file in folder.iterdir())
    with Journal.read(folder) as reader:
        assert len(list(reader.events())) == 14
    assert sorted(file.name for file in folder.iterdir()) == files


def test_files_of_a_run_are_for_their_owner_only(journal: Journal) -> None:
    journal.append(a_run(1))
    for file in [journal.folder, *journal.folder.iterdir()]:
        assert file.stat().st_mode & 0o077 == 0, file


def test_a_closed_journal_takes_nothing_and_leaves_only_the_database_and_its_lock(journal: Journal) -> None:
    journal.append(a_run(1))
    journal.close()
    journal.close()
    with pytest.raises(StoreTrouble, match="closed"):
        journal.append(a_run(1))
    assert sorted(file.name for file in journal.folder.iterdir()) == [FILE, "lock"]


def test_a_batch_of_very_large_values_becomes_several_rows(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal_file, "LARGEST_BATCH", 5_000)
    events: list[e.Event] = [e.Completed(float(number), number, 0.0, "v" * 2_000) for number in range(7)]
    journal.append(events, {"done": 7})
    with Journal.read(journal.folder) as reader:
        assert [len(batch.events) for batch in reader.batches()] == [1, 2, 2, 2]
        assert list(reader.events()) == events
