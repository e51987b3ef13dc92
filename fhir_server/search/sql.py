"""The few SQL constructs in which PostgreSQL and SQLite differ, each written once for both.

PostgreSQL keeps the tail of a row in `h bigint[]` under a GIN index, SQLite in a table `ix(h, rid)`. A test of the
tail comes in two forms: *indexed*, which the database may start from, and *filter*, which it cannot use an
index for, so a hash that nearly every row has is never looked up (it costs forty times the plain test).

https://docs.sqlalchemy.org/en/20/core/compiler.html
"""

# ruff: noqa: S608 - the pieces are SQL already, made by SQLAlchemy; every value is a bind

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import BigInteger, Boolean, Float, Integer, Text, column, func
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.elements import ColumnElement

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sqlalchemy.sql.compiler import SQLCompiler

FIELD_TYPES: dict[str, Any] = {"text": Text(), "integer": BigInteger(), "number": Float()}
"""The SQL types of what is read out of an entry."""


class _Construct(ColumnElement[Any]):
    """A piece of SQL made of other pieces, `parts`, whose text is written by the functions below."""

    inherit_cache = False

    def __init__(self, *parts: Any) -> None:
        self.parts = parts

    @property
    def _from_objects(self) -> list[Any]:
        return []


class _Predicate(_Construct):
    """A construct that is true or false by itself; SQLAlchemy would compare it with 1 on SQLite, and lose the index."""

    type = Boolean()
    _is_implicitly_boolean = True

    def self_group(self, against: Any = None) -> Any:  # noqa: ARG002 - SQLAlchemy's signature
        """Return itself: no comparison, no parentheses."""
        return self

    def _negate(self) -> Any:
        return Negated(self)


class Negated(_Predicate):
    """`NOT (…)`."""

    def _negate(self) -> Any:
        return self.parts[0]


class HasHash(_Predicate):
    """The row's tail holds the hash: `parts` are the columns h and rid and the bind, `tail` SQLite's table."""

    def __init__(self, h: Any, rid: Any, tail: str, bind: Any, *, indexed: bool) -> None:
        super().__init__(h, rid, bind)
        self.tail, self.indexed = tail, indexed


class HasAnyHash(HasHash):
    """The row's tail holds any of the hashes; the bind is an array (SQLite: a JSON array)."""


class HasHashOf(HasHash):
    """The row's tail holds any of the hashes that a subquery selects; the bind is that subquery."""


def entries_of_tail(h: Any, alias: str) -> Any:
    """Return the hashes of a tail as rows with the column `hash` (PostgreSQL)."""
    return func.unnest(h).table_valued(column("hash", BigInteger), name=alias).render_derived()


class Xor(_Construct):
    """`parts[0] XOR parts[1]`: from an identity to the entry that points to it, and back."""

    type = BigInteger()


class AnyOf(_Predicate):
    """`parts[0]` is one of the texts of the array bind `parts[1]`."""


class AnyEntry(_Predicate):
    """Some entry, called `alias`, of the JSON array at `step` of `source` fulfils `parts[1]`.

    `source` is the column v (`step`: the parameter's key) or an outer entry (`step`: an index in it).
    """

    def __init__(self, source: Any, step: str | int, alias: str, condition: Any) -> None:
        super().__init__(source, condition)
        self.step, self.alias = step, alias


class LeastEntry(_Construct):
    """The least (or `greatest`) field of the entries at `keys` of the column v, None where there are none."""

    def __init__(self, v: Any, keys: Sequence[str], field: Field, *, greatest: bool) -> None:
        super().__init__(v, field)
        self.places, self.alias, self.greatest = tuple(keys), field.alias, greatest
        self.type = field.type


class Entry(_Construct):
    """The entry called `alias` itself, as JSON: the source of an inner `AnyEntry`."""

    type = Text()

    def __init__(self, alias: str) -> None:
        super().__init__()
        self.alias = alias


class Field(_Construct):
    """What an entry holds at `index` (None: the entry is a plain value), as text, integer or number."""

    def __init__(self, alias: str, index: int | None, kind: str) -> None:
        super().__init__()
        self.alias, self.index, self.kind = alias, index, kind
        self.type = FIELD_TYPES[kind]


class BeginsWith(_Predicate):
    """The text `parts[0]` begins with `parts[1]`; no pattern, so nothing needs escaping."""


class Holds(_Predicate):
    """The text `parts[0]` holds `parts[1]` somewhere."""


class Haversine(_Construct):
    """The haversine of the angle between two places, `parts` their latitudes and longitudes in degrees."""

    type = Float()


class Unindexed(_Construct):
    """`parts[0]` in a form no index is used for, so that an order by it does not lure the planner."""

    type = Text()


