"""What processes use, from /proc: CPU seconds with their children's, and resident memory."""

from __future__ import annotations

import os
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pid: int) -> float:
    """CPU seconds that `pid` and its descendants have used."""
    parents: dict[int, list[int]] = {}
    ticks: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
            except (FileNotFoundError, ProcessLookupError):  # it has ended meanwhile
                continue
            ticks[int(entry.name)] = int(fields[11]) + int(fields[12])
            parents.setdefault(int(fields[1]), []).append(int(entry.name))
    family = [pid]
    for one in family:
        family += parents.get(one, [])
    return sum(ticks.get(one, 0) for one in family) / TICKS


def resident_mb(pid: int) -> float:
    """Resident memory of one process now, in MB."""
    return _status(pid, "VmRSS")


def peak_mb(pid: int) -> float:
    """The most resident memory that one process has had, in MB."""
    return _status(pid, "VmHWM")


def _status(pid: int, name: str) -> float:
    for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace").splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) * 1024 / 1e6
    raise RuntimeError(f"process {pid} has ended")
