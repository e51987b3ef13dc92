"""Takes canonical URLs apart: `http://…/StructureDefinition/x|1.2#fragment`.

https://hl7.org/fhir/R4/references.html#canonical
"""

from __future__ import annotations


def split(canonical: str) -> tuple[str, str]:
    """Return the URL and the version, "" where none is named. A fragment is left out of both.

    `#id`, which names a contained resource, is returned as it is.
    """
    if canonical.startswith("#"):
        return canonical, ""
    url, _, version = canonical.partition("#")[0].partition("|")
    return url, version


def fragment(canonical: str) -> str:
    """Return what stands after `#`, "" where there is none."""
    return canonical.partition("#")[2]
