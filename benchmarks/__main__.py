"""`python -m benchmarks`: starts PostgreSQL, the server and a raw baseline, drives both, prints and saves ratios.

It never fails on a figure: machines differ. It says what was answered wrongly, if anything was.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections import defaultdict
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from benchmarks import report
from benchmarks.corpus import Corpus
from benchmarks.imports import bundles_in
from benchmarks.load_generator import Job
from benchmarks.sizes import install_seconds, settle, sizes_of
from benchmarks.targets import ROOT, Cluster, Target, drive, fill_raw, start_cluster, start_raw, start_server

ALL = ("read", "create", "update", "crud", "search", "import", "synthea")
BESIDE_RAW = ("read", "create", "update", "crud")
SYNTHEA = Path(os.environ.get("FHIR_SHARED", ROOT.parent / "shared")) / "samples" / "synthea"


def main(
    *,
    quick: Annotated[
        bool, typer.Option("--quick", help="Seconds instead of minutes: shows that all of it runs.")
    ] = False,
    patients: Annotated[int, typer.Option(help="Size of the corpus; about 55 resources a patient.")] = 1000,
    seconds: Annotated[float, typer.Option(help="Length of a run.")] = 8.0,
    repeats: Annotated[int, typer.Option(min=1, help="Runs of each workload.")] = 3,
    connections: Annotated[int, typer.Option(min=1, help="Connections at once.")] = 16,
    only: Annotated[list[str] | None, typer.Option(help=f"Workloads to run: {', '.join(ALL)}.")] = None,
    install: Annotated[bool, typer.Option("--install", help="Measure the installation of the wheel as well.")] = False,
    output: Annotated[Path, typer.Option(help="Where results are kept.")] = ROOT / "benchmarks" / "results",
) -> None:
    """Measure. Results go to `<date>.json` and `<date>.md`."""
    if quick:
        patients, seconds, repeats = 20, 0.5, 1
        only = only or [workload for workload in ALL if workload != "synthea"]
    job = Job("read", 0, patients, seconds=seconds, warm_up=min(1.0, seconds / 4), connections=connections)
    results: dict[str, Any] = {"date": datetime.now(UTC).date().isoformat(), "machine": report.machine()}
    with tempfile.TemporaryDirectory(prefix="fhir-benchmarks-") as folder:
        cluster = start_cluster()
        try:
            _measure(results, cluster, job, repeats, tuple(only or ALL), Path(folder) / "log")
        finally:
            cluster.stop()
    if install:
        results["install_seconds"] = round(install_seconds(), 1)
    report.show(results)
    output.mkdir(parents=True, exist_ok=True)
    (output / f"{results['date']}.json").write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n")
    (output / f"{results['date']}.md").write_text(report.markdown(results))


def _measure(  # noqa: PLR0917 - one caller
    results: dict[str, Any], cluster: Cluster, job: Job, repeats: int, only: tuple[str, ...], log: Path
) -> None:
    runs: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    corpus = Corpus(job.patients, job.seed)
    fhir = start_server(cluster.new_database(), log)
    raw = None
    try:
        fhir = _cold_start(fhir, results, log, repeats)
        endless = replace(job, workload="import", port=fhir.port, seconds=3600, warm_up=0)
        runs["import", "fhir"].append(drive(fhir, cluster, endless))
        settle(fhir.database_url)
        results["sizes"] = sizes_of(fhir.database_url, corpus.size)
        if "search" in only:
            for repeat in range(repeats):
                this = replace(job, workload="search", port=fhir.port, repeat=repeat)
                runs["search", "fhir"].append(drive(fhir, cluster, this))
            results["searches"] = runs["search", "fhir"][-1]["kinds"]
        if set(BESIDE_RAW) & set(only):
            raw = start_raw(cluster.new_database(), log)
            fill_raw(raw, corpus)
            settle(raw.database_url)
            _beside_raw(runs, (fhir, raw), cluster, job, [w for w in BESIDE_RAW if w in only], repeats)
        if "import" in only:
            for seed in range(2, repeats + 1):
                runs["import", "fhir"].append(drive(fhir, cluster, replace(endless, seed=seed)))
        results["memory"] = fhir.worker_memory()
    finally:
        fhir.stop()
        if raw:
            raw.stop()
    if "synthea" in only and SYNTHEA.is_dir():
        _synthea(results, runs, cluster, job, log)
    _sum_up(results, runs)


def _cold_start(target: Target, results: dict[str, Any], log: Path, repeats: int) -> Target:
    """Start the server again on the database that is now made, and keep the best: caches are warm."""
    seconds = []
    for _ in range(repeats):
        target.stop()
        target = start_server(target.database_url, log)
        seconds.append(target.cold_start)
    results["cold_start_seconds"] = round(min(seconds), 2)
    return target


def _beside_raw(  # noqa: PLR0917 - one caller
    runs: dict[tuple[str, str], list[dict[str, Any]]],
    targets: tuple[Target, Target],
    cluster: Cluster,
    job: Job,
    workloads: list[str],
    repeats: int,
) -> None:
    """Run the workloads against both in turn, so that a slow minute of the machine falls on both."""
    for repeat in range(repeats):
        for workload in workloads:
            for target in targets if repeat % 2 else targets[::-1]:
                this = replace(job, workload=workload, port=target.port, repeat=repeat)
                runs[workload, target.name].append(drive(target, cluster, this))


def _synthea(
    results: dict[str, Any],
    runs: dict[tuple[str, str], list[dict[str, Any]]],
    cluster: Cluster,
    job: Job,
    log: Path,
) -> None:
    """Load the Synthea Bundles into a database of their own: one after the other those others refer to."""
    target = start_server(cluster.new_database(), log)
    try:
        this = replace(
            job, workload="import", port=target.port, seconds=3600, warm_up=0, folder=str(SYNTHEA), connections=4
        )
        runs["import synthea", "fhir"].append(drive(target, cluster, this))
        settle(target.database_url)
        resources = sum(count for _, count in bundles_in(SYNTHEA))
        results["sizes_synthea"] = sizes_of(target.database_url, resources)
    finally:
        target.stop()


def _sum_up(results: dict[str, Any], runs: dict[tuple[str, str], list[dict[str, Any]]]) -> None:
    workloads: dict[str, dict[str, Any]] = defaultdict(dict)
    for (workload, target), repeats in runs.items():
        workloads[workload][target] = report.medians(repeats)
    results["workloads"] = workloads
    results["ratios"] = {
        name: round(both["fhir"]["per_second"] / both["raw"]["per_second"], 3)
        for name, both in workloads.items()
        if "raw" in both
    }
    results["cpu_ratios"] = {
        name: round(_cpu(both["raw"]) / _cpu(both["fhir"]), 3) for name, both in workloads.items() if "raw" in both
    }


def _cpu(figures: dict[str, Any]) -> float:
    return float(figures["server_cpu_ms"] + figures["database_cpu_ms"])


if __name__ == "__main__":
    typer.run(main)
