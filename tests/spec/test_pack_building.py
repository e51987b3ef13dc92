"""Building the pack: the same package gives the same bytes, and nothing but facts."""

from __future__ import annotations

import io
import json
import os
import tarfile
from pathlib import Path

import pytest
from typer.testing import CliRunner

from fhir_server.cli.definitions import command
from fhir_server.kernel.bundled import bundled
from fhir_server.spec.pack_building import build_pack, write_pack
from fhir_server.spec.packages import load_definitions

SHARED = Path(os.environ.get("FHIR_SHARED", Path(__file__).resolve().parents[3] / "shared"))
PACKAGE = SHARED / "definitions" / "hl7.fhir.r4.core-4.0.1.tar.xz"
CORE = "http://hl7.org/fhir/StructureDefinition/"


@pytest.mark.skipif(not PACKAGE.exists(), reason=f"{PACKAGE.name} is not here")
def test_the_rebuilt_pack_is_the_one_that_ships(tmp_path):
    done = CliRunner().invoke(command, ["build", str(PACKAGE), "--into", str(tmp_path / "pack")])
    assert done.exit_code == 0, done.output
    shipped = {path.name: path.read_bytes() for path in bundled("profiles", "r4").iterdir()}
    assert {path.name: path.read_bytes() for path in (tmp_path / "pack").iterdir()} == shipped


def element(path: str, **more) -> dict:
    told = {"path": path, "base": {"path": path}, "min": 0, "max": "1", "isModifier": False, "definition": "PROSE"}
    return told | more


def structure(name: str, base: str, *elements: dict, kind: str = "resource") -> dict:
    root = element(name, constraint=[{"key": f"{name}-1", "severity": "error", "human": "PROSE", "expression": "true"}])
    return {
        "resourceType": "StructureDefinition",
        "name": name,
        "kind": kind,
        "abstract": name in {"Resource", "Element"},
        "text": {"status": "generated", "div": "<div>PROSE</div>"},
        "description": "PROSE",
        "snapshot": {"element": [root, *elements]},
    } | ({"baseDefinition": CORE + base, "derivation": "specialization"} if base else {})


def inherited(path: str, base: str, **more) -> dict:
    return element(path, base={"path": base}, **more)


WORD = {"type": [{"code": "string"}]}
SMALL = {
    "package.json": {"name": "a.core", "version": "1", "license": "CC0-1.0"},
    "StructureDefinition-Element.json": structure("Element", "", kind="complex-type"),
    "StructureDefinition-string.json": structure(
        "string", "Element", element("string.value", type=[{"code": "string"}]), kind="primitive-type"
    ),
    "StructureDefinition-Resource.json": structure("Resource", "", element("Resource.mark", **WORD)),
    "StructureDefinition-Thing.json": structure(
        "Thing", "Resource", inherited("Thing.mark", "Resource.mark", **WORD), element("Thing.name", max="*", **WORD)
    ),
}


def archive(folder: Path, files: dict[str, dict], *, compression: str = "gz") -> Path:
    path = folder / f"package.tar.{compression}"
    with tarfile.open(path, f"w:{compression}") as written:
        for name, definition in files.items():
            content = json.dumps(definition).encode()
            member = tarfile.TarInfo(f"package/{name}")
            member.size = len(content)
            written.addfile(member, io.BytesIO(content))
    return path


def test_the_order_of_the_archive_makes_no_difference(tmp_path):
    forwards = build_pack(archive(tmp_path, SMALL))
    backwards = build_pack(archive(tmp_path, dict(reversed(SMALL.items())), compression="xz"))
    assert forwards == backwards


def test_prose_stays_behind(tmp_path):
    assert not [name for name, content in build_pack(archive(tmp_path, SMALL)).items() if b"PROSE" in content]


def test_what_is_inherited_is_said_once_and_read_everywhere(tmp_path):
    files = build_pack(archive(tmp_path, SMALL))
    assert files["structures.json"].count(b'"mark"') == 1
    write_pack(files, tmp_path / "pack")
    thing = load_definitions(tmp_path / "pack").structure("Thing")
    assert [(e.path, e.is_list) for e in thing.elements] == [("Thing.mark", False), ("Thing.name", True)]
    assert {c.key for c in thing.constraints} == {"Resource-1", "Thing-1"}


@pytest.mark.parametrize(
    "files",
    [
        pytest.param({}, id="an empty archive"),
        pytest.param({"package.json": SMALL["package.json"]}, id="a package without structures"),
        pytest.param({n: d for n, d in SMALL.items() if "Resource" not in n}, id="a guide without base types"),
        pytest.param({n: d for n, d in SMALL.items() if n != "package.json"}, id="no manifest"),
    ],
)
def test_what_is_no_core_package_is_refused(tmp_path, files):
    with pytest.raises(ValueError, match="not a core package"):
        build_pack(archive(tmp_path, files))


def test_the_command_says_what_is_wrong_with_its_source(tmp_path):
    source = tmp_path / "not-an-archive.tgz"
    source.write_text("nothing of the kind", encoding="utf-8")
    done = CliRunner().invoke(command, ["build", str(source), "--into", str(tmp_path / "pack")])
    assert done.exit_code == 2
    assert "SOURCE" in done.output
    assert not (tmp_path / "pack").exists()
