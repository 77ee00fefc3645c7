"""The public contract, name by name: what is promised can be called as it is promised, with the defaults that are."""

from __future__ import annotations

import dataclasses
import inspect
import typing
import venv

import pytest

import envkit
import envkit.events
import envkit.testing
from envkit.testing.source import MemorySource
from envkit.testing.supply import FolderSupply

X = object()

# name: what it is called with, as positions and keywords; defaults that are promised
CALLS = {
    "create": ((X,), {"python": X}, {"python": None}),
    "install": ((X, X), {}, {}),
    "freeze": ((X,), {}, {}),
    "find_interpreters": ((X,), {}, {}),
    "EnvBuilder.create": ((X, X), {}, {}),
    "Resolver": ((X, X), {"policy": X, "solver": X, "reporter": X}, {"reporter": None}),
    "Resolver.resolve": (
        (X, X),
        {"constraints": X, "overrides": X, "preferences": X},
        {"constraints": (), "overrides": (), "preferences": ()},
    ),
    "Resolver.lock": (
        (X, X),
        {"requires_python": X, "environments": X, "required_environments": X, "conflicts": X, "groups": X},
        {"requires_python": ">=3.9", "environments": (), "required_environments": (), "conflicts": ()},
    ),
    "Installer": (
        (X, X),
        {"link_mode": X, "compile_bytecode": X, "reporter": X},
        {"link_mode": "auto", "reporter": None},
    ),
    "Installer.plan": ((X, X), {"mode": X}, {"mode": "install"}),
    "Installer.apply": ((X, X), {}, {}),
    "Installer.uninstall": ((X, X), {}, {}),
    "Freezer": ((X,), {}, {}),
    "Freezer.freeze": ((X,), {}, {}),
    "Freezer.pylock": ((X,), {}, {}),
    "Freezer.report": ((X,), {}, {}),
    "Freezer.check": ((X,), {}, {}),
    "Freezer.tree": ((X,), {}, {}),
    "Freezer.list": ((X,), {}, {}),
    "Freezer.show": ((X, X), {}, {}),
    "Freezer.why": ((X, X), {}, {}),
    "Freezer.orphans": ((X,), {}, {}),
    "Index": ((X,), {"name": X, "explicit": X, "format": X, "priority": X}, {}),
    "Kit": (
        (),
        {
            "indexes": X, "find_links": X, "cache_dir": X, "offline": X, "policy": X, "credentials": X, "reporter": X,
            "executor": X, "cancel": X,
        },
        {
            "indexes": (envkit.PYPI,), "find_links": (), "cache_dir": None, "offline": False, "credentials": None,
            "reporter": None, "executor": None, "cancel": None,
        },
    ),
    "Kit.from_environment": ((), {}, {}),
    "Kit.create": ((X, X, X), {}, {"python": None}),
    "Kit.resolve": (
        (X, X),
        {"target": X, "constraints": X, "overrides": X},
        {"constraints": (), "overrides": ()},
    ),
    "Kit.plan": ((X, X, X), {"mode": X}, {"mode": "install"}),
    "Kit.apply": ((X, X, X), {"compile_bytecode": X}, {"compile_bytecode": None}),
    "Kit.install": (
        (X, X, X),
        {"upgrade": X, "upgrade_strategy": X, "constraints": X},
        {"upgrade": False, "upgrade_strategy": "only-if-needed", "constraints": ()},
    ),
    "Kit.uninstall": ((X, X, X), {}, {}),
    "Kit.sync": ((X, X, X), {}, {}),
    "Kit.freeze": ((X, X), {}, {}),
    "Kit.list": ((X, X), {}, {}),
    "Kit.show": ((X, X, X), {}, {}),
    "Kit.check": ((X, X), {}, {}),
    "Kit.outdated": ((X, X), {}, {}),
    "Kit.audit": ((X, X), {}, {}),
    "Kit.download": ((X, X, X), {"target": X}, {}),
    "Kit.wheel": ((X, X, X), {}, {}),
    "Kit.lock": ((X, X), {"requires_python": X}, {"requires_python": ">=3.9"}),
    "Editable": ((X,), {}, {}),
    "Interpreter.current": ((), {}, {}),
    "Interpreter.probe": ((X,), {}, {}),
    "Target.of": ((X,), {}, {}),
    "Target.for_python": ((X,), {"platform": X, "implementation": X}, {}),
    "Environment.open": ((X,), {}, {}),
    "Environment.current": ((), {}, {}),
    "Environment.distributions": ((X,), {}, {}),
    "Environment.run": ((X, X), {}, {}),
    "Resolution.explain": ((X, X), {}, {}),
    "Resolution.to_pylock": ((X,), {}, {}),
    "Resolution.to_requirements": ((X,), {}, {}),
    "Resolution.diff": ((X, X), {}, {}),
    "Lock.read": ((X,), {}, {}),
    "Lock.select": ((X, X), {"extras": X, "groups": X}, {"extras": ()}),
    "Lock.to_pylock": ((X,), {}, {}),
    "Lock.to_requirements": ((X,), {"hashes": X}, {}),
    "Lock.diff": ((X, X), {}, {}),
    "Lock.upgrade": ((X, X), {}, {}),
    "EnvkitError": ((X,), {"hint": X, "context": X}, {"hint": None, "context": None}),
    "CancelToken.cancel": ((X,), {}, {}),
}  # fmt: skip

