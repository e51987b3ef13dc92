"""The examples of docs/search.md are true: each search finds, or does not find, the resource beside it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.search.search_desk import desk_with

pytestmark = pytest.mark.asyncio(loop_scope="module")

PAGE = Path(__file__).parents[2] / "docs" / "search.md"
ROW = re.compile(
    r"\| `(?P<type>\w+)\?(?P<name>[^=`]+)=(?P<value>[^`]+)` \| `(?P<content>\{.*\})` \| (?P<found>yes|no) \|"
)


def examples():
    for number, line in enumerate(PAGE.read_text(encoding="utf-8").splitlines(), 1):
        if match := ROW.fullmatch(line.replace("\\|", "\0")):
            row = {key: text.replace("\0", "|") for key, text in match.groupdict().items()}
            yield {**row, "id": f"line{number}"}


EXAMPLES = list(examples())
desk = desk_with([{"resourceType": e["type"], "id": e["id"], **json.loads(e["content"])} for e in EXAMPLES])


async def test_every_row_of_the_page_that_shows_a_search_is_an_example():
    shown = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.endswith(("| yes |", "| no |"))]
    assert len(EXAMPLES) == len(shown) > 30


@pytest.mark.parametrize(
    "example", EXAMPLES, ids=[f"{e['type']}?{e['name']}={e['value']}-{e['found']}" for e in EXAMPLES]
)
async def test_an_example_is_true(desk, example):
    found = await desk.ids(f"{example['type']}?{example['name']}={quote(example['value'])}&_id={example['id']}")
    assert found == ([example["id"]] if example["found"] == "yes" else [])
