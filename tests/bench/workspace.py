# SPDX-License-Identifier: Apache-2.0
"""The temporary folder of a run, and whatever it starts there: daemons of ours, and the load on them."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

Row = dict[str, Any]  # one measurement, as it stands in the JSON

TENANT = "tenant-001"  # as openexec-make-store fills its stores
ORIGIN = "bench/openexec"
START_S_MAX = 300  # a hang, not a slow machine
STOP_S_MAX = 120
SOCKET_PATH_MAX = 107  # of a sockaddr_un, its last zero left out
OURS_IN_ENVIRONMENT = ("OPENEXEC_", "CLAWSHIELD_", "NOTIFY_", "STATE_DIRECTORY", "CREDENTIALS_DIRECTORY")


class BenchError(Exception):
    """A wrong answer, or something that could not be run. It ends the run with exit code 1."""


def process_status_kib(pid: int, name: str) -> int:
    """A line of /proc/PID/status that counts KiB: VmRSS, RssAnon, VmHWM."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        key, _, value = line.partition(":")
        if key == name:
            return int(value.split()[0])
    raise BenchError(f"/proc/{pid}/status has no {name}")


def tree_cpu_s(pid: int) -> float:
    """Processor time of a process, of its children, and of those of its children that ended."""
    ticks = 0
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(entry.name) == pid:
            ticks += sum(int(field) for field in fields[11:15])
        elif int(fields[1]) == pid:
            ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def file_system_of(path: Path) -> str:
    """The type of the file system that a folder is on, as the kernel names it."""
    best, found = "", "unknown"
    for line in Path("/proc/mounts").read_text().splitlines():
        _, point, kind = line.split()[:3]
        point = point.encode().decode("unicode_escape")
        is_below = point == "/" or path == Path(point) or Path(point) in path.parents
        if is_below and len(point) >= len(best):
            best, found = point, kind
    return found


class Workspace:
    """One temporary folder. Leaving it ends every process that was started in it, and removes it."""

    def __init__(self, build: Path, parent: Path) -> None:
        self.bin = build / "bin"
        self.tests_bin = build / "tests/bin"
        parent.mkdir(parents=True, exist_ok=True)
        self.path = Path(tempfile.mkdtemp(prefix="bench-", dir=parent.resolve()))
        self.path.chmod(0o711)  # PostgreSQL does not run as root: its user passes through
        self.file_system = file_system_of(self.path)
        self.key = self.path / "approver.pem"
        self._processes: list[subprocess.Popen[bytes]] = []
        self._folders = 0

    def __enter__(self) -> Workspace:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in self._processes:
            if process.poll() is None:
                process.terminate()
        for process in self._processes:
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        shutil.rmtree(self.path, ignore_errors=True)

    def make_key(self) -> None:
        """The approver's key, which signs the load's approvals."""
        self.call([str(self.bin / "openexec"), "keygen", "approver"], cwd=self.path)

    def folder(self, name: str) -> Path:
        """A new folder with a short name: sockets lie in it."""
        self._folders += 1
        path = self.path / f"{name}{self._folders}"
        path.mkdir(0o755)
        if len(os.fsencode(path)) + len("/openexec.sock") > SOCKET_PATH_MAX:
            raise BenchError(f"{path} is too long a path for a socket: use --dir")
        return path

    def start(self, argv: Sequence[str], log: Path, **options: Any) -> subprocess.Popen[bytes]:
        """A process in the background; what it prints goes to `log`."""
        with log.open("ab") as out:
            process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=out, stderr=out, **options)
        self._processes.append(process)
        return process

    def finish(self, process: subprocess.Popen[bytes], seconds: float) -> int:
        """Waits for one that was started, and gives its exit code."""
        try:
            code = process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise BenchError(f"{process.args!r} does not end") from None
        self._processes.remove(process)
        return code

    def call(self, argv: Sequence[str], seconds: float = 600, **options: Any) -> str:
        """Runs a program to its end and gives what it printed; any exit code but 0 ends the run."""
        log = self.path / "output"
        with log.open("wb") as out, (self.path / "errors").open("wb") as err:
            process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=out, stderr=err, **options)
            self._processes.append(process)
        code = self.finish(process, seconds)
        text = log.read_text(errors="replace")
        if code != 0:
            errors = (self.path / "errors").read_text(errors="replace")
            raise BenchError(f"{' '.join(argv)} ended with {code}\n{text}{errors}".rstrip())
        return text

    def call_json(self, argv: Sequence[str], seconds: float = 600) -> list[Row]:
        """Runs a program that prints a JSON object a line."""
        text = self.call(argv, seconds)
        try:
            return [json.loads(line) for line in text.splitlines() if line.startswith("{")]
        except json.JSONDecodeError as error:
            raise BenchError(f"{argv[0]} printed what is no JSON: {error}\n{text}") from None


