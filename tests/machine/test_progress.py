"""Bars on terminals; lines every half minute elsewhere; neither with --quiet."""

import io
import re
import threading
from pathlib import Path

import pytest

from synthgen.machine import progress as module
from synthgen.machine.progress import Progress, be_quiet, duration, over

ROOT = Path(__file__).parent.parent.parent


class Clock:
    now = 100.0

    def monotonic(self):
        return self.now


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(module, "time", clock)
    return clock


@pytest.fixture
def quiet():
    be_quiet()
    yield
    be_quiet(False)


def test_where_no_terminal_is_a_line_every_half_minute(clock, capsys):
    with Progress(1000, "sampling", initial=200) as progress:
        for second in range(1, 66):
            clock.now += 1
            progress.add(10)
            lines = capsys.readouterr().err.splitlines()
            assert len(lines) == (second in (30, 60)), (second, lines)
            if second == 30:
                assert lines == ["sampling: 500 of 1,000 img (50%), 10/s, 50 s left"]


def test_nothing_is_said_of_what_takes_no_half_minute(clock, capsys):
    for _ in over(range(20), 20, "measuring", "class"):
        clock.now += 1
    assert capsys.readouterr().err == ""


def test_what_stands_still_or_goes_back_has_no_rate(clock, capsys):
    with Progress(100, "training", initial=50) as progress:
        clock.now += 40
        progress.reach(30)
    assert capsys.readouterr().err == "training: 30 of 100 img (30%)\n"


def test_a_terminal_has_a_bar_and_no_lines(clock, monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr(module.sys, "stderr", terminal)
    with Progress(100, "sampling") as progress:
        clock.now += 40
        progress.extend(100)
        progress.add(50)
    shown = terminal.getvalue()
    assert "sampling:" in shown and "50/200" in shown and "left" not in shown


@pytest.mark.parametrize("stream", [io.StringIO, Terminal])
def test_quiet_hides_both(stream, clock, monkeypatch, quiet):
    out = stream()
    monkeypatch.setattr(module.sys, "stderr", out)
    with Progress(100, "sampling") as progress:
        for _ in range(10):
            clock.now += 40
            progress.add(10)
    assert out.getvalue() == "" and progress.done == 100


def test_what_is_not_shown_counts_all_the_same(clock, capsys):
    with Progress(100, "training", shown=False) as progress:
        clock.now += 40
        progress.add(7)
    assert progress.done == 7 and capsys.readouterr().err == ""


def test_threads_may_add_at_the_same_time(quiet):
    with Progress(8000, "fetching") as progress:
        threads = [
            threading.Thread(target=lambda: [progress.add() for _ in range(2000)]) for _ in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert progress.done == 8000


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.4, "0 s"), (59.6, "1 min 0 s"), (200, "3 min 20 s"), (7500, "2 h 5 min")],
)
def test_durations_are_read_at_a_glance(seconds, text):
    assert duration(seconds) == text


def test_every_command_takes_quiet(monkeypatch):
    from click.testing import CliRunner

    from synthgen.cli.main import COMMANDS, cli

    for name in COMMANDS:
        shown = CliRunner().invoke(cli, [name, "--help"]).output
        assert len(re.findall(r"--quiet\b", shown)) == 1, name
    said = []
    monkeypatch.setattr(module, "be_quiet", lambda: said.append(True))
    assert CliRunner().invoke(cli, ["algorithms", "--quiet"]).exit_code == 0
    assert said == [True]


def test_nothing_else_names_the_library_of_the_bars():
    found = [
        path.relative_to(ROOT).as_posix()
        for folder in ("synthgen", "pipelines")
        for path in (ROOT / folder).rglob("*.py")
        if "tqdm" in path.read_text()
    ]
    assert found == ["synthgen/machine/progress.py"]


@pytest.mark.parametrize(
    ("module_of_stream", "bar"),
    [("ipykernel.iostream", True), ("io", False), ("ipykernels.other", False)],
)
def test_a_notebook_shows_the_bar_and_a_file_does_not(module_of_stream, bar, clock, monkeypatch):
    stream = type("OutStream", (io.StringIO,), {"__module__": module_of_stream})()
    monkeypatch.setattr(module.sys, "stderr", stream)
    with Progress(10, "sampling") as progress:
        progress.add(10)
    assert ("10/10" in stream.getvalue()) == bar
