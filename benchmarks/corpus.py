"""What is measured on: a sample clinic, and what is in it, counted by plain Python and not by the server."""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from datetime import date
from functools import cached_property
from typing import Any

import msgspec

from fhir_server.sample_clinic.generate import sample_clinic

Resource = dict[str, Any]

START = date(2026, 3, 4)
MIXED = ("Patient", "Observation", "Condition", "Encounter", "MedicationRequest")
_encoder = msgspec.json.Encoder(decimal_format="number")


def encoded(resource: Resource) -> bytes:
    """Return compact JSON."""
    return _encoder.encode(resource)


_STROKES = str.maketrans({"ø": "o", "đ": "d", "ł": "l", "ı": "i"})  # noqa: RUF001 - the dotless i is meant


def fold(text: str) -> str:
    """Return the text as string search compares it: no accents, no strokes, no case, single spaces."""
    bare = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    return " ".join(bare.casefold().translate(_STROKES).split())


class Corpus:
    """A clinic of so many patients. Everything is derived again from (patients, seed), in whatever process."""

    def __init__(self, patients: int, seed: int) -> None:
        self.patients, self.seed = patients, seed

    @cached_property
    def bundles(self) -> list[Resource]:
        """The transaction Bundles."""
        return list(sample_clinic(self.patients, self.seed, START))

    @cached_property
    def by_type(self) -> dict[str, list[Resource]]:
        """All resources, by type."""
        found: dict[str, list[Resource]] = defaultdict(list)
        for bundle in self.bundles:
            for entry in bundle["entry"]:
                found[entry["resource"]["resourceType"]].append(entry["resource"])
        return found

    @property
    def size(self) -> int:
        """How many resources there are."""
        return sum(map(len, self.by_type.values()))

    @cached_property
    def by_patient(self) -> dict[tuple[str, str], list[Resource]]:
        """The resources of a type whose `subject` or `patient` is this Patient (`Patient/x`)."""
        found: dict[tuple[str, str], list[Resource]] = defaultdict(list)
        for resource_type, resources in self.by_type.items():
            for resource in resources:
                subject = resource.get("subject") or resource.get("patient")
                if subject:
                    found[resource_type, subject["reference"]].append(resource)
        return found

    @cached_property
    def by_code(self) -> dict[str, list[Resource]]:
        """Observations by the LOINC code of `code`."""
        found: dict[str, list[Resource]] = defaultdict(list)
        for observation in self.by_type["Observation"]:
            found[code_of(observation)].append(observation)
        return found

    @cached_property
    def names(self) -> list[set[str]]:
        """For each Patient, the folded parts of all names."""
        return [
            {
                fold(part)
                for name in patient["name"]
                for part in (name["text"], name["family"], *name["given"], *name.get("prefix", ()))
            }
            for patient in self.by_type["Patient"]
        ]

    @cached_property
    def families(self) -> list[set[str]]:
        """For each Patient, the folded family names."""
        return [{fold(name["family"]) for name in patient["name"]} for patient in self.by_type["Patient"]]


def code_of(resource: Resource) -> str:
    """Return the first code of `code`."""
    code: str = resource["code"]["coding"][0]["code"]
    return code