class NoStart(_Construct):
    """`parts[0]`, which SQLite shall not start from; PostgreSQL knows better."""

    type = Integer()


def _texts(element: _Construct, compiler: SQLCompiler, kw: dict[str, Any]) -> Sequence[str]:
    return [compiler.process(part, **kw) for part in element.parts]


def _quoted(compiler: SQLCompiler, text: str) -> str:
    return compiler.render_literal_value(text, Text())


@compiles(Negated)
def _negated(element: Negated, compiler: SQLCompiler, **kw: Any) -> str:
    return f"NOT ({_texts(element, compiler, kw)[0]})"


@compiles(HasHash, "postgresql")
def _has_hash_postgresql(element: HasHash, compiler: SQLCompiler, **kw: Any) -> str:
    h, _, bind = _texts(element, compiler, kw)
    return f"{h} @> CAST(ARRAY[{bind}] AS BIGINT[])" if element.indexed else f"{bind} = ANY ({h})"


@compiles(HasHash, "sqlite")
def _has_hash_sqlite(element: HasHash, compiler: SQLCompiler, **kw: Any) -> str:
    _, rid, bind = _texts(element, compiler, kw)
    if element.indexed:
        return f"{rid} IN (SELECT rid FROM {element.tail} WHERE h = {bind})"
    return f"EXISTS (SELECT 1 FROM {element.tail} AS ix WHERE ix.h = {bind} AND ix.rid = {rid})"


@compiles(HasAnyHash, "postgresql")
def _has_any_hash_postgresql(element: HasAnyHash, compiler: SQLCompiler, **kw: Any) -> str:
    h, _, bind = _texts(element, compiler, kw)
    tail = h if element.indexed else f"array_cat({h}, '{{}}')"
    return f"{tail} && CAST({bind} AS BIGINT[])"


@compiles(HasAnyHash, "sqlite")
def _has_any_hash_sqlite(element: HasAnyHash, compiler: SQLCompiler, **kw: Any) -> str:
    _, rid, bind = _texts(element, compiler, kw)
    wanted = f"h IN (SELECT value FROM json_each({bind}))"
    if element.indexed:
        return f"{rid} IN (SELECT rid FROM {element.tail} WHERE {wanted})"
    return f"EXISTS (SELECT 1 FROM {element.tail} AS ix WHERE ix.{wanted} AND ix.rid = {rid})"


@compiles(HasHashOf, "postgresql")
def _has_hash_of_postgresql(element: HasHashOf, compiler: SQLCompiler, **kw: Any) -> str:
    h, _, subquery = _texts(element, compiler, kw)
    tail = h if element.indexed else f"array_cat({h}, '{{}}')"
    return f"{tail} && ARRAY{subquery}"


@compiles(HasHashOf, "sqlite")
def _has_hash_of_sqlite(element: HasHashOf, compiler: SQLCompiler, **kw: Any) -> str:
    # The subquery looks at no row outside of it, so one list of rows is made whatever the form.
    _, rid, subquery = _texts(element, compiler, kw)
    return f"{rid} IN (SELECT rid FROM {element.tail} WHERE h IN {subquery})"


@compiles(Xor, "postgresql")
def _xor_postgresql(element: Xor, compiler: SQLCompiler, **kw: Any) -> str:
    left, right = _texts(element, compiler, kw)
    return f"({left} # {right})"


@compiles(Xor, "sqlite")
def _xor_sqlite(element: Xor, compiler: SQLCompiler, **kw: Any) -> str:
    left, right = _texts(element, compiler, kw)
    # (a | b) - (a & b) can leave 64 bits where a and b are of different sign; this cannot.
    return f"(({left} | {right}) & ~({left} & {right}))"


@compiles(AnyOf, "postgresql")
def _any_of_postgresql(element: AnyOf, compiler: SQLCompiler, **kw: Any) -> str:
    column, bind = _texts(element, compiler, kw)
    return f"{column} = ANY (CAST({bind} AS TEXT[]))"


@compiles(AnyOf, "sqlite")
def _any_of_sqlite(element: AnyOf, compiler: SQLCompiler, **kw: Any) -> str:
    column, bind = _texts(element, compiler, kw)
    return f"{column} IN (SELECT value FROM json_each({bind}))"


def _entries_postgresql(compiler: SQLCompiler, source: str, step: str | int, alias: str) -> str:
    place = str(step) if isinstance(step, int) else _quoted(compiler, step)
    return f"jsonb_array_elements({source} -> {place}) AS {alias} (value)"


def _entries_sqlite(compiler: SQLCompiler, source: str, step: str | int, alias: str) -> str:
    path = f"$[{step}]" if isinstance(step, int) else f'$."{step}"'
    return f"json_each({source}, {_quoted(compiler, path)}) AS {alias}"


