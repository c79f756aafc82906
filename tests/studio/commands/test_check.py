"""`flowloom check`, `schema` and `trust`, as people and scripts call them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.studio.commands.conftest import ROOT, Call, Make

HELLO = '[nodes.hello]\nshell = "echo hello"\n'

# A project that would tell on itself if any of it ran: on import, as a plug-in, through a decorator, a name, a path.
TRAP = """
import os, pathlib
pathlib.Path(__file__).with_name("ran").touch()
os.system("touch ran")
def load(x=os.system("touch ran")): ...
"""

HOSTILE = {
    "trap": b'[nodes.a]\ntask = "trap:load"\nwhen = "trap:load"\nretry = { strategy = "trap:load" }\n',
    "eval": b"[nodes.a]\nshell = \"x\"\nwhen = \"__import__('os').system('touch ran')\"\n",
    "shell": b'[nodes.a]\nshell = "touch ran"\nargs = { x = "$(touch ran)", y = "`touch ran`" }\n',
    "command": b'[project]\npython = "./trap.py"\n[run]\nnotify = "touch ran"\n[nodes.a]\ncommand = ["touch", "ran"]\n',
    "secret": b'[nodes.a]\nshell = "x"\nenv = { T = "${secret:x}", H = "${env:HOME}" }\n',
    "kind": b'[nodes.a]\nkind = "trap"\n[defaults]\nexecutor = "trap:load"\n',
    "pattern": b'[nodes.a]\nshell = "x"\n[params.x]\ndefault = "%s!"\npattern = "(a+)+$"\n' % (b"a" * 60),
    "utf16": "[nodes.a]\n".encode("utf-16"),
    "deep": b"x = " + b"[" * 2000,
    "long": b"format = " + b"9" * 9000,
    "escape": b'[nodes."\\u001b]52;c;eA==\\u0007"]\nshell = "x"\n"\\u001b[2J" = 1\n',
    "cycle": b'[nodes.a]\nshell = "x"\nneeds = ["b"]\n[nodes.b]\nshell = "x"\nneeds = ["a"]\n',
}

WATCH = """
import sys
HERE = sys.argv[1]
FORBIDDEN = ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.fork", "socket.connect", "socket.bind",
             "pickle.find_class", "ctypes.dlopen", "os.remove", "os.rename", "os.mkdir", "shutil.rmtree")
armed = False
def hook(event, args):
    if not armed:
        return
    if event in FORBIDDEN:
        raise SystemExit(f"forbidden: {event} {args}")
    if event == "import" and args[0] == "trap":
        raise SystemExit("imported")
    if event in ("exec", "compile") and "trap" in str(getattr(args[0], "co_filename", "")):
        raise SystemExit("compiled and run")
    if event == "open" and isinstance(args[1], str) and args[1][0] in "wax" and str(args[0]).startswith(HERE):
        raise SystemExit(f"wrote {args[0]}")
