import subprocess
import sys

import pytest

from synthgen.cli.main import COMMANDS


def run(*arguments, **options):
    """A process like a user's, which imports for seconds; ``commands`` forks one that need not."""
    return subprocess.run(
        [sys.executable, "-m", "synthgen", *map(str, arguments)],
        capture_output=True, text=True, check=False, **options,
    )  # fmt: skip


def test_help_imports_nothing_heavy():
    program = (
        "import sys; sys.argv = ['synthgen', '--help']\n"
        "from synthgen.cli.main import main\n"
        "try: main()\n"
        "finally: print([m for m in ('torch', 'pydantic', 'numpy') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip().endswith("[]")
    assert all(name in done.stdout for name in COMMANDS)


def test_importing_the_package_imports_nothing_heavy():
    program = "import synthgen, sys; print('torch' in sys.modules, 'datasets' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["False", "False"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["sample", "--n", "5", "--engine", "ray", "--deployment", "a/b"], "not both"),
        (["sample", "--n", "5", "--watch"], "--watch goes with --deployment"),
        (["filter", "nowhere", "--out", "x"], "is no finished synthgen dataset"),
        (["filter", "nowhere"], "'out' is needed"),
        (["evaluate", "nowhere", "--real", "x"], "is no finished synthgen dataset"),
        (["publish", "nowhere", "hf://a/b"], "is no finished synthgen dataset"),
        (["export", "nowhere", "--format", "imagefolder", "--out", "x"], "is no finished"),
        (["repair", "nowhere"], "holds no run to repair"),
        (["train", "--data", "x", "--algorithm", "cogan"], "learns from two domains"),
        (["smaple"], "did you mean 'sample'"),
        (["sample", "--n", "0"], "'n' is '0'"),
        (["sample", "--n", "5", "--classes", "coatt"], "did you mean 'coat'"),
        (["sample", "--n", "5", "--no-such-option"], "No such option"),
        (["sample", "--n", "5", "--classes", "coat", "--out", "/proc/nowhere"], "/proc/nowhere"),
        (["sample", "--n", "5", "--classes", "coat", "--device", "cuda:99"], "CUDA devices"),
        (["sample", "--n", "5", "--resume", "--overwrite"], "give one of"),
        (["sample", "--n", "5", "--splits", "train"], "is not KEY=VALUE"),
        (["train"], "'data' is needed"),
        (["train", "none.yaml"], "cannot read the settings file"),
        (["train", "--data", "./nowhere"], "no such folder"),
        (["train", "--data", "./nowhere", "--algorithm", "dcgann"], "did you mean 'dcgan'"),
        (["sample", "--n", "5", "--classes", "coat", "--out", "x" * 300], "File name too long"),
        (["verify", "."], "is no synthgen dataset"),
        (["generators", "show", "fashion-mnst-28"], "did you mean 'fashion-mnist-28'"),
    ],
)
def test_a_users_mistake_is_one_line_and_exit_code_2(arguments, words, commands, tmp_path):
    command = commands.start(*arguments, cwd=tmp_path, apart=True)
    assert command.wait() == 2
    told_in_one_line(command.complained, words)
    assert list(tmp_path.iterdir()) == []


def told_in_one_line(text, words):
    assert words in text
    assert "Traceback" not in text
    assert text.strip().splitlines()[-1].startswith("error: ")


def test_a_mistake_in_a_process_of_its_own(tmp_path):
    for arguments, words in [
        (["evaluate", "nowhere", "--real", "x"], "is no finished synthgen dataset"),
        (["train", "--data", "./nowhere"], "no such folder"),
    ]:
        done = run(*arguments, cwd=tmp_path)
        assert done.returncode == 2
        told_in_one_line(done.stderr, words)
        assert list(tmp_path.iterdir()) == []


def test_options_override_the_file(commands, tmp_path):
    (tmp_path / "run.yaml").write_text("classes: [bag, coat]\nn: 10\nseed: 3\n")
    done = commands.run("sample", "run.yaml", "--n", "12", "--dry-run", cwd=tmp_path, apart=True)
    assert "seed: 3" in done.answered and "class bag: 6" in done.answered
    (tmp_path / "run.yaml").write_text("clases: [bag]\nn: 10\n")
    mistaken = commands.start("sample", "run.yaml", cwd=tmp_path, apart=True)
    assert mistaken.wait() == 2
    assert "run.yaml: unknown key 'clases'; did you mean 'classes'" in mistaken.complained


def test_from_a_folder_of_images_to_a_dataset(digit_folder, tmp_path):
    """The README's way for one's own images, with a budget of seconds."""
    trained = run(
        "train", "--data", digit_folder, "--images", "2400", "--batch-size", "32", "--ticks", "2",
        "--classifier-images", "2000", "--options", "width=8,widest=32", "--out", "runs/digits",
        cwd=tmp_path,
    )  # fmt: skip
    assert trained.returncode == 0, trained.stderr[-2000:]
    assert "label classifier" in trained.stderr and "ETA" in trained.stderr
    sampled = run(
        "sample", "--generator", "runs/digits", "--classes", "two,one", "--n", "100",
        "--filters", "none", "--out", "out", cwd=tmp_path,
    )  # fmt: skip
    assert sampled.returncode == 0, sampled.stderr[-2000:]
    assert f'load it: datasets.load_dataset("{tmp_path.resolve() / "out"}")' in sampled.stdout
    verified = run("verify", "out", cwd=tmp_path)
    assert verified.returncode == 0 and "good: 100 images" in verified.stdout
    again = run("reproduce", "out", "--row", "7", "--generator", "runs/digits", cwd=tmp_path)
    assert again.returncode == 0 and "the same pixels" in again.stdout
    (tmp_path / "out/data/train-00000.parquet").unlink()
    assert run("verify", "out", cwd=tmp_path).returncode == 1


def test_lists(commands):
    assert "fashion-mnist-28" in commands.run("generators", "list", apart=True).answered
    assert "r3gan" in run("algorithms").stdout
    shown = commands.run("generators", "show", "fashion-mnist-28", apart=True)
    assert "images_shown: 200064" in shown.answered
