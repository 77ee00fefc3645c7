"""What holds for the project as a whole: light import, one-way layers, no hosts, no output."""

from __future__ import annotations

import ast
import base64
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import envkit

ROOT = Path(__file__).resolve().parent.parent
SOURCES = sorted((ROOT / "envkit").rglob("*.py"))


def test_importing_envkit_loads_nothing_heavy():
    code = (
        "import sys; before = set(sys.modules); import envkit; new = set(sys.modules) - before;"
        "print(sorted(name for name in new if not name.startswith('_')))"
    )
    done = subprocess.run([sys.executable, "-I", "-S", "-c", f"import sys; sys.path.insert(0, {str(ROOT)!r}); {code}"],
                          capture_output=True, text=True, check=True)  # fmt: skip
    assert ast.literal_eval(done.stdout) == ["envkit"]


@pytest.mark.parametrize("name", [name for name in dir(envkit) if not name.startswith("_")])
def test_every_public_name_can_be_reached(name):
    assert getattr(envkit, name) is not None


def test_all_names_what_the_type_checkers_see():
    tree = ast.parse((ROOT / "envkit/__init__.py").read_text())
    shown = {alias.asname for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for alias in node.names
             if alias.asname}  # fmt: skip
    assert shown | {"__version__"} == set(envkit.__all__)
    assert set(envkit.__all__) <= set(dir(envkit))


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = envkit.no_such_name


def test_the_layers_of_the_page_are_the_layers_of_the_contract():
    contract = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"][0]["layers"]
    page = (ROOT / "ARCHITECTURE.md").read_text()
    block = re.search(r"```layers\n(.*?)```", page, re.DOTALL)
    assert block is not None
    shown = [line.partition("  ")[0].strip() for line in block[1].strip().splitlines()]
    assert shown == contract


def test_the_resolver_alone_imports_resolvelib_and_so_on():
    homes = {"resolvelib": ("resolve",), "installer": ("installation", "wheels"), "build": ("wheels",),
             "distlib": ("index",)}  # fmt: skip
    for path in SOURCES:
        layer = path.relative_to(ROOT / "envkit").parts[0]
        for node in ast.walk(ast.parse(path.read_text())):
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and not node.level:
                names = [node.module or ""]
            for name in names:
                allowed = homes.get(name.partition(".")[0])
                assert allowed is None or layer in allowed, f"{path}: {name}"


def test_no_package_imports_its_own_modules_while_it_is_imported():
    """Two threads, one that imports the package and one that imports the module, would each hold what the other waits for.

    Python breaks that by giving one of them a module that is half there.
    """
    for path in SOURCES:
        if path.name == "__init__.py":
            package = ".".join(path.relative_to(ROOT).parts[:-1])
            # At the top alone: what is said for type checkers, or done inside functions, is deeper.
            for node in ast.parse(path.read_text()).body:
                names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
                if isinstance(node, ast.ImportFrom):
                    names = ["." * node.level + (node.module or "")]
                own = [name for name in names if name.startswith((f"{package}.", ".")) or name == package]
                assert own == [], f"{path}: {own}"


def test_only_kit_reads_the_processs_variables_and_nothing_prints():
    for path in SOURCES:
        inside = path.relative_to(ROOT / "envkit").as_posix()
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                assert node.func.id != "print" or inside.startswith(PROBES), f"{path}:{node.lineno} prints"
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "os":
                reads = node.attr in ("environ", "getenv", "putenv", "chdir")
                assert not reads or inside.startswith(("kit/", *PROBES)), f"{path}:{node.lineno} os.{node.attr}"


# Scripts that run in other Pythons, where printing is how they answer; and what hands variables on to other programs.
PROBES = (
    "interpreter/_probe",
    "interpreter/probe_script",
    "host/processes",
    "installation/_compile",
    "environment/scripts/",
    "wheels/_",
)


def test_no_tracked_file_names_a_public_registry():
    done = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        pytest.skip("not a git checkout")
    # kept encoded so that this file does not name them either
    hosts = [base64.b64decode(text) for text in (b"cHlwaS5vcmc=", b"cHl0aG9uaG9zdGVkLm9yZw==", b"cHlwaS5weXRob24ub3Jn")]
    guilty = []
    for name in done.stdout.splitlines():
        path = ROOT / name
        if path.is_file() and any(host in path.read_bytes() for host in hosts):
            guilty.append(name)
    assert guilty == []


def test_there_is_no_command_line():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert "scripts" not in project
    assert "gui-scripts" not in project
    assert not (ROOT / "envkit/__main__.py").exists()
