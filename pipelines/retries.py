"""What is tried again, and what is not."""

from __future__ import annotations

from typing import Any

from prefect.cache_policies import NO_CACHE
from prefect.tasks import exponential_backoff

from synthgen.spec.errors import SynthgenError


def may_pass(task: Any, run: Any, state: Any) -> bool:
    """Whether a failed task may succeed the next time.

    Not after the user's mistakes (bad parameters, a foreign bundle, a folder of another run); those
    are told once. After anything else (storage, memory, a lost connection) it may.
    """
    error = state.result(raise_on_failure=False)
    return not isinstance(error, SynthgenError)


SAMPLING: dict[str, Any] = {
    "retries": 3,
    "retry_delay_seconds": exponential_backoff(backoff_factor=5),
    "retry_jitter_factor": 0.5,
    "retry_condition_fn": may_pass,
    # Correctness rests on receipts: Prefect must neither skip nor store anything.
    "cache_policy": NO_CACHE,
    "persist_result": False,
}
"""Options of every task that does work."""
