"""Keeps a server without authorization to this machine, however it was started.

`refuse_exposed` holds before it starts. While it runs, `LoopbackOnly` refuses requests that reached it at an address which is not loopback, and requests for a host
name that is not this machine's: a page of a stranger's site can point its own name at 127.0.0.1
and have the browser ask for it ("DNS rebinding").
"""

from __future__ import annotations

from functools import lru_cache
from ipaddress import IPv6Address, ip_address
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from fhir_server.kernel.errors import Forbidden
from fhir_server.web.errors import send_refusal

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

    from fhir_server.kernel.settings import Settings

_WAY_OUT = (
    "Without authorization this server answers on this machine only; --insecure (FHIR_SERVER_INSECURE=true) lifts that"
)


class CannotStart(Exception):  # noqa: N818 - a sentence for whoever starts the server
    """The settings ask for what this server cannot do; the message says the way out."""


def refuse_unfinished(settings: Settings) -> None:
    """Raise CannotStart where authorization is asked for: it is not built yet."""
    if settings.auth == "smart":
        raise CannotStart(
            "SMART on FHIR authorization (auth=smart, the default) is not built yet, so the server does not start: "
            "it would be open. To run it without authorization, on this machine only: "
            "`fhir-server serve --auth off`, or FHIR_SERVER_AUTH=off in the environment."
        )


def refuse_exposed(settings: Settings, host: str) -> None:
    """Raise CannotStart where `host` would let others than this machine in, and nobody said `insecure`."""
    if settings.auth == "off" and not settings.insecure and not is_loopback(host):
        raise CannotStart(
            f"auth=off lets anybody who reaches {host} read and write everything. "
            "Listen on 127.0.0.1, or add --insecure where the network is closed to others."
        )


class LoopbackOnly:
    """The layer that stands in front while `auth=off` and nobody said `insecure`."""

    def __init__(self, app: ASGIApp, *, base_url: str = "") -> None:
        self._app = app
        self._own_host = urlsplit(base_url).hostname or "localhost"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on what is local, refuse what is not."""
        if scope["type"] == "lifespan" or self._is_local(scope):
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        else:
            await send_refusal(Forbidden(_WAY_OUT), send)

    def _is_local(self, scope: Scope) -> bool:
        server = scope.get("server")
        if server is not None and server[1] is not None and not is_loopback(server[0]):
            return False
        host = next((value for name, value in scope["headers"] if name == b"host"), b"localhost")
        name = _name_of(bytes(host))
        return name == self._own_host or is_loopback(name)


@lru_cache(maxsize=256)
def _name_of(host: bytes) -> str:
    """Return the name of a Host header without its port."""
    text = host.decode("latin-1").lower()
    return text[1:].partition("]")[0] if text.startswith("[") else text.partition(":")[0]


@lru_cache(maxsize=256)
def is_loopback(host: str) -> bool:
    """Whether a host name or address is this machine's own.

    >>> is_loopback("127.0.0.1"), is_loopback("::1"), is_loopback("localhost"), is_loopback("0.0.0.0")
    (True, True, True, False)
    """
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        address = ip_address(host)
    except ValueError:
        return False
    if isinstance(address, IPv6Address) and address.ipv4_mapped:
        return address.ipv4_mapped.is_loopback
    return address.is_loopback
