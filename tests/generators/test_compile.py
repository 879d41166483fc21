import shutil

import golden
import numpy as np
import pytest
import torch

from synthgen.dataset.verify import verify
from synthgen.generators.zoo import load_generator
from synthgen.spec.errors import SynthgenError
from synthgen.spec.image import to_uint8
from synthgen.spec.settings.sample import SampleSettings
from synthgen.stages.sample.stage import sample

NUMBERS = np.arange(8, dtype=np.int64)


def drawn(generator):
    images = generator.candidates(NUMBERS % 3, NUMBERS * 0, NUMBERS, seed=0)["image"]
    return to_uint8(images).int()


@pytest.mark.skipif(not shutil.which("g++"), reason="compiling for a CPU needs a C++ compiler")
def test_compiled_networks_draw_the_same_images_to_a_grey_level(run_folder):
    generator = load_generator(str(run_folder), "cpu", "fp32")
    eager = drawn(generator)
    generator.compile(len(NUMBERS))
    before = torch._dynamo.utils.counters["stats"]["unique_graphs"]
    compiled = drawn(generator)
    assert torch._dynamo.utils.counters["stats"]["unique_graphs"] == before > 0
    assert (compiled - eager).abs().max() <= 1


@pytest.mark.skipif(not shutil.which("g++"), reason="compiling for a CPU needs a C++ compiler")
def test_a_run_compiles_in_its_lanes(run_folder, tmp_path):
    settings = {"generator": str(run_folder), "n": 60, "batch_size": 8, "filters": "none",
                "compile": True, "precision": "fp32", "images_per_shard": 30}  # fmt: skip
    for name in "ab":
        sample(SampleSettings.parse({**settings, "out": str(tmp_path / name)}))
        assert verify(tmp_path / name).problems == []
    shards = sorted(path.name for path in (tmp_path / "a" / "data").iterdir())
    assert len(shards) == 2
    for shard in shards:
        a, b = ((tmp_path / name / "data" / shard).read_bytes() for name in "ab")
        assert a == b


def test_what_cannot_be_compiled_is_one_line(run_folder, monkeypatch):
    class Broken(torch.nn.Module):
        def forward(self, *_, **__):
            raise RuntimeError("no\ncompiler")

    generator = load_generator(str(run_folder), "cpu", "fp32")
    monkeypatch.setattr(torch, "compile", lambda network, **_: Broken())
    with pytest.raises(SynthgenError, match=r"leave out --compile: no compiler$"):
        generator.compile(8)


def test_all_parts_of_a_set_are_compiled(monkeypatch):
    compiled = []

    def compiling(network, dynamic):
        compiled.append(network)
        return network

    generator = load_generator(str(golden.BUNDLES / "per-class"), "cpu", "fp32")
    monkeypatch.setattr(torch, "compile", compiling)
    generator.compile(4)
    networks = {id(net) for part in generator.parts for net in part._networks.values()}
    assert len(generator.parts) > 1 and {id(net) for net in compiled} == networks
