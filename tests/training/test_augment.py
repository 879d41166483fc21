import torch

from synthgen.training.augment import cutout, diffaugment, jitter, translate


def test_shapes_stay_and_gradients_flow():
    for channels in (1, 3):
        images = torch.rand(4, channels, 10, 12, requires_grad=True)
        augmented = diffaugment(images)
        assert augmented.shape == images.shape
        augmented.sum().backward()
        assert images.grad.abs().sum() > 0


def test_translation_moves_within_an_eighth_and_brings_zeros():
    torch.manual_seed(0)
    images = torch.zeros(200, 1, 16, 16)
    images[:, :, 8, 8] = 1
    moved = translate(images)
    places = moved.flatten(1).argmax(1)
    rows, columns = places // 16, places % 16
    assert rows.min() == 6 and rows.max() == 10 and columns.min() == 6 and columns.max() == 10
    assert translate(torch.ones(50, 1, 16, 16)).min() == 0


def test_cutout_blanks_at_most_a_quarter():
    torch.manual_seed(0)
    blank = (cutout(torch.ones(200, 1, 16, 16)) == 0).float().mean(dim=(1, 2, 3))
    assert blank.max() <= 0.25 and blank.min() > 0.05


def test_color_changes_neither_shape_nor_place():
    torch.manual_seed(0)
    image = torch.rand(1, 3, 8, 8)
    changed = jitter(image.expand(64, 3, 8, 8))
    order = image.mean(dim=1).flatten().argsort()
    grey = changed.mean(dim=1).flatten(1)
    assert all(torch.equal(row.argsort(), order) for row in grey)
    assert changed.std(dim=0).mean() > 0.1
