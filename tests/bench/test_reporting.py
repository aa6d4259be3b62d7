"""What benchmarks found is told alike in tables, pictures and the README."""

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from bench import growth, keeping, peers
from bench.drawing import Axis, Bar, Panel, bars, charts
from bench.measuring import Sample, median_of
from bench.reporting import Outcome, Rows, kept_in

TITLES = {"lading": "Lading", "limit": "The limit: ASGI + asyncpg"}


def sample(per_second: float, **told: float) -> Sample:
    return Sample(
        per_second, told.get("p50", 1.0), 2.0, told.get("cpu", 0.5), 0.25, 2_000, int(told.get("failures", 0))
    )


def found(**told: str) -> Outcome:
    return Outcome(
        name="reads",
        title=told.get("title", "Reads"),
        told="One run.",
        tables=[Rows("20 products", ("server", "requests/s"), [("Lading", "100")])],
        summary=["| server | requests/s |", "|---|---|", "| Lading | 100 |"],
        figures={"products": 100},
        picture=told.get("picture", ""),
    )


class TestAxis:
    def test_has_equal_steps_for_equal_ratios(self):
        axis = Axis(1, 10_000, 400)
        assert [round(axis.place(value)) for value in (1, 10, 100, 10_000)] == [0, 100, 200, 400]

    @pytest.mark.parametrize("values", [(20, 100, 1_000), (0.2, 0.3), (5.0,), (1, 1_000_000), (0.0,)])
    def test_has_some_round_lines_and_not_too_many(self, values: tuple[float, ...]):
        axis = Axis.over(values, 100)
        assert 1 <= len(axis.ticks()) <= 8
        assert axis.high / axis.low >= 9.99
        assert all(axis.low <= tick <= axis.high for tick in axis.ticks())
        assert all(0 <= axis.place(value) <= 100 for value in values)


class TestPictures:
    def test_are_well_formed_and_know_dark_pages(self):
        lines = {"lading": [(20, 5_000.0), (1_000, 100.0)], "limit": [(20, 6_000.0)]}
        for picture in (
            bars({"A & B": [Bar("lading", "Lading", 1.0, "100/s")]}),
            charts({"A & B": [Panel("requests/s", lines)]}, TITLES),
        ):
            ElementTree.fromstring(picture)  # noqa: S314 — we have just written it.
            assert "prefers-color-scheme:dark" in picture
            assert "A &amp; B" in picture

    def test_have_a_line_a_server_and_a_point_a_size(self):
        lines = {"lading": [(20, 5_000.0), (1_000, 100.0)], "limit": [(20, 6_000.0)]}
        picture = charts({"Products": [Panel("requests/s", lines)]}, TITLES)
        assert picture.count("<polyline") == 2
        assert picture.count("<circle") == 3


class TestPeers:
    def test_are_summed_up_by_ratios(self):
        figures = {"products": {"lading": sample(90), "limit": sample(100)}}
        (line,) = peers.summary(figures, TITLES).lines
        assert line == ["20 products", "90", "100", "0.90"]

    def test_are_told_which_bars_are_missed_and_by_what(self):
        figures = {
            "products": {"lading": sample(80), "limit": sample(100)},
            "orders": {"lading": sample(90), "limit": sample(100), "stock_strawberry": sample(2)},
        }
        limit, stock = peers.verdicts(figures, {**TITLES, "stock_strawberry": "Stock Strawberry"})
        assert limit.endswith("of the limit: missed by 20 products (0.80).")
        assert stock.endswith("of Stock Strawberry: kept, with 45.00 at least.")

    def test_have_the_median_of_their_rounds(self):
        middle = median_of([sample(10, failures=1), sample(30), sample(20, failures=2)])
        assert (middle.per_second, middle.failures) == (20, 3)


class TestGrowth:
    def test_is_summed_up_by_size(self):
        sizes = {20: {"lading": sample(90, cpu=1.0), "limit": sample(100)}, 100: {"lading": sample(50)}}
        lines = growth.summary("rows", {"Products": sizes}, TITLES).lines
        assert [line[0] for line in lines] == ["Products, 20", "Products, 100"]
        assert [line[-1] for line in lines] == ["0.90", ""]
        assert lines[0][4] == "1.25"

    def test_leaves_out_of_a_line_what_was_not_measured(self):
        sizes = {20: {"lading": sample(90), "limit": sample(100)}, 100: {"lading": sample(50)}}
        rates = growth.panels(sizes, "rows")[0].lines
        assert {name: len(line) for name, line in rates.items()} == {"lading": 2, "limit": 1}


class TestKept:
    def test_results_are_told_in_the_readme(self, tmp_path: Path):
        list(kept_in(tmp_path, found(picture="<svg/>")))
        text = keeping.filled(f"Before\n{keeping.BEGINS}\nold\n{keeping.ENDS}\nAfter\n", tmp_path)
        assert "old" not in text
        assert "| Lading | 100 |" in text
        assert "![Reads](bench/results/reads.svg)" in text
        assert text.startswith("Before\n")
        assert text.endswith("After\n")
        assert keeping.filled(text, tmp_path) == text

    def test_results_have_the_figures_as_data(self, tmp_path: Path):
        list(kept_in(tmp_path, found()))
        assert json.loads((tmp_path / "reads.json").read_text())["figures"] == {"products": 100}
        assert not (tmp_path / "reads.svg").exists()
