# SPDX-License-Identifier: Apache-2.0
"""The tables on the screen and in docs/performance.md. Everything here is a function of the JSON alone, so that
the page can be checked against it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bars import Result, Row, bars, mean_rows, number, ratio

FIGURE_NAMES = {
    "signed": "signed, pure",
    "demo": "demo, pure",
    "replay": "replay, signed",
    "denied": "denied, signed",
    "signed_pipelined": "signed, pure, one connection",
    "replay_pipelined": "replay, signed, one connection",
    "payload": "signed, pure, payload of 1 MiB",
    "command": "signed, the command `true`",
    "postgresql": "PostgreSQL",
    "redis": "Redis",
}


# -- tables: a head and rows of cells


# Of fewer answers such a share is one answer or none.
ANSWERS_FOR_P99 = 200
ANSWERS_FOR_P999 = 2000


@dataclass(frozen=True)
class Table:
    head: list[str]
    rows: list[list[str]]


def met_text(met: bool | None) -> str:
    return "not measured" if met is None else "yes" if met else "no"


def bar_table(result: Result) -> Table:
    rows = [[row.what, row.bar, row.figure, met_text(row.met)] for row in bars(result)]
    return Table(["", "bar", "figure", "met"], rows)


def figure_table(result: Result) -> Table:
    """Scenarios by requests in flight, ours and theirs."""
    head = ["", "in flight", "a second", "p50 µs", "p99 µs", "p99.9 µs", "CPU µs a request", "peak MiB"]
    rows = []
    measured = [*result.get("ours", []), *result.get("peers", [])]
    order = list(FIGURE_NAMES)
    for row in sorted(measured, key=lambda row: (order.index(row["name"]), row["in_flight"])):
        peak = ratio(row.get("rss_peak_kib"), 1024)
        answers = row.get("answered") or ANSWERS_FOR_P999  # a peer's own program does not say
        cells = [
            row.get("per_second"),
            row.get("p50_us"),
            row.get("p99_us") if answers >= ANSWERS_FOR_P99 else None,
            row.get("p999_us") if answers >= ANSWERS_FOR_P999 else None,
            row.get("cpu_us_per_request"),
        ]
        rows.append([FIGURE_NAMES[row["name"]], str(row["in_flight"]), *(number(cell) for cell in cells), number(peak)])
    return Table(head, rows)


def base_name(row: Row) -> str:
    if row["name"] == "verify":
        cores = "one core" if row["threads"] == 1 else f"{row['threads']} cores"
        return f"libsodium verify, {cores}"
    if row["name"] == "lmdb_commit":
        return f"LMDB commit, {row['keys']} random key{'' if row['keys'] == 1 else 's'}"
    return {"sign": "libsodium sign", "round_trip": "round trip over a Unix socket"}.get(row["name"], row["name"])


def base_table(result: Result) -> Table:
    """What the pieces take alone, as measured beside ours with one request in flight: what the bar on p50 rests on."""
    base = result.get("base", [])
    groups: dict[str, list[Row]] = {}
    for row in base:
        if row["at"] == base[0]["at"]:
            groups.setdefault(base_name(row), []).append(row)
    rows = []
    for name, group in groups.items():
        row = mean_rows(group)
        us = row.get("us", row.get("commit_us"))
        rows.append([name, number(us), number(row.get("p99_us")), number(row.get("per_second", ratio(1e6, us)))])
    return Table(["alone", "µs, commits and round trips: median", "p99 µs", "a second, keys in a commit each"], rows)


def scale_rows(scale: Row) -> list[list[str]]:
    stored = scale["stored"]
    return [
        ["signed at 64 in flight, empty store", number(scale["empty_per_second"], " a second")],
        [f"the same, {stored:,} executions stored", number(scale["stored_per_second"], " a second")],
        [f"the store's file, {stored:,} executions", number(scale["store_mib"], " MiB")],
        ["start to READY, empty store", number(scale["start_empty_ms"], " ms")],
        [f"start to READY, {stored:,} executions, file in memory", number(scale["start_warm_ms"], " ms")],
        [f"start to READY, {stored:,} executions, file on disk alone", number(scale["start_cold_ms"], " ms")],
    ]


def command_rows(command: Row) -> list[list[str]]:
    rows = []
    for row in command["spawn"]:
        name = f"the command `true`, {row['in_flight']} in flight: plain `posix_spawn` ÷ ours"
        rows.append([name, number(ratio(row["spawns_per_second"], row["per_second"]), " times as many")])
    rows.append(["signed pure p99, 16 in flight", number(command["pure_alone"]["p99_us"], " µs")])
    rows.append(["the same beside 16 commands of 1 s each", number(command["pure_beside"]["p99_us"], " µs")])
    return rows


def memory_rows(memory: Row) -> list[list[str]]:
    connections = memory["connections"]
    each = " bytes each"
    return [
        ["resident memory, idle", number(memory["idle_kib"] / 1024, " MiB")],
        [
            f"private growth, {connections:,} idle connections",
            number(memory["growth_kib"] * 1024 / connections, each),
        ],
        ["the same after a request on each", number(memory["growth_used_kib"] * 1024 / connections, each)],
    ]


def log_rows(log: list[Row]) -> list[list[str]]:
    rows = []
    for row in log:
        mode = "demo" if row["mode"] == "demo" else "signed"
        rows.append([f"log verify, {row['entries']:,} {mode} entries", number(row["per_second"], " entries a second")])
        rows.append([f"a proof in a log of {row['entries']:,} {mode} entries", number(row["proof_us"], " µs")])
    return rows


def other_table(result: Result) -> Table:
    rows: list[list[str]] = []
    makers: list[tuple[str, Callable[[Any], list[list[str]]]]] = [
        ("scale", scale_rows),
        ("memory", memory_rows),
        ("command", command_rows),
        ("log", log_rows),
    ]
    for key, make in makers:
        if result.get(key):
            rows += make(result[key])
    for row in result.get("instructions", []):
        name = FIGURE_NAMES[row["name"]]
        rows.append([f"instructions a request, {name}", number(row["instructions_per_request"])])
    return Table(["", ""], rows)


def tables(result: Result) -> dict[str, Table]:
    """By the name of their place in the page."""
    return {
        "bars": bar_table(result),
        "figures": figure_table(result),
        "alone": base_table(result),
        "others": other_table(result),
    }


# -- on the screen and in the page


def machine_line(result: Result) -> str:
    machine, options = result["machine"], result["options"]
    peers = "".join(f", {version}" for version in machine["peers"])
    return (
        f"{machine['cores']} cores ({machine['cpu']}), {machine['memory_gib']} GiB, Linux {machine['kernel']}, "
        f"{machine['system']}, {machine['file_system']}{peers}; {options['seconds']:g} s a figure; {machine['date']}."
    )


def as_text(table: Table) -> str:
    """Columns under one another, numbers to the right."""
    lines = [table.head, *table.rows]
    widths = [max(len(line[i]) for line in lines) for i in range(len(table.head))]
    out = []
    for line in lines:
        cells = [
            cell.ljust(width) if i == 0 else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(line, widths, strict=True))
        ]
        out.append("  ".join(cells).rstrip())
    return "\n".join(out).strip("\n")


def as_markdown(table: Table) -> str:
    sides = ["---" if i == 0 else "--:" for i in range(len(table.head))]
    return "\n".join(f"| {' | '.join(line)} |" for line in [table.head, sides, *table.rows])


def fill_page(page: str, result: Result) -> str:
    """The page with this run's figures between its markers. A marker that is not there is an error."""
    blocks = {name: as_markdown(table) for name, table in tables(result).items()}
    blocks["machine"] = machine_line(result)
    for name, text in blocks.items():
        begin, end = f"<!-- bench: {name} -->\n", "<!-- end -->"
        head, found, rest = page.partition(begin)
        stale, closed, tail = rest.partition(end)
        if not found or not closed or "<!--" in stale:
            raise ValueError(f"the page has no place for {name!r}")
        page = f"{head}{begin}{text}\n{end}{tail}"
    return page
