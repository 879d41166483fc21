"""The house rules that a machine can hold: sizes, and imports without a circle."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
LINES_OF_A_FILE = 300
LINES_OF_A_FUNCTION = 60
PARAMETERS = 10
PACKAGES = ("synthgen", "pipelines", "benchmarks")


FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def files(*folders):
    return [path for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))]


def long_files(path):
    count = len(path.read_text().splitlines())
    return [f"has {count} lines"] if count > LINES_OF_A_FILE else []


def long_functions(path):
    found = (node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, FUNCTIONS))
    sizes = {node.name: node.end_lineno - node.lineno + 1 for node in found}
    return [f"{name} has {n} lines" for name, n in sizes.items() if n > LINES_OF_A_FUNCTION]


def wide_functions(path):
    found = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, FUNCTIONS):
            takes = node.args
            names = [a.arg for a in (*takes.posonlyargs, *takes.args, *takes.kwonlyargs)]
            count = len([name for name in names if name not in ("self", "cls")])
            count += (takes.vararg is not None) + (takes.kwarg is not None)
            if count > PARAMETERS:
                found.append(f"{node.name} takes {count}")
    return found


@pytest.mark.parametrize(
    ("rule", "folders"),
    [(long_files, (*PACKAGES, "tests")), (long_functions, PACKAGES), (wide_functions, PACKAGES)],
    ids=["files", "functions", "parameters"],
)
def test_nothing_is_too_large(rule, folders):
    found = [
        f"{path.relative_to(ROOT).as_posix()}: {text}"
        for path in files(*folders)
        for text in rule(path)
    ]
    assert found == []


def test_a_function_and_a_file_over_the_limits_are_found(tmp_path):
    path = tmp_path / "large.py"
    names = ", ".join(f"a{i}" for i in range(PARAMETERS + 1))
    path.write_text(f"def f(self, {names}):\n" + "    pass\n" * LINES_OF_A_FILE)
    assert long_files(path) and long_functions(path) and wide_functions(path)
    names = ", ".join(f"a{i}" for i in range(PARAMETERS))
    path.write_text(f"def f(self, {names}):\n" + "    pass\n" * (LINES_OF_A_FUNCTION - 1))
    assert not (long_files(path) or long_functions(path) or wide_functions(path))


def module_name(path):
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


class Imports(ast.NodeVisitor):
    """Modules that a module imports, at its top or in its functions, but not for types alone."""

    def __init__(self, known):
        self.known, self.found = known, set()

    def visit_If(self, node):
        if "TYPE_CHECKING" not in ast.unparse(node.test):
            self.generic_visit(node)

    def visit_Import(self, node):
        self.found |= {alias.name for alias in node.names} & self.known

    def visit_ImportFrom(self, node):
        inner = {f"{node.module}.{alias.name}" for alias in node.names} & self.known
        self.found |= inner or {node.module} & self.known


def circle(graph):
    """Modules that import each other in a circle; empty if none do."""
    done, path = set(), []

    def walk(module):
        if module in path:
            return [*path[path.index(module) :], module]
        if module in done:
            return []
        path.append(module)
        for other in sorted(graph[module]):
            if found := walk(other):
                return found
        done.add(path.pop())
        return []

    return next((found for module in sorted(graph) if (found := walk(module))), [])


def test_no_module_imports_itself_by_way_of_others():
    paths = {module_name(path): path for path in files("synthgen", "pipelines")}
    graph = {}
    for name, path in paths.items():
        imports = Imports(set(paths))
        imports.visit(ast.parse(path.read_text()))
        graph[name] = imports.found - {name}
    assert sum(map(len, graph.values())) > len(graph)  # it does see imports
    assert circle(graph) == []


def test_a_circle_of_imports_is_found():
    assert circle({"a": {"b"}, "b": {"c"}, "c": {"a"}}) == ["a", "b", "c", "a"]
    assert circle({"a": {"b", "c"}, "b": {"c"}, "c": set()}) == []


def test_the_long_test_files_that_come_first_are_there():
    text = Path(__file__).with_name("conftest.py").read_text()
    names = re.findall(r'^    "(\S+/test_\S+\.py)",$', text, re.MULTILINE)
    assert len(names) > 5
    assert [name for name in names if not (ROOT / "tests" / name).exists()] == []
