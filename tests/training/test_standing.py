import torch
from torch import nn

from synthgen.training.standing import standing_statistics


def test_statistics_become_the_mean_over_the_batches():
    torch.manual_seed(0)
    net = nn.Sequential(nn.BatchNorm1d(3, affine=False)).eval()
    batches = [torch.randn(64, 3) * 5 + 2 for _ in range(7)]
    assert standing_statistics({"G": net}, lambda number: net(batches[number]), 7)
    means = torch.stack([batch.mean(dim=0) for batch in batches]).mean(dim=0)
    variances = torch.stack([batch.var(dim=0) for batch in batches]).mean(dim=0)
    assert torch.allclose(net[0].running_mean, means, atol=1e-5)
    assert torch.allclose(net[0].running_var, variances, atol=1e-4)
    assert not net[0].training and net[0].momentum == 0.1


def test_networks_without_batch_norms_are_not_run():
    assert not standing_statistics({"G": nn.Linear(2, 2)}, lambda number: 1 / 0, 3)