sys.addaudithook(hook)
from studio.cli import main
armed = True
codes = [main(["check", *words, f]) for f in sys.argv[2:] for words in ([], ["--json"])]
armed = False
print("codes", codes, file=sys.stderr)
sys.exit(0 if set(codes) <= {0, 2} else 1)
"""


def test_nothing_of_a_hostile_project_runs_and_nothing_is_written(tmp_path: Path) -> None:
    files = []
    for name, data in HOSTILE.items():
        folder = tmp_path / name
        folder.mkdir()
        (folder / "project.toml").write_bytes(data)
        (folder / "trap.py").write_text(TRAP)
        files.append(str(folder))
    before = sorted(tmp_path.rglob("*"))
    told = subprocess.run(
        [sys.executable, "-B", "-c", WATCH, str(tmp_path), *files],
        capture_output=True, text=True, timeout=60, cwd=ROOT, check=False,
    )  # fmt: skip
    assert told.returncode == 0, told.stderr
    assert "Traceback" not in told.stderr
    assert sorted(tmp_path.rglob("*")) == before
    printed = told.stdout + told.stderr
    assert all(char.isprintable() or char == "\n" for char in printed)


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_ends_with_a_code_of_its_own_and_a_remedy(name: str, make: Make, call: Call) -> None:
    folder = make("")
    (folder / "project.toml").write_bytes(HOSTILE[name])
    told = call("check", "--json")
    document = json.loads(told.out)
    assert told.code == (2 if document["errors"] else 0)
    assert all(finding["remedy"] and finding["message"] for finding in document["findings"])
    assert all(finding["line"] for finding in document["findings"])


def test_a_good_project_has_nothing_to_remark(make: Make, call: Call) -> None:
    make()
    told = call("check")
    assert told.code == 0
    assert told.out == ""
    assert told.err == "project.toml: 2 nodes, nothing to remark\n"


def test_findings_go_to_people_and_the_document_to_programs(make: Make, call: Call) -> None:
    make(HELLO + "timeot = 3\n")
    told = call("check")
    assert told.code == 2
    assert told.out == ""
    assert 'project.toml:3:1: `nodes.hello` has no key "timeot"' in told.err
    assert "did you mean `timeout`?" in told.err
    assert "1 error" in told.err
    told = call("check", "--json")
    assert (told.code, told.err) == (2, "")
    assert json.loads(told.out) == {
        "format": 1,
        "project": "project.toml",
        "errors": 1,
        "warnings": 0,
        "more": 0,
        "findings": [
            {
                "code": "unknown-key",
                "severity": "error",
                "message": '`nodes.hello` has no key "timeot"',
                "remedy": "did you mean `timeout`?",
                "file": "project.toml",
                "line": 3,
                "column": 1,
                "path": ["nodes", "hello", "timeot"],
            }
        ],
    }


def test_warnings_alone_are_no_failure(make: Make, call: Call) -> None:
    make(HELLO + 'join = "any"\n')
    told = call("check")
    assert told.code == 0
    assert "has `join` but waits for nothing" in told.err


def test_the_project_is_found_upward_and_may_be_named(make: Make, call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = make(HELLO)
    (folder / "deep" / "er").mkdir(parents=True)
    monkeypatch.chdir(folder / "deep" / "er")
    assert call("check").code == 0
    assert call("check", str(folder)).code == 0
    assert call("check", str(folder / "project.toml")).code == 0
    assert call("check", str(folder / "deep")).code == 2


def test_check_imports_nothing_heavy(make: Make) -> None:
    folder = make(HELLO + "timeot = 3\n")
    code = (
        "import sys; from studio.cli import main; main(['check']); "
        "print([name for name in ('textual', 'rich', 'networkx', 'zmq', 'dask', 'tomlkit', 'dill', 'asyncio', 'sqlite3')"
        " if name in sys.modules])"
    )
    told = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=folder, timeout=60, check=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert told.stdout == "[]\n"


def test_the_schema_is_printed_or_written(tmp_path: Path, call: Call) -> None:
    told = call("schema")
    assert told.code == 0
    assert json.loads(told.out)["title"] == "Flowloom project"
    file = tmp_path / "schema.json"
    assert call("schema", "-o", str(file)).code == 0
    assert json.loads(file.read_text()) == json.loads(told.out)


def test_trust_is_given_listed_and_taken_back(make: Make, call: Call) -> None:
    folder = make(HELLO)
    assert call("trust", "--list").out == ""
    assert call("trust").code == 0
    assert call("trust", "--list").out == f"{folder.resolve()}\n"
    assert call("trust", "--revoke").code == 0
    assert call("trust", "--revoke").code == 2
    assert call("trust", "--list").out == ""


def test_what_is_gone_can_be_forgotten_and_what_is_not_there_cannot_be_trusted(make: Make, call: Call) -> None:
    folder = make(HELLO)
    call("trust", str(folder))
    moved = folder.rename(folder.with_name("moved"))
    os.chdir(moved)
    assert call("trust", str(folder)).code == 2
    assert call("trust", "--revoke", str(folder)).code == 0
    assert call("trust", "--list").out == ""
