import os
import platform
import subprocess
import sys

import pytest

PROGRAM = """
import resource, sys
import torch
from synthgen.machine.freed_memory import keep_freed_memory
if sys.argv[1] == "keep":
    keep_freed_memory()
for turn in range(16):
    if turn == 10:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    blocks = [torch.ones(20 * 2**20, dtype=torch.uint8) for _ in range(10)]
    del blocks
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc has mallopt")
def test_what_is_freed_need_not_be_asked_for_again():
    def faults(how):
        # As glibc begins, and would go on or not by the order of what is freed.
        environment = {**os.environ, "MALLOC_MMAP_THRESHOLD_": "131072"}
        command = [sys.executable, "-c", PROGRAM, how]
        done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
        return int(done.stdout)

    kept, given_back = faults("keep"), faults("not")
    assert given_back > 100_000  # the pages of ten blocks, six times
    assert kept < given_back / 100
