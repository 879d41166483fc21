"""No code of ours runs what it reads."""

import ast
from pathlib import Path

import pytest

CODE = [p for room in ("synthgen", "pipelines") for p in sorted(Path(room).rglob("*.py"))]
RUNS_CODE = {
    "pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve", "marshal", "zipfile",
}  # fmt: skip
CALLS = {
    "torch.load", "yaml.load", "yaml.full_load", "yaml.unsafe_load", "yaml.load_all", "eval",
    "exec", "os.system", "os.popen", "tempfile.mktemp", "shutil.unpack_archive", "pd.read_pickle",
    "pandas.read_pickle", "torch.jit.load", "torch.hub.load", "tarfile.extractall",
}  # fmt: skip


def test_there_is_code_to_look_at():
    assert len(CODE) > 100


ARCHIVES = Path("synthgen/data/archives.py")
"""The one file that reads archives, member by member, and writes none of them to disk."""


@pytest.mark.parametrize("path", CODE, ids=str)
def test_nothing_that_runs_what_it_reads(path):
    """No pickle in any form, no archive unpacked, YAML by the safe loader alone."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            imported = {alias.name.partition(".")[0] for alias in node.names}
            assert not RUNS_CODE & imported - ({"zipfile"} if path == ARCHIVES else set())
        if isinstance(node, ast.ImportFrom):
            assert (node.module or "").partition(".")[0] not in RUNS_CODE
        if isinstance(node, ast.Call):
            name = ast.unparse(node.func)
            given = {word.arg: ast.unparse(word.value) for word in node.keywords}
            assert name not in CALLS and given.get("shell") != "True", ast.unparse(node)
            if name in ("np.load", "numpy.load"):
                assert given.get("allow_pickle") == "False", ast.unparse(node)
            if name == "yaml.safe_load":
                assert path.name == "safe_yaml.py", "read YAML with spec/safe_yaml.py"
            if name in ("tarfile.open", "tar.open"):
                assert ast.unparse(node.args[1]) == ("'r:'" if path == ARCHIVES else "'w'")
            assert not name.endswith((".extractall", ".extract")), "nothing is unpacked to disk"
