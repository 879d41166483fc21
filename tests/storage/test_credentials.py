"""Passwords, keys and signatures of URLs are used, and written down and shown nowhere."""

import logging

import pytest

from synthgen.cli.train import _name
from synthgen.generators.zoo import short_name
from synthgen.machine.progress import LOGGER, say
from synthgen.spec.credentials import blotted, without_credentials
from synthgen.spec.errors import SynthgenError
from synthgen.spec.settings.sample import SampleSettings
from synthgen.spec.settings.train import TrainSettings
from synthgen.stages.train.folder import begin, begun

SECRET = "s3://KEY:s3/cr%2Bet@bucket/photos"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("sftp://me:pw@host/x", "sftp://***@host/x"),
        ("sftp://me@host/x", "sftp://***@host/x"),
        ("s3://KEY:se/cr+et@bucket/x", "s3://***@bucket/x"),
        (f"no {SECRET}, sorry", "no s3://***@bucket/photos, sorry"),
        ("https://h/x?a=1&X-Amz-Signature=12&b=2", "https://h/x?a=1&X-Amz-Signature=***&b=2"),
        ("https://h/x?sv=1&sig=a%2Fb", "https://h/x?sv=1&sig=***"),
        ("https://h/x?AWSAccessKeyId=AK&Expires=9", "https://h/x?AWSAccessKeyId=***&Expires=9"),
        ("s3://bucket/plain@name", "s3://bucket/plain@name"),
        ("write to me@host.org, at 10:30", "write to me@host.org, at 10:30"),
    ],
)
def test_they_are_blotted_out_and_nothing_else_is(text, shown):
    assert without_credentials(text) == shown
    assert str(SynthgenError(text)) == shown


def test_a_training_run_records_none_and_knows_itself_again(tmp_path):
    values = {
        "data": SECRET,
        "source": "https://h/x?X-Amz-Signature=12",
        "out": str(tmp_path / "r"),
    }
    begin(tmp_path / "r", TrainSettings.parse(values))
    written = (tmp_path / "r" / "settings.json").read_text()
    for secret in ("KEY", "s3/cr", "=12"):
        assert secret not in written
    renewed = {**values, "source": "https://h/x?X-Amz-Signature=34"}
    assert begun(tmp_path / "r", TrainSettings.parse(renewed))
    with pytest.raises(SynthgenError, match=r"data='s3://\*\*\*@bucket/photos'") as fault:
        begun(tmp_path / "r", TrainSettings.parse({**values, "data": "s3://A:B@bucket/other"}))
    assert "KEY" not in str(fault.value) and "A:B" not in str(fault.value)


def test_a_dataset_records_none():
    values = {"n": 1, "source": SECRET, "generator": SECRET, "out": SECRET}
    record = blotted(SampleSettings.parse(values).model_dump(mode="json"))
    assert "KEY" not in str(record) and record["source"] == "s3://***@bucket/photos"


def test_settings_inside_of_settings_have_none_either():
    record = {"utility_settings": {"test": SECRET, "seeds": 2}}
    assert blotted(record) == {"utility_settings": {"test": "s3://***@bucket/photos", "seeds": 2}}


def test_names_made_of_urls_have_none():
    assert short_name(SECRET) == _name(SECRET) == "photos"
    assert short_name("s3://KEY:secret@bucket/run/bundle") == "run"
    assert _name("s3://KEY:secret@bucket") == "bucket"


def test_the_log_has_none(monkeypatch):
    said = []
    handler = logging.Handler()
    monkeypatch.setattr(handler, "emit", lambda record: said.append(record.getMessage()))
    LOGGER.addHandler(handler)
    try:
        say(f"reading {SECRET}")
    finally:
        LOGGER.removeHandler(handler)
    assert said == ["reading s3://***@bucket/photos"]


def test_wrong_settings_are_answered_without_them():
    with pytest.raises(SynthgenError) as fault:
        SampleSettings.parse({"n": SECRET})
    assert "KEY" not in str(fault.value)
