"""`If-Match` and `If-None-Match`: what must hold before a write.

https://hl7.org/fhir/R4/http.html#concurrency and RFC 9110, section 13
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from fhir_server.kernel.errors import BadRequest, PreconditionFailed, VersionConflict

if TYPE_CHECKING:
    from fhir_server.interactions.interaction import Conditions
    from fhir_server.store.versions import Version

_ETAGS = re.compile(r'\s*(?:\*|(?:W/)?"[^"]*"(?:\s*,\s*(?:W/)?"[^"]*")*)\s*')
_ETAG = re.compile(r'"([^"]*)"')


def etag_versions(text: str) -> frozenset[str]:
    r"""Return the versions a header of ETags names: `W/"1", "2"` -> {"1", "2"}; `*` stays `*`.

    Raises BadRequest where it is no list of ETags.
    """
    if not _ETAGS.fullmatch(text):
        raise BadRequest(f'{text[:60]!r} is no ETag; write it as W/"3", with the version id in the quotes')
    return frozenset({"*"}) if text.strip() == "*" else frozenset(_ETAG.findall(text))


def refuse_unless_met(conditions: Conditions, current: Version | None) -> None:
    """Raise VersionConflict or PreconditionFailed where the conditions of a write do not hold.

    `current` is the newest version, None where there never was one; a deleted instance has none to match.
    """
    exists = current is not None and current.body is not None
    if conditions.if_match is not None:
        versions = etag_versions(conditions.if_match)
        if not exists:
            raise VersionConflict("If-Match was given, and there is no current version")
        if current is not None and "*" not in versions and str(current.version) not in versions:
            raise VersionConflict(f"If-Match names another version: the newest one is {current.version}")
    if conditions.if_none_match is not None and exists and current is not None:
        versions = etag_versions(conditions.if_none_match)
        if "*" in versions or str(current.version) in versions:
            raise PreconditionFailed("If-None-Match does not hold: there is a current version that it names")
