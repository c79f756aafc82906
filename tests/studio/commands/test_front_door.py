"""The first thing people meet: help, version, typos, and errors that say what to do."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from studio import cli

from .conftest import Call, Make, command_line, environment

HEAVY = {"textual", "rich", "networkx", "zmq", "dask", "distributed", "dill", "asyncio"}


def modules_after(words: list[str], cwd: Path) -> set[str]:
    code = (
        "import sys; from studio.cli import main; code = main(sys.argv[1:]); "
        "print('LOADED', code, *sorted({name.split('.')[0] for name in sys.modules}))"
    )
    told = subprocess.run(
        [sys.executable, "-c", code, *words], capture_output=True, text=True, cwd=cwd, env=environment(), check=True
    )
    return set(told.stdout.rsplit("LOADED", 1)[1].split())


def test_version_is_printed_without_loading_anything_of_weight(make: Make) -> None:
    loaded = modules_after(["--version"], make())
    assert loaded & (HEAVY | {"click", "msgspec", "sqlite3"}) == set()


@pytest.mark.parametrize("words", [["check"], ["--help"], ["runs"], ["run", "-n"]])
def test_quick_commands_load_no_screen_and_no_network(make: Make, words: list[str]) -> None:
    assert modules_after(words, make()) & HEAVY == set()


def test_help_names_every_command_with_a_line_about_it(call: Call) -> None:
    told = call("--help")
    assert told.code == 0
    for name, _, _, about in cli.ROWS:
        assert f"{name} " in told.out
        assert about.split()[0] in told.out


@pytest.mark.parametrize(("typed", "meant"), [("rnu", "run"), ("chekc", "check"), ("rums", "runs"), ("sho", "show")])
def test_a_typo_names_the_nearest_command(call: Call, typed: str, meant: str) -> None:
    told = call(typed)
    assert told.code == 2
    assert f"did you mean '{meant}'" in told.err


def test_without_a_terminal_the_help_goes_to_stderr(call: Call) -> None:
    told = call()
    assert (told.code, told.out) == (2, "")
    assert "Usage: flowloom" in told.err


def test_a_path_opens_the_studio_which_wants_a_terminal(make: Make, call: Call) -> None:
    make()
    told = call("./project.toml")
    assert told.code == 2
    assert "needs a terminal" in told.err


@pytest.mark.parametrize("words", [("-C", "{}", "check"), ("check", "-C", "{}")])
def test_a_folder_to_work_in_may_stand_before_or_after_the_command(
    make: Make, call: Call, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    folder = make()
    monkeypatch.chdir("/")
    assert call(*(word.format(folder) for word in words)).code == 0


def test_a_folder_that_is_not_there_is_wrong_usage(call: Call) -> None:
    told = call("-C", "/nowhere/at/all", "runs")
    assert told.code == 2
    assert "-C '/nowhere/at/all': no such file or directory" in told.err


def test_a_project_is_found_upward_as_git_does(make: Make, call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    deep = make() / "a" / "b"
    deep.mkdir(parents=True)
    monkeypatch.chdir(deep)
    assert call("check").code == 0


def test_without_any_project_the_way_out_is_named(tmp_path: Path, call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    told = call("run")
    assert told.code == 2
    assert "flowloom new" in told.err
    assert "flowloom new" in call("run", str(tmp_path)).err


@pytest.mark.parametrize("word", ["nowhere", "a\nb", "x" * 5000, "\x1b[2J", "no.toml", "-"])
def test_a_path_to_nothing_is_told_harmlessly(tmp_path: Path, call: Call, word: str) -> None:
    told = call("run", word)
    assert told.code == 2
    assert "\x1b[2J" not in told.err
    assert "Traceback" not in told.err


def test_a_bug_of_ours_goes_into_a_report_without_values_of_params(
    make: Make, call: Call, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make()

    def boom(*_: object, **__: object) -> None:
        raise RuntimeError("kaboom")

    monkeypatch.setattr("engine.project.loading.look", boom)
    monkeypatch.setattr(sys, "argv", ["flowloom", "run", "-p", "password=hunter2"])
    told = call("run", "-p", "password=hunter2")
    assert told.code == 70
    assert "bug in Flowloom" in told.err
    assert "Traceback" not in told.err
    (report,) = home.rglob("flowloom-*.txt")
    text = report.read_text()
    assert "kaboom" in text
    assert "Traceback" in text
    assert "hunter2" not in text


def test_ctrl_c_anywhere_ends_with_130(make: Make, call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    make()

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("engine.store.index.runs_of", interrupted)
    assert call("runs").code == 130


# -- streams ---------------------------------------------------------------------------------------------------------


def test_a_pipe_that_breaks_ends_the_output_without_a_word(make: Make) -> None:
    folder = make()
    for _ in range(2):
        subprocess.run(command_line("run", "-q"), cwd=folder, env=environment(), check=True)
    for words in (["runs"], ["show"], ["logs"], ["doctor"], ["--help"], ["--version"], ["run", "--json"]):
        process = subprocess.Popen(
            command_line(*words),
            cwd=folder,
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        process.stdout.close()  # nobody will read
        assert process.stderr is not None
        said = process.stderr.read()
        process.stderr.close()
        assert process.wait() == 0, (words, said)
        assert "BrokenPipe" not in said, words
        assert "Traceback" not in said, words


@pytest.mark.parametrize("closed", ["0<&-", "1>&-", "2>&-", "0<&- 1>&- 2>&-"])
def test_streams_that_were_closed_before_the_start_take_no_file_of_ours(make: Make, closed: str) -> None:
    import shlex

    folder = make()
    line = " ".join(map(shlex.quote, command_line("run")))
    ran = subprocess.run(
        ["sh", "-c", f"{line} {closed}"], cwd=folder, env=environment(), capture_output=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    shown = subprocess.run(
        command_line("show", "--json"), cwd=folder, env=environment(), capture_output=True, check=True
    )
    assert b'"state": "completed"' in shown.stdout


@pytest.mark.parametrize(
    "change",
    [{"HOME": ""}, {"TERM": ""}, {"TERM": "dumb"}, {"LC_ALL": "C"}, {"PYTHONIOENCODING": "ascii"}, {"LANG": "xx_YY"}],
)
def test_poor_environments_change_nothing_but_the_looks(make: Make, change: dict[str, str]) -> None:
    folder = make(text=None or _chinese())
    poor = {name: value for name, value in environment(**change).items() if value}
    for name in ("XDG_STATE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME") if "HOME" in change else ():
        poor.pop(name, None)
    for words in (["run"], ["show"], ["check"]):
        ran = subprocess.run(command_line(*words), cwd=folder, env=poor, capture_output=True, check=False)
        assert ran.returncode == 0, (words, ran.stderr)
        assert b"Traceback" not in ran.stderr


def _chinese() -> str:
    return 'format = 1\n[project]\nname = "企鹅"\n[nodes."任务1"]\ntask = "tasks:one"\n'


@pytest.mark.seed("S273")
@pytest.mark.parametrize("executor", ["inline", "threads", "processes"])
def test_a_local_run_needs_no_screen_no_network_and_no_graph_library(make: Make, executor: str) -> None:
    loaded = modules_after(["run", "-q", "--executor", executor], make())
    assert "0" in loaded  # its exit code
    assert loaded & {"textual", "rich", "networkx", "zmq", "dask", "distributed"} == set()


@pytest.mark.parametrize("kind", ["fifo", "loop", "folder", "zeros", "/dev/zero", "/dev/null", "/proc/self/mem"])
def test_what_is_no_project_file_is_refused_at_once(tmp_path: Path, kind: str) -> None:
    import os

    place = tmp_path / "x.toml"
    if kind == "fifo":
        os.mkfifo(place)
    elif kind == "loop":
        place.symlink_to(place)
    elif kind == "folder":
        place.mkdir()
    elif kind == "zeros":
        place.write_bytes(bytes(3_000_000))
    else:
        place = Path(kind)
    told = subprocess.run(
        command_line("run", place), capture_output=True, text=True, env=environment(), timeout=30, check=False
    )
    assert told.returncode == 2, told.stderr
    assert "Traceback" not in told.stderr
    assert "bug in Flowloom" not in told.stderr
