"""What baselines compute, each property shown to fail on a look-alike of it."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn.functional import cross_entropy

from synthgen.spec.errors import SynthgenError
from synthgen.spec.learning_baselines import BASELINES
from synthgen.training.baselines import cutmix as cutmix_room
from synthgen.training.baselines.cutmix import cutmix
from synthgen.training.baselines.fixmatch import FixMatchLoss, strong_view, unlabelled_loss
from synthgen.training.baselines.fourier import with_amplitudes
from synthgen.training.baselines.groupdro import GroupDro
from synthgen.training.baselines.pool import Pool
from synthgen.training.baselines.resampling import balanced_rows
from synthgen.training.baselines.self_training import surest
from synthgen.training.baselines.train import Baseline, train_baseline
from synthgen.training.fixed_budget import Budget, Source
from synthgen.training.strong_budget import StrongBudget

CPU = {"device": torch.device("cpu"), "precision": torch.float32}


def follows_the_exponentiated_gradient(made):
    """Log weights less their mean are the rate times the sum of the group losses, less its mean."""
    torch.manual_seed(0)
    dro, total = made(3, 0.1), torch.zeros(3)
    groups = torch.tensor([0, 0, 1, 2, 2, 2])
    for _ in range(20):
        losses = torch.rand(6) * torch.tensor([1.0, 1, 5, 1, 1, 1])
        told = dro.weigh(losses, groups)
        means = torch.stack([losses[groups == g].mean() for g in range(3)])
        total += 0.1 * means
        assert torch.allclose(dro.weights, total.softmax(dim=0), atol=1e-5)
        assert torch.allclose(told, (total.softmax(dim=0) * means).sum(), atol=1e-4)


class AdditiveDro(GroupDro):
    """A look-alike: the weights follow the gradient itself."""

    def weigh(self, losses, groups):
        means = torch.stack([losses[groups == g].mean() for g in range(3)])
        self.weights = self.weights + 0.1 * means
        self.weights = self.weights / self.weights.sum()
        return (self.weights * means).sum()


def test_groups_weights_follow_the_exponentiated_gradient():
    follows_the_exponentiated_gradient(GroupDro)
    with pytest.raises(AssertionError):
        follows_the_exponentiated_gradient(AdditiveDro)


def test_a_group_without_an_image_has_no_loss_and_no_gradient_goes_into_the_weights():
    dro = GroupDro(2, 1.0)
    losses = torch.tensor([2.0, 4.0], requires_grad=True)
    dro.weigh(losses, torch.tensor([0, 0])).backward()
    grown = float(torch.tensor(3.0).exp())
    assert dro.weights.tolist() == pytest.approx([grown / (grown + 1), 1 / (grown + 1)])
    assert losses.grad.tolist() == pytest.approx([float(dro.weights[0]) / 2] * 2)


def shares_labels_by_the_area_pasted(mix):
    """Each image is of one value, so that pasted pixels can be counted."""
    count = 6
    images = torch.arange(count).float().view(-1, 1, 1, 1).expand(count, 3, 9, 14).contiguous()
    shares = []
    for seed in range(60):
        torch.manual_seed(seed)
        mixed, targets = mix(images, torch.eye(count))
        for number in range(count):
            seen = torch.bincount(mixed[number, 0].flatten().long(), minlength=count)
            assert torch.allclose(targets[number], seen / (9 * 14), atol=1e-6)
        shares.append(float(targets[0, 0]))
    assert min(shares) < 0.5 and max(shares) > 0.9


def test_a_mixed_label_has_the_share_of_the_area_pasted(monkeypatch):
    shares_labels_by_the_area_pasted(cutmix)

    def as_drawn(images, targets):
        """A look-alike: the label's share is that of the box before the edges cut it off."""
        state = torch.get_rng_state()
        mixed, _ = cutmix(images, targets)
        torch.set_rng_state(state)
        share = 1 - float(torch.rand(3)[0])
        others = torch.randperm(len(images))
        return mixed, (1 - share) * targets + share * targets[others]

    with pytest.raises(AssertionError):
        shares_labels_by_the_area_pasted(as_drawn)
    assert cutmix_room.SHARE == 0.5


def counts_those_above_the_threshold(loss):
    weak = torch.tensor([[9.0, 0, 0], [0, 1, 0], [0, 0, 9]])
    strong = torch.tensor([[0.3, 0.2, 0.1], [5, 0, 0], [0, 1, 2]], requires_grad=True)
    told = loss(weak, strong)
    sure = cross_entropy(strong, torch.tensor([0, 1, 2]), reduction="none")[[0, 2]]
    assert torch.allclose(told, sure.sum() / 3)
    told.backward()
    assert strong.grad[1].abs().sum() == 0 and strong.grad[0].abs().sum() > 0


def test_only_sure_images_teach_and_the_others_count_as_nought():
    counts_those_above_the_threshold(unlabelled_loss)
    with pytest.raises(AssertionError):  # all are believed
        counts_those_above_the_threshold(lambda weak, strong: unlabelled_loss(weak, strong, 0.0))

    def over_the_sure(weak, strong):
        sure = weak.softmax(dim=1).max(dim=1).values >= 0.95
        return cross_entropy(strong[sure], weak[sure].argmax(dim=1))

    with pytest.raises(AssertionError):
        counts_those_above_the_threshold(over_the_sure)