class Daemon:
    """An openexecd of its own, with a new store unless one is given. It stops in order, or the run fails."""

    def __init__(
        self,
        space: Workspace,
        mode: str,
        *,
        store: Path | None = None,
        config: str = '[store]\nmap_size = "64GiB"\n',
        actions: dict[str, str] | None = None,
        tool: Sequence[str] = (),
    ) -> None:
        self.space = space
        self.is_signed = mode == "clawshield"
        self.folder = space.folder("d")
        self.socket = self.folder / "openexec.sock"
        self._config = self.folder / "openexec.toml"
        self._config.write_text(f'[log]\norigin = "{ORIGIN}"\n{config}')
        (self.folder / "actions.d").mkdir(0o700)
        for name, text in (actions or {}).items():
            (self.folder / "actions.d" / f"{name}.toml").write_text(text)
        self._tool = list(tool)
        self._environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(OURS_IN_ENVIRONMENT)},
            "OPENEXEC_MODE": mode,
            "OPENEXEC_DB_URL": f"lmdb://{store or self.folder / 'store'}",
        }
        if self.is_signed:
            self._environment["CLAWSHIELD_PUBLIC_KEY"] = str(space.key.with_suffix(".pub"))
            self._environment["CLAWSHIELD_TENANT_ID"] = TENANT
        self.start_ms = 0.0  # from exec to READY
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def __enter__(self) -> Daemon:
        notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        with notify:
            address = self.folder / "notify"
            notify.bind(str(address))
            notify.settimeout(0.2)
            begin = time.monotonic()
            self._process = self.space.start(
                [
                    *self._tool,
                    str(self.space.bin / "openexecd"),
                    "--config",
                    str(self._config),
                    "--socket",
                    str(self.socket),
                ],
                self.folder / "log",
                env={**self._environment, "NOTIFY_SOCKET": str(address)},
            )
            while not self._is_ready(notify):
                if self._process.poll() is not None or time.monotonic() - begin > START_S_MAX:
                    raise BenchError(f"openexecd does not start:\n{self.log()}")
            self.start_ms = (time.monotonic() - begin) * 1000
        return self

    @staticmethod
    def _is_ready(notify: socket.socket) -> bool:
        try:
            return b"READY=1" in notify.recv(4096).split(b"\n")
        except TimeoutError:
            return False

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process is not None
        self._process.terminate()
        code = self.space.finish(self._process, STOP_S_MAX)
        log = self.log()
        shutil.rmtree(self.folder)
        if code != 0 and error is None:
            raise BenchError(f"openexecd ended with {code}:\n{log}")

    def log(self) -> str:
        return (self.folder / "log").read_text(errors="replace")

    def load_argv(self, scenario: str, in_flight: int, seconds: float, *more: str) -> list[str]:
        """The load generator, for this daemon."""
        argv = [str(self.space.tests_bin / "openexec-load"), "--socket", str(self.socket), "--scenario", scenario]
        argv += ["--in-flight", str(in_flight), "--seconds", str(seconds), "--json", *more]
        if self.is_signed:
            argv += ["--key", str(self.space.key), "--tenant", TENANT]
        return argv

    def load(self, scenario: str, in_flight: int, seconds: float, *more: str) -> Row:
        """One figure. A wrong answer ends the run."""
        rows = self.space.call_json(self.load_argv(scenario, in_flight, seconds, *more), seconds * 10 + 600)
        if len(rows) != 1 or rows[0].get("errors") != 0:
            raise BenchError(f"openexec-load {scenario} at {in_flight} in flight answered {rows}")
        return rows[0]
