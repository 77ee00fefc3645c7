"""Python environments, resolution, installation and freezing, as a typed library.

Start with `create`, `install` and `freeze` for one thing with PyPI, with `Kit` for anything else: it holds indexes, a
cache and a policy, and does whole operations. Each layer also works alone: `EnvBuilder` makes environments, `Resolver`
chooses versions, `Installer` brings them in, `Freezer` says what is there; `envkit.formats` reads and writes files of
requirements and locks, `envkit.events` says what is going on, `envkit.testing` makes indexes and wheels for tests. All
errors are `EnvkitError`.

Names are loaded when first used (PEP 562), so importing this costs next to nothing.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from envkit.environment.environment import Environment as Environment
    from envkit.errors import BuildForbidden as BuildForbidden
    from envkit.errors import Cancelled as Cancelled
    from envkit.errors import EnvironmentBusy as EnvironmentBusy
    from envkit.errors import EnvkitError as EnvkitError
    from envkit.errors import ExternallyManaged as ExternallyManaged
    from envkit.errors import FileConflict as FileConflict
    from envkit.errors import HashMismatch as HashMismatch
    from envkit.errors import IndexAccessError as IndexAccessError
    from envkit.errors import InstallError as InstallError
    from envkit.errors import InterpreterError as InterpreterError
    from envkit.errors import InvalidSource as InvalidSource
    from envkit.errors import InvalidWheel as InvalidWheel
    from envkit.errors import LockError as LockError
    from envkit.errors import MetadataMismatch as MetadataMismatch
    from envkit.errors import MissingExtra as MissingExtra
    from envkit.errors import NoCandidate as NoCandidate
    from envkit.errors import ProjectNotFound as ProjectNotFound
    from envkit.errors import RequirementError as RequirementError
    from envkit.errors import ResolutionError as ResolutionError
    from envkit.errors import ResolutionImpossible as ResolutionImpossible
    from envkit.errors import ResolutionTooDeep as ResolutionTooDeep
    from envkit.errors import StalePlan as StalePlan
    from envkit.errors import TransportError as TransportError
    from envkit.errors import VcsError as VcsError
    from envkit.errors import VenvError as VenvError
    from envkit.errors import WheelBuildError as WheelBuildError
    from envkit.events import CancelToken as CancelToken
    from envkit.events import Event as Event
    from envkit.events import Reporter as Reporter
    from envkit.formats.lock import Lock as Lock
    from envkit.inspection.freezer import Freezer as Freezer
    from envkit.installation.installer import Installer as Installer
    from envkit.interpreter.discovery import find_interpreters as find_interpreters
    from envkit.interpreter.interpreter import Interpreter as Interpreter
    from envkit.kit.configuration import ConfigurationError as ConfigurationError
    from envkit.kit.env_builder import EnvBuilder as EnvBuilder
    from envkit.kit.env_builder import create as create
    from envkit.kit.functions import freeze as freeze
    from envkit.kit.functions import install as install
    from envkit.kit.kit import Kit as Kit
    from envkit.model.artifact import Artifact as Artifact
    from envkit.model.candidate import Rejection as Rejection
    from envkit.model.distribution import InstalledDistribution as InstalledDistribution
    from envkit.model.editable import Editable as Editable
    from envkit.model.plan import InstallPlan as InstallPlan
    from envkit.model.plan import InstallReport as InstallReport
    from envkit.model.policy import ResolutionPolicy as ResolutionPolicy
    from envkit.model.resolution import Pin as Pin
    from envkit.model.resolution import Resolution as Resolution
    from envkit.model.secret import Secret as Secret
    from envkit.model.source import PYPI as PYPI
    from envkit.model.source import Index as Index
    from envkit.model.target import Target as Target
    from envkit.resolve.resolver import Resolver as Resolver
    from envkit.wheels.settings import BuildSettings as BuildSettings

__version__ = "0.1.0"

_HOMES = {
    "errors": (
        "BuildForbidden Cancelled EnvironmentBusy EnvkitError ExternallyManaged FileConflict HashMismatch "
        "IndexAccessError InstallError InterpreterError InvalidSource InvalidWheel LockError MetadataMismatch "
        "MissingExtra NoCandidate ProjectNotFound RequirementError ResolutionError ResolutionImpossible "
        "ResolutionTooDeep StalePlan TransportError VcsError VenvError WheelBuildError"
    ),
    "events": "CancelToken Event Reporter",
    "environment.environment": "Environment",
    "inspection.freezer": "Freezer",
    "installation.installer": "Installer",
    "interpreter.discovery": "find_interpreters",
    "interpreter.interpreter": "Interpreter",
    "formats.lock": "Lock",
    "kit.configuration": "ConfigurationError",
    "kit.env_builder": "EnvBuilder create",
    "kit.functions": "freeze install",
    "kit.kit": "Kit",
    "model.artifact": "Artifact",
    "model.candidate": "Rejection",
    "model.distribution": "InstalledDistribution",
    "model.plan": "InstallPlan InstallReport",
    "model.policy": "ResolutionPolicy",
    "model.resolution": "Pin Resolution",
    "model.secret": "Secret",
    "model.editable": "Editable",
    "model.source": "PYPI Index",
    "model.target": "Target",
    "resolve.resolver": "Resolver",
    "wheels.settings": "BuildSettings",
}
_MODULES = ("errors", "events", "formats", "testing")
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names.split()}

__all__ = [
    "PYPI",
    "Artifact",
    "BuildForbidden",
    "BuildSettings",
    "CancelToken",
    "Cancelled",
    "ConfigurationError",
    "Editable",
    "EnvBuilder",
    "Environment",
    "EnvironmentBusy",
    "EnvkitError",
    "Event",
    "ExternallyManaged",
    "FileConflict",
    "Freezer",
    "HashMismatch",
    "Index",
    "IndexAccessError",
    "InstallError",
    "InstallPlan",
    "InstallReport",
    "InstalledDistribution",
    "Installer",
    "Interpreter",
    "InterpreterError",
    "InvalidSource",
    "InvalidWheel",
    "Kit",
    "Lock",
    "LockError",
    "MetadataMismatch",
    "MissingExtra",
    "NoCandidate",
    "Pin",
    "ProjectNotFound",
    "Rejection",
    "Reporter",
    "RequirementError",
    "Resolution",
    "ResolutionError",
    "ResolutionImpossible",
    "ResolutionPolicy",
    "ResolutionTooDeep",
    "Resolver",
    "Secret",
    "StalePlan",
    "Target",
    "TransportError",
    "VcsError",
    "VenvError",
    "WheelBuildError",
    "__version__",
    "create",
    "find_interpreters",
    "freeze",
    "install",
]


def __getattr__(name: str) -> "Any":
    home = _HOME_OF.get(name)
    if home is not None:
        value = globals()[name] = getattr(_load(home), name)
        return value
    if name in _MODULES:
        return _load(name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def _load(module: str) -> "Any":
    import sys

    # What `importlib.import_module` does; loading that costs as much as making an environment.
    __import__(f"{__name__}.{module}")
    return sys.modules[f"{__name__}.{module}"]


def __dir__() -> "list[str]":
    return sorted({*globals(), *_HOME_OF})
