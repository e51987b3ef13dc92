"""capabilities: what this server does, told from what is registered and routed.

https://hl7.org/fhir/R4/http.html#capabilities and https://hl7.org/fhir/R4/capabilitystatement.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fhir_server import __version__
from fhir_server.interactions.interaction import Reply
from fhir_server.interactions.shaping import shaped
from fhir_server.kernel.errors import BadRequest, NotSupported
from fhir_server.spec import json_format
from fhir_server.spec.temporal import format_instant

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fhir_server.interactions.context import Context
    from fhir_server.interactions.interaction import Interaction
    from fhir_server.spec.definitions import SearchParameter

TYPE_INTERACTIONS = ("read", "vread", "update", "delete", "history-instance", "history-type", "create", "search-type")
SYSTEM_INTERACTIONS = ("transaction", "batch", "search-system", "history-system")
MODES = frozenset({"full", "normative"})


async def capabilities(interaction: Interaction, context: Context) -> Reply:
    """Return the CapabilityStatement. Raises NotSupported for `mode=terminology`, BadRequest for an unknown mode."""
    mode = dict(interaction.parameters).get("mode", "full")
    if mode == "terminology":
        raise NotSupported("TerminologyCapabilities are not supported yet")
    if mode not in MODES:
        raise BadRequest(f"mode={mode[:40]} is not known; use full")
    statement = json_format.encode(capability_statement(context))
    body, resource = shaped(statement, interaction.parameters, context)
    return Reply(status=200, body=body, resource=resource)


def capability_statement(context: Context) -> dict[str, Any]:
    """Return the CapabilityStatement of this server for the tenant of `context`."""
    definitions = context.parts.definitions
    pointing = _pointing(context)
    return {
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": format_instant(context.parts.clock.now()),
        "kind": "instance",
        "software": {"name": "fhir-server", "version": __version__},
        "implementation": {"description": "A FHIR R4 server in Python", "url": context.base_url},
        "fhirVersion": "4.0.1",
        "format": ["application/fhir+json", "application/fhir+xml", "json", "xml"],
        "rest": [
            {
                "mode": "server",
                "resource": [_resource(name, pointing[name], context) for name in definitions.resource_types],
                "interaction": [{"code": code} for code in SYSTEM_INTERACTIONS],
                "searchParam": _parameters(_common(context)),
                "compartment": [
                    f"http://hl7.org/fhir/CompartmentDefinition/{code.lower()}" for code in definitions.compartments
                ],
            }
        ],
    }


def _resource(name: str, pointing: list[str], context: Context) -> dict[str, Any]:
    settings = context.parts.settings
    parameters = context.parts.search_parameters.of(name)
    includes = sorted(f"{name}:{p.code}" for p in parameters.values() if p.type == "reference")
    return {
        "type": name,
        "profile": f"http://hl7.org/fhir/StructureDefinition/{name}",
        "interaction": [{"code": code} for code in TYPE_INTERACTIONS],
        "versioning": "versioned",
        "readHistory": True,
        "updateCreate": settings.update_create,
        "conditionalCreate": True,
        "conditionalRead": "full-support",
        "conditionalUpdate": True,
        "conditionalDelete": settings.conditional_delete,
        "referencePolicy": ["literal", "logical"],
        **({"searchInclude": includes} if includes else {}),
        **({"searchRevInclude": sorted(pointing)} if pointing else {}),
        "searchParam": _parameters(parameters),
    }


def _common(context: Context) -> dict[str, SearchParameter]:
    """Return the parameters of every resource type, `_id` and its like."""
    return {code: p for code, p in context.parts.search_parameters.of("Basic").items() if "Resource" in p.base}


def _pointing(context: Context) -> dict[str, list[str]]:
    """Return, for each type, the `Type:parameter` pairs by which types point to it."""
    pointing: dict[str, list[str]] = {name: [] for name in context.parts.definitions.resource_types}
    for source in context.parts.definitions.resource_types:
        for parameter in context.parts.search_parameters.of(source).values():
            for target in parameter.targets if parameter.type == "reference" else ():
                if target in pointing:
                    pointing[target].append(f"{source}:{parameter.code}")
    return pointing


def _parameters(parameters: Mapping[str, SearchParameter]) -> list[dict[str, Any]]:
    listed = sorted(parameters.values(), key=lambda p: p.code)
    return [{"name": p.code, "type": p.type, **({"definition": p.url} if p.url else {})} for p in listed]
