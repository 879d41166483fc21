"""A Prefect server, its pools, the deployments and some workers, all on this machine's loopback.

For the demonstration (``python -m pipelines.demo``) and for tests; a real set-up runs the same
commands as services (``deploy/``).
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).parent.parent
POOLS = ("cpu", "gpu")
BUSY = 503
"""The server's answer while its database is held by another request: the call did nothing."""
QUESTIONS = ("/filter", "/count")
"""Ends of the paths that are asked by ``POST`` and change nothing."""
BUSY_SECONDS = 90
ANSWER_SECONDS = 30
"""Silence after which a call has no answer: a busy machine was seen to need half a minute."""


@dataclass
class LocalCluster:
    """What runs. ``folder`` holds the server's database and every process' log."""

    folder: Path
    port: int
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        """The environment in which ``prefect`` speaks to this server."""
        own = {
            "PREFECT_API_URL": f"http://127.0.0.1:{self.port}/api",
            "PREFECT_HOME": str(self.folder / "prefect"),
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
            "DO_NOT_TRACK": "1",
            "PREFECT_CLI_PROMPT": "false",
            "PREFECT_LOGGING_EXTRA_LOGGERS": "synthgen",
            "PREFECT_WORKER_QUERY_SECONDS": "2",
            "PWD": str(PROJECT),
        }
        bin_folder = str(Path(sys.executable).parent)
        path = os.pathsep.join([bin_folder, os.environ.get("PATH", "")])
        return {**os.environ, **own, "PATH": path}

    def prefect(self, *arguments: str, check: bool = True) -> str:
        """Run a ``prefect`` command in the project's folder; its output.

        Raises:
            RuntimeError: it failed.
        """
        done = subprocess.run(
            [sys.executable, "-m", "prefect", *arguments],
            cwd=PROJECT, env=self.environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
        if check and done.returncode:
            raise RuntimeError(f"prefect {' '.join(arguments)}: {done.stdout}{done.stderr}")
        return done.stdout + done.stderr

    def api(self, method: str, path: str, body: Any = None) -> Any:
        """Call the server's REST API; the JSON it answers. A busy server is asked again: one that
        says so, and for what changes nothing, one that is silent.

        Raises:
            OSError: it cannot be reached, refuses, or is busy for 90 seconds.
        """
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/api/{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"content-type": "application/json"},
        )
        changes = method != "GET" and not path.endswith(QUESTIONS)
        deadline = time.monotonic() + BUSY_SECONDS
        while True:
            try:
                with urllib.request.urlopen(request, timeout=ANSWER_SECONDS) as answer:
                    text = answer.read()
            except urllib.error.HTTPError as error:
                if error.code != BUSY or time.monotonic() > deadline:
                    raise
                time.sleep(0.5)
            except TimeoutError:
                if changes or time.monotonic() > deadline:
                    raise
            else:
                return json.loads(text) if text else None

    def start_server(self) -> None:
        """Start the server and wait until it answers.

        Raises:
            RuntimeError: it did not within two minutes.
        """
        self._start("server", ["server", "start", "--host", "127.0.0.1", "--port", str(self.port)])
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            try:
                self.api("GET", "health")
                return
            except OSError:
                time.sleep(0.5)
        raise RuntimeError(f"the Prefect server did not start; see {self.folder / 'server.log'}")

    def deploy(self) -> None:
        """Create the pools and all deployments of ``prefect.yaml``."""
        for pool in POOLS:
            self.prefect("work-pool", "create", pool, "--type", "process", "--overwrite")
        self.prefect("--no-prompt", "deploy", "--all")

    def start_worker(self, name: str, pool: str, environment: Mapping[str, str] = {}) -> None:
        """Start a worker; one of the pool ``gpu`` runs one flow run at a time.

        Others have no limit of their own: a worker with one dies when a run that it has just seen
        crash is retried (Prefect 3.8.8 gives its slot to the same run twice).
        """
        arguments = ["worker", "start", "--pool", pool, "--name", name]
        arguments += ["--limit", "1"] if pool == "gpu" else []
        self._start(name, arguments, environment)

    def _start(self, name: str, arguments: list[str], environment: Mapping[str, str] = {}) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(
                [sys.executable, "-m", "prefect", *arguments],
                cwd=PROJECT, env={**self.environment, **environment}, stdout=log, stderr=log,
                start_new_session=True,
                # A shell that runs things in the background has them ignore Ctrl-C.
                preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
            )  # fmt: skip

    def kill(self, name: str) -> None:
        """End a process and all it started, at once (-9)."""
        os.killpg(self.processes.pop(name).pid, signal.SIGKILL)

    def state(self, run_id: str) -> str:
        """The state type of a flow run, for example ``COMPLETED``."""
        return str(self.api("GET", f"flow_runs/{run_id}")["state_type"])

    def wait(self, run_id: str, seconds: float) -> str:
        """Wait until a flow run has ended; its state type.

        Raises:
            TimeoutError: it has not within ``seconds``.
        """
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            state = self.state(run_id)
            if state in ("COMPLETED", "FAILED", "CRASHED", "CANCELLED"):
                return state
            time.sleep(1)
        raise TimeoutError(f"flow run {run_id} is {self.state(run_id)} after {seconds:.0f} s")

    def run_deployment(self, name: str, parameters: Mapping[str, Any]) -> str:
        """The flow run's id, of a run of the deployment ``flow/deployment`` that starts at once, as
        ``prefect deployment run`` makes it, without that command's seconds of imports.

        Raises:
            OSError: there is no such deployment, or it refuses the parameters.
        """
        deployment = self.api("GET", f"deployments/name/{name}")["id"]
        wanted = {"parameters": parameters, "state": {"type": "SCHEDULED"}}
        return str(self.api("POST", f"deployments/{deployment}/create_flow_run", wanted)["id"])

    def runs(self, flow: str) -> list[dict[str, Any]]:
        """All flow runs of a flow, the newest first."""
        wanted = {"flows": {"name": {"any_": [flow]}}, "sort": "EXPECTED_START_TIME_DESC"}
        found: list[dict[str, Any]] = self.api("POST", "flow_runs/filter", wanted)
        return found

    def stop(self) -> None:
        """End everything, workers before the server."""
        for name, process in reversed(list(self.processes.items())):
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGINT)
                try:
                    process.wait(15)
                except subprocess.TimeoutExpired:
                    os.killpg(process.pid, signal.SIGKILL)
            self.processes.pop(name)


@contextmanager
def local_cluster(folder: Path) -> Iterator[LocalCluster]:
    """A cluster with a server, pools and deployments; start workers yourself."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    cluster = LocalCluster(folder, port)
    try:
        cluster.start_server()
        cluster.deploy()
        yield cluster
    finally:
        cluster.stop()
