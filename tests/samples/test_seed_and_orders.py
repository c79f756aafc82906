"""Two samples that may end in two ways run through the real command, and end in both."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

COMMAND = str(Path(sys.executable).with_name("flowloom"))


def told(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(words, cwd=folder, capture_output=True, text=True, timeout=90, check=False)


def run(folder: Path, *params: str) -> tuple[int, dict[str, Any], list[str]]:
    """Run the project in a folder with these params: exit code, the JSON document, the lines of its ledger."""
    options = [word for param in params for word in ("-p", param)]
    done = told(folder, COMMAND, "run", "--json", *options)
    assert "Traceback" not in done.stderr
    ledger = folder / "out" / "ledger.txt"
    return done.returncode, json.loads(done.stdout), ledger.read_text("utf-8").splitlines() if ledger.exists() else []


@pytest.mark.seed("S249", "S250")
@pytest.mark.parametrize(
    ("params", "taken", "left", "result"),
    [((), "else", "then", "结果3"), (("flag=true",), "then", "else", "结果2")],
    ids=["absent", "set"],
)
def test_the_flag_selects_the_branch_of_the_seed(
    copy_of: Callable[[str], Path], params: tuple[str, ...], taken: str, left: str, result: str
) -> None:
    code, document, _ = run(copy_of("seed"), *params)
    nodes = document["nodes"]
    assert code == 0
    assert nodes[f"条件判断/{taken}"]["state"] == "completed"
    assert nodes[f"条件判断/{left}"]["state"] == "skipped"
    assert nodes["条件判断"]["result"] == result
    assert nodes["子工作流"]["result"] == {"子任务": "子结果"}


@pytest.mark.seed("S249", "S256")
def test_the_seed_fails_after_three_more_tries(copy_of: Callable[[str], Path]) -> None:
    code, document, _ = run(copy_of("seed"), "fail=true")
    assert code == 1
    assert document["nodes"]["子工作流/子任务"]["attempts"] == 4
    assert document["nodes"]["子工作流"]["state"] == "failed"
    assert document["nodes"]["条件判断"]["state"] == "completed"
    assert document["seconds"] >= 7.0, "it waited 1, 2 and 4 seconds between its tries"


@pytest.mark.seed("S249", "S250")
@pytest.mark.parametrize(("option", "result"), [((), "结果3"), (("--flag",), "结果2")], ids=["absent", "set"])
def test_the_seed_in_python_says_the_same(copy_of: Callable[[str], Path], option: tuple[str, ...], result: str) -> None:
    done = told(copy_of("seed"), sys.executable, "seed.py", *option)
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"completed: {result}, {{'子任务': '子结果'}}\n"
    assert "node 任务1 starts" in done.stderr, "the logging observer told it"


@pytest.mark.seed("S249")
def test_the_seed_in_python_handles_its_failure(copy_of: Callable[[str], Path]) -> None:
    done = told(copy_of("seed"), sys.executable, "seed.py", "--fail")
    assert done.returncode == 1
    assert done.stdout.startswith("failed: ")
    assert "told to fail" in done.stdout


@pytest.mark.seed("S256")
def test_an_order_is_shipped_though_nobody_is_there_to_ask(copy_of: Callable[[str], Path]) -> None:
    code, document, ledger = run(copy_of("orders"))
    assert code == 0
    assert document["nodes"]["ok"]["result"] == "yes"
    assert document["nodes"]["by_hand"]["state"] == "skipped"
    assert ledger == [
        "reserve A-1001",
        "pay 42",
        "pack 3 items",
        "ship by post",
        "tell: A-1001 is on its way",
    ]


@pytest.mark.seed("S256")
def test_a_strike_takes_an_order_back_step_by_step(copy_of: Callable[[str], Path]) -> None:
    code, document, ledger = run(copy_of("orders"), "carrier=strike", "bank_busy=2", "printer=false")
    nodes = document["nodes"]
    assert code == 1
    assert document["reason"] == "ship failed (compensated)"
    assert [name for name, node in nodes.items() if node["state"] == "compensated"] == ["reserve", "pay", "pack"]
    assert nodes["pay"]["attempts"] == 3
    assert nodes["label"]["result"] == "by hand: A-1001"
    assert ledger == [
        "reserve A-1001",
        "pay 42",
        "pack 3 items",
        "unpack 3 items",
        "refund 42",
        "release A-1001",
        "tell: A-1001 was called off",
    ]
