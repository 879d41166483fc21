"""What the tests of all uses share: small runs, every command in turn, and runs that are killed."""

from __future__ import annotations

import json
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import datasets

from synthgen.cli.main import main
from synthgen.data.cells import PICTURED
from synthgen.dataset.codecs.registry import codec_of
from synthgen.generators.zoo import load_generator
from synthgen.spec.settings.sample import SampleSettings
from synthgen.spec.settings.train import TrainSettings
from synthgen.stages.sample.report import SampleReport
from synthgen.stages.sample.stage import sample
from synthgen.stages.train.stage import train

TINY = {
    "images": 256, "batch_size": 16, "ticks": 2, "score_samples": 32, "classifier_images": 256,
    "device": "cpu", "precision": "fp32", "resolution": 16,
}  # fmt: skip
"""Settings of a training run of seconds."""
PLAIN = {"filters": "none", "device": "cpu", "precision": "fp32"}
"""Settings of a dataset whose bytes do not depend on the machine."""


def runs_in(out: Path, values: Callable[[str], dict[str, Any]]) -> Callable[[str], Path]:
    """A function that gives the finished run of a name, of the settings that ``values`` gives for
    it; each is trained when it is first asked for."""

    def run(name: str) -> Path:
        if not (out / name).exists():
            train(TrainSettings.parse({**values(name), "out": str(out / name)}))
        return out / name

    return run


def sampled(generator: Path, given: Path, out: Path, **changes: Any) -> SampleReport:
    """The report of a dataset made of the rows ``given``: settings in :data:`PLAIN`, but for the
    ``changes``, which have ``n``."""
    settings = {**PLAIN, "generator": str(generator), "source": str(given), "out": str(out)}
    return sample(SampleSettings.parse({**settings, **changes}))


def command(*arguments: object) -> Any:
    """Run the command line in this process; its exit code, ``None`` where it ends well."""
    before, sys.argv = sys.argv, ["synthgen", *map(str, arguments)]
    try:
        main()
    except SystemExit as end:
        return end.code
    finally:
        sys.argv = before


def stored(root, generator):
    """A dataset, and the stored rows of its image and of all that was given, by column."""
    data = datasets.load_dataset(str(root), split="train")
    plain = data.with_format("arrow")[:]
    fields = generator.task.fields
    names = [name for name in ("image", *generator.given) if name in fields]
    return data, {n: codec_of(fields[n]).decode(plain.column(n).to_pylist()) for n in names}


def every_command(
    first: Path, second: Path, generator: Path, real: tuple, folder: Path, capsys,
    filters: object = "default",
):  # fmt: skip
    """Verify, filter, merge, repair, reproduce, export, evaluate, report and load a dataset of
    several shards with its rejects, and another of the same generator.

    ``real`` are the options that name its real images, ``filters`` some that keep any of them.
    """
    made_by = ("--generator", generator)
    before = {path.name: path.read_bytes() for path in (first / "data").iterdir()}
    assert command("verify", first) in (0, None)
    filtered = ("filter", first, "--out", folder / "f", "--filters", filters, *made_by)
    assert command(*filtered) in (0, None)
    assert command("merge", first, second, "--out", folder / "m") in (0, None)
    (first / "data" / "train-00001.parquet").unlink()
    assert command("repair", first, *made_by) in (0, None)
    assert {path.name: path.read_bytes() for path in (first / "data").iterdir()} == before
    capsys.readouterr()
    assert command("reproduce", first, "--row", 3, *made_by) in (0, None)
    assert "the same pixels" in capsys.readouterr().out
    exported = ("export", folder / "m", "--format", "imagefolder", "--out", folder / "e")
    assert command(*exported) in (0, None)
    loaded = load_generator(str(generator), "cpu", "fp32")
    given = loaded.given
    if isinstance(loaded.task.fields[given[0]], PICTURED):
        assert len(list((folder / "e").rglob(f"*.{given[0]}.png"))) > 20
    else:
        lines = (folder / "e" / "train" / "metadata.jsonl").read_text().splitlines()
        assert len(lines) > 20 and all(json.loads(line)[given[0]] for line in lines)
    assert command("evaluate", first, *real, *made_by, "--device", "cpu") in (0, None)
    assert command("report", first) in (0, None)
    page = (first / "report" / "report.html").read_text()
    assert f"Given: {given[0]}" in page and "What was given, and what was made" in page
    assert "<script" not in page
    for each in (first, folder / "f", folder / "m"):
        assert command("verify", each) in (0, None)
        assert len(datasets.load_dataset(str(each), split="train"))


def same_bytes_anyhow(plain: list, wanted: Path, folder: Path, commands) -> None:
    """Two workers make the shards of the dataset ``wanted``, and so does a run that is killed and
    goes on; ``plain`` is its command without ``--out``."""
    data = {path.name: path.read_bytes() for path in (wanted / "data").iterdir()}
    commands.run(*plain, "--out", folder / "two", "--workers", 2)
    assert {p.name: p.read_bytes() for p in (folder / "two" / "data").iterdir()} == data
    same_bytes_after_a_kill(plain, wanted, folder, commands)


def same_bytes_after_a_kill(plain: list, wanted: Path, folder: Path, commands) -> None:
    """A run that is killed and goes on makes the shards of the dataset ``wanted``; ``plain`` is its
    command without ``--out``."""
    data = {path.name: path.read_bytes() for path in (wanted / "data").iterdir()}
    killed = commands.start(*plain, "--out", folder / "killed", faults={40: signal.SIGKILL})
    assert killed.wait() != 0
    commands.run(*plain, "--out", folder / "killed")
    assert {p.name: p.read_bytes() for p in (folder / "killed" / "data").iterdir()} == data


def same_weights_from_the_middle(done: Path, values: dict, out: Path) -> None:
    """A copy of the finished run ``done``, without what its last tick left, goes on to the same
    weights; ``values`` are its settings without ``out``."""
    shutil.copytree(done, out)
    shutil.rmtree(out / "bundle")
    newest = sorted((out / "checkpoints").iterdir())
    shutil.rmtree(newest[-1])
    text = (out / "settings.json").read_text().replace(str(done), str(out))
    (out / "settings.json").write_text(text)
    bundle = train(TrainSettings.parse({**values, "out": str(out)}))
    name = "generator.safetensors"
    assert (bundle / name).read_bytes() == (done / "bundle" / name).read_bytes()
