"""Where the links of a transaction lead: fullUrls to the ids that were given, conditional references to matches.

https://hl7.org/fhir/R4/bundle.html#references and https://hl7.org/fhir/R4/http.html#trules
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fhir_server.interactions.references import Place

_RESTFUL = re.compile(r"(?P<root>https?://.+)/(?P<place>[A-Z][A-Za-z]+/[A-Za-z0-9.-]{1,64})")
_VERSION = re.compile(r"/_history/[A-Za-z0-9.-]{1,64}")
_RELATIVE = re.compile(r"[A-Z][A-Za-z]+/[A-Za-z0-9.-]{1,64}")
_CONDITIONAL = re.compile(r"[A-Z][A-Za-z]+\?.")


class Links:
    """The links of one transaction: `give` says where a fullUrl leads, `apply` puts that into a resource."""

    def __init__(self, base_url: str) -> None:
        self._base_url = base_url
        self._targets: dict[str, str] = {}
        self._versions: dict[str, int] = {}

    def anew(self) -> Links:
        """Return links of the same transaction that lead nowhere yet."""
        return Links(self._base_url)

    def give(self, full_url: str, reference: str, version: int) -> None:
        """Let links to `full_url` lead to `reference` (`Patient/123`), those to a version of it to `version`."""
        if full_url and full_url != f"{self._base_url}/{reference}":
            self._targets[full_url], self._versions[full_url] = reference, version

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
        plain, rest = parted(link)
        if plain not in self._targets and _RELATIVE.fullmatch(plain):
            plain = f"{root}/{plain}"
        target = self._targets.get(plain)
        if target is None:
            return link
        # R4: "Version-specific references should remain as version-specific references" when they are updated.
        return target + _VERSION.sub(f"/_history/{self._versions.get(plain, 1)}", rest, count=1)


def parted(link: str) -> tuple[str, str]:
    """Return a link without its version and fragment, and these.

    >>> parted("urn:uuid:1#a"), parted("http://example.org/Patient/1/_history/2")
    (('urn:uuid:1', '#a'), ('http://example.org/Patient/1', '/_history/2'))
    """
    plain, hash_, fragment = link.partition("#")
    plain, slash, version = plain.partition("/_history/")
    return plain, f"{slash}{version}{hash_}{fragment}"


def place_in(full_url: str) -> str:
    """Return the `Type/id` at the end of a RESTful fullUrl, "" for others."""
    found = _RESTFUL.fullmatch(full_url)
    return found["place"] if found else ""


def is_conditional(reference: str) -> bool:
    """Whether a reference has the form `Type?criteria`."""
    return _CONDITIONAL.match(reference) is not None
