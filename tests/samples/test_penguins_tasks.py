"""The steps of the penguins sample, called as the plain functions they are."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from types import ModuleType

VOID = {"meta", "br", "img", "link", "hr", "input"}


@pytest.fixture
def step(copy_of: Callable[[str], Path], module_of: Callable[[Path, str], ModuleType]) -> Callable[[str], Any]:
    """A function of the sample by its reference: 'table:load'."""
    folder = copy_of("penguins")

    def find(reference: str) -> Any:
        module, function = reference.split(":")
        return getattr(module_of(folder, module), function)

    return find


@pytest.fixture
def rows(step: Callable[[str], Any]) -> list[dict[str, Any]]:
    return step("table:load")("data/penguins.csv")


def test_all_344_rows_of_the_table_are_read(step, rows) -> None:
    assert len(rows) == 344
    assert rows[0]["flipper_length_mm"] == 181.0
    assert rows[3]["body_mass_g"] is None
    assert step("table:validate")(rows) == {
        "rows": 344,
        "missing": {
            "bill_length_mm": 2,
            "bill_depth_mm": 2,
            "flipper_length_mm": 2,
            "body_mass_g": 2,
            "sex": 11,
        },
    }


def test_a_value_that_cannot_be_is_named_with_its_line(step, rows) -> None:
    rows[10]["body_mass_g"] = 34.0
    rows[11]["species"] = "Emperor"
    with pytest.raises(
        ValueError, match=r"2 bad values; line 12: body_mass_g is 34.*line 13: unknown species 'Emperor'"
    ):
        step("table:validate")(rows)


def test_rows_without_a_measure_are_dropped_and_one_island_can_be_chosen(step, rows) -> None:
    whole = step("table:clean")(rows)
    assert (whole["kept"], whole["dropped"]) == (342, 2)
    dream = step("table:clean")(rows, "Dream")
    assert {row["island"] for row in dream["rows"]} == {"Dream"}


def test_species_are_described_with_the_published_means(step, rows) -> None:
    clean = step("table:clean")(rows)["rows"]
    counts = {name: step("describe:describe")(clean, name) for name in ("Adelie", "Chinstrap", "Gentoo")}
    assert {name: one["count"] for name, one in counts.items()} == {"Adelie": 151, "Chinstrap": 68, "Gentoo": 123}
    assert counts["Gentoo"]["measures"]["body_mass_g"]["mean"] == pytest.approx(5076.0, abs=0.05)
    assert counts["Chinstrap"]["mass_by_sex"]["female"] == pytest.approx(3527.2, abs=0.05)


def test_a_species_that_is_not_there_has_no_figures(step) -> None:
    described = step("describe:describe")([], "Gentoo")
    assert described["count"] == 0
    assert described["measures"]["body_mass_g"]["mean"] is None


def test_lines_agree_with_the_least_squares_of_numpy(step, rows) -> None:
    import numpy

    clean = step("table:clean")(rows)["rows"]
    line = step("fits:fit_lines")(clean, "flipper_length_mm", "body_mass_g")["lines"]["all"]
    xs = numpy.array([row["flipper_length_mm"] for row in clean])
    ys = numpy.array([row["body_mass_g"] for row in clean])
    slope, intercept = numpy.polyfit(xs, ys, 1)
    assert line["slope"] == pytest.approx(slope)
    assert line["intercept"] == pytest.approx(intercept)
    assert line["r2"] == pytest.approx(numpy.corrcoef(xs, ys)[0, 1] ** 2)


def test_bills_of_each_species_slope_the_other_way_than_all_together(step, rows) -> None:
    clean = step("table:clean")(rows)["rows"]
    lines = step("fits:fit_lines")(clean, "bill_length_mm", "bill_depth_mm")["lines"]
    assert lines["all"]["slope"] < 0
    assert all(lines[name]["slope"] > 0 for name in ("Adelie", "Chinstrap", "Gentoo"))


def test_too_few_penguins_for_a_line_are_refused_with_the_remedy(step, rows) -> None:
    with pytest.raises(ValueError, match=r"3 penguins are too few.*min_rows"):
        step("fits:fit_lines")(rows[:3], "flipper_length_mm", "body_mass_g")


def test_the_bootstrap_is_the_same_for_the_same_seed_and_holds_the_slope(step, rows) -> None:
    clean = step("table:clean")(rows)["rows"]
    draw = step("fits:bootstrap_slope")
    first = draw(clean, "flipper_length_mm", "body_mass_g", 200, 7)
    assert first == draw(clean, "flipper_length_mm", "body_mass_g", 200, 7)
    assert first["low"] < 49.69 < first["high"]


@pytest.mark.parametrize("island", ["all", "Torgersen"])
def test_the_report_is_whole_and_its_charts_are_drawings(step, rows, island: str) -> None:
    quality = step("table:validate")(rows)
    clean = step("table:clean")(rows, island)
    species = [step("describe:describe")(clean["rows"], name) for name in ("Adelie", "Chinstrap", "Gentoo")]
    mass = step("fits:fit_lines")(clean["rows"], "flipper_length_mm", "body_mass_g")
    bills = step("fits:fit_lines")(clean["rows"], "bill_length_mm", "bill_depth_mm")
    certainty = step("fits:bootstrap_slope")(clean["rows"], "flipper_length_mm", "body_mass_g", 50, 1)
    charts = [
        step("charts:scatter")(clean["rows"], mass, "out/mass.svg", "flipper, mm", "mass, g"),
        step("charts:scatter")(clean["rows"], bills, "out/bills.svg", "length <mm>", "depth, mm"),
        step("charts:histograms")(clean["rows"], "out/spread.svg", "body_mass_g", "mass, g"),
    ]
    figures = step("report:summarize")(344, clean["kept"], species, mass, bills, certainty, "out/summary.txt")
    page = step("report:write_html")(figures, species, quality, clean["dropped"], "42", charts, "out/r.html", island)

    from pathlib import Path

    dots = [len(ElementTree.parse(chart).findall(".//{*}circle[@class='dot']")) for chart in charts]
    assert dots == [clean["kept"], clean["kept"], 0]
    assert f"{clean['kept']} of 344 penguins" in Path("out/summary.txt").read_text()
    text = Path(page).read_text()
    assert "<!-- " not in text, "every mark of the page is filled"
    assert open_tags(text) == []


def open_tags(page: str) -> list[str]:
    """The tags that a page opens and does not close in order."""
    stack: list[str] = []

    class Tags(HTMLParser):
        def handle_starttag(self, tag: str, attrs: object) -> None:
            if tag not in VOID:
                stack.append(tag)

        def handle_endtag(self, tag: str) -> None:
            assert stack[-1:] == [tag], f"</{tag}> closes {stack[-1:]} in line {self.getpos()[0]}"
            stack.pop()

        def handle_startendtag(self, tag: str, attrs: object) -> None:
            pass

    Tags().feed(page)
    return stack
