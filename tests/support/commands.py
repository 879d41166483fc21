"""Run ``synthgen`` commands as processes of their own, without their seconds of imports.

One process imports everything once and forks a child for each command (``zygote.py``), which runs
the command line's own ``main`` and is killed, interrupted and waited for like any process.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any


class Commands:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._count = 0
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        self._zygote = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("zygote.py"))], env=environment,
            text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip

    def close(self) -> None:
        self._zygote.stdin.close()
        self._zygote.wait(30)
        self._zygote.stdout.close()

    def ask(self, **request: Any) -> Any:
        self._zygote.stdin.write(json.dumps(request) + "\n")
        self._zygote.stdin.flush()
        return json.loads(self._zygote.stdout.readline())

    def start(
        self, *arguments: object, cwd: Path | None = None, faults: dict[int, int] | None = None,
        env: dict[str, str] | None = None, apart: bool = False,
    ) -> Command:  # fmt: skip
        """``faults``: signals at points of ``zygote.inject``; an empty one only counts.

        ``apart``: standard output and standard error go to a file each.
        """
        self._count += 1
        log = self._folder / f"{self._count}.log"
        marker = str(log.with_suffix(".calls"))
        number = self.ask(
            start=[str(a) for a in arguments], log=str(log), cwd=str(cwd or self._folder),
            env=env or {}, errors=str(log.with_suffix(".err") if apart else log), fault=None if faults is None else [faults, marker],
        )  # fmt: skip
        return Command(self, number, log, arguments)

    def run(self, *arguments: object, **options: Any) -> Command:
        """Start, wait, and expect success."""
        command = self.start(*arguments, **options)
        code = command.wait()
        assert code == 0, f"{arguments}: {code}\n{command.said[-3000:]}"
        return command


class Command:
    def __init__(
        self, commands: Commands, number: int, log: Path, arguments: Sequence[object]
    ) -> None:
        self.number = number
        self._commands, self._log, self._code = commands, log, None
        self.arguments = arguments

    @property
    def said(self) -> str:
        """All output, standard output before standard error where they are apart."""
        files = (self._log, self._log.with_suffix(".err"))
        return "".join(f.read_text(errors="replace") for f in files if f.exists())

    @property
    def answered(self) -> str:
        """The standard output of a command whose outputs are ``apart``."""
        return self._log.read_text(errors="replace")

    @property
    def complained(self) -> str:
        """The standard error of a command whose outputs are ``apart``."""
        return self._log.with_suffix(".err").read_text(errors="replace")

    @property
    def calls(self) -> int:
        """How many calls a fault point could have been at."""
        return int(self._log.with_suffix(".calls").read_text())

    @property
    def signalled(self) -> float:
        """The moment (``time.monotonic``) at which a fault point first sent a signal."""
        return float(self._log.with_suffix(".calls.signalled").read_text())

    def poll(self) -> int | None:
        if self._code is None:
            self._code = self._commands.ask(poll=self.number)
        return self._code

    def wait(self, seconds: float = 120) -> int:
        until(lambda: self.poll() is not None, seconds, lambda: f"{self.arguments}: {self.said}")
        assert self._code is not None
        return self._code

    def send(self, number: int = signal.SIGKILL, *, group: bool = False) -> None:
        """To the process, or to it and all its children, as a terminal does."""
        if self.poll() is None:
            (os.killpg if group else os.kill)(self.number, number)


def until(
    condition: Callable[[], object], seconds: float = 60, why: Callable[[], str] = lambda: ""
) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"it did not happen: {why()}"
        time.sleep(0.01)
