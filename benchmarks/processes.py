"""CPU time and memory of process trees, read from /proc."""

from __future__ import annotations

import os
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")


def tree_of(pid: int) -> list[int]:
    """Return a process and all that descend from it."""
    found = [pid]
    for process in found:
        try:
            tasks = list(Path(f"/proc/{process}/task").iterdir())
        except OSError:
            continue
        for task in tasks:
            try:
                found += map(int, (task / "children").read_text().split())
            except OSError:
                continue
    return found


def cpu_seconds(pid: int) -> float:
    """Return the CPU time of a tree: of those alive, and of the children they have waited for."""
    return sum(map(_ticks, tree_of(pid))) / _TICKS


def _ticks(pid: int) -> int:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0
    return sum(map(int, fields[11:15]))  # utime, stime, cutime, cstime


def memory_of(pid: int) -> dict[str, float]:
    """Return RSS and PSS (shared pages counted in part) in MB."""
    kilobytes = {"Rss:": 0, "Pss:": 0}
    try:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            name, _, rest = line.partition(" ")
            if name in kilobytes:
                kilobytes[name] = int(rest.split()[0])
    except OSError:
        pass
    return {"rss_mb": round(kilobytes["Rss:"] / 1024, 1), "pss_mb": round(kilobytes["Pss:"] / 1024, 1)}
