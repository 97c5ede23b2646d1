#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The benchmark's own promises: what it computes, prints and draws, and that docs/performance.* are of one run."""

from __future__ import annotations

import contextlib
import io
import json
import tempfile
import unittest
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import bars
import bench
import peers
import plot
import tables
import workspace

DOCS = Path(__file__).resolve().parents[2] / "docs"
SVG = "{http://www.w3.org/2000/svg}"

MACHINE = {
    "cores": 2,
    "cpu": "a processor",
    "memory_gib": 4,
    "kernel": "6.1",
    "system": "a system",
    "file_system": "ext4",
    "date": "2026-01-02",
    "peers": ["Redis 7"],
}


def load(name: str, in_flight: int, per_second: float, p50_us: float, p99_us: float) -> bars.Row:
    """A line of the load generator's, under our name for its scenario."""
    return {
        "name": name,
        "in_flight": in_flight,
        "per_second": per_second,
        "p50_us": p50_us,
        "p99_us": p99_us,
        "p999_us": None,
        "cpu_us_per_request": 50.0,
        "rss_peak_kib": 9216,
        "spawns_per_second": 2000.0,
    }


def whole_run() -> bars.Result:
    """A run in which every bar holds, but the one of replays, and nothing is missing."""
    return {
        "machine": MACHINE,
        "options": {"seconds": 5.0, "in_flight": [1, 64, 256], "stored": 1000},
        "notes": [],
        "base": [
            {"at": 1, "name": "verify", "threads": 1, "per_second": 20_000.0, "us": 50.0},
            {"at": 1, "name": "lmdb_commit", "keys": 1, "per_second": 4000.0, "commit_us": 250.0, "p99_us": 400.0},
            {"at": 1, "name": "round_trip", "us": 40.0},
            {"at": 256, "name": "verify", "threads": 1, "per_second": 20_000.0, "us": 50.0},
            {"at": 256, "name": "verify", "threads": 2, "per_second": 40_000.0},
        ],
        "ours": [
            load("signed", 1, 2500.0, 374.0, 600.0),
            load("signed", 64, 16_000.0, 4000.0, 8000.0),
            load("signed", 256, 24_000.0, 10_000.0, 20_000.0),
            load("demo", 64, 40_000.0, 1500.0, 3000.0),
            load("replay", 64, 90_000.0, 700.0, 1400.0),
            load("denied", 64, 30_000.0, 700.0, 1400.0),
        ],
        "peers": [load("postgresql", 64, 20_000.0, 3000.0, 9000.0), load("redis", 64, 60_000.0, 900.0, 2000.0)],
        "scale": {
            "stored": 1_000_000,
            "store_mib": 2000.0,
            "start_empty_ms": 20.0,
            "start_warm_ms": 21.0,
            "start_cold_ms": 90.0,
            "empty_per_second": 16_000.0,
            "stored_per_second": 12_000.0,
        },
        "memory": {"idle_kib": 7168, "connections": 10_000, "growth_kib": 6000, "growth_used_kib": 7000},
        "command": {
            "spawn": [load("command", 1, 200.0, 5000.0, 9000.0)],
            "pure_alone": load("signed", 16, 9000.0, 1700.0, 3000.0),
            "pure_beside": load("signed", 16, 8900.0, 1700.0, 3100.0),
        },
        "log": [{"mode": "demo", "entries": 1000, "per_second": 230_000.0, "proof_us": 36.0}],
        "instructions": [{"name": "signed", "instructions_per_request": 412_345.6}],
    }


def page_of(*names: str) -> str:
    return "# Head\n" + "\n".join(f"<!-- bench: {name} -->\nstale\n<!-- end -->" for name in names) + "\nTail\n"


class Percentiles(unittest.TestCase):
    def test_a_percentile_is_a_value_that_was_measured(self) -> None:
        values = [float(value) for value in range(1, 101)]
        self.assertEqual(bars.percentile(values, 0.5), 50)
        self.assertEqual(bars.percentile(values, 0.99), 99)
        self.assertEqual(bars.percentile(values, 0.999), 100)
        self.assertEqual(bars.percentile([7.0], 0.5), 7)
        self.assertEqual(bars.percentile([7.0], 0), 7)

    def test_of_no_values_there_is_no_percentile(self) -> None:
        with self.assertRaises(ValueError):
            bars.percentile([], 0.5)

    def test_means_leave_names_and_counts_alone(self) -> None:
        rows = [{"name": "x", "at": 1, "keys": 64, "per_second": rate, "dry": False} for rate in (10.0, 30.0)]
        mean = bars.mean_rows(rows)
        self.assertEqual(mean, {"name": "x", "at": 1, "keys": 64, "per_second": 20.0, "dry": False})
        self.assertIsInstance(mean["at"], int)


