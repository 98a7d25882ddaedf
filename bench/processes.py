"""What processes cost, as the kernel counts it."""

import os
import threading
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pid):
    """User and system time of a process, of its living children and of those it has waited for."""
    while True:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        try:
            return sum(map(int, fields[11:15])) / TICKS + sum(cpu_seconds(child) for child in children(pid))
        except (FileNotFoundError, ProcessLookupError):
            continue  # a child has ended meanwhile: its time is in its parent's from now on


def children(pid):
    return [int(child) for task in Path(f"/proc/{pid}/task").iterdir() for child in (task / "children").read_text().split()]


def peak_kb(pid):
    status = Path(f"/proc/{pid}/status").read_text()
    return next((int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")), 0)


class Watch:
    """Peak memory of processes and of the children they start meanwhile."""

    def __init__(self, pids):
        self.pids, self.peaks, self.ended = pids, {}, threading.Event()
        self.thread = threading.Thread(target=self._run)

    def _look(self):
        for name, pid in self.pids.items():
            self._note(name, pid)
            try:
                for child in children(pid):
                    if b"__script-child" in Path(f"/proc/{child}/cmdline").read_bytes():  # it is a copy of its parent first
                        self._note("script child", child)
            except (FileNotFoundError, ProcessLookupError):
                pass

    def _note(self, name, pid):
        try:
            self.peaks[name] = max(self.peaks.get(name, 0), peak_kb(pid))
        except (FileNotFoundError, ProcessLookupError):
            pass

    def _run(self):
        while not self.ended.wait(0.1):
            self._look()

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.thread.join()
        self._look()

    def mb(self):
        return {name: round(kb / 1024, 1) for name, kb in self.peaks.items()}
