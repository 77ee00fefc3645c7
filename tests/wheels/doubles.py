"""Projects with backends of their own, and build environments that are just this interpreter."""

import io
import sys
import tarfile
from pathlib import Path

from envkit.cache import Cache
from envkit.events import Emitter
from envkit.wheels.builder import WheelBuilder
from envkit.wheels.settings import BuildSettings
from envkit.wheels.trees import ArchiveTree, FolderTree

BACKEND = """
import base64, hashlib, json, os, sys, zipfile

HERE = os.path.dirname(os.path.abspath(__file__))


def _facts():
    with open(os.path.join(os.getcwd(), "facts.json")) as stream:
        return json.load(stream)


def _metadata(facts):
    lines = ["Metadata-Version: 2.1", "Name: " + facts["name"], "Version: " + facts["version"]]
    return "\\n".join(lines + ["Requires-Dist: " + item for item in facts.get("requires", [])]) + "\\n\\n"


def _note(what):
    with open(os.environ["BUILD_LOG"], "a") as stream:
        stream.write(what + "\\n")


def _write(folder, files, facts):
    name = "{}-{}-py3-none-any.whl".format(facts["name"].replace("-", "_"), facts["version"])
    info = "{}-{}.dist-info".format(facts["name"].replace("-", "_"), facts["version"])
    files = dict(files)
    files[info + "/METADATA"] = _metadata(facts)
    files[info + "/WHEEL"] = "Wheel-Version: 1.0\\nGenerator: test\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n"
    rows = []
    for path, text in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
        rows.append("{},sha256={},{}".format(path, digest, len(text.encode())))
    files[info + "/RECORD"] = "\\n".join(rows + [info + "/RECORD,,"]) + "\\n"
    with zipfile.ZipFile(os.path.join(folder, name), "w") as archive:
        for path, text in files.items():
            archive.writestr(path, text)
    return name


def get_requires_for_build_wheel(config_settings=None):
    _note("requires")
    return _facts().get("dynamic", [])


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    _note("wheel")
    print("building", json.dumps(config_settings))
    facts = _facts()
    exec(facts.get("run", ""))
    module = facts["name"].replace("-", "_")
    with open(os.path.join(os.getcwd(), "module.py")) as stream:
        return _write(wheel_directory, {module + ".py": stream.read()}, facts)


def get_requires_for_build_editable(config_settings=None):
    return []


def build_editable(wheel_directory, config_settings=None, metadata_directory=None):
    _note("editable")
    facts = _facts()
    return _write(wheel_directory, {"_" + facts["name"].replace("-", "_") + ".pth": os.getcwd() + "\\n"}, facts)
"""
PREPARE = """

def prepare_metadata_for_build_wheel(metadata_directory, config_settings=None):
    _note("metadata")
    facts = _facts()
    info = "{}-{}.dist-info".format(facts["name"].replace("-", "_"), facts["version"])
    os.mkdir(os.path.join(metadata_directory, info))
    with open(os.path.join(metadata_directory, info, "METADATA"), "w") as stream:
        stream.write(_metadata(facts))
    return info
"""


def project_files(facts, *, prepare=True, requires=(), backend=BACKEND, module="value = 1\n"):
    import json

    listed = ", ".join(f'"{item}"' for item in requires)
    return {
        "pyproject.toml": f'[build-system]\nrequires = [{listed}]\nbuild-backend = "own"\nbackend-path = ["tools"]\n',
        "tools/own.py": backend + (PREPARE if prepare else ""),
        "facts.json": json.dumps(facts),
        "module.py": module,
    }


def write_project(folder, facts, **options):
    for path, text in project_files(facts, **options).items():
        target = Path(folder) / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
    return folder


def sdist_of(folder, facts, **options):
    """An sdist without static metadata."""
    stem = f"{facts['name'].replace('-', '_')}-{facts['version']}"
    path = Path(folder) / f"{stem}.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        for name, text in project_files(facts, **options).items():
            member = tarfile.TarInfo(f"{stem}/{name}")
            member.size = len(text.encode())
            archive.addfile(member, io.BytesIO(text.encode()))
    return path


class Requirements:
    def __init__(self, texts, choice):
        self.texts = tuple(sorted(texts))
        self.fingerprint = repr((self.texts, choice))


class Here:
    scripts = None

    def __init__(self, log):
        self.python = sys.executable
        self.log = log

    def update(self, requirements):
        self.log.append(("update", requirements.texts))

    def close(self):
        self.log.append(("close",))


class Environments:
    """Installs nothing. *choice* stands for what a resolution would choose; *nested* is called for each resolution."""

    interpreter = "this"

    def __init__(self):
        self.log = []
        self.choice = 1
        self.nested = None

    def resolve(self, requirements, *, chain):
        if self.nested is not None:
            self.nested(requirements, chain)
        return Requirements(requirements, self.choice)

    def make(self, requirements, *, chain):
        self.log.append(("make", requirements.texts))
        return Here(self.log)

    def shared(self):
        self.log.append(("shared",))
        return Here([])


class Bench:
    """A builder with all that a test wants to look at."""

    def __init__(self, tmp_path, *, cancel=None, environ=None, chain=(), **settings):
        self.environments = Environments()
        self.events = []
        self.cache = Cache(tmp_path / "cache")
        self.ran_file = tmp_path / "ran.txt"
        settings.setdefault("variables", {"BUILD_LOG": str(self.ran_file)})
        import os

        self.builder = WheelBuilder(
            self.environments,
            self.cache,
            settings=BuildSettings(**settings),
            environ={"PATH": os.environ["PATH"]} if environ is None else environ,
            emitter=Emitter(self.events.append, cancel=cancel),
            chain=chain,
        )

    def ran(self):
        return self.ran_file.read_text().split() if self.ran_file.exists() else []

    def seen(self, kind):
        return [event for event in self.events if type(event).__name__ == kind]


def sdist_tree(path, *, name=None, version=None, identity="auto"):
    import hashlib

    digest = hashlib.sha256(Path(path).read_bytes()).hexdigest() if identity == "auto" else identity
    return ArchiveTree(
        subject=f"{name or Path(path).name} {version or ''}".strip(),
        name=name,
        version=version,
        identity=digest,
        sdist=True,
        path=str(path),
        filename=Path(path).name,
    )


def folder_tree(path, **options):
    return FolderTree(subject=str(path), path=str(path), **options)