@compiles(AnyEntry, "postgresql")
def _any_entry_postgresql(element: AnyEntry, compiler: SQLCompiler, **kw: Any) -> str:
    source, condition = _texts(element, compiler, kw)
    return (
        f"EXISTS (SELECT 1 FROM {_entries_postgresql(compiler, source, element.step, element.alias)} WHERE {condition})"
    )


@compiles(AnyEntry, "sqlite")
def _any_entry_sqlite(element: AnyEntry, compiler: SQLCompiler, **kw: Any) -> str:
    source, condition = _texts(element, compiler, kw)
    return f"EXISTS (SELECT 1 FROM {_entries_sqlite(compiler, source, element.step, element.alias)} WHERE {condition})"


def _least_entry(element: LeastEntry, compiler: SQLCompiler, kw: dict[str, Any], entries: Callable[..., str]) -> str:
    v, field = _texts(element, compiler, kw)
    end, alias = "max" if element.greatest else "min", element.alias
    each = [f"SELECT {field} AS key FROM {entries(compiler, v, place, alias)}" for place in element.places]
    if len(each) == 1:
        return f"(SELECT {end}({field}) FROM {entries(compiler, v, element.places[0], alias)})"
    return f"(SELECT {end}({alias}.key) FROM ({' UNION ALL '.join(each)}) AS {alias})"


@compiles(LeastEntry, "postgresql")
def _least_entry_postgresql(element: LeastEntry, compiler: SQLCompiler, **kw: Any) -> str:
    return _least_entry(element, compiler, kw, _entries_postgresql)


@compiles(LeastEntry, "sqlite")
def _least_entry_sqlite(element: LeastEntry, compiler: SQLCompiler, **kw: Any) -> str:
    return _least_entry(element, compiler, kw, _entries_sqlite)


@compiles(Entry)
def _entry(element: Entry, _compiler: SQLCompiler, **_kw: Any) -> str:
    return f"{element.alias}.value"


@compiles(Field, "postgresql")
def _field_postgresql(element: Field, _compiler: SQLCompiler, **_kw: Any) -> str:
    place = "#>> '{}'" if element.index is None else f"->> {element.index}"
    text = f"({element.alias}.value {place})"
    return {"text": f'({text} COLLATE "C")', "integer": f"{text}::bigint", "number": f"{text}::double precision"}[
        element.kind
    ]


@compiles(Field, "sqlite")
def _field_sqlite(element: Field, _compiler: SQLCompiler, **_kw: Any) -> str:
    value = f"{element.alias}.value"
    return value if element.index is None else f"json_extract({value}, '$[{element.index}]')"


@compiles(BeginsWith, "postgresql")
def _begins_with_postgresql(element: BeginsWith, compiler: SQLCompiler, **kw: Any) -> str:
    text, start = _texts(element, compiler, kw)
    return f"starts_with({text}, {start})"


@compiles(BeginsWith, "sqlite")
def _begins_with_sqlite(element: BeginsWith, compiler: SQLCompiler, **kw: Any) -> str:
    text, start = _texts(element, compiler, kw)
    return f"substr({text}, 1, length({start})) = {start}"


@compiles(Holds, "postgresql")
def _holds_postgresql(element: Holds, compiler: SQLCompiler, **kw: Any) -> str:
    text, part = _texts(element, compiler, kw)
    return f"strpos({text}, {part}) > 0"


@compiles(Holds, "sqlite")
def _holds_sqlite(element: Holds, compiler: SQLCompiler, **kw: Any) -> str:
    text, part = _texts(element, compiler, kw)
    return f"instr({text}, {part}) > 0"


@compiles(Haversine)
def _haversine(element: Haversine, compiler: SQLCompiler, **kw: Any) -> str:
    latitude, longitude, other_latitude, other_longitude = _texts(element, compiler, kw)
    north = f"sin(radians({latitude} - {other_latitude}) / 2)"
    east = f"sin(radians({longitude} - {other_longitude}) / 2)"
    return f"({north} * {north} + cos(radians({latitude})) * cos(radians({other_latitude})) * {east} * {east})"


@compiles(Unindexed, "postgresql")
def _unindexed_postgresql(element: Unindexed, compiler: SQLCompiler, **kw: Any) -> str:
    return f"({_texts(element, compiler, kw)[0]} || '')"


@compiles(NoStart, "postgresql")
def _no_start_postgresql(element: NoStart, compiler: SQLCompiler, **kw: Any) -> str:
    return _texts(element, compiler, kw)[0]


@compiles(NoStart, "sqlite")
@compiles(Unindexed, "sqlite")
def _unindexed_sqlite(element: Unindexed | NoStart, compiler: SQLCompiler, **kw: Any) -> str:
    return f"+{_texts(element, compiler, kw)[0]}"
