"""What a resource takes on disk, by table and index; what an installation takes."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psycopg

ROOT = Path(__file__).parent.parent
_RELATIONS = """
    SELECT c.relname, c.relkind::text, coalesce(i.indrelid::regclass::text, c.relname),
        pg_relation_size(c.oid) + CASE WHEN c.relkind = 'r'
            THEN coalesce(pg_total_relation_size(nullif(c.reltoastrelid, 0)), 0) ELSE 0 END
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace LEFT JOIN pg_index i ON i.indexrelid = c.oid
    WHERE n.nspname = 'public' AND c.relkind IN ('r', 'i')
"""


def settle(database_url: str) -> None:
    """Vacuum and analyse, as autovacuum would have done by and by."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("VACUUM (ANALYZE)")


def sizes_of(database_url: str, resources: int) -> dict[str, Any]:
    """Return bytes a resource over all relations with rows in them, tables and indexes apart, the largest named.

    The empty pages of tables without rows are left out: 146 types have them, whatever is stored.
    """
    with psycopg.connect(database_url) as connection:
        rows = connection.execute(_RELATIONS).fetchall()
        filled = {
            name for (name,) in connection.execute("SELECT relname FROM pg_class WHERE relkind = 'r' AND reltuples > 0")
        }
    kept = [(name, kind, size) for name, kind, table, size in rows if table in filled]
    tables = sum(size for _, kind, size in kept if kind == "r")
    indexes = sum(size for _, kind, size in kept if kind == "i")
    largest = sorted(((size, name) for name, _, size in kept), reverse=True)[:12]
    return {
        "resources": resources,
        "bytes_a_resource": round((tables + indexes) / max(resources, 1)),
        "tables": round(tables / max(resources, 1)),
        "indexes": round(indexes / max(resources, 1)),
        "largest": {name: round(size / max(resources, 1), 1) for size, name in largest},
    }


def install_seconds() -> float:
    """Return how long `pip install` of the wheel with all it needs takes in an empty environment."""
    with tempfile.TemporaryDirectory(prefix="fhir-install-") as folder:
        subprocess.run(
            [sys.executable, "-m", "build", "--wheel", "--outdir", folder], check=True, cwd=ROOT, capture_output=True
        )
        subprocess.run([sys.executable, "-m", "venv", f"{folder}/venv"], check=True)
        wheel = next(Path(folder).glob("*.whl"))
        began = time.perf_counter()
        subprocess.run([f"{folder}/venv/bin/pip", "install", "--quiet", str(wheel)], check=True, capture_output=True)
        return time.perf_counter() - began
