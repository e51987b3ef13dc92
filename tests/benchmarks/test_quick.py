"""The benchmarks run end to end. Nothing here depends on how fast: machines differ."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest
from services import postgresql

ROOT = Path(__file__).parent.parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks import corpus, crud, searches  # noqa: E402 - after the path is set
from benchmarks.connection import Answer  # noqa: E402


@pytest.mark.skipif(
    bool(postgresql.why_unavailable()) and os.environ.get("FHIR_TEST_REQUIRE_SERVICES") != "1",
    reason=f"PostgreSQL: {postgresql.why_unavailable()}",
)
def test_it_runs_end_to_end_and_every_answer_is_right(tmp_path):
    command = [sys.executable, "-m", "benchmarks", "--quick", "--output", str(tmp_path)]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=240, check=False)
    assert ran.returncode == 0, ran.stderr[-3000:]
    (saved,) = tmp_path.glob("*.json")
    results = json.loads(saved.read_text())
    for workload in ("read", "create", "update", "crud", "search", "import"):
        figures = results["workloads"][workload]["fhir"]
        assert figures["per_second"] > 0
        assert figures["wrong"] == 0, figures["wrong_examples"]
        assert figures["server_cpu_ms"] > 0
        assert figures["database_cpu_ms"] > 0
    assert set(results["ratios"]) == {"read", "create", "update", "crud"}
    assert results["sizes"]["bytes_a_resource"] > 100
    assert results["memory"]["rss_mb"] > 10
    assert saved.with_suffix(".md").read_text().startswith("# Benchmarks of")
    said = saved.read_text() + saved.with_suffix(".md").read_text()
    assert str(ROOT) not in said
    assert date.fromisoformat(results["date"])


@pytest.fixture(scope="module")
def small():
    return corpus.Corpus(12, 1)


def test_a_search_with_a_wrong_count_is_noticed(small):
    search = searches.Search(small, 0, "host", 0, 0)
    noticed = sum(bool(search.next().check(Answer(200, parts=[b'{"total":7,"entry":[]}']))) for _ in range(200))
    # An empty page is right only where nothing was to be found: never with this total.
    assert noticed > 100


@pytest.mark.parametrize("mix", crud.MIXES)
def test_a_wrong_status_is_noticed(small, mix):
    connection = crud.Crud(mix, small, (0, 1), "host", 0)
    assert all(connection.next().check(Answer(500)) for _ in range(50))


def test_the_mix_is_10_60_25_5(small):
    mix = crud.MIXES["crud"]
    assert [mix.count(kind) for kind in ("create", "read", "update", "delete")] == [10, 60, 25, 5]
