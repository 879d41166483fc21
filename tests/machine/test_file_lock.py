"""A lock that the kernel holds: one owner at a time, none when it is dead."""

import subprocess
import sys

import pytest

from synthgen.machine.file_lock import file_lock

PROGRAM = (
    "import sys, pathlib; from synthgen.machine.file_lock import file_lock\n"
    "with file_lock(pathlib.Path(sys.argv[1])) as lock:\n"
    "    print('held' if lock.take('process 7') else lock.owner(), flush=True)\n"
    "    sys.stdin.read()"
)


@pytest.fixture(params=["file", "folder"])
def path(request, tmp_path):
    if request.param == "folder":
        return tmp_path
    return tmp_path / "lock"


def other(path):
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        text=True,
    )  # fmt: skip


def test_another_process_has_it_until_it_is_killed(tmp_path):
    path = tmp_path / "lock"
    with other(path) as process:
        assert process.stdout.readline() == "held\n"
        with file_lock(path) as lock:
            assert not lock.take("me") and lock.owner() == "process 7"
        process.kill()
        process.wait()
    with file_lock(path) as lock:
        assert lock.take("a") and lock.owner() == "a"


def test_it_is_free_after_the_block(path):
    for _ in range(2):
        with file_lock(path) as one, file_lock(path) as two:
            assert one.take() and not two.take()


def test_an_owner_that_wrote_nothing_has_no_name(tmp_path):
    with file_lock(tmp_path / "lock") as lock:
        assert lock.take() and lock.owner() == "another process"