class Bars(unittest.TestCase):
    def bar(self, result: bars.Result, what: str) -> bars.Bar:
        return next(row for row in bars.bars(result) if what in row.what)

    def test_each_bar_divides_what_the_design_says(self) -> None:
        values = [row.value for row in bars.bars(whole_run())]
        expected = [0.6, 0.8, 40 / 60, 1.1, 2.0, 90_000, 0.75, 7.0, 0.6, 90.0]
        self.assertEqual(len(values), len(expected))
        for value, wanted in zip(values, expected, strict=True):
            self.assertAlmostEqual(value or 0, wanted)

    def test_a_bar_that_is_missed_says_so(self) -> None:
        met = [row.met for row in bars.bars(whole_run())]
        self.assertEqual(met, [True] * 5 + [False] + [True] * 4)

    def test_a_bar_without_its_figure_is_neither_met_nor_missed(self) -> None:
        result = whole_run()
        del result["peers"], result["scale"], result["memory"]
        for what in ("PostgreSQL", "Redis", "stored", "resident", "connections", "cold start"):
            row = self.bar(result, what)
            self.assertIsNone(row.met, what)
            self.assertEqual(row.figure, bars.NOT_MEASURED)
        self.assertTrue(all(row.met is None for row in bars.bars({})))

    def test_the_bar_on_all_cores_takes_the_rate_of_all_cores(self) -> None:
        result = whole_run()
        result["base"][-1]["per_second"] = 60_000.0
        self.assertAlmostEqual(self.bar(result, "all cores").value or 0, 0.4)
        self.assertFalse(self.bar(result, "all cores").met)


class Tables(unittest.TestCase):
    def test_figures_have_three_digits_or_all_before_the_point(self) -> None:
        for value, text in (
            (0.0, "0"),
            (0.6962, "0.696"),
            (0.9996, "1.00"),
            (9.99, "9.99"),
            (9.996, "10.0"),
            (99.96, "100"),
        ):
            self.assertEqual(bars.number(value), text)
        self.assertEqual(bars.number(1234567.8, " a second"), "1,234,568 a second")
        self.assertEqual(bars.number(None, " ms"), bars.NOT_MEASURED)

    def test_every_row_of_a_table_has_a_cell_for_each_column(self) -> None:
        for name, table in tables.tables(whole_run()).items():
            self.assertTrue(table.rows, name)
            for row in table.rows:
                self.assertEqual(len(row), len(table.head), row)

    def test_scenarios_stand_together_whatever_order_they_ran_in(self) -> None:
        result = whole_run()
        result["ours"].reverse()
        names = [row[0] for row in tables.figure_table(result).rows]
        self.assertEqual(names, sorted(names, key=names.index))
        self.assertEqual([row[1] for row in tables.figure_table(result).rows][:3], ["1", "64", "256"])

    def test_text_and_markdown_say_the_same(self) -> None:
        table = tables.Table(["", "a"], [["long name", "1"], ["x", "12,345"]])
        self.assertEqual(tables.as_text(table), "                a\nlong name       1\nx          12,345".strip("\n"))
        self.assertEqual(tables.as_markdown(table), "|  | a |\n| --- | --: |\n| long name | 1 |\n| x | 12,345 |")


class Page(unittest.TestCase):
    names = ("machine", *tables.tables(whole_run()))

    def test_filling_a_page_again_changes_nothing(self) -> None:
        filled = tables.fill_page(page_of(*self.names), whole_run())
        self.assertNotIn("stale", filled)
        self.assertTrue(filled.startswith("# Head\n") and filled.endswith("\nTail\n"))
        self.assertEqual(tables.fill_page(filled, whole_run()), filled)
        self.assertEqual(tables.fill_page(page_of(*self.names).replace("stale\n", ""), whole_run()), filled)

    def test_a_page_without_a_place_for_a_table_is_refused(self) -> None:
        for left_out in self.names:
            page = page_of(*(name for name in self.names if name != left_out))
            with self.assertRaises(ValueError):
                tables.fill_page(page, whole_run())
        unclosed = page_of(*self.names).replace("<!-- end -->", "", 1)
        with self.assertRaises(ValueError):
            tables.fill_page(unclosed, whole_run())


