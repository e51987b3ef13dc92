"""Where the links of a transaction lead: fullUrls to the ids that were given, conditional references to matches.

https://hl7.org/fhir/R4/bundle.html#references and https://hl7.org/fhir/R4/http.html#trules
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fhir_server.interactions.references import Place

_RESTFUL = re.compile(r"(?P<root>https?://.+)/[A-Z][A-Za-z]+/[A-Za-z0-9.-]{1,64}")
_RELATIVE = re.compile(r"[A-Z][A-Za-z]+/[A-Za-z0-9.-]{1,64}")
_CONDITIONAL = re.compile(r"[A-Z][A-Za-z]+\?.")


class Links:
    """The links of one transaction: `give` says where a fullUrl leads, `apply` puts that into a resource."""

    def __init__(self, base_url: str) -> None:
        self._base_url = base_url
        self._targets: dict[str, str] = {}

    def give(self, full_url: str, reference: str) -> None:
        """Let links to `full_url` lead to `reference` (`Patient/123`)."""
        if full_url and full_url != f"{self._base_url}/{reference}":
            self._targets[full_url] = reference

    def give_conditional(self, text: str, reference: str) -> None:
        """Let the conditional reference `text` lead to `reference`."""
        self._targets[text] = reference

    def apply(self, places: Iterable[Place], full_url: str) -> None:
        """Put the targets into `places`. `full_url` is the resource's own: its relative links stand on its root."""
        found = _RESTFUL.fullmatch(full_url)
        root = found["root"] if found else self._base_url
        for place in places:
            place.rewrite(lambda link: self._target(link, root))

    def _target(self, link: str, root: str) -> str:
        plain, hash_, fragment = link.partition("#")
        target = self._targets.get(plain)
        if target is None and _RELATIVE.fullmatch(plain):
            target = self._targets.get(f"{root}/{plain}")
        return link if target is None else f"{target}{hash_}{fragment}"


def is_conditional(reference: str) -> bool:
    """Whether a reference has the form `Type?criteria`."""
    return _CONDITIONAL.match(reference) is not None
