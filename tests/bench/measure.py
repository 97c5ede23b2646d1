# SPDX-License-Identifier: Apache-2.0
"""What is measured, a function for each group of figures. Each gives its part of the JSON.

What the bars compare is interleaved: the same other thing just before and just after ours, and its mean taken, since
the speed of a shared machine wanders.
"""

from __future__ import annotations

import os
import shutil
import time
from typing import Protocol

from bars import mean_rows
from workspace import STOP_S_MAX, BenchError, Daemon, Row, Workspace, process_status_kib

GROWTH_KIB_MAX = 4096  # a soak: of the daemon's own memory, from a quarter of the time to its end
# The daemon holds the keys of at most so many claims in memory, until they are merged into their tables.
KEYS_MAX = 2 * 128 * 1024
KEY_BYTES_MAX = 256
SETTLE_S = 2
SOAK_ROUND_S = 30
SOAK_IN_FLIGHT = 64
SLOW_START_S = 3  # in which the load makes its requests and all commands get under way
DISK_SHARE_MAX = 0.9

TRUE_TOML = """name = "true"
description = "Ends with 0"
argv = ["/usr/bin/true"]
stdin = "none"
concurrency = 16
[schema]
additionalProperties = true
"""
SLOW_TOML = TRUE_TOML.replace('"true"', '"slow"').replace('["/usr/bin/true"]', '["/usr/bin/sleep", "1"]')

# Scenarios of the load generator, by our name for them: the daemon's mode and the generator's scenario.
SCENARIOS = {
    "signed": ("clawshield", "fresh"),
    "demo": ("demo", "fresh"),
    "replay": ("clawshield", "replay"),
    "denied": ("clawshield", "denied"),
}


class Peer(Protocol):
    """Something else that makes durable claims."""

    name: str

    def missing(self) -> str | None:
        """The packages to install, when it is not there."""

    def version(self) -> str:
        """Its name and version, for people."""

    def measure(self, in_flight: int, seconds: float) -> Row:
        """A figure of a server of its own."""


def say(text: str) -> None:
    print(text, flush=True)


def settle() -> None:
    """What others wrote and removed is not ours to wait for: the disk goes on with it for a while after a sync."""
    os.sync()
    time.sleep(SETTLE_S)


def ours(space: Workspace, name: str, in_flight: int, seconds: float, *more: str) -> Row:
    """A figure of ours, from a daemon of its own with an empty store."""
    mode, scenario = SCENARIOS[name]
    checks = ["--check-log"] if scenario == "fresh" else []
    settle()
    with Daemon(space, mode) as daemon:
        row = {"name": name, **daemon.load(scenario, in_flight, seconds, *checks, *more)}
    say(f"  {name} at {in_flight}: {row['per_second']:,.0f} a second")
    return row


def theirs(peer: Peer, in_flight: int, seconds: float) -> Row:
    settle()
    row = peer.measure(in_flight, seconds)
    say(f"  {peer.name} at {in_flight}: {row['per_second']:,.0f} a second")
    return row


def base_rates(space: Workspace, in_flight: int, seconds: float) -> list[Row]:
    folder = space.folder("b")
    settle()
    argv = [str(space.tests_bin / "openexec-base-rates"), "--dir", str(folder), "--seconds", str(seconds), "--json"]
    rows = [{"at": in_flight, **row} for row in space.call_json(argv, seconds * 100 + 600)]
    shutil.rmtree(folder)
    return rows


def mean_of_runs(runs: list[list[Row]]) -> list[Row]:
    return [mean_rows(rows) for rows in zip(*runs, strict=True)]


def side_by_side(
    space: Workspace, numbers: list[int], seconds: float, *, with_base: bool, with_ours: bool, peers: list[Peer]
) -> dict[str, list[Row]]:
    """Ours, the same elsewhere, and the pieces alone, at each number in flight."""
    out: dict[str, list[Row]] = {"base": [], "ours": [], "peers": []}
    beside = {"postgresql": "signed", "redis": "demo"}  # whom each bar compares
    for in_flight in numbers:
        say(f"{in_flight} in flight")
        has_base = with_base and in_flight in (numbers[0], numbers[-1])
        for name in SCENARIOS if with_ours else []:
            around = [peer for peer in peers if beside[peer.name] == name]
            before = [theirs(peer, in_flight, seconds) for peer in around]
            base = [base_rates(space, in_flight, seconds / 2)] if has_base and name == "signed" else []
            out["ours"].append(ours(space, name, in_flight, seconds))
            if base:
                out["base"] += mean_of_runs([*base, base_rates(space, in_flight, seconds / 2)])
            after = [theirs(peer, in_flight, seconds) for peer in around]
            out["peers"] += mean_of_runs([before, after])
        if not with_ours:
            out["base"] += base_rates(space, in_flight, seconds / 2) if has_base else []
            out["peers"] += [theirs(peer, in_flight, seconds) for peer in peers]
    return out


