"""A process that writes through the store without end and prints what was acknowledged, until it is killed.

    python crash_writer.py DATABASE_URL SEED

Lines: `single ID VERSION`, `set NAME`, `unit NAME`; a set or unit called NAME makes the instances NAME-0 … NAME-4 of
three types. `lost` is a write refused because the database was not there.
"""

from __future__ import annotations

import asyncio
import random
import sys

from fhir_server.kernel.errors import Refusal
from fhir_server.kernel.settings import Settings
from fhir_server.store.store import Store, TenantStore
from fhir_server.store.versions import StaleWrite
from tests.store.making import deletion, write

TYPES = ("Patient", "Observation", "MedicationRequest")


def say(line: str) -> None:
    print(line, flush=True)  # noqa: T201 - its parent reads it


async def singles(patients: TenantStore, name: str, chance: random.Random) -> None:
    """Create an instance and change it some times."""
    hashes = tuple(sorted({chance.getrandbits(62) for _ in range(20)}))
    for version in range(1, chance.randint(2, 6)):
        make = deletion if version > 1 and chance.random() < 0.2 else write
        extra = {} if make is deletion else {"hashes": hashes[version:], "note": "x" * chance.randint(10, 3000)}
        await patients.write([make("Patient", name, version, **extra)])
        say(f"single {name} {version}")


def group_of(name: str) -> list:
    return [write(TYPES[k % 3], f"{name}-{k}", hashes=(k, k + 1)) for k in range(5)]


async def sets(patients: TenantStore, name: str, _chance: random.Random) -> None:
    await patients.write(group_of(name))
    say(f"set {name}")


async def units(patients: TenantStore, name: str, chance: random.Random) -> None:
    async with patients.unit() as unit:
        await unit.lock([chance.randint(0, 5)])
        for one in group_of(name):
            await unit.write([one])
            await asyncio.sleep(0)
    say(f"unit {name}")


async def write_without_end(patients: TenantStore, number: int, seed: int) -> None:
    chance = random.Random(f"{seed}-{number}")
    kinds = {"single": singles, "set": sets, "unit": units}
    for n in range(10**9):
        kind = chance.choice(list(kinds))
        try:
            await kinds[kind](patients, f"{kind}-{seed}-{number}-{n}", chance)
        except (Refusal, StaleWrite):
            say("lost")
            await asyncio.sleep(0.02)


async def main(database_url: str, seed: int) -> None:
    store = await Store.open(Settings(database_url=database_url, request_timeout=5, _env_file=None))
    await asyncio.gather(*(write_without_end(store.tenant(1), number, seed) for number in range(6)))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
