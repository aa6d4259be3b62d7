"""Processor time is counted of processes that live, and of children that do not any more."""

import os
import subprocess
import sys
import time

from bench.measuring import family_seconds, is_local, processor_seconds

BUSY = "import time\nwhile time.process_time() < 0.3: pass\n"


class TestProcessorTime:
    def test_is_what_a_process_spent(self):
        before = processor_seconds([os.getpid()])
        deadline = time.process_time() + 0.2
        while time.process_time() < deadline:
            pass
        assert processor_seconds([os.getpid()]) - before >= 0.15

    def test_of_a_family_has_what_its_parent_outlived(self):
        with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as sibling:
            before = family_seconds([sibling.pid])
            subprocess.run([sys.executable, "-c", BUSY], check=True)
            assert family_seconds([sibling.pid]) - before >= 0.25
            sibling.communicate(b"\n")

    def test_of_processes_that_are_gone_is_nothing(self):
        assert processor_seconds([2**22 + 1]) == 0
        assert not is_local([2**22 + 1])
