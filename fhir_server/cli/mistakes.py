"""Mistakes of whoever calls: what is wrong and the way out, in a sentence instead of a traceback."""

from __future__ import annotations

import os
import re
import sqlite3
from difflib import get_close_matches
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic import ValidationError

_PREFIX = "FHIR_SERVER_"
_SAID_ALREADY = frozenset({"click", "typer"})
_OF_SQLITE = re.compile("unable to open|not a database|malformed|readonly|is full|disk I/O|is locked")
_OF_POSTGRESQL = frozenset({"OperationalError", "PoolTimeout"})
_SQLITE_WAY_OUT = "Is the folder of the file there, and may this user write to it?"
_POSTGRESQL_WAY_OUT = "Is it running, and do host, port, user, password and database hold?"
_WHERE = "See FHIR_SERVER_DATABASE_URL (or --database-url)."


def sentence_for(fault: BaseException) -> str:
    """Return what to say of a mistake, "" where the fault is none that the caller could mend."""
    if type(fault).__module__.partition(".")[0] in _SAID_ALREADY:
        return ""
    for cause in _chain(fault):
        sentence = _of_refusal(cause) or _of_settings(cause) or _of_database(cause) or _of_file(cause)
        if sentence:
            return sentence
    return ""


def unknown_settings() -> Iterator[str]:
    """Yield a warning for each variable that looks like a setting and is none."""
    named = [name for name in sorted(os.environ) if name.upper().startswith(_PREFIX) and not _is_of_a_cluster(name)]
    if not named:
        return
    from fhir_server.kernel.settings import Settings  # noqa: PLC0415 - slow, and `--help` does without

    known = [_PREFIX + name.upper() for name in Settings.model_fields]
    for name in named:
        if name.upper() not in known:
            near = get_close_matches(name.upper(), known, 1, 0.8)
            yield f"{name} is no setting" + (f"; did you mean {near[0]}?" if near else " and is ignored")


def _is_of_a_cluster(name: str) -> bool:
    """Whether Kubernetes made the variable, which it does where a service is named `fhir-server`."""
    return re.search(r"_SERVICE_(HOST|PORT)|_(TCP|UDP)(_|$)", name) is not None or os.environ[name].startswith("tcp://")


def _chain(fault: BaseException | None) -> Iterator[BaseException]:
    while fault is not None:
        yield fault
        fault = fault.__cause__ or (None if fault.__suppress_context__ else fault.__context__)


def _of_refusal(fault: BaseException) -> str:
    refused = any(kind.__module__ == "fhir_server.kernel.errors" for kind in type(fault).__mro__)
    return str(fault) if refused else ""


def _of_settings(fault: BaseException) -> str:
    module = type(fault).__module__.partition(".")[0]
    if module == "pydantic_core" and getattr(fault, "title", "") == "Settings":
        return _said("\n".join(_wrong_values(fault)))  # type: ignore[arg-type] # it is a ValidationError
    if module == "pydantic_settings":
        field = re.search(r'field "(\w+)"', str(fault))
        name = _PREFIX + field[1].upper() if field else "A setting"
        return _said(f'{name} has to be a JSON list, e.g. ["https://app.example"].')
    return ""


def _said(what: str) -> str:
    return f"{what}\ndocs/settings.md has every setting, its default and its meaning."


def _wrong_values(fault: ValidationError) -> Iterator[str]:
    for error in fault.errors(include_input=False, include_url=False, include_context=False):
        name = "_".join(str(part) for part in error["loc"][:1]).upper()
        yield f"{_PREFIX}{name}: {error['msg'].replace('Input should be', 'the value should be')}."


def _of_database(fault: BaseException) -> str:
    if isinstance(fault, sqlite3.DatabaseError) and _OF_SQLITE.search(str(fault)):
        return f"The SQLite database cannot be used: {fault}. {_SQLITE_WAY_OUT} {_WHERE}"
    kind = type(fault)
    if kind.__module__ == "fhir_server.store.schema" and kind.__name__ == "SchemaOutdated":
        return str(fault)
    if kind.__module__.startswith("alembic") and "revision" in str(fault):
        return (
            f"The database is of another version of this server: {fault}. Use the server that made it, or a later one."
        )
    if kind.__module__.startswith("psycopg") and kind.__name__ in _OF_POSTGRESQL:
        first = (str(fault).splitlines() or [""])[0]
        return f"PostgreSQL cannot be used: {first}. {_POSTGRESQL_WAY_OUT} {_WHERE}"
    if isinstance(fault, ValueError) and _raised_in(fault) == "fhir_server.store.addresses":
        return f"{fault}. {_WHERE}"
    return ""


def _of_file(fault: BaseException) -> str:
    if isinstance(fault, OSError) and fault.filename is not None and fault.strerror:
        return f"{os.fsdecode(fault.filename)}: {fault.strerror}"
    return ""


def _raised_in(fault: BaseException) -> str:
    """Return the module a fault was raised in."""
    traceback = fault.__traceback__
    while traceback is not None and traceback.tb_next is not None:
        traceback = traceback.tb_next
    return str(traceback.tb_frame.f_globals.get("__name__", "")) if traceback else ""
