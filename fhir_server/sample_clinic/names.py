"""Names of people in their own script, with the forms R4 has for them.

https://hl7.org/fhir/R4/datatypes.html#HumanName
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fhir_server.sample_clinic.draw import Draw
    from fhir_server.sample_clinic.shapes import Resource
    from fhir_server.sample_clinic.tables import Culture

REPRESENTATION = "http://hl7.org/fhir/StructureDefinition/iso21090-EN-representation"

Forms = tuple[str, ...]


def family_of(culture: Culture, gender: str, position: int) -> Forms:
    """Return the family name at this position of the table, in the form for this gender."""
    return (culture.families_female if gender == "female" else culture.families)[position]


def given_of(culture: Culture, gender: str, draw: Draw) -> Forms:
    """Return a given name; of either kind where the gender is neither male nor female."""
    if gender not in {"male", "female"}:
        gender = draw.one(("male", "female"))
    return draw.one(culture.male if gender == "male" else culture.female)


def names_in_all_forms(culture: Culture, family: Forms, given: Sequence[Forms], prefix: str = "") -> list[Resource]:
    """Return the official name, then its other representations (kana, Latin letters) as R4 marks them."""
    names = []
    for position in range(len(family)):
        name = _name(culture, family[position], [g[min(position, len(g) - 1)] for g in given], prefix)
        if len(family) > 1:
            # IDE: as written, SYL: by syllables, ABC: in letters.
            code = ("IDE", "ABC")[position] if len(family) == 2 else ("IDE", "SYL", "ABC")[position]  # noqa: PLR2004
            name = {"extension": [{"url": REPRESENTATION, "valueCode": code}], **name}
        names.append(name)
    return names


def _name(culture: Culture, family: str, given: list[str], prefix: str) -> Resource:
    order = [family, *given] if culture.family_first else [*given, family]
    name: Resource = {"use": "official", "text": " ".join(order), "family": family, "given": given}
    if prefix:
        name["prefix"] = [prefix]
    return name
