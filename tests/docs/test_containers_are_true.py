"""The container files name settings, commands and modules that exist (there is no container engine to try them)."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import yaml

from fhir_server.cli import COMMANDS, command_at, name_of
from fhir_server.kernel.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())


def options_of(command: str) -> set[str]:
    place = next(place for place in COMMANDS if name_of(place) == command)
    return {option for parameter in command_at(place).params for option in parameter.opts}


def test_compose_has_the_server_its_database_redis_and_a_worker():
    assert set(COMPOSE["services"]) == {"server", "postgres", "redis", "worker"}
    for service in COMPOSE["services"].values():
        assert "healthcheck" in service or "build" in service
        assert set(service.get("depends_on", {})) <= set(COMPOSE["services"])


def test_the_environment_of_compose_is_made_of_settings():
    environment = COMPOSE["services"]["server"]["environment"]
    given = {name.removeprefix("FHIR_SERVER_").lower(): value for name, value in environment.items()}
    assert set(given) <= set(Settings.model_fields)
    Settings.model_validate(given)


def test_the_commands_of_compose_and_dockerfile_exist():
    dockerfile = (ROOT / "Dockerfile").read_text()
    in_dockerfile = re.search(r"^CMD \[(.*)\]$", dockerfile, re.MULTILINE)
    commands = [COMPOSE["services"]["server"]["command"], re.findall(r'"([^"]+)"', in_dockerfile[1])]
    for name, *arguments in commands:
        assert {a for a in arguments if a.startswith("--")} <= options_of(name)


def test_the_worker_of_compose_is_a_celery_application(monkeypatch):
    monkeypatch.setenv("FHIR_SERVER_REDIS_URL", "redis://127.0.0.1:1/0")  # nothing listens there, and nothing is asked
    entrypoint = COMPOSE["services"]["worker"]["entrypoint"]
    module = importlib.import_module(entrypoint[entrypoint.index("--app") + 1])
    assert "fhir_server.reindex" in module.app.tasks


def test_the_port_of_compose_is_published_on_loopback_while_there_is_no_authorization():
    server = COMPOSE["services"]["server"]
    assert server["environment"]["FHIR_SERVER_AUTH"] == "off"
    assert all(port.startswith("127.0.0.1:") for port in server["ports"])


def test_what_the_dockerfile_copies_is_there():
    for source in re.findall(r"^COPY (?!--from)(\S+) ", (ROOT / "Dockerfile").read_text(), re.MULTILINE):
        assert (ROOT / source).exists()
