# SPDX-License-Identifier: Apache-2.0
"""The same durable claim made by others: Redis and PostgreSQL of Debian's packages, with their own load generators.

Both listen on a Unix socket in the run's folder alone, and both make every write durable before they answer. They are
started for each figure and stopped after it, so that nothing of theirs runs beside another's figure.
"""

from __future__ import annotations

import csv
import io
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from bars import percentile
from workspace import START_S_MAX, BenchError, Row, Workspace, process_status_kib, tree_cpu_s

REDIS_PACKAGES = "redis-server redis-tools"
POSTGRESQL_PACKAGE = "postgresql"
NOBODY = "65534"
LOG_LINES_MAX = 400_000  # of pgbench, for percentiles: more says no more
POSTGRESQL_RATE_MAX = 50_000  # a guess from above, for the share of transactions that pgbench logs


def wait_until(is_ready: Callable[[], bool], process: subprocess.Popen[bytes], log: Path) -> None:
    """Waits for a server to answer; one that ends instead ends the run."""
    begin = time.monotonic()
    while not is_ready():
        if process.poll() is not None or time.monotonic() - begin > START_S_MAX:
            raise BenchError(f"{process.args!r} does not start:\n{log.read_text(errors='replace')}")
        time.sleep(0.05)


def parse_redis(text: str) -> Row:
    """The figures in `redis-benchmark --csv --precision 3`."""
    line = next(csv.DictReader(io.StringIO(text)))
    return {
        "per_second": float(line["rps"]),
        "p50_us": float(line["p50_latency_ms"]) * 1000,
        "p99_us": float(line["p99_latency_ms"]) * 1000,
        "max_us": float(line["max_latency_ms"]) * 1000,
    }


class Redis:
    """SET NX with appendfsync always: a claim is on disk before it is answered."""

    name = "redis"

    def __init__(self, space: Workspace) -> None:
        self._space = space

    @staticmethod
    def missing() -> str | None:
        programs = ("redis-server", "redis-benchmark", "redis-cli")
        return None if all(shutil.which(program) for program in programs) else REDIS_PACKAGES

    def version(self) -> str:
        return "Redis " + self._space.call(["redis-server", "--version"]).split("v=")[1].split()[0]

    def measure(self, in_flight: int, seconds: float) -> Row:
        folder = self._space.folder("r")
        address = folder / "redis.sock"
        log = folder / "log"
        argv = ["redis-server", "--port", "0", "--unixsocket", str(address), "--dir", str(folder), "--save", ""]
        argv += ["--appendonly", "yes", "--appendfsync", "always", "--auto-aof-rewrite-percentage", "0"]
        process = self._space.start(argv, log)
        wait_until(lambda: self._answers(address), process, log)
        probe = self._benchmark(address, in_flight, max(2000, 50 * in_flight))
        requests = max(in_flight, round(probe["per_second"] * seconds))
        cpu_s = tree_cpu_s(process.pid)
        row = self._benchmark(address, in_flight, requests)
        cpu_s = tree_cpu_s(process.pid) - cpu_s
        row.update(
            name=self.name,
            in_flight=in_flight,
            answered=requests,
            cpu_us_per_request=cpu_s / requests * 1e6,
            rss_peak_kib=process_status_kib(process.pid, "VmHWM"),
        )
        process.terminate()
        self._space.finish(process, START_S_MAX)
        shutil.rmtree(folder)
        return row

    @staticmethod
    def _answers(address: Path) -> bool:
        ping = subprocess.run(["redis-cli", "-s", str(address), "ping"], capture_output=True, check=False)
        return ping.stdout.strip() == b"PONG"

    def _benchmark(self, address: Path, in_flight: int, requests: int) -> Row:
        argv = ["redis-benchmark", "-s", str(address), "-c", str(in_flight), "-n", str(requests)]
        argv += ["-r", "1000000000", "--csv", "--precision", "3", "SET", "key:__rand_int__", "1", "NX"]
        return parse_redis(self._space.call(argv))


def parse_pgbench(text: str) -> tuple[float, int]:
    """Transactions a second, connections already made, and their number; one that failed ends the run."""
    rate, answered, failed = 0.0, 0, 0
    for line in text.splitlines():
        key, _, value = line.replace(" = ", ": ", 1).partition(": ")
        if key == "tps":
            rate = float(value.split()[0])
        elif key == "number of transactions actually processed":
            answered = int(value.split("/")[0])
        elif key == "number of failed transactions":
            failed = int(value.split()[0])
    if rate <= 0 or answered <= 0 or failed > 0:
        raise BenchError(f"pgbench printed:\n{text}")
    return rate, answered


