"""What an expression may look at while it is evaluated, besides its input.

http://hl7.org/fhirpath/N1/#environment-variables
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fhir_server.fhirpath.values import Node

if TYPE_CHECKING:
    from datetime import datetime


class FhirPathEvaluationError(ValueError):
    """The expression cannot be applied to its input: several items where one is needed, a wrong type ….

    The message names the operator or function, never the data.
    """


Resolve = Callable[[str], Node | None]


@dataclass(frozen=True, slots=True)
class Services:
    """What higher floors hand in: other floors' knowledge behind plain functions.

    `member_of(node, value_set_url)` and `conforms(node, profile_url)` answer None where they cannot tell.
    """

    now: datetime | None = None
    trace: Callable[[str, list[Node]], None] | None = None
    member_of: Callable[[Node, str], bool | None] | None = None
    conforms: Callable[[Node, str], bool | None] | None = None


NO_SERVICES = Services()


MOST_STEPS = 500_000
"""Items one evaluation may go through in all its iterations."""
LONGEST_TEXT = 10_000_000


class Scope:
    """One evaluation: the resources, `$this`, `$index`, `$total`, variables and what is handed in."""

    __slots__ = ("context", "index", "resolve", "resource", "root", "services", "steps", "this", "total", "variables")

    def __init__(  # noqa: PLR0917 (made for every evaluation: keywords cost)
        self,
        context: Node,
        resource: Node,
        root: Node,
        resolve: Resolve | None,
        variables: Mapping[str, Any] | None,
        services: Services,
    ) -> None:
        self.context = context
        self.resource = resource
        self.root = root
        self.this = [context]
        self.index: int | None = None
        self.total: list[Node] | None = None
        self.resolve = resolve
        self.variables = variables
        self.services = services
        self.steps = 0

    def charge(self, items: int) -> None:
        """Count items a function goes through: nested iterations end with an error, not after hours."""
        self.steps += items
        if self.steps > MOST_STEPS:
            raise FhirPathEvaluationError("The expression goes through too many items")


Evaluator = Callable[[list[Node], Scope], list[Node]]


def single(nodes: list[Node], what: str) -> Node | None:
    """The one item of `nodes`, None if there is none; several are an error."""
    if not nodes:
        return None
    if len(nodes) > 1:
        raise FhirPathEvaluationError(f"{what} needs a single item")
    return nodes[0]


def truth(nodes: list[Node], what: str) -> bool | None:
    """Singleton evaluation as a Boolean: any single item that is no Boolean is true."""
    if not nodes:
        return None
    if len(nodes) > 1:
        raise FhirPathEvaluationError(f"{what} needs a single item")
    value = nodes[0].value
    return value if value is True or value is False else True
