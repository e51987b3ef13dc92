"""The documents say what the code does."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import pytest

from fhir_server.cli import COMMANDS, name_of
from fhir_server.kernel.settings import Settings

pytest_plugins = ["pytester"]

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


@pytest.mark.parametrize("page", ["settings", "cli"])
def test_pages_that_are_made_are_as_they_would_be_made_now(page):
    made = runpy.run_path(str(ROOT / "docs/make.py"))[f"{page}_page"]()
    assert (ROOT / f"docs/{page}.md").read_text() == made, "run python docs/make.py"


def test_the_examples_of_the_testing_page_pass(pytester):
    examples = re.findall(r"```python\n(.*?)```", (ROOT / "docs/testing.md").read_text(), re.DOTALL)
    pytester.makepyfile(
        my_application="""
            def book(fhir_client, patient):
                actor = {"actor": {"reference": f"Patient/{patient}"}, "status": "accepted"}
                booked = {"resourceType": "Appointment", "status": "proposed", "participant": [actor]}
                fhir_client.post("/Appointment", json=booked).raise_for_status()
        """,
        **{f"test_example_{number}": example for number, example in enumerate(examples)},
    )
    pytester.runpytest_subprocess("-p", "no:cacheprovider").assert_outcomes(passed=len(examples))


def test_options_the_documents_use_exist():
    known = (ROOT / "docs/cli.md").read_text()
    for document in (ROOT / "README.md", *(ROOT / "docs").glob("*.md")):
        for command, rest in re.findall(r"^[^#\n]*fhir-server ([a-z-]+)([^#\n`]*)", document.read_text(), re.MULTILINE):
            section = known.partition(f"## `fhir-server {command}`")[2].partition("\n## ")[0]
            assert section, f"fhir-server {command} in {document.name}"
            for option in re.findall(r"(?<= )--[a-z-]+", rest):
                assert f"`{option}`" in section, f"fhir-server {command} {option} in {document.name}"


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
