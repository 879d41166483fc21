"""``python -m pipelines.heartbeat``: have the server notice runs whose machine has died.

A flow run whose worker was killed together with it stays "Running" for ever. Runs send a heartbeat
(every 30 seconds, ``prefect.toml``); this automation marks a run Crashed when none has come for 90
seconds. Its parent then starts another in its place. Setting it again changes nothing.
"""

from __future__ import annotations

from datetime import timedelta

from prefect.automations import Automation
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import StateType
from prefect.events.actions import ChangeFlowRunState
from prefect.events.schemas.automations import EventTrigger, Posture

NAME = "synthgen: runs without a heartbeat have crashed"
SILENCE = timedelta(seconds=90)


def main() -> None:
    """Create the automation unless it is there."""
    with get_client(sync_client=True) as client:
        known = client.request("POST", "/automations/filter", json={}).json()
    if any(found["name"] == NAME for found in known):
        print(f"already set: {NAME}")
        return
    ends = {f"prefect.flow-run.{kind}" for kind in ("Completed", "Failed", "Cancelled", "Crashed")}
    Automation(
        name=NAME,
        trigger=EventTrigger(
            after={"prefect.flow-run.heartbeat"},
            expect={"prefect.flow-run.heartbeat", *ends},
            match={"prefect.resource.id": ["prefect.flow-run.*"]},
            for_each={"prefect.resource.id"},
            posture=Posture.Proactive,
            threshold=1,
            within=SILENCE,
        ),
        actions=[
            ChangeFlowRunState(
                name=None,
                force=False,
                state=StateType.CRASHED,
                message=f"No heartbeat for {SILENCE.seconds} seconds: its machine or worker died.",
            )
        ],
    ).create()
    print(f"set: {NAME}")


if __name__ == "__main__":
    main()
