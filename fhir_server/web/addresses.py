"""Which address a request came to: the tenant, the path below the base, and the base URL for links.

`Host` and what proxies forward are checked before they are put into links.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote_to_bytes

from fhir_server.kernel.errors import BadRequest, NotFound

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fhir_server.kernel.settings import Settings

_HOST = re.compile(rb"(?:[A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?")
_TENANT = re.compile(r"[A-Za-z0-9_-]{1,64}")
_ROOT = "/fhir"


@dataclass(frozen=True, slots=True)
class Address:
    """`tenant` is "" for the default one, `prefix` its path (`/t/clinic/fhir`), `segments` what follows, decoded."""

    tenant: str
    prefix: str
    segments: tuple[str, ...]


def is_fhir(path: str) -> bool:
    """Whether `path` belongs to the FHIR surface: `/fhir…` or `/t/{tenant}/fhir…`."""
    return path == _ROOT or path.startswith(("/fhir/", "/t/"))


def address_of(raw_path: bytes) -> Address:
    """Return where a path leads. One slash at the end is passed over; an encoded slash does not part segments.

    Raises NotFound where a tenant's path is not `/t/{tenant}/fhir…`, BadRequest for broken percent-encoding.
    """
    if b"%" in raw_path:
        parts = [_decoded(part) for part in raw_path.split(b"/")[1:]]
    else:
        parts = _decoded(raw_path).split("/")[1:]
    if len(parts) > 1 and parts[-1] == "":
        parts.pop()
    if parts and parts[0] == "fhir":
        return Address("", _ROOT, tuple(parts[1:]))
    match parts:
        case ["t", tenant, "fhir", *rest] if _TENANT.fullmatch(tenant):
            return Address(tenant, f"/t/{tenant}/fhir", tuple(rest))
    raise NotFound("There is nothing here; a tenant's base is /t/{tenant}/fhir")


def _decoded(part: bytes) -> str:
    try:
        text = unquote_to_bytes(part).decode() if b"%" in part else part.decode("ascii")
    except UnicodeDecodeError:
        raise BadRequest("The path is not percent-encoded UTF-8") from None
    if not text.isprintable():
        raise BadRequest("The path holds control characters")
    return text


def raw_path_of(scope: Mapping[str, Any]) -> bytes:
    """Return the path as it was sent, below the application's own root path."""
    raw = scope.get("raw_path") or quote(scope["path"]).encode()
    root: str = scope.get("root_path", "")
    path = bytes(raw).partition(b"?")[0]
    return path.removeprefix(root.rstrip("/").encode()) if root else path


def base_url_of(scope: Mapping[str, Any], headers: Mapping[bytes, bytes], prefix: str, settings: Settings) -> str:
    """Return the base URL for links: the one of the settings, else the one the client used.

    Raises BadRequest where `Host` holds what no host name can.
    """
    if settings.base_url:
        base = settings.base_url.rstrip("/")
        return base if prefix == _ROOT else base.removesuffix(_ROOT) + prefix
    scheme, host = _forwarded(scope, headers, settings) or (scope["scheme"], headers.get(b"host"))
    root_path: str = scope.get("root_path", "")
    return _origin(scheme, _own_host(scope) if host is None else host) + root_path.rstrip("/") + prefix


@lru_cache(maxsize=256)
def _origin(scheme: str, host: bytes) -> str:
    if not _HOST.fullmatch(host):
        raise BadRequest("The Host header is no host name")
    return f"{scheme}://{host.decode('ascii')}"


def _own_host(scope: Mapping[str, Any]) -> bytes:
    """HTTP/1.0 needs no Host: take the address the server was reached at."""
    name, port = scope.get("server") or ("localhost", None)
    name = f"[{name}]" if ":" in name else name
    return (f"{name}:{port}" if port else "localhost").encode()


def _forwarded(
    scope: Mapping[str, Any], headers: Mapping[bytes, bytes], settings: Settings
) -> tuple[str, bytes | None] | None:
    """Return scheme and host from `X-Forwarded-Proto` and `-Host`, where the peer is a trusted proxy."""
    if not settings.trusted_proxies or not is_trusted(str((scope.get("client") or ("",))[0]), settings.trusted_proxies):
        return None
    scheme = headers.get(b"x-forwarded-proto", b"").split(b",")[0].strip().lower()
    host = headers.get(b"x-forwarded-host", b"").split(b",")[0].strip()
    return (
        scheme.decode() if scheme in {b"http", b"https"} else scope["scheme"],
        host or headers.get(b"host"),
    )


@lru_cache(maxsize=256)
def is_trusted(peer: str, proxies: tuple[str, ...]) -> bool:
    """Whether the address `peer` is one of `proxies` (addresses, networks such as `10.0.0.0/8`, or `*`)."""
    if "*" in proxies:
        return True
    try:
        address = ip_address(peer)
    except ValueError:
        return False
    return any(address in ip_network(proxy, strict=False) for proxy in proxies)
