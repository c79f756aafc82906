"""Runs are found by id, by the beginning of one, or as the last; the list survives the loss of its index."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest

from engine.store import index
from engine.store.index import find_run, is_run_id, new_run, places, remember_place, run_id, runs_of
from engine.store.journal import FILE, Journal
from engine.store.trouble import NoSuchRun, StoreTrouble

HEADER = msgspec.msgpack.encode({"project": "penguins", "text": "x" * 5000})


def ran(state: Path, wall: float, how: str = "completed") -> str:
    """A finished run of `state`; its id."""
    run, folder = new_run(state, wall)
    with Journal.create(folder, run, header=HEADER, wall=wall) as journal:
        journal.append([], {"state": how, "nodes": 3, "done": 2, "ended": 1.5})
    return run


def test_ids_sort_by_time_and_read_well() -> None:
    ids = [run_id(wall) for wall in (1_700_000_000.0, 1_700_000_001.0, 1_700_100_000.0)]
    assert ids == sorted(ids)
    assert all(re.fullmatch(r"20\d{6}-\d{6}-[a-z0-9]{3}", made) for made in ids)
    assert all(map(is_run_id, ids))


@pytest.mark.parametrize("wall", [0.0, -5.0, 2**31, 2**33, 1e18, float("inf"), float("nan")])
def test_a_clock_out_of_its_mind_still_gives_an_id(wall: float) -> None:
    assert is_run_id(run_id(wall))


@pytest.mark.parametrize("word", ["", "..", "../x", "last", "20261123-101500-k3f/..", "20261123-101500-K3F", "-rf"])
def test_nothing_else_is_an_id(word: str) -> None:
    assert not is_run_id(word)


def test_many_runs_of_one_second_get_different_ids(tmp_path: Path) -> None:
    made = {new_run(tmp_path, 1_700_000_000.0)[0] for _ in range(200)}
    assert len(made) == 200


def test_the_list_is_newest_first_and_tells_state_and_counts(tmp_path: Path) -> None:
    old, new = ran(tmp_path, 1_700_000_000.0), ran(tmp_path, 1_700_000_500.0, "failed")
    first, second = runs_of(tmp_path)
    assert (first.run, second.run) == (new, old)
    assert (first.state, first.seconds, first.facts["done"], first.facts["project"]) == ("failed", 1.5, 2, "penguins")
    assert "text" not in first.facts


def test_the_list_is_the_same_with_without_and_with_a_damaged_index(tmp_path: Path) -> None:
    for number in range(5):
        ran(tmp_path, 1_700_000_000.0 + number)
    fresh = runs_of(tmp_path)
    assert (tmp_path / index.INDEX).exists()
    assert runs_of(tmp_path) == fresh
    (tmp_path / index.INDEX).write_bytes(b"not a database at all" * 100)
    assert runs_of(tmp_path) == fresh
    (tmp_path / index.INDEX).unlink()
    (tmp_path / index.INDEX).mkdir()
    assert runs_of(tmp_path) == fresh


def test_a_known_run_is_not_opened_again_but_a_changed_one_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept, changed = ran(tmp_path, 1_700_000_000.0), ran(tmp_path, 1_700_000_500.0)
    runs_of(tmp_path)
    with Journal.resume(tmp_path / "runs" / changed) as journal:
        journal.append([], {"state": "canceled"})
    opened: list[str] = []
    read = index.summary_of
    monkeypatch.setattr(index, "summary_of", lambda folder: opened.append(folder.name) or read(folder))
    assert [summary.state for summary in runs_of(tmp_path)] == ["canceled", "completed"]
    assert opened == [changed]
    assert kept not in opened


def test_a_deleted_run_leaves_the_list(tmp_path: Path) -> None:
    import shutil

    gone, kept = ran(tmp_path, 1_700_000_000.0), ran(tmp_path, 1_700_000_500.0)
    runs_of(tmp_path)
    shutil.rmtree(tmp_path / "runs" / gone)
    assert [summary.run for summary in runs_of(tmp_path)] == [kept]


def test_a_run_whose_process_is_gone_is_interrupted_and_one_that_is_written_runs(tmp_path: Path) -> None:
    run, folder = new_run(tmp_path, 1_700_000_000.0)
    with Journal.create(folder, run, header=HEADER, wall=1.0) as journal:
        journal.append([], {"state": "running"})
        assert [summary.state for summary in runs_of(tmp_path)] == ["running"]
    assert [summary.state for summary in runs_of(tmp_path)] == ["interrupted"]


def test_a_damaged_run_is_listed_as_damaged_and_hides_no_other(tmp_path: Path) -> None:
    good, bad = ran(tmp_path, 1_700_000_000.0), ran(tmp_path, 1_700_000_500.0)
    (tmp_path / "runs" / bad / FILE).write_bytes(b"garbage" * 1000)
    states = {summary.run: summary.state for summary in runs_of(tmp_path)}
    assert states == {good: "completed", bad: "damaged"}
    assert bad in find_run(bad, tmp_path).trouble


def test_a_run_is_named_by_its_id_a_unique_beginning_or_last(tmp_path: Path) -> None:
    old, new = ran(tmp_path, 1_700_000_000.0), ran(tmp_path, 1_800_000_000.0)
    assert find_run(old, tmp_path).run == old
    assert find_run(old[:8], tmp_path).run == old
    assert find_run("last", tmp_path).run == find_run(None, tmp_path).run == new
    with pytest.raises(NoSuchRun, match=r"2 runs begin with '20'.*write more"):
        find_run("20", tmp_path)
    with pytest.raises(NoSuchRun, match="flowloom runs"):
        find_run("1999", tmp_path)
    with pytest.raises(NoSuchRun, match=r"no run '\?\[31mx"):
        find_run("\x1b[31mx", tmp_path)


def test_where_nothing_has_run_last_says_so(tmp_path: Path) -> None:
    assert runs_of(tmp_path / "nowhere") == []
    with pytest.raises(NoSuchRun, match="nothing has run"):
        find_run("last", tmp_path)


def test_a_run_of_another_project_is_found_through_the_users_places(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "home"))
    here, there = tmp_path / "here", tmp_path / "there"
    run = ran(there, 1_700_000_000.0)
    with pytest.raises(NoSuchRun):
        find_run(run, here)
    remember_place(there)
    remember_place(here)
    remember_place(there)
    assert places() == [there, here]
    assert find_run(run[:15], here).folder == there / "runs" / run
    assert find_run("last", None).run == run
    with pytest.raises(NoSuchRun):
        find_run(run, here, elsewhere=False)


def test_a_runs_folder_that_cannot_be_made_says_where_and_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("in the way")
    with pytest.raises(StoreTrouble, match=r"runs.*FLOWLOOM_STATE"):
        new_run(tmp_path)
