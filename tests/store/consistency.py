"""Reads a database by itself, with plain drivers, and says where its tables disagree.

It knows the layout and none of the store's code paths: current rows, `history`, `change` and, on SQLite, the tails.
Used after crashes: all of a version is there or nothing is.
"""

from __future__ import annotations

import sqlite3
import struct
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg

Ask = Callable[[str], list[tuple]]


@contextmanager
def snapshot(database_url: str) -> Iterator[Ask]:
    """Ask the plain driver, all questions of one state: a backend may still commit what its dead client sent."""
    if database_url.startswith("sqlite"):
        connection = sqlite3.connect(database_url.removeprefix("sqlite:///"), isolation_level=None)
        try:
            connection.execute("BEGIN")
            yield lambda question: connection.execute(question).fetchall()
        finally:
            connection.close()
        return
    with psycopg.connect(database_url) as connection:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        yield lambda question: connection.execute(question).fetchall()


def rows(database_url: str, question: str) -> list[tuple]:
    """Run one question with the plain driver."""
    with snapshot(database_url) as ask:
        return ask(question)


def disagreements(database_url: str) -> list[str]:
    """Return a sentence for each place where the tables do not agree; none where all is well."""
    with snapshot(database_url) as ask:
        types = dict(ask("SELECT number, name FROM resource_type"))
        changes = ask("SELECT resource_type, tenant, id, version, updated, method FROM change ORDER BY seq")
        kept = ask("SELECT resource_type, tenant, id, version, updated, method, ended FROM history")
        found = []
        for number in {row[0] for row in changes} | {row[0] for row in kept}:
            table = _table(types[number])
            current = ask(f'SELECT {number}, tenant, id, version, updated, method FROM "{table}"')  # noqa: S608
            found += _of_type(
                table, current, [c for c in changes if c[0] == number], [k for k in kept if k[0] == number]
            )
            if database_url.startswith("sqlite"):
                found += _tails(ask, table)
    return found


def _of_type(table: str, current: list[tuple], changes: list[tuple], kept: list[tuple]) -> list[str]:
    versions = Counter([*current, *(row[:6] for row in kept)])
    logged = Counter(changes)
    found = [f"{table}: {version} is stored and not in change" for version in versions - logged]
    found += [f"{table}: {version} is in change and not stored" for version in logged - versions]
    newest = {(row[1], row[2]): row for row in current}
    by_instance = defaultdict(dict)
    for row in kept:
        by_instance[row[1], row[2]][row[3]] = row
    for place, row in newest.items():
        before = by_instance.pop(place, {})
        if sorted(before) != list(range(1, row[3])):
            found.append(f"{table}: {place} is at version {row[3]} and history holds {sorted(before)}")
            continue
        ends = [before[n][6] for n in sorted(before)]
        if ends != [*(before[n][4] for n in sorted(before)[1:]), row[4]][: len(ends)]:
            found.append(f"{table}: {place} has versions that end when none begins")
    found += [f"{table}: {place} has history and no current row" for place in by_instance]
    return found


def _tails(ask: Ask, table: str) -> list[str]:
    packed = ask(f'SELECT rid, h FROM "{table}" WHERE h IS NOT NULL')  # noqa: S608
    expected = Counter((h, rid) for rid, blob in packed for h in struct.unpack(f"={len(blob) // 8}q", blob))
    there = Counter(ask(f'SELECT h, rid FROM "{table}_ix"'))  # noqa: S608
    return [] if expected == there else [f"{table}: the tail and its index differ"]


def _table(resource_type: str) -> str:
    return "".join(f"_{c.lower()}" if c.isupper() and i else c.lower() for i, c in enumerate(resource_type))
