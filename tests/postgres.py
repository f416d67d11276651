"""A private PostgreSQL for the tests: one cluster in a temporary folder, on loopback, gone when the tests end.

with PostgresCluster.start() as cluster:
    url = cluster.new_database()
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Self

_FOLDERS = (Path("/usr/lib/postgresql"), Path("/usr/pgsql"), Path("/opt/homebrew/opt/postgresql"))
_START_LIMIT_S = 60.0
_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "fsync": "off",  # the tests' records need not survive a power cut
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "max_connections": "60",
    "shared_buffers": "32MB",
    "log_min_messages": "fatal",
}


def programs() -> Path | None:
    """The newest installed PostgreSQL's folder of programs; None where there is none."""
    found = [path for folder in _FOLDERS for path in folder.glob("*/bin/initdb")]
    if found:
        return max(found, key=lambda path: [int(part) for part in path.parts if part.isdigit()]).parent
    on_path = shutil.which("initdb")
    return Path(on_path).resolve().parent if on_path else None


def _as_owner(command: list[str]) -> list[str]:
    """PostgreSQL refuses to run as root: as root it runs as the package's own user."""
    return ["runuser", "-u", "postgres", "--", *command] if os.getuid() == 0 else command


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass(kw_only=True)
class PostgresCluster:
    """A running server. Raises RuntimeError with the server's own words when it does not start."""

    folder: Path
    bin: Path
    port: int
    process: subprocess.Popen[bytes] | None
    _numbers: Iterator[int] = field(default_factory=count)

    @classmethod
    @contextmanager
    def start(cls) -> Iterator[Self]:
        """Start a cluster and end it, by its process, on leaving."""
        bin_folder = programs()
        if bin_folder is None:
            raise RuntimeError("PostgreSQL is not installed; on Debian: apt-get install postgresql")
        folder = Path(tempfile.mkdtemp(prefix="outring-pg-"))
        try:
            if os.getuid() == 0:
                owner = pwd.getpwnam("postgres")
                os.chown(folder, owner.pw_uid, owner.pw_gid)
            cluster = cls._start(bin_folder, folder)
            try:
                yield cluster
            finally:
                cluster._stop()
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    @classmethod
    def _start(cls, bin_folder: Path, folder: Path) -> Self:
        cluster_folder = folder / "cluster"
        initdb = [str(bin_folder / "initdb"), "-D", str(cluster_folder), "-A", "trust", "-U", "outring"]
        made = subprocess.run(
            _as_owner([*initdb, "-E", "UTF8", "--locale=C", "--no-sync"]), capture_output=True, cwd="/", check=False
        )
        if made.returncode:
            raise RuntimeError(f"initdb failed: {made.stderr.decode(errors='replace')}")
        cluster = cls(folder=folder, bin=bin_folder, port=_free_port(), process=None)
        cluster.go_on()
        return cluster

    def go_on(self) -> None:
        """Start the server on what is there, as after a crash."""
        settings = [part for name, value in _SETTINGS.items() for part in ("-c", f"{name}={value}")]
        place = ["-D", str(self.folder / "cluster"), "-p", str(self.port), "-k", str(self.folder)]
        command = _as_owner([str(self.bin / "postgres"), *place, *settings])
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, cwd="/", start_new_session=True)
        self._wait()

    def halt(self, number: signal.Signals) -> None:
        """Have the server end: SIGQUIT as in a crash, SIGINT in order."""
        self._signal(number)
        assert self.process is not None
        self.process.wait(timeout=20)

    def _wait(self) -> None:
        ends_at = time.monotonic() + _START_LIMIT_S
        assert self.process is not None
        while self.process.poll() is None and time.monotonic() < ends_at:
            if self._psql("SELECT 1").returncode == 0:
                return
            time.sleep(0.05)
        log = (self.folder / "log").read_text(errors="replace")
        self._stop()
        raise RuntimeError(f"PostgreSQL did not start: {log}")

    def _psql(self, statement: str) -> subprocess.CompletedProcess[bytes]:
        command = [str(self.bin / "psql"), "-h", "127.0.0.1", "-p", str(self.port), "-U", "outring", "-d", "template1"]
        return subprocess.run([*command, "-qAtc", statement], capture_output=True, cwd="/", check=False)

    def new_database(self) -> str:
        """Make an empty database and answer its URL."""
        name = f"test_{next(self._numbers)}"
        made = self._psql(f"CREATE DATABASE {name}")
        if made.returncode:
            raise RuntimeError(f"cannot make a database: {made.stderr.decode(errors='replace')}")
        return f"postgresql+asyncpg://outring@127.0.0.1:{self.port}/{name}"

    def _signal(self, number: signal.Signals) -> None:
        """To this cluster's own server, told by its pid: runuser would not pass a signal on."""
        pid_file = self.folder / "cluster" / "postmaster.pid"
        try:
            os.kill(int(pid_file.read_text().split("\n", 1)[0]), number)
        except (FileNotFoundError, ProcessLookupError, ValueError):
            if self.process is not None:
                self.process.terminate()

    def _stop(self) -> None:
        """Fast shutdown."""
        if self.process is None:
            return
        self._signal(signal.SIGINT)
        try:
            self.process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(timeout=5)
