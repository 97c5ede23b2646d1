# SPDX-License-Identifier: Apache-2.0
"""Figures that are sizes or counts: many executions stored, memory, and instructions."""

from __future__ import annotations

import json
import os
import re
import resource
import shutil
import socket
import statistics
import time
from pathlib import Path

from measure import SCENARIOS, ours, say, settle
from workspace import BenchError, Daemon, Row, Workspace, process_status_kib

STARTS = 3  # of which the median counts
IDLE_CONNECTIONS = 10_000
DESCRIPTORS_SPARE = 128
LOG_ENTRIES_MAX = 1_000_000
CALLGRIND_REQUESTS = (200, 1200)
READY = b'{"jsonrpc":"2.0","id":1,"method":"ready"}\n'


# -- stores of many executions


def make_store(space: Workspace, count: int, mode: str) -> tuple[Path, float]:
    """A store with that many executions, and what a proof in it takes in microseconds."""
    store = space.folder("s") / "store"
    text = space.call([str(space.tests_bin / "openexec-make-store"), str(store), str(count), mode], 6 * 3600)
    proof = re.search(r": ([\d.]+) us$", text.strip())
    if proof is None:
        raise BenchError(f"openexec-make-store printed:\n{text}")
    return store, float(proof[1])


def drop_from_memory(path: Path) -> None:
    """Leaves a file on the disk alone."""
    with path.open("rb") as file:
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def start_ms(space: Workspace, store: Path | None, *, is_cold: bool = False) -> float:
    """The median time from exec to READY."""
    times = []
    for _ in range(STARTS):
        if store is not None and is_cold:
            os.sync()
            drop_from_memory(store / "data.mdb")
        with Daemon(space, "clawshield", store=store) as daemon:
            times.append(daemon.start_ms)
    return statistics.median(times)


def scale(space: Workspace, stored: int, seconds: float) -> Row:
    """A store with many executions against an empty one: starting, and claiming more."""
    say(f"a store of {stored:,} executions")
    begin = time.monotonic()
    store, _ = make_store(space, stored, "clawshield")
    os.sync()
    say(f"  made in {time.monotonic() - begin:,.0f} s")
    row: Row = {
        "stored": stored,
        "store_mib": (store / "data.mdb").stat().st_blocks * 512 / (1 << 20),
        "start_empty_ms": start_ms(space, None),
        "start_warm_ms": start_ms(space, store),
    }
    before = ours(space, "signed", 64, seconds)
    settle()
    with Daemon(space, "clawshield", store=store) as daemon:
        full = daemon.load("fresh", 64, seconds, "--check-log")
    say(f"  the same in the store: {full['per_second']:,.0f} a second")
    after = ours(space, "signed", 64, seconds)
    row["empty_per_second"] = (before["per_second"] + after["per_second"]) / 2
    row["stored_per_second"] = full["per_second"]
    row["stored_row"] = full
    row["start_cold_ms"] = start_ms(space, store, is_cold=True)  # last: a load finds the file in memory
    shutil.rmtree(store.parent)
    return row


def log_verify(space: Workspace, stored: int) -> list[Row]:
    """How fast a whole log is verified; signed entries take longer, and there are fewer."""
    out = []
    entries_max = min(stored, LOG_ENTRIES_MAX)
    for mode, entries in (("demo", entries_max), ("clawshield", max(1, entries_max // 10))):
        store, proof_us = make_store(space, entries, mode)
        begin = time.monotonic()
        space.call([str(space.bin / "openexec"), "log", "verify", "--json", str(store)], 3600)
        took_s = time.monotonic() - begin
        out.append({"mode": mode, "entries": entries, "per_second": entries / took_s, "proof_us": proof_us})
        say(f"  log verify, {mode}: {entries / took_s:,.0f} entries a second; a proof {proof_us} us")
        shutil.rmtree(store.parent)
    return out


# -- memory


def raise_file_limit(wanted: int) -> int:
    """As many open files as are allowed, at most as wanted; a child inherits them."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    for limits in ((max(soft, wanted), max(hard, wanted)), (min(max(soft, wanted), hard), hard)):
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, limits)
            return limits[0]
        except (ValueError, PermissionError):
            continue
    return soft


def ask_ready(connections: list[socket.socket]) -> None:
    """A request on each, and its answer."""
    for connection in connections:
        connection.sendall(READY)
    for connection in connections:
        answer = b""
        while not answer.endswith(b"\n"):
            part = connection.recv(4096)
            if not part:
                raise BenchError("the daemon closed an idle connection")
            answer += part
        if not json.loads(answer).get("result", {}).get("ready"):
            raise BenchError(f"the daemon answered {answer!r}")


def memory(space: Workspace) -> Row:
    """Of an idle daemon, as configured by default, and of connections on which nothing happens."""
    limit = raise_file_limit(IDLE_CONNECTIONS + DESCRIPTORS_SPARE)
    count = min(IDLE_CONNECTIONS, limit - DESCRIPTORS_SPARE)
    with Daemon(space, "clawshield", config="") as daemon:
        time.sleep(0.5)
        idle_kib = process_status_kib(daemon.pid, "VmRSS")
        before_kib = process_status_kib(daemon.pid, "RssAnon")
        connections: list[socket.socket] = []
        try:
            for _ in range(count):
                connections.append(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
                connections[-1].connect(str(daemon.socket))  # waits where the backlog is full
                connections[-1].settimeout(60)
            ask_ready(connections[-1:])  # accepted in order: all the others are by now
            idle_growth_kib = process_status_kib(daemon.pid, "RssAnon") - before_kib
            ask_ready(connections)
            used_growth_kib = process_status_kib(daemon.pid, "RssAnon") - before_kib
        finally:
            for connection in connections:
                connection.close()
    say(f"  idle {idle_kib / 1024:.1f} MiB; {count:,} connections: {idle_growth_kib} KiB, used {used_growth_kib} KiB")
    return {
        "idle_kib": idle_kib,
        "connections": count,
        "growth_kib": idle_growth_kib,
        "growth_used_kib": used_growth_kib,
    }


# -- instructions


def collected(log: str) -> int:
    """The instructions that callgrind counted."""
    found = re.search(r"Collected : (\d+)", log)
    if found is None:
        raise BenchError(f"callgrind counted nothing:\n{log}")
    return int(found[1])


def instructions(space: Workspace) -> list[Row]:
    """Instructions of the daemon for each request, one at a time. Two runs, so that the start cancels out."""
    out = []
    for name, (mode, scenario) in SCENARIOS.items():
        counts = []
        for requests in CALLGRIND_REQUESTS:
            log = space.folder("v") / "log"
            tool = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", f"--log-file={log}"]
            config = '[store]\nmap_size = "1GiB"\n'  # valgrind has no room for the usual one
            with Daemon(space, mode, config=config, tool=tool) as daemon:
                row = daemon.load(scenario, 1, 600, "--requests", str(requests))
            if row["answered"] != requests:
                raise BenchError(f"asked for {requests} requests, openexec-load made {row['answered']}")
            counts.append(collected(log.read_text()))
            shutil.rmtree(log.parent)
        fewer, more = CALLGRIND_REQUESTS
        out.append({"name": name, "instructions_per_request": (counts[1] - counts[0]) / (more - fewer)})
        say(f"  instructions a request, {name}: {out[-1]['instructions_per_request']:,.0f}")
    return out
