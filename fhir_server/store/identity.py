"""The number an instance is known by in the tails of those that refer to it: the column `rh`.

The formula is that of `search.hashing.identity`, which stands a floor higher; a test holds the two together.
"""

from __future__ import annotations

from xxhash import xxh3_64_intdigest


def identity(tenant_key: int, resource_type: str, id: str) -> int:
    """Return the signed 64-bit hash of `Patient/1` within the tenant."""
    value: int = xxh3_64_intdigest(f"r\x1f{resource_type}/{id}".encode(), tenant_key)
    return value - (1 << 64) if value >= 1 << 63 else value
