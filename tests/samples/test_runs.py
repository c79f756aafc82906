"""Every sample runs through the real command, in a copy, and its answers are the known ones."""

from __future__ import annotations

import json
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

COMMAND = Path(sys.executable).with_name("flowloom")


def run(folder: Path, *options: str) -> dict[str, Any]:
    """Run a sample with `flowloom run --json`; the document that it prints."""
    told = subprocess.run(
        [str(COMMAND), "run", str(folder), "--json", *options],
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    assert told.returncode == 0, told.stderr
    document: dict[str, Any] = json.loads(told.stdout)
    assert document["state"] == "completed"
    return document


def states(document: dict[str, Any]) -> set[str]:
    return {node["state"] for node in document["nodes"].values()}


def test_penguins_prints_its_figures_and_leaves_a_report(copy_of: Callable[[str], Path]) -> None:
    folder = copy_of("penguins")
    document = run(folder)
    figures = document["nodes"]["summary"]["result"]
    assert figures["penguins"] == {"Adelie": 151, "Chinstrap": 68, "Gentoo": 123}
    assert (figures["kept"], figures["read"]) == (342, 344)
    assert figures["grams_per_flipper_mm"] == pytest.approx(49.69)
    assert figures["r2"] == pytest.approx(0.759)
    assert states(document) == {"completed"}
    assert document["nodes"]["load"]["level"] == 0
    assert "342" in (folder / "out" / "report.html").read_text("utf-8")
    with tarfile.open(folder / "out" / "penguins.tgz") as packed:
        assert {"report.html", "summary.txt", "charts/mass.svg"} <= set(packed.getnames())


def test_penguins_of_one_island_without_packing(copy_of: Callable[[str], Path]) -> None:
    folder = copy_of("penguins")
    document = run(folder, "-p", "island=Dream", "-p", "pack=false", "-p", "resamples=50")
    assert document["nodes"]["pack"]["state"] == "skipped"
    assert document["nodes"]["summary"]["result"]["penguins"] == {"Adelie": 56, "Chinstrap": 68, "Gentoo": 0}
    assert document["params"]["island"] == "Dream"
    assert not (folder / "out" / "penguins.tgz").exists()


def test_a_broken_table_stops_penguins_with_the_line_to_blame(copy_of: Callable[[str], Path]) -> None:
    folder = copy_of("penguins")
    table = folder / "data" / "penguins.csv"
    table.write_text(table.read_text().replace("Adelie,Torgersen,39.1,", "Adelie,Torgersen,3910,", 1))
    told = subprocess.run(
        [str(COMMAND), "run", str(folder), "--json"], capture_output=True, text=True, timeout=90, check=False
    )
    assert told.returncode == 1
    nodes = json.loads(told.stdout)["nodes"]
    assert nodes["validate"]["state"] == "failed"
    assert "line 2: bill_length_mm is 3910" in json.dumps(nodes["validate"]["error"])
    assert nodes["report"]["state"] == "skipped"
    assert "line 2: bill_length_mm is 3910" in told.stderr
    assert "Traceback" not in told.stderr


def test_release_builds_a_program_that_runs_and_sums_that_agree(copy_of: Callable[[str], Path]) -> None:
    folder = copy_of("release")
    document = run(folder)
    assert document["nodes"]["smoke"]["result"] == ["     3 owl", "     2 auk", "     1 skua"]
    assert set(document["nodes"]["checksums"]["result"]) == {"tally-1.2.0.pyz", "tally-1.2.0.tar.gz"}
    import hashlib

    for line in (folder / "out" / "SHA256SUMS").read_text().splitlines():
        digest, name = line.split("  ")
        assert hashlib.sha256((folder / "out" / name).read_bytes()).hexdigest() == digest
    with tarfile.open(folder / "out" / "tally-1.2.0.tar.gz") as packed:
        assert "src/tally/counting.py" in packed.getnames()
        assert not [name for name in packed.getnames() if "__pycache__" in name]


def test_release_stops_where_a_test_of_the_program_fails(copy_of: Callable[[str], Path]) -> None:
    folder = copy_of("release")
    source = folder / "src" / "tally" / "counting.py"
    source.write_text(source.read_text().replace("-pair[1]", "pair[1]"))
    told = subprocess.run(
        [str(COMMAND), "run", str(folder), "--json"], capture_output=True, text=True, timeout=90, check=False
    )
    nodes = json.loads(told.stdout)["nodes"]
    assert told.returncode == 1
    assert nodes["tests"]["state"] == "failed"
    assert nodes["build"]["state"] == "skipped"
    assert not (folder / "out" / "SHA256SUMS").exists()


def test_sweep_finds_by_loops_what_theory_says(copy_of: Callable[[str], Path]) -> None:
    folder = copy_of("sweep")
    document = run(folder)
    assert document["nodes"]["compare"]["result"]["largest_error"] < 0.002
    rates = document["nodes"]["attack"]["result"]
    assert len(rates) == 36
    assert rates[0] == pytest.approx(0.4228, abs=0.02), "one dose of nothing: the final size of an epidemic with r0 1.3"
    drawing = ElementTree.parse(folder / "out" / "heatmap.svg")
    assert len(drawing.findall(".//{*}rect")) == 37


def test_wide_runs_a_thousand_nodes_and_agrees_with_the_formula(copy_of: Callable[[str], Path]) -> None:
    document = run(copy_of("wide"))
    assert len(document["nodes"]) == 1000
    assert states(document) == {"completed"}
    last = 2_000_000
    assert document["nodes"]["check"]["result"] == last * (last + 1) * (2 * last + 1) // 6


def test_the_thousand_nodes_are_what_the_generator_writes(copy_of: Callable[[str], Path]) -> None:
    folder = copy_of("wide")
    told = subprocess.run(
        [sys.executable, "generate.py"], cwd=folder, capture_output=True, text=True, timeout=30, check=True
    )
    assert told.stdout == (folder / "project.toml").read_text()


def test_montecarlo_answers_lie_near_what_is_known(copy_of: Callable[[str], Path]) -> None:
    figures = run(copy_of("montecarlo"), "-p", "draws=2000")["nodes"]["answer"]["result"]
    assert figures["batches"] == 200
    for name in ("pi", "option"):
        assert abs(figures[name]["found"] - figures[name]["exact"]) < 5 * figures[name]["error"]


@pytest.mark.parametrize("template", ["python", "shell"])
def test_a_new_project_runs_at_once(template: str, tmp_path: Path) -> None:
    made = subprocess.run(
        [str(COMMAND), "new", "first", "--template", template],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert made.returncode == 0, made.stderr
    text = (tmp_path / "first" / "project.toml").read_text()
    assert 'name = "first"' in text
    assert "__NAME__" not in text
    assert states(run(tmp_path / "first")) == {"completed"}


def test_montecarlo_gives_the_same_answers_on_two_agents(copy_of: Callable[[str], Path]) -> None:
    folder = copy_of("montecarlo")
    here = run(folder, "-p", "draws=500", "-p", "batches=20")
    there = run(folder, "-p", "draws=500", "-p", "batches=20", "--executor", "agents", "-j", "2")
    assert there["nodes"]["answer"]["result"] == here["nodes"]["answer"]["result"]
