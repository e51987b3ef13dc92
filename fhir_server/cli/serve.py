"""`fhir-server serve`: runs the server on uvicorn."""

from __future__ import annotations

import asyncio
import errno
import os
import secrets
import socket
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    from fhir_server.kernel.settings import Settings

_REFUSED = 2
_ABOUT_PORTS = (errno.EADDRINUSE, errno.EACCES)
_FACTORY = "fhir_server.app:from_environment"


def command(  # noqa: PLR0917 - options, named where they are used
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="The port to listen on.", min=1, max=65535)] = 8000,
    workers: Annotated[int, typer.Option(help="How many processes share the work.", min=1, max=256)] = 1,
    auth: Annotated[Literal["smart", "off"] | None, typer.Option(help="As FHIR_SERVER_AUTH.")] = None,
    insecure: Annotated[
        bool | None, typer.Option("--insecure", help="Let --auth off listen on an address that is not loopback.")
    ] = None,
    database_url: Annotated[str | None, typer.Option(help="As FHIR_SERVER_DATABASE_URL.")] = None,
) -> None:
    """Run the server. The database is brought up to date first; Ctrl-C ends it."""
    _tell_workers(auth=auth, insecure=insecure, database_url=database_url)
    from fhir_server.kernel.settings import Settings  # noqa: PLC0415 - after the environment is set

    settings = Settings()
    _refuse_unsafe(settings, host)
    _refuse_taken(host, port)
    asyncio.run(_try_database(settings))
    with ExitStack() as stack:
        if workers > 1:
            _share(settings, stack)
        _say_what_to_open(settings, host, port)
        _run(host, port, workers)


def _tell_workers(*, auth: str | None, insecure: bool | None, database_url: str | None) -> None:
    """Put the options into the environment, where workers find them."""
    told = {"AUTH": auth, "INSECURE": insecure and "true", "DATABASE_URL": database_url}
    os.environ.update({f"FHIR_SERVER_{name}": value for name, value in told.items() if value})


def _refuse_unsafe(settings: Settings, host: str) -> None:
    """End with a sentence where the settings do not let the server start."""
    from fhir_server.web.exposure import CannotStart, refuse_exposed, refuse_unfinished  # noqa: PLC0415 - slow

    try:
        refuse_unfinished(settings)
        refuse_exposed(settings, host)
    except CannotStart as refusal:
        typer.secho(str(refusal), fg="red", err=True)
        raise typer.Exit(_REFUSED) from None


async def _try_database(settings: Settings) -> None:
    """Bring the database up to date and open it once: what is wrong is then said here, not by each worker."""
    from fhir_server.store.store import Store  # noqa: PLC0415 - slow, and not needed to refuse

    store = await Store.open(settings)
    await store.close()


def _refuse_taken(host: str, port: int) -> None:
    """End with a sentence where nobody can listen there, before anything is promised."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            if os.name == "posix":
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as fault:
        way_out = "choose another --port" if fault.errno in _ABOUT_PORTS else "choose another --host"
        say = "something listens there already" if fault.errno == errno.EADDRINUSE else fault.strerror
        typer.secho(f"Cannot listen on {host}, port {port}: {say}; {way_out}.", fg="red", err=True)
        raise typer.Exit(_REFUSED) from None


def _share(settings: Settings, stack: ExitStack) -> None:
    """Give the workers of this start what they must have in common: the secret of links, the folder of metrics."""
    if not settings.link_secret:
        os.environ["FHIR_SERVER_LINK_SECRET"] = secrets.token_urlsafe(32)
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="fhir-server-metrics-"))
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(Path(folder))


def _say_what_to_open(settings: Settings, host: str, port: int) -> None:
    shown = f"[{host}]" if ":" in host else "127.0.0.1" if host == "0.0.0.0" else host  # noqa: S104 - compared, not bound
    base = settings.base_url.rstrip("/") or f"http://{shown}:{port}/fhir"
    typer.echo(f"FHIR R4 at {base} ({base}/metadata says what it can do); open {base.removesuffix('/fhir')}/")
    if settings.auth == "off":
        typer.secho("No authorization (auth=off): for trying out and for closed networks.", fg="yellow")


def _run(host: str, port: int, workers: int) -> None:
    import uvicorn  # noqa: PLC0415 - slow

    uvicorn.run(
        _FACTORY,
        factory=True,
        host=host,
        port=port,
        workers=workers,
        loop="auto",  # uvloop and httptools where they are installed, which is everywhere but Windows
        http="auto",
        access_log=False,  # its lines hold URLs, and URLs name patients; ours do not
        log_config=None,
        proxy_headers=False,  # forwarded headers are read by web/addresses.py, from trusted proxies only
        server_header=False,
        timeout_keep_alive=30,
        timeout_graceful_shutdown=10,
    )
