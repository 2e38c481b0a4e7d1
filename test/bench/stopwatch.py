"""Times a call, and tells how much of the machine others had meanwhile; and a process's peak memory."""

import os
import time
from dataclasses import dataclass

TICKS = os.sysconf("SC_CLK_TCK")


@dataclass
class Time:
    seconds: float
    others: float  # cores that processes other than the measured ones kept busy, on average


def timed(function, *arguments, pid=None):
    """Returns what the call returns, and its Time. The work is this process's, and that of process pid."""
    busy, started = _busy() - _own(pid), time.perf_counter()
    result = function(*arguments)
    seconds = time.perf_counter() - started
    return result, Time(seconds, max(0, _busy() - _own(pid) - busy) / seconds)


def _busy():
    """CPU seconds of the whole machine: user, nice, system, irq, softirq and stolen time."""
    with open("/proc/stat") as stat:
        user, nice, system, _, _, irq, softirq, steal = map(int, stat.readline().split()[1:9])
    return (user + nice + system + irq + softirq + steal) / TICKS


def _own(pid):
    """CPU seconds of this process and of the other."""
    if pid is None:
        return time.process_time()
    with open(f"/proc/{pid}/stat") as stat:
        # After the name, which may hold spaces, utime and stime are the 12th and 13th.
        fields = stat.read().rpartition(")")[2].split()
    return time.process_time() + (int(fields[11]) + int(fields[12])) / TICKS


def peak_of(pid):
    """The greatest resident size of a process in bytes. Not getrusage's ru_maxrss: that one survives exec, so
    that a small process reports the size of the large one that started it."""
    with open(f"/proc/{pid}/status") as status:
        return next(int(line.split()[1]) << 10 for line in status if line.startswith("VmHWM"))
