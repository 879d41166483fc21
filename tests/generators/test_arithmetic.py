"""bfloat16 in channels-last order, beside float32 as networks are written by default."""

import time

import numpy as np
import pytest
import torch

from synthgen.generators.zoo import load_generator


@pytest.mark.skipif(
    not torch.cpu._is_amx_tile_supported(), reason="this CPU has no AMX, whose gain is asked for"
)
def test_bfloat16_is_twice_as_fast_as_contiguous_float32_on_amx():
    numbers = np.arange(64, dtype=np.int64)
    fast = load_generator("cifar10-32", device="cpu", precision="bf16")
    plain = load_generator("cifar10-32", device="cpu", precision="fp32")
    plain._networks.to(memory_format=torch.contiguous_format)
    seconds = {"fast": [], "plain": []}
    for _ in range(6):
        for name, generator in (("fast", fast), ("plain", plain)):
            start = time.perf_counter()
            generator.candidates(numbers % 10, numbers * 0, numbers, seed=0)
            seconds[name].append(time.perf_counter() - start)
    assert min(seconds["plain"]) >= 2 * min(seconds["fast"])


def test_bfloat16_gives_nearly_the_pixels_of_float32():
    names = ["bag", "coat", "dress", "sneaker"] * 4
    images = [
        load_generator("fashion-mnist-28", device="cpu", precision=precision).sample(names)
        for precision in ("bf16", "fp32")
    ]
    difference = np.abs(images[0].astype(int) - images[1].astype(int))
    assert difference.mean() < 1.0 and np.quantile(difference, 0.999) <= 8
