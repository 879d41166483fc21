"""What makes BigGAN itself (Brock et al. 2018)."""

import torch
from torch import nn

from synthgen.algorithms.registry import build
from synthgen.losses.penalties import off_diagonal_orthogonality
from synthgen.spec.image import ImageSpec
from synthgen.spec.task import label_to_image

TASK = label_to_image(tuple("abcdefghij"), ImageSpec(32, 32, 3))
SMALL = {"width": 16, "width_d": 16, "chunk": 4, "embedding": 8}


def parameters(network):
    return sum(parameter.numel() for parameter in network.parameters())


def test_sizes_are_the_published_ones():
    networks = build("biggan", TASK, {}).networks
    assert parameters(networks["G"]) == 9_416_196
    assert parameters(networks["D"]) == 2_415_170


def test_there_is_one_embedding_for_all_blocks():
    generator = build("biggan", TASK, SMALL).networks["G"]
    assert sum(isinstance(m, nn.Embedding) for m in generator.modules()) == 1
    lookalike = build("sagan", TASK, {"width": 16}).networks["G"]
    assert sum(isinstance(m, nn.Embedding) for m in lookalike.modules()) > 1


def test_a_chunk_of_the_latent_changes_nothing_before_its_block():
    torch.manual_seed(0)
    generator = build("biggan", TASK, SMALL).networks["G"].eval()
    seen = []
    for block in generator.blocks:
        block.register_forward_hook(lambda module, inputs, output: seen.append(output))
    latent, label = torch.randn(1, 16), torch.tensor([3])
    generator(latent, label)
    before = list(seen)
    for chunk in range(4):
        seen.clear()
        changed = latent.clone()
        changed[:, chunk * 4 : chunk * 4 + 4] += 1.0
        generator(changed, label)
        for block, (old, new) in enumerate(zip(before, seen, strict=True)):
            # Chunk 0 makes the first feature map; chunk i conditions block i - 1.
            assert torch.equal(old, new) == (block < chunk - 1)


def test_the_orthogonal_term_is_nought_for_orthogonal_rows_of_any_length():
    rows = torch.linalg.qr(torch.randn(6, 6))[0][:4] * torch.tensor([[1.0], [2.0], [0.1], [9.0]])
    assert off_diagonal_orthogonality(rows) < 1e-8
    assert off_diagonal_orthogonality(torch.ones(2, 3)) == 2 * 9.0
    # The look-alike, ||W W^T - I||^2, wants unit length as well.
    assert (rows @ rows.t() - torch.eye(4)).square().sum() > 1.0
