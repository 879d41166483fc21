import platform
import subprocess
import sys

import pytest

PROGRAM = """
import resource, sys
import torch
from synthgen.stages.freed_memory import keep_freed_memory
if sys.argv[1] == "keep":
    keep_freed_memory()
for turn in range(6):
    if turn == 3:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    blocks = [torch.ones(20 * 2**20, dtype=torch.uint8) for _ in range(3)]
    del blocks
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc has mallopt")
def test_what_is_freed_need_not_be_asked_for_again():
    def faults(how):
        command = [sys.executable, "-c", PROGRAM, how]
        return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)

    kept, given_back = faults("keep"), faults("not")
    assert given_back > 1000  # 45 megabytes' worth of pages, in each of three turns
    assert kept < given_back / 20
