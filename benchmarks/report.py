"""The tables: medians over the repeats, and ratios to the raw baseline."""

from __future__ import annotations

import os
import platform
from importlib.metadata import version
from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table

TARGETS = (
    ("reads, of raw", ("ratios", "read"), 0.70, "at least"),
    ("creates, of raw", ("ratios", "create"), 0.50, "at least"),
    ("import, resources a second", ("import", "resources_per_second"), 2500, "at least"),
    ("cold start, seconds", ("cold_start_seconds",), 3.0, "at most"),
    ("memory of a worker (RSS), MB", ("memory", "rss_mb"), 200, "at most"),
    ("bytes a resource, Synthea", ("sizes_synthea", "bytes_a_resource"), 2200, "at most"),
)
CAVEAT = (
    "Medians over the repeats; 16 connections; PostgreSQL, the server and the load generator share the machine. "
    "Trust ratios, not absolutes."
)
_FIGURES = ("per_second", "resources_per_second", "p50", "p95", "p99", "server_cpu_ms", "database_cpu_ms", "wrong")


def medians(repeats: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the median of each figure over the repeats, and the first examples of what was wrong."""
    figures = {name: round(median(r[name] for r in repeats if name in r), 3) for name in _FIGURES if name in repeats[0]}
    wrong = {k: v for r in repeats for k, v in r["wrong_examples"].items()}
    return {**figures, "repeats": len(repeats), **({"wrong_examples": wrong} if wrong else {})}


def machine() -> dict[str, str]:
    """Return what the figures were taken on: no names of hosts, no paths."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    packages = ("uvicorn", "uvloop", "httptools", "psycopg", "msgspec", "sqlalchemy")
    return {
        "cores": str(os.cpu_count()),
        "memory": f"{memory:.0f} GB",
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        **{package: version(package) for package in packages},
    }


def markdown(results: dict[str, Any]) -> str:
    """Return the report as Markdown."""
    lines = [f"# Benchmarks of {results['date']}", "", CAVEAT, ""]
    lines += ["| machine | |", "|---|---|", *(f"| {k} | {v} |" for k, v in results["machine"].items()), ""]
    lines += _table(_workload_rows(results))
    lines += ["", *_table(_target_rows(results))]
    for name in ("sizes", "sizes_synthea"):
        if sizes := results.get(name):
            lines += ["", f"## {name.replace('_', ' of ').capitalize()}", ""]
            lines += _table([["", "bytes a resource"], *([k, str(v)] for k, v in _size_rows(sizes))])
    if kinds := results.get("searches"):
        rows = [["search", "p50 ms", "p99 ms"]]
        rows += [
            [k, f"{v['p50']:.1f}", f"{v['p99']:.1f}"] for k, v in sorted(kinds.items(), key=lambda i: -i[1]["p50"])
        ]
        lines += ["", "## Searches", "", *_table(rows)]
    return "\n".join(lines) + "\n"


def show(results: dict[str, Any]) -> None:
    """Print the two main tables."""
    console = Console(width=140)
    for rows in (_workload_rows(results), _target_rows(results)):
        table = Table(*rows[0])
        for row in rows[1:]:
            table.add_row(*row)
        console.print(table)
    for workload, figures in results["workloads"].items():
        for target, median_ in figures.items():
            for example in median_.get("wrong_examples", ()):
                console.print(f"WRONG {workload} {target}: {example}", markup=False, highlight=False)


def _workload_rows(results: dict[str, Any]) -> list[list[str]]:
    rows = [["workload", "target", "requests/s", "of raw", "by CPU", "resources/s", "p50 ms", "p95 ms", "p99 ms",
             "server CPU ms", "database CPU ms", "wrong"]]  # fmt: skip
    for workload, figures in results["workloads"].items():
        for target, f in figures.items():
            ratio = results["ratios"].get(workload) if target == "fhir" else None
            rows.append([
                workload, target, f"{f['per_second']:,.0f}", f"{ratio:.2f}" if ratio else "",
                f"{results['cpu_ratios'][workload]:.2f}" if ratio else "",
                f"{f['resources_per_second']:,.0f}" if workload.startswith("import") else "",
                *(f"{f[p]:.1f}" if p in f else "" for p in ("p50", "p95", "p99")),
                f"{f['server_cpu_ms']:.2f}", f"{f['database_cpu_ms']:.2f}", f"{f['wrong']:.0f}",
            ])  # fmt: skip
    return rows


def _target_rows(results: dict[str, Any]) -> list[list[str]]:
    rows = [["figure", "reached", "aim"]]
    for name, path, aim, bound in TARGETS:
        value: Any = {**results, "import": results["workloads"].get("import", {}).get("fhir", {})}
        for part in path:
            value = value.get(part) if isinstance(value, dict) else None
        if value is not None:
            rows.append([name, f"{value:,.2f}".rstrip("0").rstrip("."), f"{bound} {aim:,}"])
    if "install_seconds" in results:
        rows.append(["install, seconds", f"{results['install_seconds']:.1f}", ""])
    return rows


def _size_rows(sizes: dict[str, Any]) -> list[tuple[str, Any]]:
    head = [("all", sizes["bytes_a_resource"]), ("tables", sizes["tables"]), ("indexes", sizes["indexes"])]
    return [*head, *sizes["largest"].items()]


def _table(rows: list[list[str]]) -> list[str]:
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    return [lines[0], "|" + "---|" * len(rows[0]), *lines[1:]]
