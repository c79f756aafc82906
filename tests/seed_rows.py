"""Print which rows of the design are shown by tests, and which are not yet: `make seed`.

The design that Flowloom implements is a list of numbered rows, S1 to S274 (docs/seed.md names them). A test that
shows a row carries `@pytest.mark.seed("S42")`. This script collects all tests, also those left out of `make test`,
runs none, and counts. With names of rows as arguments it lists the tests that show them.
"""

from __future__ import annotations

import contextlib
import io
import re
import sys
from collections import defaultdict
from pathlib import Path

import pytest

ROWS = [f"S{number}" for number in range(1, 275)]
TABLE = Path(__file__).parents[1] / "docs" / "seed.md"


class Collected:
    """A pytest plugin that writes down which tests carry which rows."""

    def __init__(self) -> None:
        self.tests: dict[str, list[str]] = defaultdict(list)
        self.troubles: list[str] = []

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        for item in items:
            for mark in item.iter_markers("seed"):
                for row in mark.args:
                    self.tests[str(row)].append(item.nodeid)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self.troubles.append(report.nodeid)


def collect() -> Collected:
    collected = Collected()
    with contextlib.redirect_stdout(io.StringIO()):
        pytest.main(
            ["--collect-only", "-q", "-p", "no:xdist", "-m", "", str(Path(__file__).parent)], plugins=[collected]
        )
    return collected


def titles() -> dict[str, str]:
    """What docs/seed.md calls each row, empty where the page or the row is missing."""
    if not TABLE.exists():
        return {}
    row = re.compile(r"^\| (S\d+) \| (.+?) \|", re.MULTILINE)
    return dict(row.findall(TABLE.read_text("utf-8")))


def spans(rows: list[str]) -> str:
    """Row names with neighbours drawn together: ['S1', 'S2', 'S3', 'S9'] -> 'S1-S3 S9'."""
    numbers = sorted(int(row[1:]) for row in rows)
    parts: list[list[int]] = []
    for number in numbers:
        if parts and number == parts[-1][-1] + 1:
            parts[-1].append(number)
        else:
            parts.append([number])
    return " ".join(f"S{part[0]}" if len(part) == 1 else f"S{part[0]}-S{part[-1]}" for part in parts)


def main(asked: list[str]) -> int:
    collected = collect()
    shown = [row for row in ROWS if row in collected.tests]
    missing = [row for row in ROWS if row not in collected.tests]
    strangers = sorted(set(collected.tests) - set(ROWS))
    names = titles()
    for row in asked:
        print(f"{row} {names.get(row, '')}".rstrip())
        for test in collected.tests.get(row, ["no test shows it"]):
            print(f"    {test}")
    if asked:
        return 0
    print(f"shown by tests: {len(shown)} of {len(ROWS)} rows, by {sum(map(len, collected.tests.values()))} marks")
    print(f"  {spans(shown) or 'none'}")
    print(f"not shown: {len(missing)}")
    for row in missing:
        print(f"  {row} {names.get(row, '')}".rstrip())
    for row in strangers:
        print(f"no such row: {row}, marked on {collected.tests[row][0]}")
    for place in collected.troubles:
        print(f"cannot be collected: {place}")
    return 1 if strangers or collected.troubles else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
