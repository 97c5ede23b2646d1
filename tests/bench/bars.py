# SPDX-License-Identifier: Apache-2.0
"""The bars of the design, out of a run's figures, and the arithmetic on them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

Row = dict[str, Any]
Result = dict[str, Any]

NOT_MEASURED = "–"


def percentile(ordered: Sequence[float], share: float) -> float:
    """The value that `share` of a sorted sequence stays at or under; of several, the nearest rank."""
    if not ordered:
        raise ValueError("no values")
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def mean_rows(rows: Sequence[Row]) -> Row:
    """One row out of several of the same thing: means of what was measured, the first one's names and counts."""
    keys = {"at", "in_flight", "keys", "threads", "connections"}
    out = dict(rows[0])
    for key, value in rows[0].items():
        if key not in keys and isinstance(value, (int, float)) and not isinstance(value, bool):
            out[key] = sum(row[key] for row in rows) / len(rows)
    return out


def find(rows: Iterable[Row], **wanted: object) -> Row | None:
    """The first row with those values."""
    return next((row for row in rows if all(row.get(key) == value for key, value in wanted.items())), None)


def ratio(above: float | None, below: float | None) -> float | None:
    return None if above is None or not below else above / below


def number(value: float | None, unit: str = "") -> str:
    """A figure for people: three digits, or as many as there are before the point, and thousands apart."""
    if value is None:
        return NOT_MEASURED
    magnitude = abs(value)
    digits = 0 if magnitude >= 99.95 or value == 0 else 1 if magnitude >= 9.995 else 2 if magnitude >= 0.9995 else 3
    return f"{value:,.{digits}f}{unit}"


# -- bars


@dataclass(frozen=True)
class Bar:
    """A bar of the design, its figure in this run, and whether it holds; None where it was not measured."""

    what: str
    bar: str
    figure: str
    value: float | None
    met: bool | None


def at_least(what: str, limit: float, value: float | None, unit: str = "") -> Bar:
    met = None if value is None else value >= limit
    return Bar(what, f"≥ {limit:,g}{unit}", number(value, unit), value, met)


def at_most(what: str, limit: float, value: float | None, unit: str = "") -> Bar:
    met = None if value is None else value <= limit
    return Bar(what, f"≤ {limit:,g}{unit}", number(value, unit), value, met)


def of(row: Row | None, key: str) -> float | None:
    return None if row is None else row.get(key)


def one_by_one_us(base: list[Row]) -> float | None:
    """A check, a commit of one key and a round trip, each measured alone, one after another."""
    parts = [
        of(find(base, at=1, name="verify", threads=1), "us"),
        of(find(base, at=1, name="lmdb_commit", keys=1), "commit_us"),
        of(find(base, at=1, name="round_trip"), "us"),
    ]
    known = [part for part in parts if part is not None]
    return sum(known) if len(known) == len(parts) else None


def bars(result: Result) -> list[Bar]:
    """The table of the design, filled."""
    base, ours, peers = result.get("base", []), result.get("ours", []), result.get("peers", [])
    scale, memory = result.get("scale", {}), result.get("memory", {})

    def rate(name: str, in_flight: int, rows: list[Row] = ours) -> float | None:
        return of(find(rows, name=name, in_flight=in_flight), "per_second")

    verifies = [row for row in base if row.get("at") == 256 and row["name"] == "verify"]
    verify = max(verifies, key=lambda row: int(row["threads"]))["per_second"] if verifies else None
    at_64 = find(ours, name="signed", in_flight=64)
    stored = scale.get("stored")
    executions = "stored executions" if stored is None else f"{stored:,} executions stored"
    growth = ratio(memory.get("growth_kib"), memory.get("connections"))
    connections = memory.get("connections", 10_000)
    against_postgresql = ratio(rate("signed", 64), rate("postgresql", 64, peers))
    against_redis = ratio(rate("demo", 64), rate("redis", 64, peers))
    alone = ratio(of(find(ours, name="signed", in_flight=1), "p50_us"), one_by_one_us(base))
    full = ratio(scale.get("stored_per_second"), scale.get("empty_per_second"))
    idle = ratio(memory.get("idle_kib"), 1024)
    return [
        at_least("signed at 256 in flight ÷ libsodium verify on all cores", 0.5, ratio(rate("signed", 256), verify)),
        at_least("signed at 64 in flight ÷ PostgreSQL insert at 64", 0.8, against_postgresql),
        at_least("demo at 64 in flight ÷ Redis SET NX, appendfsync always, at 64", 0.5, against_redis),
        at_most("signed p50 at 1 in flight ÷ (verify + an LMDB commit + a round trip, each alone)", 1.3, alone),
        at_most("signed p99 ÷ p50 at 64 in flight", 3, ratio(of(at_64, "p99_us"), of(at_64, "p50_us"))),
        at_least("replays at 64 in flight, or the socket's limit", 100_000, rate("replay", 64), " a second"),
        at_least(f"signed at 64 in flight with {executions} ÷ with an empty store", 0.7, full),
        at_most("resident memory, idle", 8, idle, " MiB"),
        at_most(f"private growth under {connections:,} idle connections", 4, growth, " KiB each"),
        at_most(f"cold start with {executions}, to READY", 200, scale.get("start_cold_ms"), " ms"),
    ]


def bars_json(result: Result) -> list[Row]:
    return [asdict(row) for row in bars(result)]
