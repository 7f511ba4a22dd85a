"""A real PostgreSQL server for tests, in a folder of its own; None where PostgreSQL is not installed."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
from pathlib import Path

import sqlalchemy as sa


def find_tools() -> Path | None:
    """The folder of ``initdb`` and ``pg_ctl``, also where Debian hides it."""
    found = shutil.which("initdb")
    if found:
        return Path(found).parent
    return max(Path("/usr/lib/postgresql").glob("*/bin"), default=None)


class Server:
    """A cluster that trusts everybody on this host, listening on a free port."""

    def __init__(self, folder: Path, tools: Path):
        self.tools, self.data = tools, folder / "cluster"
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            self.port = taken.getsockname()[1]
        folder.mkdir(parents=True, exist_ok=True)
        self._as: dict[str, object] = {}
        if os.geteuid() == 0:  # PostgreSQL refuses to run as root
            user = pwd.getpwnam("postgres")
            self._as = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
            os.chown(folder, user.pw_uid, user.pw_gid)
        self._tool("initdb", "-D", self.data, "-U", "tester", "--auth=trust", "-E", "UTF8", "--no-sync")
        self.start()

    def url(self, database: str) -> str:
        return f"postgresql://tester@127.0.0.1:{self.port}/{database}"

    def make(self, database: str) -> str:
        """An empty database; its address."""
        driver = self.url("postgres").replace("postgresql:", "postgresql+pg8000:")
        engine = sa.create_engine(driver, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(sa.text(f"CREATE DATABASE {database}"))
        engine.dispose()
        return self.url(database)

    def start(self) -> None:
        options = f"-p {self.port} -k {self.data} -c listen_addresses=127.0.0.1"
        self._tool("pg_ctl", "-D", self.data, "-o", options, "-l", self.data / "log", "-w", "start")

    def stop(self, mode: str = "immediate") -> None:
        self._tool("pg_ctl", "-D", self.data, "-m", mode, "-w", "stop")

    def _tool(self, name: str, *arguments: object) -> None:
        command = [str(self.tools / name), *map(str, arguments)]
        # A server inherits what it is given here: pipes of ours would never close.
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/",
            timeout=120, **self._as,
        )  # fmt: skip
        if done.returncode:
            raise RuntimeError(f"{' '.join(command)} ended with {done.returncode}")