FIELDS = {
    "Interpreter": "executable version implementation paths markers tags externally_managed",
    "Target": "python markers tags",
    "Environment": "root interpreter paths config",
    "ResolutionPolicy": (
        "prereleases strategy exclude_newer only_binary no_binary index_strategy require_hashes requires_python deadline "
        "max_rounds"
    ),
    "Resolution": "target roots pins edges",
    "Pin": "name version extras artifacts dependencies requested_by",
    "Lock": "requires_python packages",
    "InstallPlan": "add replace remove keep",
    "InstallReport": "changes warnings seconds",
}

ERRORS = {
    "InterpreterError": "EnvkitError",
    "VenvError": "EnvkitError",
    "ExternallyManaged": "VenvError",
    "RequirementError": "EnvkitError",
    "IndexAccessError": "EnvkitError",
    "ProjectNotFound": "IndexAccessError",
    "TransportError": "IndexAccessError",
    "HashMismatch": "IndexAccessError",
    "ResolutionError": "EnvkitError",
    "ResolutionImpossible": "ResolutionError",
    "ResolutionTooDeep": "ResolutionError",
    "NoCandidate": "ResolutionError",
    "WheelBuildError": "EnvkitError",
    "LockError": "EnvkitError",
    "InstallError": "EnvkitError",
    "InvalidWheel": "InstallError",
    "FileConflict": "InstallError",
    "StalePlan": "InstallError",
    "Cancelled": "EnvkitError",
}

EVENTS = ("DownloadAdvanced", "CandidatePinned", "ConflictFound", "BuildOutput", "WheelInstalled")


def find(name):
    found = envkit
    for part in name.split("."):
        found = getattr(found, part)
    return found


@pytest.mark.parametrize("name", CALLS)
def test_what_can_be_called(name):
    positions, keywords, defaults = CALLS[name]
    signature = inspect.signature(find(name))
    signature.bind(*positions, **keywords)
    for parameter, value in defaults.items():
        given = signature.parameters.get(parameter)
        if given is not None:  # else it is passed on
            assert given.default == value, parameter
    if keywords and not name.endswith("create"):
        assert keywords.keys() <= signature.parameters.keys(), (
            "each is named, so that editors and type checkers know it"
        )


@pytest.mark.parametrize("name", FIELDS)
def test_what_values_tell(name):
    for field in FIELDS[name].split():
        known = {one.name for one in dataclasses.fields(find(name))} if dataclasses.is_dataclass(find(name)) else set()
        assert field in known or hasattr(find(name), field) or field in find(name).__annotations__, field


@pytest.mark.parametrize(
    "name", ["Environment", "Interpreter", "Target", "Resolution", "Pin", "Lock", "InstallPlan", "InstallReport"]
)
def test_values_go_to_dictionaries_and_back(name):
    assert callable(find(name).to_dict)
    assert callable(find(name).from_dict)


@pytest.mark.parametrize("name", ERRORS)
def test_the_tree_of_errors(name):
    assert issubclass(find(name), find(ERRORS[name]))
    code = find(name).code
    assert code == code.lower()
    assert set(code) <= set("abcdefghijklmnopqrstuvwxyz-")


def test_errors_of_requirements_are_value_errors_with_a_place():
    assert issubclass(envkit.RequirementError, ValueError)
    error = envkit.RequirementError("no", file="r.txt", line=3)
    assert (error.file, error.line) == ("r.txt", 3)


def test_codes_tell_errors_apart():
    classes = [find(name) for name in ERRORS] + [envkit.EnvkitError]
    assert len({one.code for one in classes}) == len(classes)


@pytest.mark.parametrize("name", EVENTS)
def test_events(name):
    kind = getattr(envkit.events, name)
    assert dataclasses.is_dataclass(kind)
    assert kind.__dataclass_params__.frozen
    assert kind in typing.get_args(envkit.events.Event)
    assert "operation" in {field.name for field in dataclasses.fields(kind)}


def test_every_argument_of_the_standard_librarys_builder_is_taken():
    ours = inspect.signature(envkit.EnvBuilder.__init__)
    theirs = inspect.signature(venv.EnvBuilder.__init__)
    for name, parameter in theirs.parameters.items():
        assert name in ours.parameters, name
        if name != "self":
            assert ours.parameters[name].default == parameter.default, name
    assert {"interpreter", "relocatable", "activators", "scm_ignore_files"} <= ours.parameters.keys()


def test_what_tests_without_a_network_need():
    for kind in (MemorySource, FolderSupply):
        assert inspect.isclass(kind)


def test_all_names_are_there_and_typed():
    assert {name.partition(".")[0] for name in (*CALLS, *FIELDS, *ERRORS)} <= set(envkit.__all__)
    for name in envkit.__all__:
        assert getattr(envkit, name) is not None
    assert set(envkit.__all__) <= set(dir(envkit))
