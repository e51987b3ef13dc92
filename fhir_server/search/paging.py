"""Cursors: where a page goes on, opaque to the client and signed, so that nobody can make one up.

A cursor is bound to the tenant and to what was asked (`scope`): on another search it is refused.

https://hl7.org/fhir/R4/http.html#paging
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from functools import cache
from typing import TYPE_CHECKING, Any

import msgspec

from fhir_server.kernel.errors import BadRequest

if TYPE_CHECKING:
    from collections.abc import Sequence

MAC_BYTES = 16
MOST_CHARACTERS = 4096


def seal_cursor(position: Sequence[Any], scope: str, tenant_key: int, secret: str) -> str:
    """Return the cursor for `position`, a list JSON can hold."""
    payload = msgspec.json.encode(list(position))
    return urlsafe_b64encode(_mac(payload, scope, tenant_key, secret) + payload).rstrip(b"=").decode()


def open_cursor(cursor: str, scope: str, tenant_key: int, secret: str) -> list[Any]:
    """Return the position in `cursor`. Raises BadRequest where it was not made here, for this tenant and scope."""
    refusal = BadRequest(
        "This paging link is not valid: it was changed, belongs to another search, or the server has forgotten its"
        " secret; search again"
    )
    if len(cursor) > MOST_CHARACTERS:
        raise refusal
    try:
        sealed = urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4))
    except ValueError:
        raise refusal from None
    mac, payload = sealed[:MAC_BYTES], sealed[MAC_BYTES:]
    if not hmac.compare_digest(mac, _mac(payload, scope, tenant_key, secret)):
        raise refusal
    position: list[Any] = msgspec.json.decode(payload)
    return position


def _mac(payload: bytes, scope: str, tenant_key: int, secret: str) -> bytes:
    key = secret.encode() or _own_secret()
    message = b"\x00".join((str(tenant_key).encode(), scope.encode(), payload))
    return hmac.digest(key, message, hashlib.sha256)[:MAC_BYTES]


@cache
def _own_secret() -> bytes:
    """Return the secret of a process that was given none: its links end with it."""
    return secrets.token_bytes(32)
