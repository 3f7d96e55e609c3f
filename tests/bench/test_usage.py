"""CPU time is told finely enough for a run of a few milliseconds, and of processes that come and go."""

from __future__ import annotations

import os
import subprocess
import sys
import time

from momo.bench.usage import cpu_seconds


def test_a_millisecond_of_work_is_seen() -> None:
    before, began = cpu_seconds(os.getpid()), time.process_time()
    while time.process_time() - began < 0.001:
        pass
    assert cpu_seconds(os.getpid()) - before >= 0.001


def test_a_child_s_work_counts_for_its_parent_while_it_lives() -> None:
    work = "import time\nwhile time.process_time() < 0.3: pass\nprint(flush=True)\ninput()"
    before, own = cpu_seconds(os.getpid()), time.process_time()
    with subprocess.Popen([sys.executable, "-c", work], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"\n"
        used, here = cpu_seconds(os.getpid()) - before, time.process_time() - own
        assert used - here >= 0.3
        assert cpu_seconds(child.pid) >= 0.3
        child.communicate(b"\n")


def test_a_process_that_has_ended_used_nothing() -> None:
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    assert cpu_seconds(child.pid) == 0
