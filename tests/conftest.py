"""What every test can rely on: the state of a person's home is never touched, and the time of each folder is told.

`--budget` prints how long the tests of each folder took, next to what the folder may take.
"""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

TESTS = Path(__file__).parent

# Seconds of test time (two workers share it) that a folder may take before someone should look at it.
BUDGET = {
    "engine": 180.0,
    "agents": 150.0,
    "studio": 240.0,
    "samples": 40.0,
    "docs": 40.0,
    "walks": 10.0,
    "shape": 10.0,
    "benchmarks": 10.0,
}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--budget", action="store_true", help="print the seconds each folder of tests took")


@pytest.fixture(autouse=True, scope="session")
def _own_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Trust, keys and the index of runs go to a folder of this session: a person's own are neither read nor changed."""
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        for name, folder in (
            ("XDG_CONFIG_HOME", "config"),
            ("XDG_DATA_HOME", "data"),
            ("XDG_STATE_HOME", "state"),
            ("XDG_CACHE_HOME", "cache"),
        ):
            patch.setenv(name, str(home / folder))
        for name in ("FLOWLOOM_STATE", "FLOWLOOM_ASCII", "VIRTUAL_ENV"):
            patch.delenv(name, raising=False)
        yield


def folder_of(nodeid: str) -> str:
    """The first folder under tests/ that a test belongs to, '.' for none: 'tests/engine/test_x.py::t' -> 'engine'."""
    parts = Path(nodeid.split("::", 1)[0]).parts
    inside = parts[parts.index("tests") + 1 :] if "tests" in parts else parts
    return inside[0] if len(inside) > 1 else "."


def _seconds_by_folder(reporter: pytest.TerminalReporter) -> dict[str, float]:
    seconds: dict[str, float] = defaultdict(float)
    for reports in reporter.stats.values():
        for report in reports:
            if isinstance(report, pytest.TestReport):
                seconds[folder_of(report.nodeid)] += report.duration
    return seconds


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if not config.getoption("--budget"):
        return
    terminalreporter.section("time per folder")
    for folder, seconds in sorted(_seconds_by_folder(terminalreporter).items()):
        allowed = BUDGET.get(folder, 10.0)
        remark = "  over its budget" if seconds > allowed else ""
        terminalreporter.write_line(f"{folder:<12}{seconds:7.1f} s of {allowed:5.0f} s{remark}")
