"""What makes StackGAN itself (Zhang et al. 2016), each shown to fail on a look-alike."""

import zlib
from collections import Counter

import numpy as np
import pytest
import torch
from torch.distributions import Normal, kl_divergence
from torch.nn.functional import cosine_similarity
from toy_world import COLORS, toy_world

from synthgen.algorithms.contract import Tensors
from synthgen.algorithms.registry import build, find
from synthgen.features.matching import matching_loss, mismatched_rows, numbered
from synthgen.networks.stack import divergence, head_sizes
from synthgen.spec.errors import SynthgenError
from synthgen.spec.image import ImageSpec, to_float
from synthgen.spec.task import CONDITION, Task
from synthgen.spec.texts import Text, words_of
from synthgen.training.augment import no_augmentation
from synthgen.training.batches import Stream, TaskBatches
from synthgen.training.loop import Training
from synthgen.training.phase_step import LoopSettings

SIDE, ROWS, STEPS = 16, 120, 100
SPEC = ImageSpec(SIDE, SIDE, 3)
PLAIN = find("stackgan").takes.task((), SPEC)
FIELD = Text(64, 1024)
TASK = Task({**PLAIN.fields, "caption": FIELD}, PLAIN.given, PLAIN.made, PLAIN.streams)
SMALL = {
    "width": 4, "width_d": 8, "widest": 16, "text": 32, "told": 16, "latent": 8, "lr": 1e-3,
    "lr_text": 3e-3, "reading": 0.5,
}  # fmt: skip
TOY, FRESH = toy_world(ROWS, SIDE), toy_world(60, SIDE, seed=1)


def rows_of(captions):
    return torch.from_numpy(np.stack([FIELD.read(text) for text in captions]))


def trained(algorithm, captions=TOY.captions):
    """After some steps on the toy world, half of them of the encoders alone."""
    columns = {"image": TOY.images, "caption": rows_of(captions).numpy()}
    batches = TaskBatches(TASK, [Stream(columns, np.arange(ROWS), 0)], flip=True)
    settings = LoopSettings(
        images=STEPS * 16, batch_size=16, seed=0, ema_half_life=0.05, augment=no_augmentation,
        precision=torch.float32, device=torch.device("cpu"),
    )  # fmt: skip
    run, read = Training(algorithm, batches, settings), None
    for step in range(STEPS):
        if step == STEPS // 2:
            read = {k: v.clone() for k, v in algorithm.networks["text"].state_dict().items()}
        run.step()
    return algorithm, read


@pytest.fixture(scope="module")
def learnt():
    """StackGAN, and its text encoder's weights when the GAN began."""
    torch.manual_seed(0)
    return trained(build("stackgan", TASK, SMALL))


def tensors(algorithm, toy=FRESH, captions=None):
    condition = FIELD.tensor(rows_of(captions or toy.captions))
    given = {CONDITION: condition, "image": to_float(torch.from_numpy(toy.images))}
    for name, latent in algorithm.latents.items():
        given[name] = torch.randn(len(condition), *latent.shape)
    for network in algorithm.networks.values():
        network.eval()
    return Tensors(algorithm.networks, algorithm.tensors, given, {}, no_augmentation)


@torch.no_grad()
def drop(algorithm):
    """By how much other rows' captions lower the last judge's logit of fresh real images, in
    standard deviations of its logits; and the share of images whose logit they lower."""
    torch.manual_seed(1)
    t = tensors(algorithm)
    right, wrong = (t[f"{kind}_verdicts_D_16"][:, 1] for kind in ("real", "wrong"))
    assert (t["others"] >= 0).all()
    gap = (right - wrong).mean() / (right.var() + wrong.var()).sqrt()
    return float(gap), float((right > wrong).float().mean())


def test_a_mismatched_caption_lowers_the_judges_logit(learnt):
    torch.manual_seed(0)
    shuffled = [TOY.captions[row] for row in np.random.default_rng(0).permutation(ROWS)]
    astray, _ = trained(
        build("stackgan", TASK, SMALL), shuffled
    )  # the look-alike: others' captions
    (gap, share), (gap_astray, share_astray) = drop(learnt[0]), drop(astray)
    assert gap > 0.8 and share > 0.8
    assert gap_astray < 0.4 and share_astray < 0.7


def test_mismatched_rows_have_other_captions():
    torch.manual_seed(0)
    captions = ["a red disc", "a red disc", "a red disc", "a blue disc", "A red disc!"]
    condition = FIELD.tensor(rows_of(captions))
    numbers = numbered(condition)
    others = torch.stack([mismatched_rows(numbers) for _ in range(50)])
    assert (numbers[others] != numbers).all()
    assert set(others[:, 3].tolist()) == {0, 1, 2, 4}
    assert (numbers.roll(1) == numbers).any()  # the look-alike: the row before
    assert (mismatched_rows(torch.zeros(4, dtype=torch.int64)) == -1).all()


