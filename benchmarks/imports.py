"""The workload `import`: transaction Bundles, of a sample clinic or of a folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.connection import Answer, request_bytes
from benchmarks.corpus import Corpus, encoded
from benchmarks.crud import Request

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


def bundle_requests(patients: int, seed: int, folder: str, host: str) -> list[Request]:
    """Return one POST a Bundle, made beforehand so that only the server is measured."""
    return [
        Request("import", request_bytes("POST", "/fhir", host, body), _check(count), resources=count)
        for body, count in (bundles_in(Path(folder)) if folder else _clinic(patients, seed))
    ]


def _clinic(patients: int, seed: int) -> Iterable[tuple[bytes, int]]:
    for bundle in Corpus(patients, seed).bundles:
        yield encoded(bundle), len(bundle["entry"])


def bundles_in(folder: Path) -> list[tuple[bytes, int]]:
    """Return the transaction Bundles of a folder and their numbers of entries; those of the hospital first,
    because the others refer to them by criteria.
    """
    bundles = []
    for path in folder.glob("*.json"):
        body = path.read_bytes()
        content = json.loads(body)
        if content.get("type") == "transaction":
            patients = any(e["resource"]["resourceType"] == "Patient" for e in content["entry"])
            bundles.append((patients, path.name, body, len(content["entry"])))
    return [(body, count) for _, _, body, count in sorted(bundles)]


def _check(count: int) -> Callable[[Answer], str]:
    def check(answer: Answer) -> str:
        if answer.status != 200:
            return f"a transaction answered {answer.status}: {answer.body[:300].decode(errors='replace')}"
        answered = answer.body.count(b'"status":"20')
        return "" if answered == count else f"{answered} entries answered of {count}"

    return check
