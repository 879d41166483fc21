import numpy as np
import torch

from synthgen.training.batches import RealBatches

CPU = torch.device("cpu")


def batches(count=10, flip=False):
    images = np.arange(count, dtype=np.uint8).reshape(count, 1, 1, 1).repeat(4, 1).repeat(4, 2)
    return RealBatches(images, np.arange(count, dtype=np.int64), np.arange(count), 3, flip)


def test_every_image_is_shown_once_a_pass():
    labels = batches().at(0, 10, CPU)[1].tolist()
    assert sorted(labels) == list(range(10))
    again = batches().at(10, 10, CPU)[1].tolist()
    assert sorted(again) == list(range(10)) and again != labels


def test_a_position_gives_the_same_images_however_it_is_reached():
    source = batches()
    whole = source.at(0, 35, CPU)[1]
    parts = [batches().at(start, 5, CPU)[1] for start in range(0, 35, 5)]
    assert torch.equal(whole, torch.cat(parts))


def test_pixels_stay_with_their_labels():
    images, labels = batches().at(7, 9, CPU)
    grey = ((images[:, 0, 0, 0] + 1) * 127.5).round().long()
    assert torch.equal(grey, labels)


def test_flips_mirror_about_half():
    images = np.zeros((400, 2, 2, 1), dtype=np.uint8)
    images[:, :, 0] = 255
    source = RealBatches(images, np.zeros(400, np.int64), np.arange(400), 0, flip=True)
    torch.manual_seed(0)
    mirrored = (source.at(0, 400, CPU)[0][:, 0, 0, 0] < 0).float().mean()
    assert 0.4 < mirrored < 0.6
