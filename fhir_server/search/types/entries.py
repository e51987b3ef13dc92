"""The entries of one version while they are gathered: hashes, and values by parameter code."""

from __future__ import annotations

from typing import Any

from fhir_server.search.hashing import hash64

PRIMITIVES = frozenset(
    {
        "base64Binary", "boolean", "canonical", "code", "date", "dateTime", "decimal", "id", "instant", "integer",
        "markdown", "oid", "positiveInt", "string", "time", "unsignedInt", "uri", "url", "uuid",
    }
)  # fmt: skip
"""R4's primitive types, as FHIRPath names them."""


class Entries:
    """What a resource leaves in the index. `base_url` is this server's, to tell local references."""

    __slots__ = ("base_url", "hashes", "tenant_key", "values")

    def __init__(self, tenant_key: int, base_url: str) -> None:
        self.tenant_key = tenant_key
        self.base_url = base_url
        self.hashes: set[int] = set()
        self.values: dict[str, list[Any]] = {}

    def add(self, *parts: str) -> None:
        """Add a hash."""
        self.hashes.add(hash64(self.tenant_key, *parts))

    def mark_present(self, code: str) -> None:
        """Note that the parameter has a value, for `:missing`."""
        self.hashes.add(hash64(self.tenant_key, code, "m"))

    def keep(self, code: str, entry: Any) -> None:
        """Add an entry to v[code], once."""
        kept = self.values.setdefault(code, [])
        if entry not in kept:
            kept.append(entry)

    def keep_sort_text(self, code: str, text: str) -> None:
        """Widen v["~" + code], which holds the least and the greatest text, once where they are one."""
        kept = self.values.get("~" + code)
        if kept is None:
            self.values["~" + code] = [text]
        elif text < kept[0] or text > kept[-1]:
            self.values["~" + code] = [min(text, kept[0]), max(text, kept[-1])]
