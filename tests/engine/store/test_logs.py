"""What attempts print is kept, found again by node, followed while it grows, and never fills the disk."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.store.logs import LogLine, RunLogs, file_name


def test_lines_come_back_with_their_node_attempt_stream_and_moment(tmp_path: Path) -> None:
    logs = RunLogs(tmp_path)
    logs.write("load", 1, "stdout", ["one", "two\twith a tab"], 0.5)
    logs.write("load", 2, "stderr", ["oh"], 1.25)
    logs.flush()
    assert list(RunLogs(tmp_path).read("load")) == [
        LogLine("load", 1, "stdout", 0.5, "one"),
        LogLine("load", 1, "stdout", 0.5, "two\twith a tab"),
        LogLine("load", 2, "stderr", 1.25, "oh"),
    ]


def test_lines_of_all_nodes_come_in_the_order_of_time(tmp_path: Path) -> None:
    logs = RunLogs(tmp_path)
    for at in range(10):
        logs.write("ab"[at % 2], 1, "stdout", [str(at)], float(at))
    logs.flush()
    assert [line.text for line in RunLogs(tmp_path).read()] == [str(at) for at in range(10)]


def test_a_composite_brings_what_is_inside_it(tmp_path: Path) -> None:
    logs = RunLogs(tmp_path)
    for node in ("publish/render", "publish/upload", "publisher", "each[0]", "each[10]"):
        logs.write(node, 1, "stdout", [node], 0.0)
    logs.flush()
    assert sorted(line.node for line in logs.read("publish")) == ["publish/render", "publish/upload"]
    assert sorted(line.node for line in logs.read("each")) == ["each[0]", "each[10]"]
    assert list(logs.read("nobody")) == []
    assert sorted(logs.nodes()) == ["each[0]", "each[10]", "publish/render", "publish/upload", "publisher"]


def test_nothing_is_made_before_something_is_printed(tmp_path: Path) -> None:
    logs = RunLogs(tmp_path / "run")
    logs.flush()
    logs.close()
    assert list(RunLogs(tmp_path / "run").read()) == []
    assert not (tmp_path / "run").exists()


def test_following_gives_what_is_there_then_what_comes_then_ends(tmp_path: Path) -> None:
    writer, waits = RunLogs(tmp_path), []

    def pause(seconds: float) -> None:
        waits.append(seconds)
        writer.write(f"n{len(waits)}", 1, "stdout", [f"line {len(waits)}"], float(len(waits)))
        writer.flush()

    writer.write("n0", 1, "stdout", ["line 0"], 0.0)
    writer.flush()
    followed = RunLogs(tmp_path).follow(over=lambda: len(waits) == 3, pause=pause)
    assert [line.text for line in followed] == ["line 0", "line 1", "line 2", "line 3"]


def test_half_a_line_waits_for_its_other_half(tmp_path: Path) -> None:
    logs = RunLogs(tmp_path)
    logs.write("a", 1, "stdout", ["whole"], 0.0)
    logs.flush()
    file = tmp_path / "logs" / "a.log"
    with file.open("ab") as out:
        out.write(b"1.0\t1\tout\tha")
    parts = iter([b"lf", b" more\n"])
    followed = RunLogs(tmp_path).follow("a", over=lambda: False, pause=lambda _: _append(file, next(parts)))
    assert [next(followed).text, next(followed).text] == ["whole", "half more"]


def _append(file: Path, data: bytes) -> None:
    with file.open("ab") as out:
        out.write(data)


def test_a_file_stops_growing_at_its_limit_and_says_so(tmp_path: Path) -> None:
    logs = RunLogs(tmp_path, file_limit=2_000)
    for number in range(500):
        logs.write("noisy", 1, "stdout", [f"line {number}"], float(number))
    logs.write("quiet", 1, "stdout", ["still kept"], 1.0)
    logs.flush()
    lines = list(logs.read("noisy"))
    assert lines[-1].stream == "log"
    assert "limit" in lines[-1].text
    assert [line.text for line in lines[:-1]] == [f"line {number}" for number in range(len(lines) - 1)]
    assert logs.dropped == 500 - (len(lines) - 1)
    assert (tmp_path / "logs" / "noisy.log").stat().st_size < 2_200
    assert [line.text for line in logs.read("quiet")] == ["still kept"]


def test_all_files_together_stop_growing_at_theirs(tmp_path: Path) -> None:
    logs = RunLogs(tmp_path, total_limit=3_000)
    for number in range(40):
        logs.write(f"n{number}", 1, "stdout", ["x" * 200], float(number))
        logs.flush()
    kept = [line for line in logs.read() if line.stream == "stdout"]
    assert 10 <= len(kept) <= 15
    assert logs.dropped == 40 - len(kept)


def test_a_line_without_end_is_cut_with_its_size(tmp_path: Path) -> None:
    logs = RunLogs(tmp_path)
    logs.write("a", 1, "stdout", ["x" * 3_000_000], 0.0)
    logs.flush()
    (line,) = logs.read("a")
    assert len(line.text) < 1_100_000
    assert line.text.endswith("bytes)")


def test_odd_text_stays_one_line_each(tmp_path: Path) -> None:
    texts = ["", "\t", "a\nb", "\x1b[31mred", "\udcff", "日本語", "\r", "\u2028"]
    logs = RunLogs(tmp_path)
    logs.write("a", 1, "stdout", texts, 0.0)
    logs.flush()
    found = [line.text for line in logs.read("a")]
    assert found == ["", "\t", "a␤b", "\x1b[31mred", "\\udcff", "日本語", "\r", "\u2028"]


def test_a_disk_that_refuses_costs_lines_and_not_the_run(tmp_path: Path) -> None:
    (tmp_path / "logs").write_text("a file stands in the way")
    logs = RunLogs(tmp_path)
    logs.write("a", 1, "stdout", ["one", "two"], 0.0)
    logs.flush()
    assert isinstance(logs.trouble, OSError)
    assert logs.dropped == 2


@pytest.mark.parametrize(
    "node",
    ["load", "publish/render", "任务1", "each[3]", "Ünïcode", "../../etc/passwd", "/x", ".", "..", "-rf", "a\0b"],
)
def test_log_files_stay_in_their_folder_and_readable_names_stay_readable(tmp_path: Path, node: str) -> None:
    logs = RunLogs(tmp_path)
    logs.write(node, 1, "stdout", ["x"], 0.0)
    logs.flush()
    assert logs.trouble is None
    assert [file.parent for file in tmp_path.rglob("*.log")] == [tmp_path / "logs"]
    assert [line.node for line in logs.read(node)] == [node]
    if node in ("load", "任务1", "each[3]"):
        assert file_name(node) == f"{node}.log"


@given(st.lists(st.text(min_size=1, max_size=300), min_size=2, max_size=2, unique_by=lambda t: t.casefold()))
def test_no_two_nodes_share_a_file_and_no_name_is_too_long(nodes: list[str]) -> None:
    one, other = map(file_name, nodes)
    assert "/" not in one + other
    assert max(len(one.encode()), len(other.encode())) <= 255
    assert one != other


def test_several_threads_may_write(tmp_path: Path) -> None:
    import threading

    logs = RunLogs(tmp_path)

    def write(name: str) -> None:
        for number in range(200):
            logs.write(name, 1, "stdout", [str(number)], float(number))
            if number % 20 == 0:
                logs.flush()

    threads = [threading.Thread(target=write, args=(name,)) for name in "abc"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    logs.flush()
    for name in "abc":
        assert [line.text for line in logs.read(name)] == [str(number) for number in range(200)]
