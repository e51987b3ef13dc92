"""PostgreSQL arrays in its binary form, packed at once: a tail of thirty hashes costs 2 µs, not 30.

https://www.postgresql.org/docs/current/xfunc-c.html (array_recv reads: dimensions, flags, element type, then for
each dimension its length and lower bound, then each element with its length, -1 for NULL)
"""

from __future__ import annotations

from functools import cache
from struct import Struct
from typing import TYPE_CHECKING

from psycopg.adapt import Dumper
from psycopg.pq import Format

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from psycopg.abc import AdaptContext

BYTEA, BIGINT, TEXT = 17, 20, 25
BYTEA_ARRAY, BIGINT_ARRAY, TEXT_ARRAY = 1001, 1016, 1009

_HEADER = Struct("!iiIii")
_EMPTY = Struct("!iiI")
_LENGTH = Struct("!i")
_NULL = _LENGTH.pack(-1)


class ByteaArray(bytes):
    """A packed `bytea[]`."""

    __slots__ = ()


class BigintArray(bytes):
    """A packed `bigint[]`."""

    __slots__ = ()


class TextArray(bytes):
    """A packed `text[]`."""

    __slots__ = ()


def bigint_array(values: Sequence[int]) -> BigintArray:
    """Pack integers that are all there (no NULL)."""
    if not values:
        return BigintArray(_EMPTY.pack(0, 0, BIGINT))
    interleaved = [8] * (2 * len(values))
    interleaved[1::2] = values
    return BigintArray(_HEADER.pack(1, 0, BIGINT, len(values), 1) + _bigints(len(values)).pack(*interleaved))


@cache
def _bigints(count: int) -> Struct:
    return Struct("!" + "iq" * count)


def nullable_bigint_array(values: Sequence[int | None]) -> BigintArray:
    """Pack integers, some of which may be missing."""
    one = _bigints(1)
    return BigintArray(_packed(BIGINT, len(values), (_NULL if v is None else one.pack(8, v) for v in values)))


def text_array(values: Sequence[str | None]) -> TextArray:
    """Pack texts, some of which may be missing."""
    return TextArray(_packed(TEXT, len(values), (_with_length(None if v is None else v.encode()) for v in values)))


def bytea_array(values: Sequence[bytes | None]) -> ByteaArray:
    """Pack byte strings, some of which may be missing."""
    return ByteaArray(_packed(BYTEA, len(values), (_with_length(v) for v in values)))


def _with_length(value: bytes | None) -> bytes:
    return _NULL if value is None else _LENGTH.pack(len(value)) + value


def _packed(oid: int, count: int, elements: Iterable[bytes]) -> bytes:
    if not count:
        return _EMPTY.pack(0, 0, oid)
    return b"".join((_HEADER.pack(1, 1, oid, count, 1), *elements))


class _PackedDumper(Dumper):
    format = Format.BINARY

    def dump(self, obj: bytes) -> bytes:
        return bytes(obj)


class _ByteaArrayDumper(_PackedDumper):
    oid = BYTEA_ARRAY


class _BigintArrayDumper(_PackedDumper):
    oid = BIGINT_ARRAY


class _TextArrayDumper(_PackedDumper):
    oid = TEXT_ARRAY


class _BytesDumper(_PackedDumper):
    oid = BYTEA


class _IntDumper(Dumper):
    """Integers of unknown type, so that the size of a value does not make another prepared statement."""

    format = Format.TEXT

    def dump(self, obj: int) -> bytes:
        return b"%d" % obj


def register(context: AdaptContext) -> None:
    """Let the connection take the packed arrays, plain bytes and integers the way of this module."""
    for kind, dumper in (
        (ByteaArray, _ByteaArrayDumper),
        (BigintArray, _BigintArrayDumper),
        (TextArray, _TextArrayDumper),
        (bytes, _BytesDumper),
        (int, _IntDumper),
    ):
        context.adapters.register_dumper(kind, dumper)
