"""Log lines hold a request's id and never what a resource holds."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

LINES = """
import asyncio, logging, sys
from fhir_server.kernel import log
import structlog
log.configure("info", sys.argv[1])
log.REQUEST_ID.set("request-7")
structlog.get_logger("a").info("request", route="{type}", status=200)
structlog.get_logger("a").debug("too fine")
try:
    raise ValueError("Everywoman")
except ValueError:
    structlog.get_logger("a").error("fault", exc_info=True)
    logging.getLogger("library").exception("it failed")
async def fails():
    raise KeyError("Everywoman")
async def main():
    task = asyncio.create_task(fails())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    del task
asyncio.run(main())
import gc; gc.collect()
logging.getLogger("library").info("too fine")
"""


def written(form: str) -> str:
    return subprocess.run([sys.executable, "-c", LINES, form], capture_output=True, text=True, check=True).stderr


@pytest.mark.parametrize("form", ["json", "console"])
def test_no_line_quotes_an_exception(form):
    text = written(form)
    assert "Everywoman" not in text
    assert "too fine" not in text
    assert "ValueError" in text
    assert "Task exception was never retrieved" in text


def test_machines_get_one_json_object_a_line():
    lines = [json.loads(line) for line in written("json").splitlines()]
    assert [line["event"] for line in lines] == ["request", "fault", "it failed", "Task exception was never retrieved"]
    assert {line["request_id"] for line in lines[:3]} == {"request-7"}
    assert lines[0].pop("timestamp").endswith("Z")
    assert lines[0] == {
        "event": "request", "level": "info", "request_id": "request-7", "route": "{type}", "status": 200,
    }  # fmt: skip
    assert lines[1]["exception"] == lines[2]["exception"] == "ValueError"
    assert lines[3]["exception"] == "KeyError"


def test_a_traceback_that_a_library_writes_as_text_is_said_by_class_and_place():
    """Uvicorn logs a failed start so; its first line alone would say nothing."""
    code = """
import logging, traceback
from fhir_server.kernel import log
log.configure("info", "console")
try:
    raise ValueError("Everywoman\\nMary: Jones")
except ValueError:
    text = traceback.format_exc()
logging.getLogger("uvicorn.error").error(text)
"""
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stderr
    assert "ValueError at <string>:6" in said
    assert "Everywoman" not in said
    assert "Mary" not in said
