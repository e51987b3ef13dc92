"""Hands the fixtures of `reading.py` to the tests of search."""

from search.reading import definitions, indexer, read_query, search_parameters

__all__ = ["definitions", "indexer", "read_query", "search_parameters"]
