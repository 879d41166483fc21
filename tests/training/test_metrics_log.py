"""The log of a training as a table."""

import pytest

import synthgen
from synthgen.spec.errors import SynthgenError
from synthgen.training.metrics_log import MetricsLog


def test_a_run_is_read_as_a_table(tmp_path):
    log = MetricsLog(tmp_path / "metrics.jsonl")
    log.append({"images": 0, "attempt": 0, "score": 9.5})
    log.append({"images": 100, "attempt": 0, "event": "diverged"})
    with log.path.open("a") as file:
        file.write('{"images": 2')  # cut short by a kill
    table = synthgen.read_metrics(tmp_path)
    assert table["images"].tolist() == [0, 100]
    assert table["score"][0] == 9.5 and table["score"].isna()[1]
    assert table["event"][1] == "diverged"


def test_another_folder_is_refused(tmp_path):
    with pytest.raises(SynthgenError, match="holds no training run"):
        synthgen.read_metrics(tmp_path)
