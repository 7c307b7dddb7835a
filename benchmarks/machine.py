"""On what it was measured, and how much else the machine had to do."""

import os
import platform
import resource
from pathlib import Path


def description(postgres: str) -> str:
    """Processor, cores, memory, system, versions."""
    parts = (
        f"{os.cpu_count()} × {_processor()}",
        f"{_memory()} GB",
        f"{platform.system()} {platform.release()}",
        f"Python {platform.python_version()}",
        f"PostgreSQL {postgres}",
    )
    return ", ".join(parts)


def strain() -> str:
    """Load average and the share of time in which somebody waited for a processor, as far as the system tells."""
    load = f"load {os.getloadavg()[0]:.1f}"
    pressure = _read("/proc/pressure/cpu").partition("avg60=")[2].partition(" ")[0]
    return f"{load}, processor pressure {pressure} %" if pressure else load


def peak_mb() -> float:
    """The most memory this process has held at once, in MB."""
    told = [line for line in _read("/proc/self/status").splitlines() if line.startswith("VmHWM")]
    if told:
        return int(told[0].split()[1]) / 1024  # getrusage would also count what the parent held when it forked
    unit = 1 if platform.system() == "Darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1024**2


def _processor() -> str:
    names = [line for line in _read("/proc/cpuinfo").splitlines() if line.startswith("model name")]
    return names[0].partition(":")[2].strip() if names else platform.processor() or platform.machine()


def _memory() -> int:
    return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1024**3)


def _read(path: str) -> str:
    try:
        return Path(path).read_text("utf-8")
    except OSError:
        return ""