def shows_two_views(loss):
    seen = []

    def network(pixels):
        seen.append(pixels)
        return pixels.mean(dim=(2, 3)).repeat(1, 3)

    torch.manual_seed(0)
    loss(network, lambda images: images, torch.zeros(5, 1, 8, 8), torch.ones(5, 3) / 3)
    labelled, weak, strong = seen[0].split(5)
    assert labelled.abs().sum() == 0 and weak.abs().sum() > 0
    assert weak.shape == strong.shape and all(
        not torch.equal(a, b) for a, b in zip(weak, strong, strict=True)
    )


def test_the_strong_view_is_another_than_the_weak(digits, monkeypatch):
    images = digits[0][:20]
    shows_two_views(FixMatchLoss(Pool(images, 0, False)))
    monkeypatch.setattr("synthgen.training.baselines.fixmatch.strong_view", lambda images: images)
    with pytest.raises(AssertionError):
        shows_two_views(FixMatchLoss(Pool(images, 0, False)))


def swaps_low_amplitudes_alone(adapt):
    torch.manual_seed(0)
    images, others = (torch.rand(4, 3, 20, 24) * 0.2 + shift for shift in (-0.2, 0.1))
    made = adapt(images, others, 0.1)
    own, theirs, found = (torch.fft.fft2(x) for x in (images, others, made))
    rows, columns = torch.fft.fftfreq(20) * 20, torch.fft.fftfreq(24) * 24
    low = (rows.abs() <= 2)[:, None] & (columns.abs() <= 2)[None, :]
    assert low.sum() == 25
    assert torch.allclose(found.abs()[..., low], theirs.abs()[..., low], rtol=1e-3, atol=1e-3)
    assert torch.allclose(found.abs()[..., ~low], own.abs()[..., ~low], rtol=1e-3, atol=1e-3)
    turned = found / found.abs() * own.conj() / own.abs()
    clear = (own.abs() > 0.05) & (found.abs() > 0.05)
    assert torch.allclose(turned[clear].real, torch.ones(()), atol=1e-2)
    assert torch.allclose(adapt(images, images, 0.1), images, atol=1e-5)


def test_fourier_adaptation_keeps_phases_and_swaps_low_amplitudes_alone():
    swaps_low_amplitudes_alone(with_amplitudes)
    with pytest.raises(AssertionError):  # all amplitudes
        swaps_low_amplitudes_alone(lambda a, b, reach: with_amplitudes(a, b, 1.0))

    def with_phases(a, b, reach):
        low = with_amplitudes(b, a, reach)
        return a + (b - low)

    with pytest.raises(AssertionError):
        swaps_low_amplitudes_alone(with_phases)


def test_every_group_is_shown_equally_often():
    groups = np.array([0] * 7 + [3] * 2 + [5])
    rows = balanced_rows(groups, np.array([0, 1, 2, 3, 4, 7, 8, 9]))
    assert np.bincount(groups[rows]).tolist() == [5, 0, 0, 5, 0, 5]
    assert set(np.bincount(rows)[[7, 8]]) == {2, 3}


def test_of_each_predicted_class_the_surest_are_learnt():
    said = np.array([[0.9, 0.1], [0.6, 0.4], [0.8, 0.2], [0.7, 0.3], [0.45, 0.55]])
    rows, labels = surest(said)
    assert rows.tolist() == [0, 2, 4] and labels.tolist() == [0, 0, 0, 0, 1]


@pytest.fixture(scope="module")
def two_digits(digits):
    images, labels = digits
    images, labels = images[labels < 2], labels[labels < 2]
    return Source(
        images, labels, np.arange(0, 60), 1.0, groups=labels * 2 + np.arange(len(labels)) % 2
    )


@pytest.mark.parametrize("name", BASELINES)
def test_every_baseline_learns_and_is_a_function_of_its_seed(name, two_digits):
    budget = StrongBudget(steps=40, batch_size=16, width=8, flip=False)
    held = slice(100, 300)
    images, labels = two_digits.images[held], two_digits.labels[held]
    made = Baseline(name, two_digits.images[60:100])
    network = train_baseline(made, two_digits, 2, budget, seed=1, **CPU)
    with torch.inference_mode():
        pixels = torch.from_numpy(images).permute(0, 3, 1, 2) / 127.5 - 1
        assert (network(pixels).argmax(dim=1).numpy() == labels).mean() > 0.9
    short = Budget(steps=2, batch_size=16, width=4)
    again = [train_baseline(made, two_digits, 2, short, seed=1, **CPU) for _ in range(2)]
    states = [list(each.state_dict().values()) for each in again]
    assert all(map(torch.equal, *states))


def test_what_a_baseline_lacks_is_one_line(two_digits):
    budget = Budget(steps=1, batch_size=4, width=4)
    bare = replace(two_digits, groups=None)
    for name, line in (
        (
            "fixmatch",
            "baseline fixmatch learns from unlabelled images; name them with --unlabelled",
        ),
        ("groupdro", "baseline groupdro weighs groups; name their column with --group"),
        ("cutmics", "no baseline 'cutmics' .*self-training.*did you mean 'cutmix'"),
    ):
        with pytest.raises(SynthgenError, match=line):
            train_baseline(Baseline(name), bare, 2, budget, seed=0, **CPU)


def test_a_strong_view_keeps_shape_and_differs_each_time():
    images = torch.rand(3, 1, 12, 12)
    assert strong_view(images).shape == images.shape
    assert not torch.equal(strong_view(images), strong_view(images))
