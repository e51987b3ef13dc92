"""A PostgreSQL cluster of our own for tests and benchmarks: a data folder, a Unix socket, a free loopback port.

PostgreSQL refuses to run as root, so as root the server runs as the user `postgres`.
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
from dataclasses import dataclass, field
from pathlib import Path

SERVER_USER = "postgres"
START_SECONDS = 60

OTHERS_AWAY = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()
"""

TEST_SETTINGS = {
    "max_connections": "100",
    "shared_buffers": "64MB",
    "random_page_cost": "1.1",
    "log_min_messages": "fatal",
}


def binaries() -> Path | None:
    """Return the folder that holds `initdb` and `postgres`, or None where PostgreSQL is not installed."""
    named = os.environ.get("FHIR_TEST_POSTGRESQL_BIN")
    folders = (
        [named] if named else [*sorted(map(str, Path("/usr/lib/postgresql").glob("*/bin")), key=_major, reverse=True)]
    )
    on_path = shutil.which("initdb")
    folders += [str(Path(on_path).resolve().parent)] if on_path else []
    return next((Path(f) for f in folders if Path(f, "initdb").exists() and Path(f, "postgres").exists()), None)


def _major(folder: str) -> float:
    name = Path(folder).parent.name
    return float(name) if name.replace(".", "", 1).isdigit() else 0.0


def why_unavailable() -> str:
    """Return why a cluster cannot be started here, "" where it can."""
    if binaries() is None:
        return "no PostgreSQL server binaries (initdb, postgres) on this machine"
    if os.geteuid() == 0 and (shutil.which("runuser") is None or not _has_server_user()):
        return f"running as root without runuser or the user {SERVER_USER}"
    return ""


def _has_server_user() -> bool:
    try:
        pwd.getpwnam(SERVER_USER)
    except KeyError:
        return False
    return True


def free_port() -> int:
    """Return a loopback port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Cluster:
    """A running server; `url()` names a database in it."""

    folder: Path
    port: int
    process: subprocess.Popen[bytes]
    created: int = field(default=0)

    def url(self, database: str = "postgres") -> str:
        """Return the URL of a database, over TCP on loopback."""
        return f"postgresql://{SERVER_USER}@127.0.0.1:{self.port}/{database}"

    def new_database(self) -> str:
        """Create an empty database and return its URL."""
        import psycopg

        self.created += 1
        name = f"test_{os.getpid()}_{self.created}"
        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}"')
        return self.url(name)

    def empty(self, url: str, *, but: frozenset[str]) -> None:
        """Empty the tables of a database that hold anything, whoever is still connected."""
        import psycopg

        filled = "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(OTHERS_AWAY)
            names = [r[0] for r in connection.execute(f"{filled} AND pg_relation_size(oid) > 0") if r[0] not in but]
            if names:
                tables = ", ".join(f'"{name}"' for name in names)
                connection.execute(f"TRUNCATE {tables} RESTART IDENTITY")

    def drop_database(self, url: str) -> None:
        """Drop a database made by `new_database`, whoever is still connected."""
        import psycopg

        name = url.rpartition("/")[2]
        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    def server_pid(self) -> int:
        """Return the process id of the postmaster."""
        return int((self.folder / "data" / "postmaster.pid").read_text().splitlines()[0])

    def stop(self) -> None:
        """Stop the server (its backends too) and remove its folder."""
        if self.process.poll() is None:
            try:
                os.kill(self.server_pid(), signal.SIGINT)  # fast shutdown
                self.process.wait(START_SECONDS)
            except (OSError, subprocess.TimeoutExpired):
                self.process.kill()
        shutil.rmtree(self.folder, ignore_errors=True)


def start(settings: dict[str, str] | None = None) -> Cluster:
    """Make a cluster in a temporary folder and start it. The caller stops it."""
    folder = Path(tempfile.mkdtemp(prefix="fhir-postgresql-"))
    bin_folder = binaries()
    if bin_folder is None:
        raise RuntimeError(why_unavailable())
    if os.geteuid() == 0:
        entry = pwd.getpwnam(SERVER_USER)
        os.chown(folder, entry.pw_uid, entry.pw_gid)
    data = folder / "data"
    initdb = [bin_folder / "initdb", "-D", data, "-U", SERVER_USER, "-A", "trust", "-E", "UTF8", "--locale=C", "-N"]
    subprocess.run(_as_server_user(initdb), check=True, stdout=subprocess.DEVNULL, cwd=folder)
    port = free_port()
    arguments = {"port": str(port), "listen_addresses": "127.0.0.1", "unix_socket_directories": str(folder)}
    options = [f"-c{name}={value}" for name, value in {**TEST_SETTINGS, **(settings or {}), **arguments}.items()]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            _as_server_user([bin_folder / "postgres", "-D", data, *options]), stdout=log, stderr=log, cwd=folder
        )
    cluster = Cluster(folder, port, process)
    _wait_until_ready(cluster)
    return cluster


def _as_server_user(command: list[object]) -> list[str]:
    words = [str(word) for word in command]
    return ["runuser", "-u", SERVER_USER, "--", *words] if os.geteuid() == 0 else words


def _wait_until_ready(cluster: Cluster) -> None:
    import psycopg

    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            psycopg.connect(cluster.url()).close()
        except psycopg.OperationalError:
            if cluster.process.poll() is not None or time.monotonic() > deadline:
                log = (cluster.folder / "log").read_text(errors="replace")
                cluster.stop()
                raise RuntimeError(f"PostgreSQL did not start:\n{log}") from None
            time.sleep(0.05)
        else:
            return
