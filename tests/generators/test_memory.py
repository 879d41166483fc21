"""A device whose memory does not hold a whole batch."""

import pytest
import torch

from synthgen.generators import generator as module
from synthgen.generators.zoo import load_generator


def test_a_batch_that_does_not_fit_is_halved_until_it_does(run_folder, monkeypatch):
    torch.manual_seed(0)
    generator = load_generator(str(run_folder), device="cpu", precision="fp32")
    flat, labels = torch.randn(70, generator.latent_size), torch.arange(70) % 3
    whole = generator.generate(flat, labels)["image"]
    real_draw, sizes = module.draw, []

    def small_memory(algorithm, networks, flat, *rest):
        sizes.append(len(flat))
        if len(flat) > 20:
            raise torch.OutOfMemoryError("out of memory")
        return real_draw(algorithm, networks, flat, *rest)

    monkeypatch.setattr(module, "draw", small_memory)
    halved = generator.generate(flat, labels)["image"]
    assert torch.allclose(halved, whole, atol=1e-5)
    assert sizes == [70, 35, 17, 17, 17, 17, 2]
    sizes.clear()
    generator.generate(flat[:40], labels[:40])
    assert sizes == [17, 17, 6]  # it remembers

    monkeypatch.setattr(module, "draw", lambda *rest: (_ for _ in ()).throw(torch.OutOfMemoryError))
    with pytest.raises(torch.OutOfMemoryError):
        generator.generate(flat[:2], labels[:2])
