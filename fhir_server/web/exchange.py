"""What the layers of one request tell each other: its id, and for the log what it turned out to be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.types import Scope

_KEY = "fhir_server.exchange"


@dataclass(slots=True)
class Exchange:
    """One request. `route` is a template (`{type}/{id}`), never the URL: that names patients."""

    request_id: str
    interaction: str = "other"
    route: str = ""
    status: int = 0


def begin_exchange(scope: Scope, request_id: str) -> Exchange:
    """Make the exchange of a request and keep it with the request."""
    exchange = scope[_KEY] = Exchange(request_id)
    return exchange


def exchange_of(scope: Scope) -> Exchange:
    """Return the exchange of a request; a nameless one where no layer above began it."""
    exchange = scope.get(_KEY)
    return exchange if isinstance(exchange, Exchange) else begin_exchange(scope, "")
