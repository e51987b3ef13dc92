"""The workloads that read and write single resources: `read`, `create`, and `crud`, a mix of 10:60:25:5."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from benchmarks.connection import Answer, request_bytes
from benchmarks.corpus import MIXED, Corpus, encoded

if TYPE_CHECKING:
    from collections.abc import Callable

PLACE = "id-goes-here"
MIXES = {
    "read": ("read",),
    "create": ("create",),
    "update": ("update",),
    "crud": ("create",) * 10 + ("read",) * 60 + ("update",) * 25 + ("delete",) * 5,
}


@dataclass(frozen=True, slots=True)
class Request:
    """A request ready to go, and what its answer must be: `check` returns "" or what is wrong."""

    label: str
    data: bytes
    check: Callable[[Answer], str]
    resources: int = 1


@dataclass(slots=True)
class Templates:
    """Bodies of one type: with an id to be put in, and without any."""

    new: list[bytes] = field(default_factory=list)
    known: list[tuple[bytes, bytes]] = field(default_factory=list)


class Crud:
    """One connection's share of the work: it reads and updates its part of the corpus, and deletes what it created."""

    def __init__(self, mix: str, corpus: Corpus, share: tuple[int, int], host: str, draw: object) -> None:
        number, of = share
        self._random = random.Random(f"{mix}/{number}/{draw}")
        self._mix, self._host = MIXES[mix], host
        self._ids = {t: [r["id"] for r in corpus.by_type[t][number::of]] for t in MIXED}
        if not all(self._ids.values()):
            raise ValueError(f"{of} connections have nothing to share in so small a corpus: take more patients")
        self._created: list[tuple[str, str]] = []
        self._templates = {t: _templates(corpus, t) for t in MIXED}

    def next(self) -> Request:
        """Return the next request."""
        what, resource_type = self._random.choice(self._mix), self._random.choice(MIXED)
        ids = self._ids[resource_type]
        if what == "create" or (what == "delete" and not self._created):
            return self._create(resource_type)
        if what == "read":
            return self._read(resource_type, self._random.choice(ids))
        if what == "update":
            return self._update(resource_type, self._random.choice(ids))
        return self._delete(*self._created.pop())

    def _create(self, resource_type: str) -> Request:
        body = self._random.choice(self._templates[resource_type].new)

        def check(answer: Answer) -> str:
            if answer.status != 201:
                return f"create answered {answer.status}"
            parts = answer.location.decode().split("/")
            self._created.append((resource_type, parts[parts.index(resource_type) + 1]))
            return ""

        return Request("create", request_bytes("POST", f"/fhir/{resource_type}", self._host, body), check)

    def _read(self, resource_type: str, id_: str) -> Request:
        def check(answer: Answer) -> str:
            if answer.status != 200:
                return f"read answered {answer.status}"
            return "" if b'"resourceType":"%b"' % resource_type.encode() in answer.body else "read another type"

        return Request("read", request_bytes("GET", f"/fhir/{resource_type}/{id_}", self._host), check)

    def _update(self, resource_type: str, id_: str) -> Request:
        before, after = self._random.choice(self._templates[resource_type].known)
        data = request_bytes("PUT", f"/fhir/{resource_type}/{id_}", self._host, before + id_.encode() + after)
        return Request("update", data, lambda a: "" if a.status == 200 else f"update answered {a.status}")

    def _delete(self, resource_type: str, id_: str) -> Request:
        data = request_bytes("DELETE", f"/fhir/{resource_type}/{id_}", self._host)
        return Request("delete", data, lambda a: "" if a.status in {200, 204} else f"delete answered {a.status}")


def _templates(corpus: Corpus, resource_type: str) -> Templates:
    templates = Templates()
    for resource in corpus.by_type[resource_type][:200]:
        templates.new.append(encoded({k: v for k, v in resource.items() if k != "id"}))
        before, _, after = encoded({**resource, "id": PLACE}).partition(PLACE.encode())
        templates.known.append((before, after))
    return templates
