"""A private MariaDB for the tests: one server in a temporary folder, on loopback, gone when the tests end."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Self

from tests.postgres import _free_port

_START_LIMIT_S = 60.0
_FOLDERS = ":/usr/sbin:/usr/local/sbin:/sbin"


def program(name: str) -> str | None:
    """Where a program of MariaDB is; None: it is not installed."""
    return shutil.which(name, path=os.environ.get("PATH", "") + _FOLDERS)


@dataclass(kw_only=True)
class MariaServer:
    """A running server. Raises RuntimeError when it does not start."""

    folder: Path
    port: int
    process: subprocess.Popen[bytes]
    _numbers: Iterator[int] = field(default_factory=count)

    @classmethod
    @contextmanager
    def start(cls) -> Iterator[Self]:
        """Start a server and end it, by its process, on leaving."""
        install, daemon = program("mariadb-install-db"), program("mariadbd")
        if install is None or daemon is None:
            raise RuntimeError(
                "MariaDB is not installed; on Debian: apt-get install mariadb-server-core mariadb-client-core"
            )
        folder = Path(tempfile.mkdtemp(prefix="outring-maria-"))
        try:
            user: list[str] = []
            if os.getuid() == 0:  # the server refuses root; its core package makes no user of its own
                owner = pwd.getpwnam("nobody")
                os.chown(folder, owner.pw_uid, owner.pw_gid)
                user = [f"--user={owner.pw_name}"]
            places = ["--no-defaults", f"--datadir={folder / 'data'}", *user]
            made = subprocess.run(
                [install, *places, "--auth-root-authentication-method=normal", "--skip-test-db"],
                capture_output=True,
                check=False,
            )
            if made.returncode:
                raise RuntimeError(f"mariadb-install-db failed: {made.stderr.decode(errors='replace')}")
            server = cls._begin([daemon, *places], folder)
            try:
                yield server
            finally:
                server.process.terminate()
                server.process.wait(30)
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    @classmethod
    def _begin(cls, command: list[str], folder: Path) -> Self:
        port = _free_port()
        more = [
            f"--port={port}",
            "--bind-address=127.0.0.1",
            f"--socket={folder / 'socket'}",
            f"--pid-file={folder / 'pid'}",
            "--innodb-flush-log-at-trx-commit=0",
            "--innodb-buffer-pool-size=16M",
        ]
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen([*command, *more], stdout=log, stderr=log)
        server = cls(folder=folder, port=port, process=process)
        ends_at = time.monotonic() + _START_LIMIT_S
        while process.poll() is None and time.monotonic() < ends_at:
            if server._sql("SELECT 1").returncode == 0:
                server._sql("CREATE USER crm@'127.0.0.1' IDENTIFIED BY 'pa55:word'")
                server._sql("GRANT ALL ON *.* TO crm@'127.0.0.1'")
                return server
            time.sleep(0.05)
        process.kill()
        raise RuntimeError(f"MariaDB did not start: {(folder / 'log').read_text(errors='replace')}")

    def _sql(self, statement: str) -> subprocess.CompletedProcess[bytes]:
        command = [program("mariadb") or "mariadb", "--no-defaults", f"--socket={self.folder / 'socket'}", "-u", "root"]
        return subprocess.run([*command, "-e", statement], capture_output=True, check=False)

    def new_database(self) -> str:
        """Make an empty database and answer its URL."""
        name = f"crm_{next(self._numbers)}"
        self._sql(f"CREATE DATABASE {name} CHARACTER SET utf8mb4")
        return f"mysql+pymysql://crm:pa55%3Aword@127.0.0.1:{self.port}/{name}"
