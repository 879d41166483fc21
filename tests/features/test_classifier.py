import numpy as np
import pytest
import torch

from synthgen.data.splits import Labelled, hold_out
from synthgen.features.classifier import LabelClassifier
from synthgen.spec.image import ImageSpec
from synthgen.training import classifier as training


@pytest.mark.parametrize("side", [8, 28, 64, 256])
@pytest.mark.parametrize("channels", [1, 3])
def test_it_takes_images_of_any_size(side, channels):
    network = LabelClassifier(ImageSpec(side, side, channels), 7, width=10).eval()
    images = torch.randn(2, channels, side, side)
    assert network(images).shape == (2, 7)
    assert network.features(images).shape == (2, 40)
    again = LabelClassifier.from_config(network.config())
    again.load_state_dict(network.state_dict())
    assert torch.equal(again.eval()(images), network(images))


def test_it_is_light():
    from torch.utils.flop_counter import FlopCounterMode

    network = LabelClassifier(ImageSpec(32, 32, 3), 10).eval()
    assert sum(p.numel() for p in network.parameters()) < 400_000
    with FlopCounterMode(display=False) as counter:
        network(torch.zeros(1, 3, 32, 32))
    assert counter.get_total_flops() < 0.06e9


def train(digits, folder, budget=20_000):
    images, labels = digits
    chosen, held = hold_out(labels, 0.2, 0)
    return training.train_label_classifier(
        Labelled(images, labels), tuple("0123456789"), chosen, held,
        training.ClassifierSettings(
            budget=budget, batch_size=128, flip=False, seed=0, device=torch.device("cpu"),
            precision=torch.float32,
        ),
        folder,
    )  # fmt: skip


def test_it_learns_the_digits_and_is_kept(digits, tmp_path, monkeypatch):
    trained = train(digits, tmp_path)
    assert trained.accuracy > 0.95
    assert min(trained.per_class.values()) > 0.8
    monkeypatch.setattr(training, "fit_network", lambda *a: pytest.fail("trained again"))
    again = train(digits, tmp_path)
    assert again.accuracy == trained.accuracy
    images = torch.rand(4, 1, 8, 8)
    assert torch.equal(again.network(images), trained.network(images))


def test_a_killed_training_resumes_to_the_same_weights(digits, tmp_path, monkeypatch):
    whole = train(digits, tmp_path / "whole", budget=6000)
    translate, calls = training.translate, 0

    def dying(images):
        nonlocal calls
        calls += 1
        if calls == 30:
            raise KeyboardInterrupt
        return translate(images)

    monkeypatch.setattr(training, "translate", dying)
    monkeypatch.setattr(training, "KEEP_EVERY", 0.0)
    with pytest.raises(KeyboardInterrupt):
        train(digits, tmp_path / "killed", budget=6000)
    assert (tmp_path / "killed/pass.safetensors").exists()
    resumed = train(digits, tmp_path / "killed", budget=6000)
    for key, value in whole.network.state_dict().items():
        assert np.array_equal(value.numpy(), resumed.network.state_dict()[key].numpy()), key