def test_equal_captions_are_no_wrong_answers_of_each_other():
    torch.manual_seed(0)
    texts = torch.randn(2, 8).repeat(2, 1)
    exact = matching_loss(texts, texts, torch.tensor([0, 1, 0, 1]))
    assert exact < 0.01 < matching_loss(texts, texts, torch.arange(4))


def test_the_divergence_is_nought_at_the_standard_normal():
    assert divergence(torch.zeros(5, 8)) == 0
    gaussian = torch.randn(50, 8)
    mean, logs = gaussian.chunk(2, dim=1)
    exact = kl_divergence(Normal(mean, (logs / 2).exp()), Normal(0.0, 1.0)).mean()
    assert torch.isclose(divergence(gaussian), exact)
    assert not torch.isclose(
        kl_divergence(Normal(mean, logs.exp()), Normal(0.0, 1.0)).mean(), exact
    )


MISSPELT = {"red": "redd", "green": "greeen", "blue": "bluue", "yellow": "yelow"}


class Whole(Text):
    """The look-alike: whole words are hashed."""

    def tensor(self, rows):
        found = torch.zeros(len(rows), self.buckets)
        for number, row in enumerate(rows.numpy()):
            for word, count in Counter(words_of(self.text(row))).items():
                found[number, zlib.crc32(word.encode()) % self.buckets] = count
        return torch.nn.functional.normalize(found, dim=1)


@torch.no_grad()
def found_colors(encoder, field):
    """The colours that lie nearest to misspelt ones, by the vectors of whole captions."""
    encoder.eval()

    def vectors(words):
        texts = [f"a large {word} square on sea" for word in words]
        return encoder(field.tensor(torch.from_numpy(np.stack([field.read(t) for t in texts]))))

    known, asked = vectors(COLORS), vectors(MISSPELT[color] for color in COLORS)
    near = cosine_similarity(asked[:, None], known[None], dim=2).argmax(dim=1)
    return [list(COLORS)[k] for k in near.tolist()]


def test_an_unseen_spelling_lands_near_the_seen_one(learnt):
    encoder = learnt[0].networks["text"]
    seen = {word for caption in TOY.captions for word in words_of(caption)}
    assert not seen & set(MISSPELT.values()) and seen > set(MISSPELT)
    assert found_colors(encoder, FIELD) == list(COLORS)
    assert found_colors(encoder, Whole(64, 1024)) != list(COLORS)


def test_the_order_of_words_counts():
    one, other, again = FIELD.tensor(
        rows_of(["red disc on green", "green disc on red", "Red  disc, on GREEN"])
    )
    assert torch.equal(one, again) and not torch.equal(one, other)


def test_the_encoder_of_texts_stays_as_it_is_once_the_gan_begins(learnt):
    algorithm, read = learnt
    for name, value in algorithm.networks["text"].state_dict().items():
        assert torch.equal(value, read[name])
    assert algorithm.last_start == SMALL["reading"]


def test_captions_and_noise_change_all_heads(learnt):
    algorithm = learnt[0]
    torch.manual_seed(0)
    with torch.no_grad():
        first = tensors(algorithm)
        generator = algorithm.networks["G"]
        told = first["gaussian"].chunk(2, dim=1)[0]
        plain = generator(told, first["z"])
        for changed in (generator(told.roll(1, 0), first["z"]), generator(told, -first["z"])):
            for stage, size in enumerate(head_sizes(SPEC)):
                gap = (generator.head(changed, stage) - generator.head(plain, stage)).abs()
                assert gap.shape == (len(FRESH), 3, size.height, size.width) and gap.max() > 1e-3


@pytest.mark.parametrize(
    ("side", "sides"), [(8, [8]), (16, [8, 16]), (30, [15, 30]), (64, [16, 32, 64])]
)
def test_heads_grow_to_the_images_size(side, sides):
    task = find("stackgan").takes.task((), ImageSpec(side, side, 1))
    algorithm = build("stackgan", task, SMALL)
    assert [size.height for size in head_sizes(task.image)] == sides
    assert [name for name in algorithm.networks if name[:2] == "D_"] == [f"D_{s}" for s in sides]
    given = {
        CONDITION: torch.rand(3, 2048), "image": torch.rand(3, 1, side, side),
        "z": torch.randn(3, 8), "about": torch.randn(3, 16),
    }  # fmt: skip
    t = Tensors(algorithm.networks, algorithm.tensors, given, {}, no_augmentation)
    assert t["fake"].shape == (3, 1, side, side) and t["fake"].dtype == torch.float32
    for phase in algorithm.phases:
        assert all(torch.isfinite(term.formula(t)) for term in phase.terms.values())


def test_what_it_cannot_make_is_told():
    nothing = Task({"image": PLAIN.fields["image"]}, (), ("image",), (("image",),))
    with pytest.raises(SynthgenError, match="from captions or attributes: none are given"):
        build("stackgan", nothing, {})
    with pytest.raises(SynthgenError, match="it takes 8 px and more"):
        build("stackgan", find("stackgan").takes.task((), ImageSpec(4, 4, 3)), {})