def pipelined(space: Workspace, seconds: float) -> list[Row]:
    """One connection with 64 requests in flight."""
    return [
        {**ours(space, name, 64, seconds, "--per-connection", "64"), "name": f"{name}_pipelined"}
        for name in ("signed", "replay")
    ]


def big_payloads(space: Workspace, seconds: float) -> list[Row]:
    os.sync()
    config = '[store]\nmap_size = "64GiB"\n[limits]\nline_bytes_max = "2MiB"\n'
    with Daemon(space, "clawshield", config=config) as daemon:
        row = daemon.load("fresh", 16, seconds, "--payload-bytes", str(1 << 20))
    say(f"  payloads of 1 MiB: {row['per_second']:,.0f} a second")
    return [{**row, "name": "payload"}]


# -- commands


def commands(space: Workspace, seconds: float) -> Row:
    """A signed `true` beside a plain process; and pure requests beside commands that take their time."""
    spawn, pure = [], {}
    for in_flight in (1, 16):
        os.sync()
        with Daemon(space, "clawshield", actions={"true": TRUE_TOML}) as daemon:
            row = daemon.load("fresh", in_flight, seconds, "--action", "true", "--spawn", "/usr/bin/true")
        spawn.append({**row, "name": "command"})
        say(f"  the command true at {in_flight}: {row['per_second']:,.0f} a second")
    pure["pure_alone"] = pure_beside(space, seconds, has_slow=False)
    pure["pure_beside"] = pure_beside(space, seconds, has_slow=True)
    say(f"  pure p99 beside slow commands: {pure['pure_alone']['p99_us']:,.0f} -> {pure['pure_beside']['p99_us']:,.0f}")
    return {"spawn": spawn, **pure}


def pure_beside(space: Workspace, seconds: float, *, has_slow: bool) -> Row:
    """Pure requests, and where wanted 16 commands at all times that take a second each."""
    os.sync()
    with Daemon(space, "clawshield", actions={"slow": SLOW_TOML}) as daemon:
        if not has_slow:
            return daemon.load("fresh", 16, seconds)
        log = daemon.folder / "slow"
        slow = space.start(daemon.load_argv("fresh", 16, seconds * 10 + 600, "--action", "slow"), log)
        time.sleep(SLOW_START_S)
        row = daemon.load("fresh", 16, seconds)
        if slow.poll() is not None:
            raise BenchError(f"the slow commands failed:\n{log.read_text()}")
        slow.terminate()
        space.finish(slow, STOP_S_MAX)
        return row


# -- soak


def soak(space: Workspace, seconds: float) -> list[Row]:
    """A long load in each mode: each round's log is checked, and the daemon's own memory must not grow."""
    round_s = min(seconds, SOAK_ROUND_S)
    config = f'[store]\nmap_size = "{shutil.disk_usage(space.path).total >> 30}GiB"\n'
    out = []
    for name in ("signed", "demo"):
        sizes: list[int] = []
        growth_kib = 0
        say(f"{name}, {SOAK_IN_FLIGHT} in flight")
        with Daemon(space, SCENARIOS[name][0], config=config) as daemon:
            end = time.monotonic() + seconds
            while not sizes or time.monotonic() < end:
                row = daemon.load("fresh", SOAK_IN_FLIGHT, round_s, "--check-log")
                sizes.append(process_status_kib(daemon.pid, "RssAnon"))
                growth_kib = sizes[-1] - sizes[len(sizes) // 4] if len(sizes) > 1 else row["heap_growth_kib"]
                say(
                    f"  {row['per_second']:,.0f} a second, p99 {row['p99_us']:,.0f} us, "
                    f"{row['log_entries_checked']:,} entries as answered, memory {sizes[-1]:,} KiB ({growth_kib:+,})"
                )
                out.append({"name": name, **row, "rss_anon_kib": sizes[-1]})
                usage = shutil.disk_usage(space.path)
                if usage.used > usage.total * DISK_SHARE_MAX:
                    say("  the disk is nearly full: this ends here")
                    break
        keys_kib = min(sum(row["answered"] for row in out if row["name"] == name), KEYS_MAX) * KEY_BYTES_MAX // 1024
        if growth_kib > GROWTH_KIB_MAX + keys_kib:
            raise BenchError(f"the daemon's memory grew by {growth_kib:,} KiB")
    return out
