"""Ctrl-C and SIGTERM, in the middle of every long command: it ends within ten seconds, says how to
go on, has nothing half-written, and goes on to the bytes of a run that nothing befell."""

import shutil
import signal
import time

import pyarrow.parquet as pq
import pytest
from commands import until

from synthgen.dataset.receipts import file_sha256

LINE = "stopped; run the same command again to go on"
INT, TERM, KILL = signal.SIGINT, signal.SIGTERM, signal.SIGKILL


@pytest.fixture(scope="module")
def datasets_made(commands, run_folder, tmp_path_factory):
    """Two small finished datasets."""
    folder = tmp_path_factory.mktemp("made")
    for seed in ("1", "2"):
        commands.run("sample", "--generator", run_folder, "--n", 120, "--images-per-shard", 30,
                     "--filters", "none", "--seed", seed, "--out", folder / seed)  # fmt: skip
    return folder / "1", folder / "2"


@pytest.fixture(scope="module")
def long_commands(run_folder, digit_folder, test_folder, small_training, datasets_made):
    """Name to the command's arguments, as a function of the folder that it writes."""
    one, two = datasets_made
    training = [f"--{k.replace('_', '-')}={v}" for k, v in small_training.items() if k != "options"]
    options = ",".join(f"{k}={v}" for k, v in small_training["options"].items())
    sampling = ["sample", "--generator", run_folder, "--n", 120, "--images-per-shard", 30,
                "--filters", "none", "--device", "cpu"]  # fmt: skip
    classifiers = ["--steps", 30, "--batch-size", 16, "--width", 8, "--no-flip", "--device", "cpu",
                   "--precision", "fp32"]  # fmt: skip
    return {
        "train": lambda out: ["train", "--data", digit_folder, *training, "--images", 1920,
                              "--ticks", 3, "--classifier-images", 300, "--options", options,
                              "--out", out],
        "sample": lambda out: [*sampling, "--out", out],
        "filter": lambda out: ["filter", one, "--filters", "none", "--set",
                               "label_agreement.min=0.3", "--generator", run_folder, "--out", out],
        "merge": lambda out: ["merge", one, two, "--out", out],
        "webdataset": lambda out: ["export", one, "--format", "webdataset", "--out", out],
        "imagefolder": lambda out: ["export", one, "--format", "imagefolder", "--out", out],
        "evaluate": lambda out: ["evaluate", one, "--real", digit_folder, "--generator",
                                 run_folder, "--device", "cpu"],
        "publish": lambda out: ["publish", one, out],
        "calibrate": lambda out: ["calibrate", copied(run_folder, out), "--data", digit_folder,
                                  "--cache-dir", out / "cache", "--device", "cpu"],
        "utility": lambda out: ["utility", copied(one, out), "--real", digit_folder, "--test",
                                test_folder, "--sizes", 5, "--seeds", 2, *classifiers,
                                "--cache-dir", out / "cache"],
        "tune": lambda out: ["tune", "--generator", run_folder, "--real", digit_folder, "--shares",
                             0.5, "--agreement", 0.2, "--per-class", 20, "--seeds", 1,
                             *classifiers, "--out", out, "--cache-dir", out / "cache"],
    }  # fmt: skip


def copied(folder, out):
    """What a command changes in place, in a place of its own."""
    if not out.exists():
        shutil.copytree(folder, out)
    return out


NAMES = ["train", "sample", "filter", "merge", "webdataset", "imagefolder", "evaluate", "publish",
         "calibrate", "utility", "tune"]  # fmt: skip


def nothing_half_written(out):
    """Every shard that has its final name is whole."""
    for path in out.rglob("*.parquet"):
        if ".synthgen" not in path.parts and not path.name.startswith("."):
            assert pq.ParquetFile(path).metadata.num_rows > 0
    if (out / "README.md").exists() and (out / "data").exists():
        assert len(list((out / "data").iterdir())) >= 4


@pytest.fixture(scope="module")
def points(commands, long_commands, tmp_path_factory):
    """How many calls change files in each command."""
    folder = tmp_path_factory.mktemp("counted")
    return {
        name: commands.run(*arguments(folder / name), faults={}).calls
        for name, arguments in long_commands.items()
    }


