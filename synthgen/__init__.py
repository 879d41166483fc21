"""synthgen: labelled images in, a large, filtered, labelled synthetic image dataset out.

Importing this package is cheap: torch, datasets and pyarrow are imported by the modules that use
them. The public names below are resolved on first use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from synthgen.dataset.counts import read_receipts
    from synthgen.generators.generator import Generator
    from synthgen.spec.errors import SynthgenError
    from synthgen.spec.settings.adapt import AdaptSettings
    from synthgen.spec.settings.grow import GrowSettings
    from synthgen.spec.settings.sample import SampleSettings
    from synthgen.spec.settings.train import TrainSettings
    from synthgen.stages.adapt.stage import adapt
    from synthgen.stages.advise.frame import advise
    from synthgen.stages.grow.stage import grow
    from synthgen.stages.inspect.frame import inspect
    from synthgen.stages.sample.from_python import load_generator
    from synthgen.stages.sample.stage import sample
    from synthgen.stages.train.stage import train
    from synthgen.training.metrics_log import read_metrics

__version__ = "0.1.0"

_HOMES = {
    "AdaptSettings": "synthgen.spec.settings.adapt",
    "Generator": "synthgen.generators.generator",
    "GrowSettings": "synthgen.spec.settings.grow",
    "SampleSettings": "synthgen.spec.settings.sample",
    "SynthgenError": "synthgen.spec.errors",
    "TrainSettings": "synthgen.spec.settings.train",
    "adapt": "synthgen.stages.adapt.stage",
    "advise": "synthgen.stages.advise.frame",
    "grow": "synthgen.stages.grow.stage",
    "inspect": "synthgen.stages.inspect.frame",
    "load_generator": "synthgen.stages.sample.from_python",
    "read_metrics": "synthgen.training.metrics_log",
    "read_receipts": "synthgen.dataset.counts",
    "sample": "synthgen.stages.sample.stage",
    "train": "synthgen.stages.train.stage",
}

__all__ = [
    "AdaptSettings",
    "Generator",
    "GrowSettings",
    "SampleSettings",
    "SynthgenError",
    "TrainSettings",
    "adapt",
    "advise",
    "grow",
    "inspect",
    "load_generator",
    "read_metrics",
    "read_receipts",
    "sample",
    "train",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        from importlib import import_module

        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'synthgen' has no attribute '{name}'")
