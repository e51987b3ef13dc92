"""Refusals and faults as OperationOutcomes, once, for the whole FHIR surface.

A refusal says which rule was broken and where. A fault says only the id of the request: what went
wrong is in the log, by classes and places, and what the resource held is nowhere.

https://hl7.org/fhir/R4/operationoutcome.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import structlog

from fhir_server.interactions.interaction import Reply
from fhir_server.kernel.errors import Issue
from fhir_server.kernel.log import describe_fault
from fhir_server.spec import json_format
from fhir_server.spec.outcome import operation_outcome

if TYPE_CHECKING:
    from starlette.types import Send

    from fhir_server.kernel.errors import Refusal

_log = structlog.get_logger("fhir_server.web")


def reply_to_refusal(refusal: Refusal) -> Reply:
    """Return the answer that says why not."""
    return Reply(status=refusal.http_status, resource=operation_outcome(refusal.issues))


def reply_to_fault(fault: Exception, request_id: str) -> Reply:
    """Log where `fault` came from and return the answer that says only that there was one."""
    report_fault(fault)
    issue = Issue("fatal", "exception", f"The server failed; the log has it under request id {request_id}")
    return Reply(status=500, resource=operation_outcome([issue]))


def report_fault(fault: BaseException) -> None:
    """Log a fault: classes and places, no messages."""
    described: dict[str, Any] = describe_fault(fault)
    _log.error("fault", **described)


async def send_refusal(refusal: Refusal, send: Send) -> None:
    """Send a refusal from where nothing has been negotiated yet: JSON."""
    await _send(reply_to_refusal(refusal), send)


async def send_fault(fault: Exception, request_id: str, send: Send) -> None:
    """Send what a client is told of a fault, from where nothing has been negotiated yet: JSON."""
    await _send(reply_to_fault(fault, request_id), send)


async def _send(reply: Reply, send: Send) -> None:
    body = json_format.encode(reply.resource or {})
    headers = [(b"content-type", b"application/fhir+json; charset=utf-8"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
