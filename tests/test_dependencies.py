"""What synthgen brings along: licences are listed, and known vulnerabilities are looked for."""

import importlib.util
import subprocess
import time
from pathlib import Path

import pytest

CI = Path(__file__).parent.parent / ".ci"


def load(name):
    spec = importlib.util.spec_from_file_location(name, CI / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_list_of_licences_names_what_is_needed_and_no_more():
    licences = load("licences")
    needed = set(licences.tree(licences.EXTRAS))
    assert {"torch", "pyarrow", "click", "s3fs", "botocore"} <= needed and len(needed) > 50
    assert needed == licences.listed(licences.PAGE.read_text()), "run python .ci/licences.py"


def test_every_dependency_of_the_project_file_is_in_it():
    import tomllib

    from packaging.requirements import Requirement
    from packaging.utils import canonicalize_name

    licences = load("licences")
    project = tomllib.loads((CI.parent / "pyproject.toml").read_text())["project"]
    names = {canonicalize_name(Requirement(text).name) for text in project["dependencies"]}
    assert names <= licences.listed(licences.PAGE.read_text())


def test_what_every_extra_names_is_in_it():
    import tomllib

    from packaging.requirements import Requirement

    project = tomllib.loads((CI.parent / "pyproject.toml").read_text())["project"]
    text = load("licences").PAGE.read_text()
    for extra in ("s3", "gcs", "ray"):
        for needed in project["optional-dependencies"][extra]:
            assert f"\n| {Requirement(needed).name} | " in text, needed


def test_a_page_that_is_not_current_fails(tmp_path, monkeypatch):
    licences = load("licences")
    page = tmp_path / "licences.md"
    page.write_text(licences.PAGE.read_text().replace("| click | ", "| klick | "))
    monkeypatch.setattr(licences, "PAGE", page)
    monkeypatch.setattr("sys.argv", ["licences.py", "--check"])
    with pytest.raises(SystemExit, match="click, klick"):
        licences.main()


def test_the_audit_is_skipped_in_plain_words_without_a_network(monkeypatch, capsys):
    audit = load("audit")

    def nowhere(address, timeout):
        assert timeout <= 5
        raise OSError("no route to host")

    monkeypatch.setattr(audit.socket, "create_connection", nowhere)
    begin = time.monotonic()
    assert audit.audit() == 0 and time.monotonic() - begin < 5
    assert "skipped: api.osv.dev cannot be reached" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("code", "said", "result"),
    [(0, "No known vulnerabilities found", 0),
     (1, "Found 2 known vulnerabilities in 1 package", 1),
     (1, "Traceback: the service answers nonsense", 0)],
)  # fmt: skip
def test_only_what_is_found_fails(monkeypatch, code, said, result):
    audit = load("audit")
    monkeypatch.setattr(audit, "reachable", lambda: None)
    monkeypatch.setattr(audit.venv, "create", lambda *rest, **more: None)
    monkeypatch.setattr(
        audit.subprocess, "run",
        lambda arguments, **rest: subprocess.CompletedProcess(arguments, code, "", said),
    )  # fmt: skip
    assert audit.audit() == result


def test_an_audit_that_hangs_is_given_up(monkeypatch, capsys):
    audit = load("audit")
    monkeypatch.setattr(audit, "reachable", lambda: None)
    monkeypatch.setattr(audit.venv, "create", lambda *rest, **more: None)

    def hang(arguments, timeout, **rest):
        raise subprocess.TimeoutExpired(arguments, timeout)

    monkeypatch.setattr(audit.subprocess, "run", hang)
    assert audit.audit() == 0 and "skipped: pip-audit does not run" in capsys.readouterr().out


def test_ci_runs_both():
    text = (CI / "run").read_text()
    assert "python .ci/licences.py --check" in text and "python .ci/audit.py" in text