class Plot(unittest.TestCase):
    def test_the_plot_is_well_formed_named_and_holds_no_script(self) -> None:
        results: list[bars.Result] = [whole_run(), {}]
        for result in results:
            root = ElementTree.fromstring(plot.svg(result))
            self.assertEqual(root.tag, f"{SVG}svg")
            self.assertTrue(root.findtext(f"{SVG}title"))
            self.assertTrue(root.findtext(f"{SVG}desc"))
            self.assertEqual(root.findall(f".//{SVG}script"), [])

    def test_every_figure_is_a_point_inside_the_frame(self) -> None:
        result = whole_run()
        root = ElementTree.fromstring(plot.svg(result))
        lines = [line.attrib["points"].split() for line in root.iter(f"{SVG}polyline")]
        self.assertEqual(sorted(len(points) for points in lines), [1, 1, 1, 1, 1, 1, 3, 3])
        for x, y in (point.split(",") for points in lines for point in points):
            self.assertTrue(plot.LEFT <= float(x) <= plot.WIDTH - plot.RIGHT, x)
            self.assertTrue(plot.TOP <= float(y) <= plot.HEIGHT - plot.BOTTOM, y)

    def test_no_label_covers_a_point_or_another_label(self) -> None:
        taken = [plot.Box(395, 295, 405, 305)]
        for _ in range(30):  # more than there is room for
            plot.place(400, 300, "256", taken)
        self.assertGreater(len(taken), 4)
        for i, box in enumerate(taken):
            self.assertFalse(any(box.meets(other) for other in taken[:i]))

    def test_more_a_second_is_further_right_and_longer_is_higher(self) -> None:
        across = plot.axis([150, 9000], 0, 100)
        self.assertEqual((across.low, across.high), (100, 10_000))
        self.assertAlmostEqual(across.at(1000), 50)
        self.assertEqual(across.ticks(), [100, 300, 1000, 3000, 10_000])


class Readers(unittest.TestCase):
    def test_what_redis_prints_is_read_in_microseconds(self) -> None:
        text = (
            '"test","rps","avg_latency_ms","min_latency_ms","p50_latency_ms","p95_latency_ms","p99_latency_ms",'
            '"max_latency_ms"\n"SET key:__rand_int__ 1 NX","4545.25","0.200","0.100","0.215","0.300","0.351","2.400"\n'
        )
        row = peers.parse_redis(text)
        self.assertEqual(row["per_second"], 4545.25)
        self.assertAlmostEqual(row["p50_us"], 215)
        self.assertAlmostEqual(row["p99_us"], 351)

    def test_what_pgbench_prints_is_read_and_a_failed_transaction_is_an_error(self) -> None:
        text = (
            "number of transactions actually processed: 9581\nnumber of failed transactions: 0 (0.000%)\n"
            "latency average = 0.104 ms\ninitial connection time = 2.7 ms\ntps = 9603.250000 (without ...)\n"
        )
        self.assertEqual(peers.parse_pgbench(text), (9603.25, 9581))
        with self.assertRaises(workspace.BenchError):
            peers.parse_pgbench(text.replace("transactions: 0", "transactions: 3"))
        with self.assertRaises(workspace.BenchError):
            peers.parse_pgbench("")

    def test_a_log_of_pgbench_holds_its_latencies(self) -> None:
        self.assertEqual(peers.parse_pgbench_log("0 1 412 0 1769 9\n3 2 98 0 1769 10\n"), [412.0, 98.0])


class Options(unittest.TestCase):
    def test_only_a_whole_run_is_published(self) -> None:
        self.assertTrue(bench.arguments(["--publish"]).publish)
        for rest in (["--only", "base"], ["--soak"]):
            with self.assertRaises(SystemExit), contextlib.redirect_stderr(io.StringIO()):
                bench.arguments(["--publish", *rest])

    def test_an_earlier_run_can_be_published_again_and_nothing_else_is_asked_of_it(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            earlier, again = Path(folder) / "a.json", Path(folder) / "b.json"
            earlier.write_text(json.dumps(whole_run()))
            with contextlib.redirect_stdout(io.StringIO()) as shown:
                self.assertEqual(bench.main(["--from", str(earlier), "--json", str(again)]), 0)
            self.assertIn("90,000 a second   no", shown.getvalue())
            self.assertEqual(json.loads(again.read_text())["ours"], whole_run()["ours"])

    def test_numbers_in_flight_are_put_in_order(self) -> None:
        self.assertEqual(bench.arguments(["--in-flight", "64,1,64"]).in_flight, [1, 64])


class Published(unittest.TestCase):
    """docs/performance.json is what the page and the plot say."""

    def setUp(self) -> None:
        self.result = json.loads((DOCS / "performance.json").read_text())

    def test_the_tables_of_the_page_are_those_of_its_json(self) -> None:
        page = (DOCS / "performance.md").read_text()
        self.assertEqual(tables.fill_page(page, self.result), page)

    def test_the_plot_is_that_of_its_json(self) -> None:
        self.assertEqual(plot.svg(self.result), (DOCS / "performance.svg").read_text())

    def test_the_bars_in_the_json_are_those_of_its_figures(self) -> None:
        self.assertEqual(self.result["bars"], bars.bars_json(self.result))

    def test_a_published_run_has_every_bar_measured(self) -> None:
        for row in bars.bars(self.result):
            self.assertIsNotNone(row.met, row.what)


if __name__ == "__main__":
    unittest.main()
