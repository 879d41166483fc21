import subprocess
import sys

import pytest

from synthgen.algorithms.registry import build, find, registered
from synthgen.networks.outline import outline
from synthgen.spec.image import ImageSpec

COMPILER = """
import sys
from synthgen.generators.zoo import load_generator
load_generator(sys.argv[1], "cpu", "auto")
print("torch._dynamo" in sys.modules, "sympy" in sys.modules)
"""


@pytest.mark.parametrize("name", sorted(registered()))
def test_an_outline_has_the_shapes_of_the_networks(name):
    task = find(name).takes.task(("x", "y"), ImageSpec(32, 32, 3))
    real = build(name, task, {})
    with outline():
        drawn = build(name, task, {})
    assert drawn.networks.keys() == real.networks.keys()
    for key, network in real.networks.items():
        shapes = {k: v.shape for k, v in network.state_dict().items()}
        found = drawn.networks[key].state_dict()
        assert {k: v.shape for k, v in found.items()} == shapes
        assert all(value.is_meta for value in drawn.networks[key].parameters())


def test_loading_a_generator_does_not_load_the_compiler(run_folder):
    command = [sys.executable, "-c", COMPILER, str(run_folder)]
    assert (
        subprocess.run(command, check=True, capture_output=True, text=True).stdout
        == "False False\n"
    )
