"""The documents say what the code does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from fhir_server.cli import COMMANDS, name_of
from fhir_server.kernel.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = sorted(p for p in ROOT.rglob("*.md") if not {".venv", ".work", "node_modules"} & set(p.parts))


@pytest.mark.parametrize("name", sorted(Settings.model_fields))
def test_every_setting_is_documented(name):
    field = Settings.model_fields[name]
    line = f"| `FHIR_SERVER_{name.upper()}` |"
    found = [row for row in (ROOT / "docs/settings.md").read_text().splitlines() if row.startswith(line)]
    assert found, f"docs/settings.md has no line for {name}; run python docs/make.py"
    assert (field.description or "?") in found[0]


def test_every_documented_setting_exists():
    documented = re.findall(r"^\| `FHIR_SERVER_(\w+)`", (ROOT / "docs/settings.md").read_text(), re.MULTILINE)
    assert sorted(documented) == sorted(name.upper() for name in Settings.model_fields)


def test_every_command_is_documented():
    documented = set(re.findall(r"^## `fhir-server ([\w-]+)", (ROOT / "docs/cli.md").read_text(), re.MULTILINE))
    assert documented == {name_of(place) for place in COMMANDS}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda p: str(p.relative_to(ROOT)))
def test_links_lead_to_files_that_exist(document):
    for target in re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", document.read_text()):
        if "://" not in target:
            assert (document.parent / target).exists(), f"{target} in {document.name}"


@pytest.mark.parametrize(
    "target", sorted(set(re.findall(r"(?:^|`)make (\w+)", (ROOT / "README.md").read_text(), re.MULTILINE)))
)
def test_make_targets_of_the_readme_exist(target):
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), re.MULTILINE)


def test_every_room_is_drawn():
    drawn = (ROOT / "ARCHITECTURE.md").read_text()
    rooms = [p.name for p in (ROOT / "fhir_server").iterdir() if (p / "__init__.py").exists()]
    assert [room for room in rooms if not re.search(rf"\b{room}\b", drawn)] == []
