"""The values of a statement, apart from its shape: the same search with other values runs the same SQL."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

PREFIX = "p"
Item = TypeVar("Item")


class Binds:
    """Collects values and hands out their names (`p0`, `p1` …), in the form the dialect takes them."""

    def __init__(self, dialect: str, tenant_key: int) -> None:
        self.dialect, self.tenant_key = dialect, tenant_key
        self.values: dict[str, Any] = {"tenant": tenant_key}

    def add(self, value: Any) -> str:
        """Keep a single value; return its name."""
        name = f"{PREFIX}{len(self.values) - 1}"
        self.values[name] = value
        return name

    def add_all(self, values: Iterable[Any]) -> str:
        """Keep a list as one value, an array (SQLite: as JSON), so that its length is no part of the SQL."""
        items = list(values)
        return self.add(json.dumps(items) if self.dialect == "sqlite" else items)


def padded(values: Sequence[Item]) -> Sequence[Item]:
    """Return `values` with the last repeated up to a power of two, so that few lengths make few shapes."""
    length = 1 << max(len(values) - 1, 0).bit_length()
    return [*values, *[values[-1]] * (length - len(values))] if values else values
