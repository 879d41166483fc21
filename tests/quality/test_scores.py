import numpy as np
import torch
from scipy.ndimage import laplace
from scipy.stats import entropy

from synthgen.quality.calibration import LEVELS, Calibration, calibrate
from synthgen.quality.scores import Scorer, image_statistics


def test_statistics_agree_with_scipy(digits):
    images = digits[0][:20]
    scores = image_statistics(torch.from_numpy(images))
    for row, pixels in enumerate(images[:, :, :, 0] / 255.0):
        assert np.isclose(scores["brightness"][row], pixels.mean(), atol=1e-6)
        assert np.isclose(scores["contrast"][row], pixels.std(), atol=1e-6)
        counts = np.histogram(pixels, bins=8, range=(0, 1))[0]
        assert np.isclose(scores["entropy"][row], entropy(counts, base=2), atol=0.05)
        assert np.isclose(scores["sharpness"][row], laplace(pixels)[1:-1, 1:-1].std(), atol=1e-5)


def test_statistics_of_known_images():
    black, noise = np.zeros((1, 8, 8, 3), np.uint8), np.full((1, 8, 8, 3), 255, np.uint8)
    noise[:, ::2, ::2] = noise[:, 1::2, 1::2] = 0  # a chess board
    flat, board = (image_statistics(torch.from_numpy(i)) for i in (black, noise))
    assert all(float(flat[name]) == 0 for name in flat)
    assert np.isclose(board["contrast"], 0.5) and np.isclose(board["entropy"], 1.0)
    assert board["sharpness"] > 3.9


def test_calibration_keeps_the_quantiles_of_each_class(digits):
    images, labels = digits
    scorer = Scorer(None)
    names = tuple(str(k) for k in range(10))
    made = calibrate(scorer, images, labels, names, 256, torch.device("cpu"))
    bright = image_statistics(torch.from_numpy(images))["brightness"].numpy()
    assert np.isclose(made.quantile("brightness", 0.5), np.quantile(bright, 0.5), atol=1e-6)
    ones = bright[labels == 1]
    assert np.isclose(made.quantile("brightness", 0.01, 1), np.quantile(ones, 0.01), atol=1e-6)
    again = Calibration.from_json(made.to_json())
    for name in scorer.names:
        assert again.quantiles[name].shape == (11, len(LEVELS))
        assert np.allclose(again.quantiles[name], made.quantiles[name], rtol=1e-5)
