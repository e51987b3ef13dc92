"""A request and its answer, free of any transport.

https://hl7.org/fhir/R4/http.html
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

Resource = dict[str, Any]
"""A decoded FHIR resource: plain dicts and lists, every JSON number with a fraction or exponent a Decimal."""

Kind = Literal[
    "read", "vread", "create", "update", "patch", "delete", "history-instance", "history-type",
    "history-system", "search-type", "search-system", "search-compartment", "capabilities", "batch", "transaction",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Conditions:
    """Conditional headers as sent: `if_match`/`if_none_match` keep the ETag text (`W/"3"`, `*`),
    `if_none_exist` the query text, `if_modified_since` microseconds since the epoch.
    """

    if_match: str | None = None
    if_none_match: str | None = None
    if_modified_since: int | None = None
    if_none_exist: str | None = None


@dataclass(frozen=True, slots=True)
class Preferences:
    """`Prefer`: `returning` minimal, representation, OperationOutcome or ""; `lenient` for handling=lenient."""

    returning: str = ""
    lenient: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Interaction:
    """One of FHIR's interactions, decoded.

    `parameters` are the `(name, value)` pairs of the query string and, for POST `_search`, of the
    form, in their order, percent-decoded. For conditional update, patch and delete `id` is None and
    `parameters` are the criteria. `compartment` is `("Patient", "123")` for a compartment search,
    where `resource_type` is the searched type or None for `*`. `body` is taken over: a transaction puts
    the ids it gives into the references where they stand.
    """

    kind: Kind
    resource_type: str | None = None
    id: str | None = None
    version_id: str | None = None
    compartment: tuple[str, str] | None = None
    parameters: tuple[tuple[str, str], ...] = ()
    body: Resource | None = None
    conditions: Conditions = field(default_factory=Conditions)
    preferences: Preferences = field(default_factory=Preferences)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """The answer. One of `body` (JSON bytes, served as stored) and `resource` is set, or neither.

    `resource` may hold `msgspec.Raw` values (stored JSON inside a Bundle). `location` and
    `content_location` are relative to the base (`Patient/1/_history/2`); `version` makes the ETag;
    `updated` (microseconds since the epoch) makes Last-Modified; `applied` is the preference that was
    followed (`return=minimal`).
    """

    status: int
    body: bytes | None = None
    resource: Mapping[str, Any] | None = None
    location: str | None = None
    content_location: str | None = None
    version: int | None = None
    updated: int | None = None
    applied: str = ""
