"""The FHIR surface: one ASGI application that turns a request into an Interaction and a Reply into a response.

It stands in front of the FastAPI application and takes `/fhir…` and `/t/{tenant}/fhir…`; there is no
Starlette on this path, because its routing and middleware cost more than the rest of a read.

https://hl7.org/fhir/R4/http.html
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from fhir_server.interactions.context import Context, Tenant
from fhir_server.interactions.interaction import Interaction, Reply
from fhir_server.kernel.errors import NotFound, Refusal, TimedOut, Unavailable
from fhir_server.web import addresses, limits
from fhir_server.web.errors import reply_to_fault, reply_to_refusal, send_refusal
from fhir_server.web.exchange import exchange_of
from fhir_server.web.headers import joined, text_of
from fhir_server.web.negotiation import JSON, negotiate
from fhir_server.web.replies import answer_with, send_answer
from fhir_server.web.requests import Request, interaction_from, pairs_of
from fhir_server.web.routes import Routes

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

    from fhir_server.interactions.context import Parts
    from fhir_server.web.addresses import Address
    from fhir_server.web.exchange import Exchange
    from fhir_server.web.negotiation import Format
    from fhir_server.web.replies import Answer

Perform = Callable[[Interaction, Context], Awaitable[Reply]]
_METHOD_NOT_ALLOWED = 405


class FhirSurface:
    """Answers requests under `/fhir` and `/t/{tenant}/fhir`, hands all others to `rest`."""

    def __init__(self, rest: ASGIApp, perform: Perform) -> None:
        self._rest, self._perform = rest, perform
        self._parts: Parts | None = None
        self._routes: Routes | None = None
        self._tenants: dict[str, Tenant] = {}

    def use(self, parts: Parts | None) -> None:
        """Serve with `parts` from now on; without parts every request is answered with 503."""
        self._parts, self._tenants = parts, {}
        self._routes = Routes(parts.definitions) if parts else None

    def forget_tenants(self) -> None:
        """Look tenants up anew (their keys are kept once they are found)."""
        self._tenants = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a FHIR request, or hand it on."""
        if scope["type"] != "http" or not addresses.is_fhir(scope["path"].removeprefix(scope.get("root_path", ""))):
            await self._rest(scope, receive, send)
            return
        if self._parts is None or self._routes is None:
            await send_refusal(Unavailable("The server is starting; try again in a moment"), send)
            return
        answer = await _Conversation(self, self._parts, self._routes, scope).answer(receive)
        await send_answer(answer, scope["method"], send)

    async def tenant(self, name: str, parts: Parts) -> Tenant:
        """Return the tenant of that name ("" for the default one). Raises NotFound where there is none."""
        tenant = self._tenants.get(name)
        if tenant is None:
            key = await parts.store.tenant_key(name or parts.settings.default_tenant)
            if key is None:
                raise NotFound(f"There is no tenant {name!r}" if name else "The default tenant is not set up")
            tenant = self._tenants[name] = Tenant(key, name or parts.settings.default_tenant)
        return tenant

    async def perform(self, interaction: Interaction, context: Context) -> Reply:
        """Hand an interaction to the front desk."""
        return await self._perform(interaction, context)


class _Conversation:
    """One request on its way in and out; what was learnt of it shapes the answer even where it is refused."""

    __slots__ = ("_address", "_base_url", "_exchange", "_format", "_headers", "_parts", "_routes", "_scope", "_surface")

    def __init__(self, surface: FhirSurface, parts: Parts, routes: Routes, scope: Scope) -> None:
        self._surface, self._parts, self._routes, self._scope = surface, parts, routes, scope
        self._exchange: Exchange = exchange_of(scope)
        self._headers = joined(scope["headers"])
        self._format: Format = JSON
        self._address: Address | None = None
        self._base_url = ""

    async def answer(self, receive: Receive) -> Answer:
        """Return the response: the reply, or the refusal, or the fault as an OperationOutcome."""
        limit = asyncio.timeout(self._parts.settings.request_timeout)
        try:
            async with limit:
                return await self._write(await self._reply(receive))
        except TimeoutError as fault:
            late = TimedOut(f"This took longer than {self._parts.settings.request_timeout:g} seconds")
            reply = reply_to_refusal(late) if limit.expired() else reply_to_fault(fault, self._exchange.request_id)
        except Refusal as refusal:
            reply = reply_to_refusal(refusal)
        except Exception as fault:  # noqa: BLE001 - whatever broke, the client is told that something did
            self._format = JSON
            reply = reply_to_fault(fault, self._exchange.request_id)
        return await self._write(reply)

    async def _reply(self, receive: Receive) -> Reply:
        scope, settings = self._scope, self._parts.settings
        limits.refuse_oversized(scope, settings)
        pairs = pairs_of(scope)
        self._format = negotiate(text_of(self._headers, b"accept"), pairs)
        self._address = address = addresses.address_of(addresses.raw_path_of(scope))
        self._base_url = addresses.base_url_of(scope, self._headers, address.prefix, settings)
        if scope["method"] == "OPTIONS":
            return self._options(address)
        match = self._routes.match(scope["method"], address.segments)
        self._exchange.interaction, self._exchange.route = match.route.kind, match.route.template
        limits.refuse_expectation(self._headers)
        tenant = await self._surface.tenant(address.tenant, self._parts)
        request = Request(match, self._headers, pairs, receive, self._parts)
        interaction = await interaction_from(request)
        if match.route.takes == "form":
            self._format = negotiate(text_of(self._headers, b"accept"), interaction.parameters)
        self._exchange.interaction = interaction.kind
        context = Context(self._parts, tenant, self._base_url, self._exchange.request_id)
        return await self._surface.perform(interaction, context)

    def _options(self, address: Address) -> Reply:
        if not self._routes.allowed(address.segments):
            raise NotFound("There is nothing here")
        self._exchange.interaction = "options"
        return Reply(status=204)

    async def _write(self, reply: Reply) -> Answer:
        encoding = self._headers.get(b"accept-encoding", b"").decode("latin-1")
        answer = await answer_with(reply, self._format, encoding, self._base_url, self._parts.definitions)
        is_about_methods = reply.status == _METHOD_NOT_ALLOWED or self._scope["method"] == "OPTIONS"
        if self._address and is_about_methods and (allowed := self._routes.allowed(self._address.segments)):
            answer.headers.append((b"allow", ", ".join(allowed).encode()))
        return answer
