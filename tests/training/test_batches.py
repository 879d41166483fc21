import numpy as np
import torch

from synthgen.training import batches as module
from synthgen.training.batches import BEYOND, Passes, RealBatches

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


def test_beyond_every_image_is_shown_once_a_pass_too():
    passes, start = Passes(np.arange(100, 110), 3), BEYOND - BEYOND % 10 + 10
    rows = passes.rows(start, 25)
    for at in (0, 10):
        assert sorted(rows[at : at + 10]) == list(range(100, 110))
    assert rows[:10].tolist() != rows[10:20].tolist()
    parts = [Passes(np.arange(100, 110), 3).rows(start + at, 5) for at in range(0, 25, 5)]
    assert rows.tolist() == np.concatenate(parts).tolist()
    assert rows.tolist() != Passes(np.arange(100, 110), 4).rows(start, 25).tolist()


def test_beyond_only_the_rows_asked_for_are_looked_for(monkeypatch):
    asked = []

    def counted(places, size, seed):
        asked.append(len(places))
        return places

    monkeypatch.setattr(module, "permuted", counted)
    passes = Passes(np.arange(10**6), 0)
    monkeypatch.setattr(passes, "_pass", None)
    passes.rows(BEYOND, 64)
    assert sum(asked) == 64
