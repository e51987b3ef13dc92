"""The special criterion `near`: within a distance of a place, on a sphere.

https://hl7.org/fhir/R4/location.html#search
"""

from __future__ import annotations

from math import pi, sin
from typing import TYPE_CHECKING

from fhir_server.search.predicates.binds import padded
from fhir_server.search.predicates.entries import AnyTest, Near, SomeEntry
from fhir_server.search.types.special import EARTH_RADIUS
from fhir_server.search.types.values import NearValue

if TYPE_CHECKING:
    from fhir_server.search.predicates.conditions import Condition
    from fhir_server.search.predicates.scope import Scope
    from fhir_server.search.query import Criterion


def condition(criterion: Criterion, scope: Scope) -> Condition:
    """Return what the criterion asks of a row."""
    values = [v for v in criterion.values if isinstance(v, NearValue)]
    return SomeEntry("near", AnyTest(tuple(_near(v, scope) for v in padded(values))))


def _near(value: NearValue, scope: Scope) -> Near:
    half_angle = min(value.distance / EARTH_RADIUS / 2, pi / 2)
    return Near(
        scope.binds.add(float(value.latitude)),
        scope.binds.add(float(value.longitude)),
        scope.binds.add(sin(half_angle) ** 2),
    )
