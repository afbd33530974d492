"""Reading what the machine has used so far; two readings make a difference."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import psutil

from oms_cli.stack import Stack

Figures = dict[str, float]
STUB = "stub"
OURS = ("generator", "bench", STUB)
"""What belongs to the measuring and to the outside world, not to the system."""


def groups(stack: Stack) -> dict[str, list[int]]:
    """Process ids by what they are: each service, PostgreSQL, the broker, and our own."""
    found: dict[str, list[int]] = {name: [] for name in stack.services if "-" not in name}
    found |= {"postgres": [], "broker": [], "bench": [os.getpid()]}
    found[STUB] = [p.pid for p in psutil.Process().children() if "bench.stub" in p.cmdline()]
    for name, record in stack.platform.state.processes.items():
        service, _, slot = name.partition("-")
        if service in found and (not slot or slot.isdigit()):
            found[service].append(record.pid)
        elif "postgres" in name:
            found["postgres"].append(record.pid)
        elif "kafka" in name:
            found["broker"].append(record.pid)
        else:
            found.setdefault("mailbox", []).append(record.pid)
    return found


def cpu(pids_by_group: Mapping[str, Sequence[int]]) -> Figures:
    """CPU-seconds so far: by group, `machine` in all and `steal` taken by the host."""
    figures = {name: sum(map(_cpu_seconds, pids)) for name, pids in pids_by_group.items()}
    times = psutil.cpu_times()
    figures["machine"] = times.user + times.nice + times.system + times.irq + times.softirq
    figures["steal"] = times.steal
    return figures


def _cpu_seconds(pid: int) -> float:
    """User and system time of a process and all it started, also those that ended.

    The bench itself started all others; only what it did itself counts for it.
    """
    try:
        process = psutil.Process(pid)
        own = process.cpu_times()
        if pid == os.getpid():
            return float(own.user + own.system)
        family = [own, *(child.cpu_times() for child in process.children(recursive=True))]
    except psutil.NoSuchProcess:
        return 0.0
    used = (t.user + t.system + t.children_user + t.children_system for t in family)
    return float(sum(used))


def of_system(used: Mapping[str, float]) -> float:
    """What the system's own processes used."""
    return sum(v for name, v in used.items() if name not in (*OURS, "machine", "steal"))


def others_cores(used: Mapping[str, float], seconds: float) -> float:
    """Cores that processes kept busy which are none of ours."""
    known = sum(max(v, 0.0) for name, v in used.items() if name not in ("machine", "steal"))
    return max(used["machine"] - known, 0.0) / seconds


def memory_mb(pids_by_group: Mapping[str, Sequence[int]]) -> Figures:
    """Proportional set size by group: shared pages are counted once among all who share them."""
    return {name: sum(map(_pss_mb, pids)) for name, pids in pids_by_group.items()}


def _pss_mb(pid: int) -> float:
    try:
        family = [pid, *(child.pid for child in psutil.Process(pid).children(recursive=True))]
    except psutil.NoSuchProcess:
        return 0.0
    if pid == os.getpid():
        family = [pid]
    total = 0.0
    for member in family:
        try:
            text = Path(f"/proc/{member}/smaps_rollup").read_text()
        except OSError:  # ended meanwhile
            continue
        total += sum(int(line.split()[1]) for line in text.splitlines() if line[:4] == "Pss:")
    return total / 1000
