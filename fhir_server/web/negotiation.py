"""Which format an answer is written in and a body is read in: `Accept`, `_format`, `_pretty`, `Content-Type`.

https://hl7.org/fhir/R4/http.html#mime-type, #parameters and RFC 9110, section 12
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Literal

from fhir_server.kernel.errors import BadRequest, NotAcceptable, UnsupportedMediaType

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

FormatName = Literal["json", "xml"]

FHIR_VERSIONS = frozenset({"4.0", "4.0.1"})
_JSON = frozenset({"application/fhir+json", "application/json", "text/json", "application/json+fhir"})
_XML = frozenset({"application/fhir+xml", "application/xml", "text/xml", "application/xml+fhir"})
_HTML = frozenset({"text/html", "application/xhtml+xml"})
_ANY = frozenset({"*/*", "*", "application/*", "text/*"})
_FORM = "application/x-www-form-urlencoded"
_SHORT_NAMES = {"json": "application/fhir+json", "xml": "application/fhir+xml", "html": "text/html"}
_SHORT_NAMES |= {name.replace("+", " "): name for name in _JSON | _XML}  # a `+` that nobody encoded
_CACHED_LENGTH = 300


@dataclass(frozen=True, slots=True)
class Format:
    """How an answer is written: the format, its `Content-Type`, and whether it is indented."""

    name: FormatName
    content_type: bytes
    pretty: bool = False


JSON = Format("json", b"application/fhir+json; charset=utf-8")
XML = Format("xml", b"application/fhir+xml; charset=utf-8")
# Browsers show application/json and offer application/fhir+json for saving.
FOR_PEOPLE = Format("json", b"application/json; charset=utf-8", pretty=True)


@dataclass(frozen=True, slots=True)
class _Range:
    """One entry of `Accept`."""

    media: str
    version: str
    quality: float


def negotiate(accept: str, pairs: Iterable[tuple[str, str]]) -> Format:
    """Return the format for an answer; `_format` wins over `Accept`, and nothing said means JSON.

    Raises NotAcceptable where none of the formats asked for can be made.
    """
    asked = {name: value for name, value in pairs if name in {"_format", "_pretty"}}
    if asked.get("_format"):
        format_ = _from_parameter(asked["_format"])
    else:
        format_ = _from_accept(accept) if len(accept) <= _CACHED_LENGTH else _from_accept.__wrapped__(accept)
    if "_pretty" in asked:
        return replace(format_, pretty=_truth("_pretty", asked["_pretty"]))
    return format_


def _truth(name: str, text: str) -> bool:
    if text not in {"true", "false"}:
        raise BadRequest(f"{name}={text[:20]} is neither true nor false")
    return text == "true"


def _from_parameter(text: str) -> Format:
    media, _, rest = text.partition(";")
    name = media.strip().lower()
    return _chosen(_ranges(f"{_SHORT_NAMES.get(name, name)};{rest}"), f"_format={text[:60]}")


@lru_cache(maxsize=256)
def _from_accept(accept: str) -> Format:
    return _chosen(_ranges(accept), f"Accept: {accept[:100]}") if accept.strip() else JSON


def _chosen(ranges: list[_Range], asked: str) -> Format:
    """Return the format of the range with the highest quality; named ones win over wildcards, then the order."""
    refused = {r.media for r in ranges if r.quality == 0}
    best = sorted((r for r in ranges if r.quality > 0), key=lambda r: (-r.quality, r.media in _ANY))
    for one in best:
        if one.version and one.version not in FHIR_VERSIONS:
            continue
        format_ = _format_of(one.media, refused)
        if format_ is not None:
            return _stating_version(format_, one.version)
    raise NotAcceptable(f"This server writes FHIR 4.0 as application/fhir+json and application/fhir+xml, not {asked!r}")


def _format_of(media: str, refused: set[str]) -> Format | None:
    if media in _JSON:
        return JSON
    if media in _XML:
        return XML
    if media in _HTML:
        return FOR_PEOPLE
    if media not in _ANY:
        return None
    return JSON if not refused & _JSON else XML if not refused & _XML else None


def _stating_version(format_: Format, version: str) -> Format:
    if not version:
        return format_
    media, _, charset = format_.content_type.partition(b"; ")
    return replace(format_, content_type=b"%b; fhirVersion=4.0; %b" % (media, charset))


def _ranges(accept: str) -> list[_Range]:
    return [_range(*_media_type(part)) for part in accept.split(",") if part.strip()]


def _range(media: str, parameters: dict[str, str]) -> _Range:
    text = parameters.get("q", "1")
    try:
        quality = float(text)
    except ValueError:
        quality = -1.0
    if not 0 <= quality <= 1:
        raise BadRequest(f"q={text[:20]} is no weight; it goes from 0 to 1")
    return _Range(media, parameters.get("fhirversion", ""), quality)


def _media_type(text: str) -> tuple[str, dict[str, str]]:
    media, *rest = text.split(";")
    return media.strip().lower(), dict(_parameters(rest))


def _parameters(parts: list[str]) -> Iterator[tuple[str, str]]:
    for part in parts:
        name, _, value = part.partition("=")
        yield name.strip().lower(), value.strip().strip('"')


def format_of_body(content_type: str) -> FormatName:
    """Return the format a resource in a body is in.

    Raises UnsupportedMediaType for other formats, other FHIR versions and other encodings than UTF-8.
    """
    return _format_of_body(content_type) if len(content_type) <= _CACHED_LENGTH else _too_long()


def _too_long() -> FormatName:
    raise UnsupportedMediaType("The Content-Type is too long to be one")


@lru_cache(maxsize=256)
def _format_of_body(content_type: str) -> FormatName:
    media, parameters = _media_type(content_type)
    _refuse_other_charset(parameters)
    version = parameters.get("fhirversion", "4.0")
    if version not in FHIR_VERSIONS:
        raise UnsupportedMediaType(f"This server reads FHIR 4.0, not fhirVersion={version[:20]}")
    if media in _JSON:
        return "json"
    if media in _XML:
        return "xml"
    said = f"not {media[:60]!r}" if media else "and the request has no Content-Type"
    raise UnsupportedMediaType(f"This server reads application/fhir+json and application/fhir+xml, {said}")


def refuse_unless_form(content_type: str) -> None:
    """Raise UnsupportedMediaType where the body of a `_search` is not a form."""
    media, parameters = _media_type(content_type)
    _refuse_other_charset(parameters)
    if media != _FORM:
        raise UnsupportedMediaType(f"A search by POST sends its parameters as {_FORM}")


def _refuse_other_charset(parameters: dict[str, str]) -> None:
    charset = parameters.get("charset", "utf-8").lower()
    if charset not in {"utf-8", "utf8"}:
        raise UnsupportedMediaType(f"FHIR is written in UTF-8, not in {charset[:20]!r}")


def encoding_for(accept_encoding: str) -> str:
    """Return the compression for an answer: `br`, `gzip` or "" for none."""
    return _encoding_for(accept_encoding) if len(accept_encoding) <= _CACHED_LENGTH else ""


@lru_cache(maxsize=256)
def _encoding_for(accept_encoding: str) -> str:
    qualities: dict[str, float] = {}
    for part in accept_encoding.split(","):
        coding, parameters = _media_type(part)
        try:
            qualities[coding] = float(parameters.get("q", "1"))
        except ValueError:
            continue
    rest = qualities.get("*", 0.0)
    ranked = [(qualities.get(coding, rest), coding) for coding in ("br", "gzip")]
    quality, coding = max(ranked, key=lambda pair: pair[0])
    return coding if quality > 0 else ""
