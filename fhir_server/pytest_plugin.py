"""A pytest plug-in: the fixture `fhir_server` is a whole FHIR server inside the test process, empty for each test.

    def test_my_app(fhir_server):
        patient = fhir_server.create({"resourceType": "Patient", "name": [{"family": "Chalmers"}]})
        assert fhir_server.client.get(f"/Patient/{patient['id']}").status_code == 200

No socket, no process, no service: SQLite in a temporary folder. It works in plain and in `async` tests, with or
without pytest-asyncio: the server has an event loop and a thread of its own. What the fixture has:

    .client           an httpx.Client whose base URL is the FHIR base: `.client.get("/Patient?name=eve")`
    .async_client     an httpx.AsyncClient, the same
    .url              the FHIR base URL that links in answers begin with
    .create(r)        saves a resource, returns it as saved
    .create_tenant(n) makes another tenant, returns its base URL
    .perform(i)       answers an `Interaction` in Python (`perform_async` to await it); refusals are raised
    .parts            what the server is made of

Settings for one test: `@pytest.mark.fhir_server(update_create=False)`. Needs `pip install 'fhir-server[testing]'`.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import httpx

    from fhir_server.interactions.context import Context, Parts
    from fhir_server.interactions.interaction import Interaction, Reply, Resource
    from fhir_server.kernel.errors import Refusal
    from fhir_server.web.in_process import OwnLoop

# Only the standard library and pytest are imported above: pytest loads this file in every run of every project.

_ORIGIN = "http://localhost:8000"


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known."""
    config.addinivalue_line("markers", "fhir_server(**settings): settings of the `fhir_server` fixture for this test.")


@dataclass(frozen=True)
class InProcessServer:
    """The server of one test; see the module."""

    client: httpx.Client
    async_client: httpx.AsyncClient
    url: str
    parts: Parts
    context: Context
    _loop: OwnLoop

    def perform(self, interaction: Interaction) -> Reply:
        """Answer `interaction` for the default tenant. Raises a Refusal where the server will not."""
        from fhir_server.interactions.perform import perform  # noqa: PLC0415
        from fhir_server.kernel.errors import Refusal  # noqa: PLC0415

        __tracebackhide__ = True
        try:
            return self._loop.run(perform(interaction, self.context))
        except Refusal as refusal:
            raise _explained(refusal).with_traceback(None) from None

    async def perform_async(self, interaction: Interaction) -> Reply:
        """Answer `interaction`, awaited."""
        from fhir_server.interactions.perform import perform  # noqa: PLC0415
        from fhir_server.kernel.errors import Refusal  # noqa: PLC0415

        __tracebackhide__ = True
        try:
            return await self._loop.run_async(perform(interaction, self.context))
        except Refusal as refusal:
            raise _explained(refusal).with_traceback(None) from None

    def create(self, resource: Resource) -> Resource:
        """Save `resource` as a new instance and return it as saved, with its id. Raises a Refusal where it is not valid."""
        from fhir_server.interactions.interaction import Interaction  # noqa: PLC0415
        from fhir_server.interactions.loading import refuse_unless_resource  # noqa: PLC0415
        from fhir_server.spec import json_format  # noqa: PLC0415

        __tracebackhide__ = True
        refuse_unless_resource(resource)
        reply = self.perform(Interaction(kind="create", resource_type=resource["resourceType"], body=resource))
        return json_format.decode(reply.body or b"")

    def create_tenant(self, name: str) -> str:
        """Make another tenant and return its base URL."""
        self._loop.run(self.parts.store.create_tenant(name))
        return f"{self.url.removesuffix('/fhir')}/t/{name}/fhir"


def _explained(refusal: Refusal) -> Refusal:
    """Return the refusal with its issues as notes: pytest shows them, the message alone may not say the place."""
    for issue in refusal.issues:
        if issue.expression or issue.diagnostics != refusal.diagnostics:
            refusal.add_note(f"{issue.expression or issue.code}: {issue.diagnostics}")
    return refusal


def _refuse_wrong(changed: dict[str, Any]) -> None:
    """Fail the test where its marker names what is no setting, or gives it a wrong value."""
    from difflib import get_close_matches  # noqa: PLC0415

    from pydantic import ValidationError  # noqa: PLC0415

    from fhir_server.kernel.settings import Settings  # noqa: PLC0415

    for name in changed.keys() - Settings.model_fields.keys():
        near = get_close_matches(name, Settings.model_fields, 1)
        hint = f"; did you mean {near[0]!r}?" if near else "; docs/settings.md has them all, here in small letters"
        pytest.fail(f"pytest.mark.fhir_server: there is no setting {name!r}{hint}", pytrace=False)
    try:
        Settings(_env_file=None, **changed)
    except ValidationError as wrong:
        said = "; ".join(f"{'.'.join(map(str, error['loc']))}: {error['msg']}" for error in wrong.errors())
        pytest.fail(f"pytest.mark.fhir_server: {said}", pytrace=False)


class _House:
    """What the tests of a session share: the definitions, an empty database to copy, an event loop."""

    def __init__(self, folder: Path) -> None:
        from fhir_server.app import build_parts  # noqa: PLC0415
        from fhir_server.kernel.settings import Settings  # noqa: PLC0415
        from fhir_server.web.in_process import OwnLoop  # noqa: PLC0415

        self.loop = OwnLoop()
        self._empty = folder / "empty.db"
        settings = Settings(_env_file=None, database_url=f"sqlite:///{self._empty}", auth="off", base_url="")
        self._parts = self.loop.run(build_parts(settings))
        self.loop.run(self._parts.store.close())

    def open(self, folder: Path, changed: dict[str, Any]) -> Parts:
        """Return parts over an empty database in `folder`."""
        from fhir_server.store.store import Store  # noqa: PLC0415

        shutil.copyfile(self._empty, folder / "fhir.db")
        url = {"database_url": f"sqlite:///{folder / 'fhir.db'}"}
        settings = type(self._parts.settings).model_validate({**self._parts.settings.model_dump(), **url, **changed})
        return replace(self._parts, settings=settings, store=self.loop.run(Store.open(settings)))


@pytest.fixture(scope="session")
def _fhir_server_house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[_House]:
    house = _House(tmp_path_factory.mktemp("fhir_server"))
    yield house
    house.loop.close()


@pytest.fixture
def fhir_server(
    _fhir_server_house: _House, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[InProcessServer]:
    """Return a FHIR server inside the test process, with nothing in it."""
    import httpx  # noqa: PLC0415

    from fhir_server.app import create_app_with  # noqa: PLC0415
    from fhir_server.interactions.context import Context, Tenant  # noqa: PLC0415
    from fhir_server.web.in_process import InProcessTransport  # noqa: PLC0415

    marker = request.node.get_closest_marker("fhir_server")
    changed = dict(marker.kwargs) if marker else {}
    _refuse_wrong(changed)
    folder = tmp_path_factory.mktemp("fhir_server")
    loop = _fhir_server_house.loop
    parts = _fhir_server_house.open(folder, changed)
    url = parts.settings.base_url or f"{_ORIGIN}/fhir"
    transport = InProcessTransport(create_app_with(parts), loop)
    try:
        with httpx.Client(transport=transport, base_url=url) as client:
            async_client = httpx.AsyncClient(transport=transport, base_url=url)
            context = Context(parts, Tenant(1, parts.settings.default_tenant), url)
            yield InProcessServer(client, async_client, url, parts, context, loop)
    finally:
        loop.run(parts.store.close())
        shutil.rmtree(folder, ignore_errors=True)
