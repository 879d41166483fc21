"""Names of the baselines that generated data are held against, and what each needs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from synthgen.spec.errors import SynthgenError, did_you_mean, name_list

Need = Literal["", "groups", "pool"]

BASELINES: Mapping[str, Need] = {
    "balanced": "",
    "groupdro": "groups",
    "cutmix": "",
    "self-training": "pool",
    "fixmatch": "pool",
    "fda": "pool",
}
NEEDED: Mapping[str, str] = {
    "groups": "weighs groups; name their column with --group",
    "pool": "learns from unlabelled images; name them with --unlabelled",
}


def check_baseline(name: str, groups: bool, pool: bool) -> None:
    """Whether a baseline is known and has what it needs.

    Raises:
        SynthgenError: it is not, or has not.
    """
    if name not in BASELINES:
        raise SynthgenError(
            f"no baseline '{name}' (there are {name_list(BASELINES)})"
            f"{did_you_mean(name, BASELINES)}"
        )
    lacks = {"groups": not groups, "pool": not pool}
    need = BASELINES[name]
    if need and lacks[need]:
        raise SynthgenError(f"baseline {name} {NEEDED[need]}")
