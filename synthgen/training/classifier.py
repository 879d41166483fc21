"""Train the label classifier of a run, on the images the GAN trains on."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from synthgen.data.splits import Labelled
from synthgen.features.classifier import LabelClassifier
from synthgen.machine.devices import seed_generators
from synthgen.machine.progress import Progress
from synthgen.networks.placement import place
from synthgen.spec.image import ImageSpec, to_float
from synthgen.storage.whole import write_whole, written_whole
from synthgen.training.augment import translate
from synthgen.training.batches import JointBatches, RealBatches
from synthgen.training.loop import step_seed

PASSES = 60
"""Most passes over the data, however large the budget."""
PEAK_LR = 0.1
WEIGHT_DECAY = 5e-4
SMOOTHING = 0.05
WARM_UP = 0.2
"""Share of the steps over which the learning rate rises; then it falls along a cosine."""
BATCH = 256
KEEP_EVERY = 2.0
"""Seconds of training from one state that is kept to the next, at least: a pass over few images
takes less time than a flushed file."""


@dataclass(frozen=True)
class ClassifierSettings:
    """How a label classifier is trained."""

    budget: int
    """Images shown, at most 60 passes over the training images."""
    batch_size: int
    """Less for a small set."""
    flip: bool
    """Whether every other image is shown mirrored."""
    seed: int
    device: torch.device
    precision: torch.dtype
    """``torch.bfloat16`` trains under autocast."""
    seconds: float | None = None
    """The longest that it may take; it then ends earlier, with its learning rate at nought."""


@dataclass(frozen=True)
class TrainedClassifier:
    """``accuracy`` (0 to 1) is on the held-out images; ``network`` is in evaluation mode."""

    network: LabelClassifier
    accuracy: float
    per_class: dict[str, float]
    seconds: float
    images_shown: int


def train_label_classifier(
    real: Labelled,
    classes: tuple[str, ...],
    train_indices: np.ndarray,
    validation_indices: np.ndarray,
    settings: ClassifierSettings,
    folder: Path,
) -> TrainedClassifier:
    """Train on ``train_indices``, calibrate and measure on ``validation_indices``.

    Args:
        real: images ``uint8 [N, H, W, C]`` and labels ``int64 [N]``, indices into ``classes``.
        classes: their names.
        train_indices: ``int64``, rows of ``real``.
        validation_indices: ``int64``, rows of ``real``.
        settings: budget, batches, seed, device and arithmetic.
        folder: keeps the finished classifier and, meanwhile, the state after each pass; a second
            call reads them.
    """
    _, height, width, channels = real.images.shape
    device = settings.device
    torch.manual_seed(settings.seed)
    network = LabelClassifier(ImageSpec(height, width, channels), len(classes))
    place(network, device)
    result = folder / "classifier.json"
    if result.exists():
        network.load_state_dict(load_file(folder / "classifier.safetensors", device=str(device)))
        return TrainedClassifier(network.eval(), **json.loads(result.read_text(encoding="utf-8")))
    folder.mkdir(parents=True, exist_ok=True)
    start = time.perf_counter()
    batches = RealBatches(real.images, real.labels, train_indices, settings.seed, settings.flip)
    # A small set still gets some steps in every pass.
    batch = max(8, min(settings.batch_size, len(train_indices) // 8))
    steps = max(1, min(settings.budget, PASSES * len(train_indices)) // batch)
    steps = fit_network(
        network, batches, batch, steps, len(train_indices), settings, folder, _label_loss
    )
    network.eval()
    logits = logits_of(network, real.images, validation_indices, device)
    truth = torch.from_numpy(real.labels[validation_indices])
    network.temperature.fill_(_temperature(logits, truth))
    right = (logits.argmax(dim=1) == truth).float()
    per_class = {
        name: round(float(right[truth == k].mean()), 4)
        for k, name in enumerate(classes)
        if bool((truth == k).any())
    }
    trained = TrainedClassifier(
        network, float(right.mean()), per_class, time.perf_counter() - start, steps * batch
    )
    replace_tensors(network.state_dict(), folder / "classifier.safetensors")
    record = asdict(trained, dict_factory=lambda pairs: {k: v for k, v in pairs if k != "network"})
    write_whole(result, json.dumps(record, indent=2))
    (folder / "pass.safetensors").unlink(missing_ok=True)
    return trained


def _label_loss(logits: Tensor, truth: Tensor) -> Tensor:
    return cross_entropy(logits, truth, label_smoothing=SMOOTHING)


def fit_network(
    network: nn.Module,
    batches: RealBatches | JointBatches,
    batch: int,
    steps: int,
    pass_size: int,
    settings: ClassifierSettings,
    folder: Path,
    loss_of: Callable[[Tensor, Tensor], Tensor],
    augment: Callable[[Tensor], Tensor] | None = None,
) -> int:
    """Train for so many steps, or for the time that there is; the steps taken.

    ``loss_of`` takes the outputs and what the batches have beside the images, which are shifted a
    little unless ``augment`` says what happens to them.
    """
    optimizer = torch.optim.SGD(
        network.parameters(), lr=PEAK_LR, momentum=0.9, nesterov=True, weight_decay=WEIGHT_DECAY
    )
    device, precision = settings.device, settings.precision
    first, spent = _resume(network, optimizer, folder / "pass.safetensors")
    kept = time.monotonic()
    begun = kept - spent
    network.train()
    with Progress(steps * batch, "label classifier", initial=first * batch) as progress:
        for step in range(first, steps):
            spent = time.monotonic() - begun
            done = step / steps
            if settings.seconds is not None:
                done = max(done, spent / settings.seconds)
                if done >= 1 and step:
                    return step
            seed_generators(step_seed(settings.seed, step, 0), device)
            pixels, truth = batches.at(step * batch, batch, device)
            for group in optimizer.param_groups:
                group["lr"] = PEAK_LR * _lr_factor(min(1.0, done))
            with torch.autocast(device.type, precision, enabled=precision != torch.float32):
                logits = network((augment or translate)(pixels))
                loss = loss_of(logits, truth)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            progress.add(batch)
            passed = (step + 1) * batch // pass_size != step * batch // pass_size
            if passed and (now := time.monotonic()) - kept >= KEEP_EVERY:
                kept = now
                _save_pass(network, optimizer, step + 1, now - begun, folder / "pass.safetensors")
    return steps


def _lr_factor(progress: float) -> float:
    if progress < WARM_UP:
        return (progress + 1e-3) / WARM_UP
    return 0.5 * (1 + math.cos(math.pi * (progress - WARM_UP) / (1 - WARM_UP)))


def _save_pass(
    network: nn.Module,
    optimizer: torch.optim.Optimizer,
    step: int,
    seconds: float,
    path: Path,
) -> None:
    tensors = {f"network/{key}": value for key, value in network.state_dict().items()}
    for index, parameter in enumerate(network.parameters()):
        tensors[f"momentum/{index}"] = optimizer.state[parameter]["momentum_buffer"]
    tensors["step"] = torch.tensor(step)
    tensors["seconds"] = torch.tensor(seconds)
    replace_tensors(tensors, path)


def _resume(network: nn.Module, optimizer: torch.optim.Optimizer, path: Path) -> tuple[int, float]:
    """Steps that were taken before this process, and the seconds that they took."""
    if not path.exists():
        return 0, 0.0
    tensors = load_file(path, device=str(next(network.parameters()).device))
    network.load_state_dict(
        {key[8:]: value for key, value in tensors.items() if key.startswith("network/")}
    )
    for index, parameter in enumerate(network.parameters()):
        buffer = torch.empty_like(parameter).copy_(tensors[f"momentum/{index}"])
        optimizer.state[parameter]["momentum_buffer"] = buffer
    return int(tensors["step"]), float(tensors.get("seconds", 0.0))


def replace_tensors(tensors: dict[str, Tensor], path: Path) -> None:
    """Write tensors to a file that appears whole."""
    with written_whole(path) as beside:
        save_file(
            {key: value.detach().cpu().contiguous() for key, value in tensors.items()}, beside
        )


@torch.inference_mode()
def logits_of(
    network: nn.Module, images: np.ndarray, rows: np.ndarray, device: torch.device
) -> Tensor:
    """Outputs ``float32 [V, F]`` of rows ``int64 [V]`` of images, on the CPU."""
    parts = [
        network(to_float(torch.from_numpy(images[rows[start : start + BATCH]]).to(device))).cpu()
        for start in range(0, len(rows), BATCH)
    ]
    return torch.cat(parts).clone()


def _temperature(logits: Tensor, truth: Tensor) -> float:
    """The temperature of least cross-entropy (Guo et al. 2017, arXiv:1706.04599, section 4.2)."""
    grid = torch.logspace(-1, 1, 81)
    losses = torch.stack([cross_entropy(logits / value, truth) for value in grid])
    return float(grid[losses.argmin()])
