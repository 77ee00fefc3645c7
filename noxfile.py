"""Everything that contributors run, each in an environment of its own: ``nox -l`` lists it."""

from __future__ import annotations

import nox

nox.needs_version = ">=2025.5"
nox.options.sessions = ["lint", "types", "imports", "tests"]
nox.options.error_on_missing_interpreters = False

PROJECT = nox.project.load_toml("pyproject.toml")
TEST_PYTHONS = ["3.11", "3.12", "3.13"]


def _group(name: str) -> list[str]:
    return nox.project.dependency_groups(PROJECT, name)


@nox.session
def lint(session: nox.Session) -> None:
    """Check style and news fragments."""
    session.install(*_group("lint"))
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")


@nox.session
def types(session: nox.Session) -> None:
    """Check types, strictly, with two checkers."""
    session.install(".", *_group("types"))
    session.run("mypy")
    session.run("pyright")


@nox.session
def imports(session: nox.Session) -> None:
    """Check that imports go one way."""
    session.install("-e", ".", *_group("lint"))
    session.run("lint-imports", "--no-logo")


@nox.session(python=TEST_PYTHONS)
def tests(session: nox.Session) -> None:
    """Run the hermetic tests with branch coverage."""
    session.install(".[test]")
    session.run("coverage", "run", "-m", "pytest", "-m", "not slow and not live", *session.posargs)
    session.run("coverage", "combine")
    session.run("coverage", "report", "--skip-covered")


@nox.session
def minimums(session: nox.Session) -> None:
    """Run the hermetic tests with the lowest direct versions that the project allows."""
    session.install("uv")
    session.run("uv", "pip", "install", "--resolution", "lowest-direct", "--python", session.virtualenv.bin, ".[test]")
    session.run("python", "-m", "pytest", "-q", "-m", "not slow and not live", *session.posargs)


@nox.session
def live(session: nox.Session) -> None:
    """Run the tests that need PyPI."""
    session.install(".[test]")
    session.run("python", "-m", "pytest", "-m", "live and not slow", *session.posargs)


@nox.session
def trials(session: nox.Session) -> None:
    """Run the long trials: kills, fuzzing, many processes, many Pythons. Bounded to half an hour."""
    session.install(".[test]")
    session.run("timeout", "1800", "python", "-m", "pytest", "-m", "slow", *session.posargs, external=True)


@nox.session
def fuzz(session: nox.Session) -> None:
    """Draw many new examples in the property tests, which draw the same ones in each usual run."""
    session.install(".[test]")
    session.run("python", "-m", "pytest", "-n", "auto", *session.posargs, env={"HYPOTHESIS_PROFILE": "long"})


@nox.session
def demo(session: nox.Session) -> None:
    """Run the examples."""
    session.install(".")
    for example in ("quickstart", "ide_plugin"):
        session.run("python", f"examples/{example}.py")
    session.run("python", "examples/ci_setup.py", "examples/requirements.txt", "--directory", session.create_tmp())


@nox.session
def bench(session: nox.Session) -> None:
    """Time envkit against uv and pip on the recorded workloads."""
    session.install(".[test]", *_group("bench"))
    session.run("python", "-m", "benchmarks", *session.posargs)


@nox.session
def docs(session: nox.Session) -> None:
    """Build the documentation, warnings being errors, and run its code."""
    session.install(".[test]", *_group("docs"))
    session.run("sphinx-build", "-W", "-b", "html", "docs", "docs/_build/html")
    session.run("python", "-m", "pytest", "-q", "tests/test_docs.py")
