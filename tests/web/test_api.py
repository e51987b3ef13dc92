"""Beside FHIR: health, metrics, OpenAPI, the page that says what to open."""

from __future__ import annotations

import re
from types import SimpleNamespace

import httpx
import pytest
import schemathesis
from hypothesis import settings as hypothesis_settings

from fhir_server.kernel.metrics import Metrics
from fhir_server.web.api import create_api


class Database:
    answers = True

    async def ready(self):
        return self.answers


@pytest.fixture
def database():
    return Database()


@pytest.fixture
async def client(database):
    api = create_api(ready=database.ready, metrics=Metrics(), lifespan=None)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(api), base_url="http://localhost") as client:
        yield client


async def test_it_says_that_it_lives(client):
    answer = await client.get("/health/live")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


async def test_it_is_ready_when_its_database_answers(client, database):
    assert (await client.get("/health/ready")).status_code == 200
    database.answers = False
    answer = await client.get("/health/ready")
    assert (answer.status_code, answer.json()) == (503, {"status": "unavailable"})


async def test_metrics_are_in_prometheus_form(client):
    answer = await client.get("/metrics")
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert "# TYPE fhir_server_requests_total counter" in answer.text


async def test_the_landing_page_says_what_to_open_and_loads_nothing_foreign(client):
    answer = await client.get("/")
    assert answer.status_code == 200
    assert "/fhir/metadata" in answer.text
    assert not re.search(r"(src|href)=\"?https?:", answer.text)
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")


async def test_no_page_loads_scripts_from_elsewhere(client):
    assert [(await client.get(path)).status_code for path in ("/docs", "/redoc")] == [404, 404]


_api = create_api(ready=Database().ready, metrics=Metrics(), lifespan=None)
schema = schemathesis.openapi.from_asgi("/openapi.json", _api)


@schema.parametrize()
@hypothesis_settings(max_examples=15, deadline=None)
def test_it_is_as_its_openapi_says(case):
    case.call_and_validate()


def test_its_openapi_holds_what_is_not_fhir():
    assert set(_api.openapi()["paths"]) == {"/health/live", "/health/ready", "/metrics"}
    assert SimpleNamespace(**_api.openapi()["info"]).title == "fhir-server"
