"""The loop, on a pair small enough to train in milliseconds."""

import numpy as np
import pytest
import torch
from rows import batches

from synthgen.algorithms.registry import build, class_conditional, find
from synthgen.spec.image import ImageSpec
from synthgen.training import checkpoint
from synthgen.training.ada import Ada
from synthgen.training.augment import diffaugment, no_augmentation
from synthgen.training.batches import Passes
from synthgen.training.distributed import Ranks
from synthgen.training.loop import Training
from synthgen.training.phase_step import LoopSettings

SMALL = {"width": 4, "widest": 8, "latent": 4, "style": 8}


def training(name="r3gan", images=640, seed=0, options=SMALL, ranks=Ranks(), **changes):
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (50, 8, 8, 1), dtype=np.uint8)
    labels = np.arange(50, dtype=np.int64) % 2
    torch.manual_seed(seed)
    task = find(name).takes.task(("a", "b"), ImageSpec(8, 8, 1))
    two = len(task.streams) == 2
    settings = {
        "images": images, "batch_size": 16, "seed": seed, "ema_half_life": 0.05,
        "augment": diffaugment, "precision": torch.float32, "device": torch.device("cpu"),
    }  # fmt: skip
    source = (255 - pixels, labels, np.arange(30)) if two else None
    shown = batches(task, pixels, labels, seed=seed, flip=True, source=source)
    algorithm = build(name, task, options)
    loop = LoopSettings(**{**settings, **changes})
    return Training(algorithm, shown, loop, ranks=ranks)


def weights(run):
    return {
        f"{name}.{key}": value.clone()
        for name, network in {**run.algorithm.networks, **run.averaged.networks}.items()
        for key, value in network.state_dict().items()
    }


def same(a, b):
    return all(torch.equal(a[key], b[key]) for key in a)


def test_the_same_seed_gives_the_same_weights_and_another_seed_others():
    runs = [training(seed=seed) for seed in (0, 0, 1)]
    for run in runs:
        for _ in range(5):
            run.step()
    assert same(weights(runs[0]), weights(runs[1]))
    assert not same(weights(runs[0]), weights(runs[2]))


@pytest.mark.parametrize("name", list(class_conditional()))
def test_a_killed_run_resumes_to_the_same_weights_and_means(name, tmp_path, small_networks):
    def fresh():
        # Eleven steps cross the resets and fades of a growing network.
        return training(name, 180, options=small_networks[name], augment=Ada(0.3))

    whole = fresh()
    for _ in range(11):
        whole.step()

    killed = fresh()
    for _ in range(6):
        killed.step()
    checkpoint.save(tmp_path, killed, {"best": 3})
    resumed = fresh()
    for _ in range(2):
        resumed.step()  # a resumed run starts from any state
    assert checkpoint.load_newest(tmp_path, resumed) == {"best": 3}
    for _ in range(5):
        resumed.step()
    assert same(weights(whole), weights(resumed))
    assert whole.means.take() == resumed.means.take()
    assert float(whole.augment.p) == float(resumed.augment.p) != 0.3


def test_only_the_newest_three_checkpoints_stay(tmp_path):
    run = training()
    for _ in range(5):
        run.step()
        checkpoint.save(tmp_path, run, {})
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "000000000048",
        "000000000064",
        "000000000080",
    ]


def test_the_checkpoint_of_the_untrained_networks_stays(tmp_path):
    run = training()
    untrained = weights(run)
    checkpoint.save(tmp_path, run, {"best": 1})
    for _ in range(5):
        run.step()
        checkpoint.save(tmp_path, run, {})
    assert checkpoint.shown_at(tmp_path) == [0, 48, 64, 80]
    assert checkpoint.load_at(tmp_path, 0, run) == {"best": 1}
    assert run.shown == run.steps == 0 and same(weights(run), untrained)
    checkpoint.drop_after(tmp_path, 48)
    assert checkpoint.shown_at(tmp_path) == [0, 48]


def test_a_checkpoint_whose_removal_is_interrupted_is_none(tmp_path, monkeypatch):
    run, remove = training(), checkpoint.shutil.rmtree
    for _ in range(2):
        run.step()
        checkpoint.save(tmp_path, run, {"shown": run.shown})

    def half(folder, **options):
        if folder.exists():
            (folder / "weights.safetensors").unlink()
            raise KeyboardInterrupt

    monkeypatch.setattr(checkpoint.shutil, "rmtree", half)
    with pytest.raises(KeyboardInterrupt):
        checkpoint.drop_after(tmp_path, 16)
    monkeypatch.setattr(checkpoint.shutil, "rmtree", remove)
    assert checkpoint.shown_at(tmp_path) == [16]
    assert checkpoint.load_newest(tmp_path, training()) == {"shown": 16}


def test_a_lazy_phase_runs_every_few_steps():
    run = training()
    for _ in range(9):
        run.step()
    counts = dict(run.means.counts)
    assert counts["loss/D/relativistic"] == counts["loss/G/relativistic"] == 9
    assert counts["loss/penalty/r1"] == 3  # steps 0, 4 and 8


def test_a_phase_leaves_the_other_network_alone():
    run = training()
    run.algorithm.networks["G"].requires_grad_(True)
    before = {k: v.clone() for k, v in run.algorithm.networks["G"].state_dict().items()}
    only_d = [phase for phase in run.algorithm.phases if phase.trains == ("D",)]
    object.__setattr__(run.algorithm, "phases", tuple(only_d))
    run.step()
    assert same(before, run.algorithm.networks["G"].state_dict())


def test_the_average_follows_with_its_half_life():
    run = training(images=10**9)
    run.shown = 1_000_000
    run.averaged._share = 16 / 1_000_016  # half-life of exactly one step
    name = "to_image.bias"
    before = run.averaged.networks["G"].state_dict()[name].clone()
    run.step()
    now = run.algorithm.networks["G"].state_dict()[name]
    expected = (before + now) / 2
    assert torch.allclose(run.averaged.networks["G"].state_dict()[name], expected, atol=1e-6)


def test_gradient_clipping_bounds_the_step():
    run = training("dcgan", options={"width": 4}, clip_gradients=1e-30, augment=no_augmentation)
    before = {k: v.clone() for k, v in run.algorithm.networks["D"].named_parameters()}
    run.step()
    after = dict(run.algorithm.networks["D"].named_parameters())
    # Adam divides by the size of the gradient; at 1e-30 its epsilon rules and nothing moves.
    assert all(torch.allclose(before[k], after[k], atol=1e-8) for k in before)


def test_learning_rates_follow_the_factor():
    run = training(lr_at=lambda progress: 0.25)
    run.step()
    for optimizer in run.optimizers.values():
        assert optimizer.steps.param_groups[0]["lr"] == optimizer.lr / 4


def test_extra_steps_of_a_critic_do_not_order_all_rows(monkeypatch):
    """Of one pass over the data, one order is made, however often the critic steps."""
    run = training("wgan", options={"width": 8, "d_burst": 5}, images=320)
    made, real = [], Passes._pass

    def counted(self, number):
        made.append(number)
        return real(self, number)

    monkeypatch.setattr(Passes, "_pass", counted)
    for _ in range(3):
        run.step()
    assert run.means.counts["loss/D/wasserstein"] == 15
    assert set(made) == {0}
