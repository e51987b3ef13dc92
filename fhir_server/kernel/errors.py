"""Refusals: the ways this server says "we will not", each with its HTTP status and issue code.

    Refusal
    ├── BadRequest            400 invalid
    │   ├── Malformed         400 structure
    │   ├── NotUnderstood     400 not-supported   (an unknown parameter, modifier, header value)
    │   └── TooCostly         400 too-costly      (a limit on parameters, values, depth)
    ├── Unauthenticated       401 login
    ├── Forbidden             403 forbidden
    ├── NotFound              404 not-found
    ├── MethodNotAllowed      405 not-supported
    ├── NotAcceptable         406 not-supported
    ├── Conflict              409 conflict
    ├── Gone                  410 deleted
    ├── PreconditionFailed    412 conflict
    │   ├── VersionConflict   412 conflict
    │   └── MultipleMatches   412 multiple-matches
    ├── TooLarge              413 too-long
    ├── UriTooLong            414 too-long
    ├── UnsupportedMediaType  415 not-supported
    ├── ExpectationFailed     417 not-supported
    ├── Unprocessable         422 processing
    ├── InvalidResource       400 or 422, by its issues
    ├── HeadersTooLarge       431 too-long
    ├── NotSupported          501 not-supported
    ├── Unavailable           503 transient
    └── TimedOut              504 timeout

A refusal is raised where it is known and becomes an OperationOutcome once, in `web`. A fault
(we broke) is any other exception and becomes a 500 that says nothing of the content.

https://hl7.org/fhir/R4/http.html#Status-Codes and https://hl7.org/fhir/R4/valueset-issue-type.html
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True)
class Issue:
    """One line of an OperationOutcome.

    `code` is from http://hl7.org/fhir/issue-type, `severity` from issue-severity; `expression`
    is a FHIRPath naming the place (`Patient.name[0].given[1]`), empty where there is none.
    """

    severity: str
    code: str
    diagnostics: str
    expression: str = ""


class Refusal(Exception):  # noqa: N818 - the field's word is refusal, not error
    """We will not. `status` is the HTTP status, `code` the issue type; both live on the class."""

    status: ClassVar[int] = 400
    code: ClassVar[str] = "invalid"

    def __init__(self, diagnostics: str, *, expression: str = "", issues: Sequence[Issue] | None = None) -> None:
        super().__init__(diagnostics)
        self.diagnostics = diagnostics
        self.issues: tuple[Issue, ...] = (
            tuple(issues) if issues else (Issue("error", self.code, diagnostics, expression),)
        )

    @property
    def http_status(self) -> int:
        """The HTTP status of this very refusal (most classes have one, `InvalidResource` has two)."""
        return self.status

    def inside(self, place: str) -> Refusal:
        """Return this refusal with every issue's place set inside `place`, e.g. `Bundle.entry[3]`."""
        self.issues = tuple(Issue(i.severity, i.code, i.diagnostics, _joined(place, i.expression)) for i in self.issues)
        return self


def _joined(place: str, expression: str) -> str:
    return f"{place}.resource.{expression.partition('.')[2]}" if "." in expression else place


class BadRequest(Refusal):
    """The request is not well formed as FHIR sees it."""


class Malformed(BadRequest):
    """The content could not be parsed."""

    code = "structure"


class NotUnderstood(BadRequest):
    """A parameter, modifier or preference that this server does not know."""

    code = "not-supported"


class TooCostly(BadRequest):
    """The request is over one of the limits this server sets."""

    code = "too-costly"


class Unauthenticated(Refusal):
    """Nobody is logged in, and this needs somebody."""

    status, code = 401, "login"


class Forbidden(Refusal):
    """Somebody is logged in, and may not."""

    status, code = 403, "forbidden"


class NotFound(Refusal):
    """There is no such instance, version, type or page."""

    status, code = 404, "not-found"


class MethodNotAllowed(Refusal):
    """The place exists; the method is not for it."""

    status, code = 405, "not-supported"


class NotAcceptable(Refusal):
    """None of the formats asked for can be made."""

    status, code = 406, "not-supported"


class Conflict(Refusal):
    """The write collides with another one and could not be settled."""

    status, code = 409, "conflict"


class Gone(Refusal):
    """The instance was here and is deleted."""

    status, code = 410, "deleted"


class PreconditionFailed(Refusal):
    """A condition that came with the request does not hold."""

    status, code = 412, "conflict"


class VersionConflict(PreconditionFailed):
    """`If-Match` names a version that is no longer the newest."""


class MultipleMatches(PreconditionFailed):
    """The criteria of a conditional interaction match more than one instance."""

    code = "multiple-matches"


class TooLarge(Refusal):
    """The body is larger than this server takes."""

    status, code = 413, "too-long"


class UriTooLong(Refusal):
    """The URL is longer than this server takes."""

    status, code = 414, "too-long"


class UnsupportedMediaType(Refusal):
    """The body comes in a format this server does not read."""

    status, code = 415, "not-supported"


class ExpectationFailed(Refusal):
    """`Expect` asks for something else than `100-continue`."""

    status, code = 417, "not-supported"


class Unprocessable(Refusal):
    """Well formed, and against a rule."""

    status, code = 422, "processing"


class InvalidResource(Refusal):
    """The resource breaks rules of its definition.

    400 where it "could not be parsed or failed basic FHIR validation rules", 422 where only rules
    beyond the structure are broken (bindings, constraints, references).
    """

    status, code = 400, "invalid"
    BEYOND_STRUCTURE: ClassVar[frozenset[str]] = frozenset(
        {"code-invalid", "invariant", "business-rule", "not-found", "processing"}
    )

    @property
    def http_status(self) -> int:
        """400 or 422: see the class."""
        errors = [i for i in self.issues if i.severity in {"error", "fatal"}]
        return 422 if errors and all(i.code in self.BEYOND_STRUCTURE for i in errors) else 400


class HeadersTooLarge(Refusal):
    """The request's headers are more, or longer, than this server takes."""

    status, code = 431, "too-long"


class NotSupported(Refusal):
    """FHIR has it; this server does not, yet."""

    status, code = 501, "not-supported"


class Unavailable(Refusal):
    """Not now; later may work."""

    status, code = 503, "transient"


class TimedOut(Refusal):
    """It took longer than this server allows."""

    status, code = 504, "timeout"
