"""The plug-in that ships with the package: a whole server in the test process, empty for each test."""

from __future__ import annotations

import time
from decimal import Decimal

import pytest

from fhir_server.interactions.interaction import Interaction
from fhir_server.kernel.errors import InvalidResource, Malformed, NotFound

pytest_plugins = ["pytester"]

PATIENT = {"resourceType": "Patient", "name": [{"family": "Chalmers"}]}


def test_a_plain_test_has_a_client(fhir_server):
    patient = fhir_server.create(PATIENT)
    answer = fhir_server.client.get(f"/Patient/{patient['id']}")
    assert answer.status_code == 200
    assert answer.json()["name"] == PATIENT["name"]
    assert fhir_server.client.get("/Patient?name=chalmers").json()["total"] == 1


async def test_an_async_test_has_one_too(fhir_server):
    answer = await fhir_server.async_client.post("/Patient", json=PATIENT)
    assert answer.status_code == 201
    assert answer.headers["location"].startswith(fhir_server.url + "/Patient/")
    assert (await fhir_server.async_client.get(answer.headers["location"])).json()["name"] == PATIENT["name"]


async def test_plain_calls_work_in_async_tests(fhir_server):
    patient = fhir_server.create(PATIENT)
    read = Interaction(kind="read", resource_type="Patient", id=patient["id"])
    assert (await fhir_server.perform_async(read)).body == fhir_server.perform(read).body


def test_create_keeps_decimals_and_raises_refusals(fhir_server):
    observation = fhir_server.create(
        {
            "resourceType": "Observation",
            "status": "final",
            "code": {"text": "x"},
            "valueQuantity": {"value": Decimal("1.10")},
        }
    )
    assert str(observation["valueQuantity"]["value"]) == "1.10"
    with pytest.raises(InvalidResource):
        fhir_server.create({"resourceType": "Patient", "nonsense": True})
    with pytest.raises(NotFound):
        fhir_server.perform(Interaction(kind="read", resource_type="Patient", id="none"))


@pytest.mark.parametrize("turn", [1, 2, 3])
def test_each_test_begins_with_an_empty_server(fhir_server, turn):
    assert fhir_server.client.get("/Patient?_total=accurate").json()["total"] == 0
    assert fhir_server.client.get("/_history").json().get("entry", []) == []
    fhir_server.create(PATIENT)


@pytest.mark.fhir_server(update_create=False, cors_origins=("*",))
def test_settings_may_be_changed_for_one_test(fhir_server):
    assert fhir_server.client.put("/Patient/new", json={**PATIENT, "id": "new"}).status_code == 405
    answer = fhir_server.client.get("/metadata", headers={"origin": "https://app.example"})
    assert answer.headers["access-control-allow-origin"] == "*"


def test_a_refusal_says_in_the_test_s_report_what_is_wrong(pytester):
    pytester.makepyfile(
        """
        def test_it(fhir_server):
            fhir_server.create({"resourceType": "Patient", "nam": []})
        """
    )
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*Patient.nam*did you mean 'name'?*"])
    assert "concurrent/futures" not in result.stdout.str(), "the frames of ours are left out"


def test_what_is_no_resource_is_refused(fhir_server):
    with pytest.raises(Malformed, match="resourceType"):
        fhir_server.create({"name": []})


def test_a_setting_that_is_none_or_wrong_is_said(pytester):
    pytester.makepyfile(
        """
        import pytest

        @pytest.mark.fhir_server(update_creat=False)
        def test_none(fhir_server): ...

        @pytest.mark.fhir_server(max_count=0)
        def test_wrong(fhir_server): ...
        """
    )
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider")
    result.assert_outcomes(errors=2)
    result.stdout.fnmatch_lines(["*no setting 'update_creat'; did you mean 'update_create'?*"])
    result.stdout.fnmatch_lines(["*max_count*greater than or equal to 1*"])


def test_compressed_answers_arrive_unpacked(fhir_server):
    answer = fhir_server.client.get("/metadata", headers={"accept-encoding": "gzip"})
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.json()["resourceType"] == "CapabilityStatement"


def test_an_empty_server_is_made_of_the_parts_of_the_one_before(pytester):
    """What is costly to make (about 2 s) is made once a session; a fresh server then takes about 20 ms."""
    pytester.makepyfile(
        """
        import pytest

        seen = []

        @pytest.mark.parametrize("turn", range(3))
        def test_it(fhir_server, turn):
            parts = fhir_server.parts
            seen.append((parts.store, parts.definitions, parts.search_parameters, parts.indexer, parts.validator))

        def test_what_is_shared():
            assert all(len({id(part) for part in shared}) == 1 for shared in list(zip(*seen))[1:])
            assert len({id(store) for store, *_ in seen}) == 3, "and the database is not"
        """
    )
    pytester.runpytest_subprocess("-p", "no:cacheprovider").assert_outcomes(passed=4)


def test_it_needs_no_pytest_asyncio(pytester):
    pytester.makepyfile(
        """
        import asyncio

        def test_plain(fhir_server):
            patient = fhir_server.create({"resourceType": "Patient"})
            assert fhir_server.client.get("/Patient/" + patient["id"]).status_code == 200

        def test_with_a_loop_of_its_own(fhir_server):
            async def ask():
                async with fhir_server.async_client as client:
                    return await client.get("/metadata")
            assert asyncio.run(ask()).status_code == 200
        """
    )
    pytester.runpytest_subprocess("-p", "no:asyncio", "-p", "no:cacheprovider").assert_outcomes(passed=2)


def test_loading_the_plugin_imports_no_server():
    import subprocess
    import sys

    begun = time.perf_counter()
    code = "import sys, fhir_server.pytest_plugin as p; print([m for m in sys.modules if m.startswith(('fhir_server.', 'sqlalchemy', 'fastapi'))])"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert shown.strip() == "['fhir_server.pytest_plugin']"
    assert time.perf_counter() - begun < 10
