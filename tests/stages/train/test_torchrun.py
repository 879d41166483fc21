"""Two processes of torchrun on the CPU (gloo): equal weights, gradients averaged."""

import subprocess
import sys

import pytest
import torch

from synthgen.training.distributed import Ranks

PROGRAM = """
import sys, torch, torch.distributed as dist
sys.path[:0] = {folders!r}
from test_loop import training
from synthgen.training.distributed import ranks
torch.set_num_threads(1)
with ranks() as group:
    run = training(ranks=group)
    for _ in range(4):
        run.step()
    mine = torch.cat([p.flatten() for n in run.algorithm.networks.values() for p in n.parameters()])
    others = [torch.empty_like(mine) for _ in range(group.count)]
    dist.all_gather(others, mine)
    assert all(torch.equal(mine, other) for other in others), "ranks have drifted apart"
    latent = torch.randn(1)
    drawn = [torch.empty_like(latent) for _ in range(group.count)]
    dist.all_gather(drawn, latent)
    assert not torch.equal(drawn[0], drawn[1]), "ranks draw the same noise"
    if group.leads:
        print("equal", group.count)
"""


def torchrun(program, *arguments):
    return subprocess.run(
        [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2",
         program, *arguments],
        capture_output=True, text=True, timeout=240, check=False,
    )  # fmt: skip


@pytest.mark.slow
def test_ranks_stay_equal(tmp_path):
    from pathlib import Path

    tests = Path(__file__).parent.parent.parent
    folders = [str(tests / "training"), str(tests / "support")]
    program = tmp_path / "program.py"
    program.write_text(PROGRAM.format(folders=folders))
    done = torchrun(str(program))
    assert "equal 2" in done.stdout, done.stderr[-2000:]


def test_gradients_are_averaged(monkeypatch):
    parameter = torch.nn.Parameter(torch.zeros(3))
    parameter.grad = torch.tensor([1.0, 2.0, 3.0])
    # What the exchange adds: the other rank's gradient.
    monkeypatch.setattr(
        "torch.distributed.all_reduce", lambda flat: flat.add_(torch.tensor([3.0, 0, 1]))
    )
    Ranks(0, 2).average_gradients([parameter])
    assert parameter.grad.tolist() == [2.0, 1.0, 2.0]
