"""Concurrent conditional writes with equal criteria make one resource, while servers are killed in between.

64 clients, thousands of requests, two servers on one database; criteria are permuted and spelled
differently. The check at the end reads only the histories that the server tells.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections import defaultdict
from urllib.parse import quote

import httpx
import pytest

from tests.services.fhir_server import ServerProcess

CLIENTS, REQUESTS, KEYS, KILLS = 64, 2_500, 25, 4
SYSTEM = "http://example.org/crash"


def patient(key: int) -> dict:
    return {"resourceType": "Patient", "active": True, "identifier": [{"system": SYSTEM, "value": f"k{key}"}]}


def spelled(key: int, dice: random.Random) -> str:
    """Return the same criteria in one of their many spellings."""
    value = f"{SYSTEM}|k{key}"
    parts = [f"identifier={dice.choice([value, quote(value, safe='')])}", dice.choice(["active=true", "active=%74rue"])]
    dice.shuffle(parts)
    return "&".join(parts)


class Crowd:
    """All clients, what they were told, and the servers they talk to."""

    def __init__(self, servers: list[ServerProcess], seed: int) -> None:
        self.servers, self.dice = servers, random.Random(seed)
        self.left = REQUESTS
        self.told: list[tuple[int, str, int]] = []
        self.created: dict[int, int] = defaultdict(int)

    async def client(self) -> None:
        async with httpx.AsyncClient(timeout=30) as http:
            while self.left > 0:
                self.left -= 1
                await self.one(http, self.dice.randrange(KEYS))

    async def one(self, http: httpx.AsyncClient, key: int) -> None:
        """Ask until somebody answers: a client whose connection broke cannot know, and asks again."""
        while True:
            server = self.dice.choice(self.servers)
            try:
                answer = await self.ask(http, server.url, key)
            except httpx.TransportError:
                await asyncio.sleep(0.05)
                continue
            if answer.status_code in {503, 504, 409}:
                continue
            assert answer.status_code in {200, 201}, answer.text
            body = answer.json()
            self.told.append((key, body["id"], int(body["meta"]["versionId"])))
            return

    async def ask(self, http: httpx.AsyncClient, url: str, key: int) -> httpx.Response:
        headers = {"Content-Type": "application/fhir+json"}
        content = json.dumps(patient(key))
        if self.dice.random() < 0.7:
            headers["If-None-Exist"] = spelled(key, self.dice)
            return await http.post(f"{url}/Patient", content=content, headers=headers)
        return await http.put(f"{url}/Patient?{spelled(key, self.dice)}", content=content, headers=headers)

    async def killer(self) -> None:
        for n in range(KILLS):
            mark = REQUESTS * (KILLS - n) // (KILLS + 1)
            while self.left > mark:
                await asyncio.sleep(0.01)
            server = self.servers[n % len(self.servers)]
            await asyncio.to_thread(server.kill)
            await asyncio.to_thread(server.start)


async def history_of(url: str) -> list[tuple[str, str, int]]:
    """Return (key, id, version) of every version of every patient, by walking the pages."""
    found, page = [], f"{url}/Patient/_history?_count=1000"
    async with httpx.AsyncClient(timeout=60) as http:
        while page:
            bundle = (await http.get(page)).json()
            for entry in bundle.get("entry", []):
                resource = entry["resource"]
                key = resource["identifier"][0]["value"]
                found.append((key, resource["id"], int(resource["meta"]["versionId"])))
            page = next((link["url"] for link in bundle["link"] if link["relation"] == "next"), None)
    return found


@pytest.mark.xdist_group("crash")
async def test_equal_criteria_make_one_resource_whatever_dies(database_url, tmp_path):
    servers = [ServerProcess(database_url, tmp_path / f"server{n}.log") for n in range(2)]
    try:
        for server in servers:
            server.start()
        crowd = Crowd(servers, seed=7)
        await asyncio.gather(crowd.killer(), *(crowd.client() for _ in range(CLIENTS)))
        versions = await history_of(servers[0].url)
    finally:
        for server in servers:
            server.stop()
    ids, numbers = defaultdict(set), defaultdict(list)
    for key, id_, number in versions:
        ids[key].add(id_)
        numbers[id_].append(number)
    assert len(ids) == KEYS
    assert {key: found for key, found in ids.items() if len(found) != 1} == {}, "one resource for each key"
    for id_, found in numbers.items():
        assert sorted(found) == list(range(1, len(found) + 1)), f"no version of {id_} is lost or doubled"
    known = {(id_, number) for _, id_, number in versions}
    assert [t for t in crowd.told if (t[1], t[2]) not in known] == [], "every acknowledged version is there"
    assert len(crowd.told) == REQUESTS
