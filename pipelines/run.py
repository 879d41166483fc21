"""What ``synthgen sample --engine …`` and ``--deployment`` call: the flows from a terminal."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pipelines  # noqa: F401 - sets the environment before Prefect is imported
from pipelines.parameters import refuse_credentials
from synthgen.dataset.layout import load_line
from synthgen.dataset.run_folder import Mode
from synthgen.spec.errors import SynthgenError
from synthgen.spec.settings.sample import SampleSettings
from synthgen.stages.sample.stage import sample
from synthgen.storage.place import place

EXISTING = {"new": "go on", "resume": "go on", "overwrite": "overwrite", "extend": "extend"}
"""The command line's modes as the flow's parameter ``existing``."""


def with_prefect(settings: SampleSettings, mode: Mode) -> str:
    """Run the flow ``build-dataset`` in this process; what to print."""
    from pipelines.build_dataset import build_dataset

    refuse_credentials(settings.model_dump())
    root = build_dataset(**settings.model_dump(), existing=EXISTING[mode])
    return f"dataset: {root}\n{load_line(place(root), settings.splits)}"


def with_ray(
    settings: SampleSettings, mode: Mode, *, address: str | None = None, num_gpus: float = 0.0
) -> str:
    """Make shards as tasks on a Ray cluster (or a local one); what to print.

    Raises:
        SynthgenError: the extra is not installed.
    """
    try:
        from prefect_ray import RayTaskRunner
    except ImportError:
        raise SynthgenError("--engine ray needs the extra: pip install 'synthgen[ray]'") from None
    from prefect import flow

    from pipelines.engines import on_ray

    refuse_credentials(settings.model_dump())
    local = {
        "include_dashboard": False,
        "runtime_env": {"env_vars": {"RAY_USAGE_STATS_ENABLED": "0"}},
    }
    runner: Any = RayTaskRunner(address=address, init_kwargs=local if address is None else {})

    @flow(name="sample-on-ray", task_runner=runner)
    def sample_on_ray() -> str:
        return sample(settings, mode, on_ray(num_gpus)).text()

    text: str = sample_on_ray()
    return text


def submit(settings: SampleSettings, mode: Mode, *, deployment: str, watch: bool = False) -> str:
    """Start a run of a deployment of ``build-dataset``; what to print.

    Raises:
        SynthgenError: no server, no such deployment, or with ``watch`` the run did not complete.
    """
    from prefect.client.orchestration import get_client
    from prefect.deployments import run_deployment
    from prefect.exceptions import ObjectNotFound, PrefectHTTPStatusError
    from prefect.settings import PREFECT_API_URL, PREFECT_UI_URL

    if not PREFECT_API_URL.value():
        raise SynthgenError(
            "no Prefect server: set PREFECT_API_URL, or start one (see docs/pipelines.md)"
        )
    parameters = settings.model_dump(mode="json", exclude_defaults=True)
    refuse_credentials(parameters)
    for key in ("out", "generator", "source"):
        given = parameters.get(key)
        # A worker has a folder of its own to start in.
        if given is None or "://" in given:
            continue
        if key == "out" or Path(given).exists():
            parameters[key] = str(Path(given).resolve())
    parameters["existing"] = EXISTING[mode]
    try:
        run: Any = run_deployment(deployment, parameters=parameters, timeout=0)
    except (ObjectNotFound, ValueError) as error:
        raise SynthgenError(f"deployment '{deployment}': {error}") from None
    except PrefectHTTPStatusError as error:
        raise SynthgenError(f"deployment '{deployment}' refuses: {error.response.text}") from None
    link = f"{PREFECT_UI_URL.value()}/runs/flow-run/{run.id}"
    if not watch:
        return f"flow run: {run.name} ({run.id})\nwatch it: {link}"
    with get_client(sync_client=True) as client:
        while not (state := client.read_flow_run(run.id).state) or not state.is_final():
            time.sleep(2)
    if not state.is_completed():
        raise SynthgenError(f"flow run {run.name}: {state.name}: {state.message}; see {link}")
    return f"flow run: {run.name}: {state.name}\nsee {link}"
