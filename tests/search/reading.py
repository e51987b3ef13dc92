"""What the tests of search share: the definitions, the parameters, an indexer, a reader of queries and of cases."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest

from fhir_server.kernel.settings import Settings
from fhir_server.search.indexing import Indexer
from fhir_server.search.parameters import SearchParameters
from fhir_server.search.parser import parse_search
from fhir_server.search.query import Query
from fhir_server.spec.packages import Definitions, load_definitions

CASES = Path(__file__).parent / "cases"
NOW = 1_767_225_600_000_000  # 2026-01-01T00:00:00Z
BASE_URL = "http://here.example/fhir"

ReadQuery = Callable[..., Query]


def cases(file: str, table: str) -> list[Any]:
    """The rows of one table of a case file, each known by its `is`."""
    rows = tomllib.loads((CASES / file).read_text(encoding="utf-8"), parse_float=Decimal)[table]
    return [pytest.param(row, id=row["is"]) for row in rows]


@pytest.fixture(scope="session")
def definitions() -> Definitions:
    return load_definitions()


@pytest.fixture(scope="session")
def search_parameters(definitions: Definitions) -> SearchParameters:
    return SearchParameters(definitions)


@pytest.fixture(scope="session")
def indexer(search_parameters: SearchParameters, definitions: Definitions) -> Indexer:
    return Indexer(search_parameters, definitions)


@pytest.fixture(scope="session")
def read_query(search_parameters: SearchParameters, definitions: Definitions) -> ReadQuery:
    def read(text: str, *, lenient: bool = False, settings: Settings | None = None, **more: Any) -> Query:
        resource_type, _, query = text.partition("?")
        return parse_search(
            resource_type,
            parse_qsl(query, keep_blank_values=True),
            parameters=search_parameters,
            definitions=definitions,
            settings=settings or Settings(),
            lenient=lenient,
            **{"now": NOW, "base_url": BASE_URL} | more,
        )

    return read
