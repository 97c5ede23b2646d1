#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The benchmark: what the daemon does a second and how long it takes, beside what else makes durable claims on the same
machine in the same run. A bar that is missed fails nothing; a wrong answer does.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import platform
import shutil
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

import measure
import plot
import sizes
import tables
from bars import Result, bars_json
from peers import PostgreSQL, Redis
from workspace import BenchError, Row, Workspace

ROOT = Path(__file__).resolve().parents[2]
GROUPS = ("base", "ours", "peers", "scale", "command", "log", "memory", "instructions")
PAGE, PUBLISHED_JSON, PUBLISHED_SVG = (ROOT / "docs" / f"performance.{kind}" for kind in ("md", "json", "svg"))


def positive(text: str) -> float:
    value = float(text)
    if not 0 < value < 1e9:
        raise argparse.ArgumentTypeError("must be above 0")
    return value


def whole(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError("must be 1 or more")
    return value


def whole_list(text: str) -> list[int]:
    return sorted({whole(part) for part in text.split(",")})


def group_list(text: str) -> list[str]:
    names = text.split(",")
    unknown = [name for name in names if name not in GROUPS]
    if unknown:
        raise argparse.ArgumentTypeError(f"no group {', '.join(unknown)}; there are {', '.join(GROUPS)}")
    return names


def arguments(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./dev bench", description=__doc__)
    parser.add_argument("--seconds", type=positive, default=5.0, metavar="N", help="how long each figure takes (5)")
    parser.add_argument(
        "--in-flight", type=whole_list, default=[1, 16, 64, 256], metavar="A,B,...", help="requests at one time"
    )
    parser.add_argument(
        "--stored", type=whole, default=1_000_000, metavar="N", help="executions in the full store (1000000)"
    )
    parser.add_argument(
        "--only", type=group_list, default=list(GROUPS), metavar="NAME,...", help=f"groups of {', '.join(GROUPS)}"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything measured")
    parser.add_argument("--svg", type=Path, metavar="FILE", help="write the plot")
    parser.add_argument(
        "--publish", action="store_true", help="write docs/performance.json, its plot, and the page's tables"
    )
    parser.add_argument("--from", dest="earlier", type=Path, metavar="FILE", help="show an earlier run's JSON instead")
    parser.add_argument("--soak", action="store_true", help="one long load in each mode instead")
    parser.add_argument(
        "--build", type=Path, default=ROOT / "build/release", metavar="DIR", help="where the programs are"
    )
    parser.add_argument(
        "--dir",
        type=Path,
        default=Path(os.environ.get("TMPDIR", ROOT / "build")),
        metavar="DIR",
        help="where the stores go, on the disk to measure ($TMPDIR, else build)",
    )
    out = parser.parse_args(argv)
    if out.publish and (set(out.only) != set(GROUPS) or out.soak):
        parser.error("only a whole run is published: leave --only and --soak")
    if out.soak and out.earlier:
        parser.error("--soak measures: leave --from")
    return out


def first_value(path: str, separator: str, name: str) -> str | None:
    """The value of the first `name` in a file of names and values."""
    for line in Path(path).read_text().splitlines():
        key, _, value = line.partition(separator)
        if key.strip() == name:
            return value.strip().strip('"')
    return None


def machine(space: Workspace) -> Row:
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return {
        "cores": os.cpu_count(),
        "cpu": first_value("/proc/cpuinfo", ":", "model name") or platform.machine(),
        "memory_gib": round(pages / (1 << 30)),
        "kernel": platform.release(),
        "system": first_value("/etc/os-release", "=", "PRETTY_NAME") or "Linux",
        "file_system": space.file_system,
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "peers": [],
    }


def run(space: Workspace, options: argparse.Namespace) -> Result:
    """Every group that was asked for."""
    result: Result = {
        "machine": machine(space),
        "options": {"seconds": options.seconds, "in_flight": options.in_flight, "stored": options.stored},
        "notes": [],
    }
    wanted, seconds = set(options.only), options.seconds

    def note(text: str) -> None:
        result["notes"].append(text)
        measure.say(text)

    peers: list[measure.Peer] = []
    known: list[measure.Peer] = [PostgreSQL(space, max(options.in_flight)), Redis(space)]
    for peer in known if "peers" in wanted else ():
        missing = peer.missing()
        if missing is None:
            peers.append(peer)
            result["machine"]["peers"].append(peer.version())
        else:
            note(f"{peer.name} is left out: apt install {missing}")
    if wanted & {"base", "ours", "peers"}:
        result |= measure.side_by_side(
            space, options.in_flight, seconds, with_base="base" in wanted, with_ours="ours" in wanted, peers=peers
        )
    if "ours" in wanted:
        result["ours"] += measure.pipelined(space, seconds) + measure.big_payloads(space, seconds)
    if "command" in wanted:
        result["command"] = measure.commands(space, seconds)
        result.setdefault("ours", []).extend(result["command"]["spawn"])
    if "memory" in wanted:
        result["memory"] = sizes.memory(space)
        if result["memory"]["connections"] < sizes.IDLE_CONNECTIONS:
            note(f"only {result['memory']['connections']} connections: the hard limit of open files is too low")
    if "instructions" in wanted:
        if shutil.which("valgrind"):
            result["instructions"] = sizes.instructions(space)
        else:
            note("instructions are left out: apt install valgrind")
    if "log" in wanted:
        result["log"] = sizes.log_verify(space, options.stored)
    if "scale" in wanted:
        result["scale"] = sizes.scale(space, options.stored, seconds)
    return result


def rounded(value: Any) -> Any:
    """The same with no more digits than a measurement has."""
    if isinstance(value, float):
        return round(value, 3)
    if isinstance(value, list):
        return [rounded(item) for item in value]
    return {key: rounded(item) for key, item in value.items()} if isinstance(value, dict) else value


def show(result: Result) -> None:
    measure.say(f"\n{tables.machine_line(result)}")
    for name in ("figures", "alone", "others", "bars"):
        table = tables.tables(result)[name]
        if table.rows:
            measure.say(f"\n{tables.as_text(table)}")
    for text in result["notes"]:
        measure.say(f"\nnote: {text}")


def stop(number: int, _frame: FrameType | None) -> NoReturn:
    signal.signal(number, signal.SIG_IGN)  # once is enough: what follows cleans up
    raise SystemExit(1)


def measured(options: argparse.Namespace) -> Result:
    """A run, in a folder that is gone after it."""
    with Workspace(options.build.resolve(), options.dir) as space:
        measure.say(f"in {space.path}, {space.file_system}")
        if space.file_system == "tmpfs":
            measure.say("note: that is memory, where durable costs nothing: use --dir to name a disk")
        space.make_key()
        return {"soak": measure.soak(space, options.seconds)} if options.soak else run(space, options)


def main(argv: list[str]) -> int:
    options = arguments(argv)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop)  # so that folders and processes go on the way out
    os.umask(0o022)
    try:
        result = json.loads(options.earlier.read_text()) if options.earlier else measured(options)
    except BenchError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    if options.soak:
        if options.json:
            options.json.write_text(json.dumps(result, indent=1) + "\n")
        return 0
    result = rounded(result)
    result["bars"] = bars_json(result)
    show(result)
    text = json.dumps(result, indent=1, ensure_ascii=False) + "\n"
    if options.publish:
        missing = [bar["what"] for bar in result["bars"] if bar["met"] is None]
        if missing:
            print(f"bench: not published, since this was not measured: {'; '.join(missing)}", file=sys.stderr)
            return 1
        page, picture = tables.fill_page(PAGE.read_text(), result), plot.svg(result)
        PUBLISHED_JSON.write_text(text)
        PUBLISHED_SVG.write_text(picture)
        PAGE.write_text(page)
    if options.json:
        options.json.write_text(text)
    if options.svg:
        options.svg.write_text(plot.svg(result))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