# Each with one of the signals, and some with a second one while the first is being heeded.
CASES = [(name, [INT, TERM][place % 2], 1) for place, name in enumerate(NAMES)]
CASES += [("train", INT, 3), ("sample", TERM, 3), ("merge", INT, 3), ("publish", INT, 3)]


@pytest.mark.parametrize(("name", "number", "times"), CASES)
def test_a_signal_in_the_middle_of(name, number, times, commands, long_commands, points, tmp_path):
    arguments, out = long_commands[name], tmp_path / "out"
    middle = points[name]  # there are two points for each call
    faults = {middle + step: number for step in range(times)}
    command = commands.start(*arguments(out), faults=faults)
    assert command.wait(60) == 130, command.said[-2000:]
    assert time.monotonic() - command.signalled < 10
    assert command.said.strip().endswith(LINE) and command.said.count(LINE) == 1
    assert "Traceback" not in command.said
    nothing_half_written(out)
    if times == 1:
        commands.run(*arguments(out))


@pytest.mark.parametrize(("number", "group"), [(INT, True), (TERM, False), (KILL, False)],
                         ids=["ctrl-c", "sigterm", "kill"])  # fmt: skip
def test_sampling_with_workers(number, group, commands, run_folder, tmp_path):
    """A terminal signals the whole group; workers never outlive the run, nor print of it."""
    out = tmp_path / "out"
    arguments = ["sample", "--generator", run_folder, "--n", 2000, "--images-per-shard", 100,
                 "--filters", "none", "--device", "cpu", "--workers", 2, "--out", out]  # fmt: skip
    command = commands.start(*arguments)
    until(lambda: len(list((out / "data").glob("*"))) >= 2, why=lambda: command.said)
    children = workers_of(command.number)
    assert len(children) >= 2
    begin = time.monotonic()
    command.send(number, group=group)
    code = command.wait(30)
    until(lambda: not any(alive(child) for child in children), 10)
    assert time.monotonic() - begin < 10
    assert "Traceback" not in command.said
    if number != KILL:
        assert code == 130 and command.said.strip().endswith(LINE)
        assert not list((out / ".synthgen" / "staging").iterdir())
    nothing_half_written(out)
    receipts = [path.name[:-5] for path in (out / ".synthgen" / "receipts").iterdir()]
    done = {name: (out / "data" / name).stat().st_mtime_ns for name in receipts}
    assert not (out / "README.md").exists()
    last = arguments.index("--workers")
    commands.run(*arguments[:last], *arguments[last + 2 :])
    again = {path.name: path.stat().st_mtime_ns for path in (out / "data").iterdir()}
    assert done.items() <= again.items() and len(again) == 20


def workers_of(number):
    found = []
    with open(f"/proc/{number}/task/{number}/children") as file:
        for child in file.read().split():
            found += [int(child), *workers_of(child)]
    return found


def alive(number):
    try:
        with open(f"/proc/{number}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_how_to_go_on_after_overwrite(commands, run_folder, tmp_path):
    out = tmp_path / "out"
    arguments = ["sample", "--generator", run_folder, "--n", 60, "--images-per-shard", 30,
                 "--filters", "none", "--out", out]  # fmt: skip
    whole = commands.run(*arguments, faults={})
    hashes = {p.name: file_sha256(p) for p in (out / "data").iterdir()}
    command = commands.start(*arguments, "--overwrite", faults={whole.calls: INT})
    assert command.wait() == 130
    assert "run the same command again, without --overwrite, to go on" in command.said
    commands.run(*arguments)
    assert {p.name: file_sha256(p) for p in (out / "data").iterdir()} == hashes


def test_a_ctrl_c_that_the_shell_has_switched_off_stays_off(commands):
    from synthgen.machine import interrupt

    before = signal.signal(INT, signal.SIG_IGN), signal.getsignal(TERM)
    try:
        interrupt.listen()
        assert signal.getsignal(INT) == signal.SIG_IGN
        assert signal.getsignal(TERM) == interrupt.interrupt
    finally:
        signal.signal(INT, before[0])
        signal.signal(TERM, before[1])
