"""Reading a matched request as an Interaction.

https://hl7.org/fhir/R4/http.html
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from fhir_server.interactions.interaction import Interaction, Kind
from fhir_server.kernel.errors import BadRequest, Malformed, NotFound, NotSupported
from fhir_server.web.bodies import form_from, pairs_from, read_body, resource_from
from fhir_server.web.headers import conditions_from, preferences_from

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.types import Receive, Scope

    from fhir_server.interactions.context import Parts
    from fhir_server.interactions.interaction import Resource
    from fhir_server.spec.packages import Definitions
    from fhir_server.web.routes import Match

Pairs = tuple[tuple[str, str], ...]

_SEARCH_WITHIN = "search-compartment"


@dataclass(frozen=True, slots=True)
class Request:
    """A request whose route is known. `pairs` are those of the query string."""

    match: Match
    headers: Mapping[bytes, bytes]
    pairs: Pairs
    receive: Receive
    parts: Parts


def pairs_of(scope: Scope) -> Pairs:
    """Return the pairs of the query string. Raises BadRequest where it is not percent-encoded UTF-8."""
    return pairs_from(scope.get("query_string", b""))


async def interaction_from(request: Request) -> Interaction:
    """Return what the request asks for, its body read and decoded.

    Raises a Refusal where a header, the form or the body cannot be understood.
    """
    route, values = request.match.route, request.match.values
    if route.kind == "operation":
        _refuse_operation(values["operation"], request.parts.definitions)
    if route.kind == "patch":
        raise NotSupported("PATCH comes with a later version of this server; use PUT with the whole resource")
    conditions, preferences = conditions_from(request.headers), preferences_from(request.headers)
    pairs, body = request.pairs, None
    if route.takes != "nothing":
        sent = await read_body(request.receive, request.headers, request.parts.settings.max_body_bytes)
        if route.takes == "form":
            pairs = (*pairs, *form_from(sent, request.headers))
        else:
            body = resource_from(sent, request.headers, request.parts.definitions, request.parts.settings)
    return Interaction(
        kind=_bundle_kind(body) if route.kind == "bundle" else cast("Kind", route.kind),
        parameters=pairs,
        body=body,
        conditions=conditions,
        preferences=preferences,
        **_place(route.kind, values),
    )


def _place(kind: str, values: Mapping[str, str]) -> dict[str, Any]:
    if kind == _SEARCH_WITHIN:
        return {"resource_type": values.get("member"), "compartment": (values["type"], values["id"])}
    return {
        "resource_type": values.get("type"),
        "id": values.get("id"),
        "version_id": values.get("version"),
    }


def _bundle_kind(body: Resource | None) -> Kind:
    """Return batch or transaction, as the Bundle says. Raises Malformed or BadRequest where it says neither."""
    if body is None:
        raise Malformed("The request has no body; send a Bundle")
    if body.get("resourceType") != "Bundle":
        raise Malformed("POST to the base takes a Bundle; a single resource goes to its type")
    kind = body.get("type")
    if kind == "batch":
        return "batch"
    if kind == "transaction":
        return "transaction"
    said = "missing" if kind is None else repr(str(kind)[:40])
    raise BadRequest(
        f"Bundle.type is {said}; a Bundle sent to the base is a batch or a transaction",
        expression="Bundle.type",
    )


def _refuse_operation(name: str, definitions: Definitions) -> None:
    """Raise NotSupported for R4's operations, NotFound for others. Operations register here when they come."""
    if any(operation.code == name for operation in definitions.operations):
        raise NotSupported(f"The operation ${name} is not supported yet")
    raise NotFound(f"There is no operation ${name[:60]} in FHIR R4")