def parse_pgbench_log(text: str) -> list[float]:
    """The latencies in a log of pgbench's, in microseconds."""
    return [float(line.split()[2]) for line in text.splitlines()]


class PostgreSQL:
    """INSERT ... ON CONFLICT DO NOTHING of random keys, prepared, with fsync and synchronous_commit as they come."""

    name = "postgresql"

    def __init__(self, space: Workspace, in_flight_max: int) -> None:
        self._space = space
        self._in_flight_max = in_flight_max
        self._folder: Path | None = None

    @staticmethod
    def _programs() -> Path | None:
        found = {float(path.parts[-3]): path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/initdb")}
        return found[max(found)] if found else None

    @staticmethod
    def missing() -> str | None:
        return None if PostgreSQL._programs() else POSTGRESQL_PACKAGE

    def version(self) -> str:
        return "PostgreSQL " + self._space.call([f"{self._programs()}/postgres", "--version"]).split()[2]

    @staticmethod
    def _as_user() -> list[str]:
        """PostgreSQL refuses to run as root."""
        if os.getuid() != 0:
            return []
        return ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]

    def _cluster(self) -> Path:
        """The folder of the cluster, made at the first call."""
        if self._folder is None:
            folder = self._space.folder("p")
            if os.getuid() == 0:
                os.chown(folder, int(NOBODY), int(NOBODY))
            argv = [*self._as_user(), f"{self._programs()}/initdb", "--pgdata", str(folder / "data"), "--no-sync"]
            argv += ["--username=bench", "--auth=trust", "--locale=C", "--encoding=UTF8"]
            self._space.call(argv, cwd=folder)
            (folder / "claim.sql").write_text(
                "INSERT INTO claims VALUES (uuid_send(gen_random_uuid())) ON CONFLICT DO NOTHING;\n"
            )
            self._folder = folder
        return self._folder

    def measure(self, in_flight: int, seconds: float) -> Row:
        folder = self._cluster()
        argv = [*self._as_user(), f"{self._programs()}/postgres", "-D", str(folder / "data"), "-k", str(folder)]
        for setting in (
            "listen_addresses=",
            f"max_connections={self._in_flight_max + 16}",
            "autovacuum=off",  # it would run beside other figures
        ):
            argv += ["-c", setting]
        log = folder / "log"
        process = self._space.start(argv, log, cwd=folder)
        at = ["-h", str(folder), "-U", "bench"]
        ready = [f"{self._programs()}/pg_isready", "-q", *at]
        wait_until(lambda: subprocess.run(ready, check=False).returncode == 0, process, log)
        argv = [f"{self._programs()}/psql", "-q", "-v", "ON_ERROR_STOP=1", *at]
        for statement in (
            "DROP TABLE IF EXISTS claims",
            "CREATE TABLE claims (k bytea PRIMARY KEY)",
            "CHECKPOINT",
        ):
            argv += ["-c", statement]
        self._space.call([*argv, "postgres"])
        cpu_s = tree_cpu_s(process.pid)
        row = self._benchmark(at, folder, in_flight, seconds)
        cpu_s = tree_cpu_s(process.pid) - cpu_s
        row["cpu_us_per_request"] = cpu_s / row["answered"] * 1e6
        process.send_signal(signal.SIGINT)  # a fast shutdown
        self._space.finish(process, START_S_MAX)
        return row

    def _benchmark(self, at: list[str], folder: Path, in_flight: int, seconds: float) -> Row:
        logs = self._space.folder("l")
        share = min(1.0, LOG_LINES_MAX / (POSTGRESQL_RATE_MAX * seconds))
        threads = min(in_flight, os.cpu_count() or 1)
        argv = [f"{self._programs()}/pgbench", "-n", "-M", "prepared", "-c", str(in_flight), "-j", str(threads)]
        argv += ["-T", str(max(1, round(seconds))), "-f", str(folder / "claim.sql"), *at]
        argv += ["-l", f"--log-prefix={logs / 'pgbench'}"]
        if share < 1:
            argv.append(f"--sampling-rate={share:.4f}")
        rate, answered = parse_pgbench(self._space.call([*argv, "postgres"], seconds * 10 + 600))
        latencies = sorted(us for path in logs.iterdir() for us in parse_pgbench_log(path.read_text()))
        shutil.rmtree(logs)
        return {
            "name": self.name,
            "in_flight": in_flight,
            "answered": answered,
            "per_second": rate,
            "p50_us": percentile(latencies, 0.5),
            "p99_us": percentile(latencies, 0.99),
            "p999_us": percentile(latencies, 0.999),
            "max_us": latencies[-1],
        }
