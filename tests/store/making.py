"""Versions and writes for tests, without the rooms above the store."""

from __future__ import annotations

from fhir_server.store.versions import Indexed, Version, Write

START = 1_767_225_600_000_000
MILLISECOND = 1000
METHOD_OF_NEXT = "PUT"


def body_of(resource_type: str, id: str, version: int, note: str = "") -> bytes:
    return f'{{"resourceType":"{resource_type}","id":"{id}","meta":{{"versionId":"{version}"}},"n":"{note}"}}'.encode()


def write(
    resource_type: str = "Patient",
    id: str = "a",
    version: int = 1,
    *,
    at: int | None = None,
    method: str | None = None,
    hashes: tuple[int, ...] = (-5, 3, 9),
    values: dict | None = None,
    patient: str | None = None,
    note: str = "",
) -> Write:
    """The write that makes `version`, expecting the one before it."""
    updated = START + version * MILLISECOND if at is None else at
    method = method or ("POST" if version == 1 else METHOD_OF_NEXT)
    body = None if method == "DELETE" else body_of(resource_type, id, version, note)
    index = None if body is None else Indexed(hashes, values or {}, patient, None, None)
    return Write(Version(resource_type, id, version, updated, method, body), index, version - 1)


def deletion(resource_type: str = "Patient", id: str = "a", version: int = 2, *, at: int | None = None) -> Write:
    return write(resource_type, id, version, at=at, method="DELETE")
