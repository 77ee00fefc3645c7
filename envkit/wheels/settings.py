"""How projects are built: one value, with exceptions by project."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Literal, TypeAlias

from packaging.utils import canonicalize_name

from envkit.dataclass import dataclass, field
from envkit.errors import RequirementError
from envkit.model.arguments import check_choice
from envkit.model.policy import check_builds

ConfigSettings: TypeAlias = Mapping[str, "str | tuple[str, ...]"]

DEFAULT_INPUTS = ("**",)
DEFAULT_IGNORED = (
    ".git",
    ".hg",
    ".svn",
    ".bzr",
    "__pycache__",
    "*.pyc",
    "*.egg-info",
    "*.dist-info",
    "/build",
    "/dist",
    "/_skbuild",
    ".venv",
    "venv",
    ".tox",
    ".nox",
    ".eggs",
    ".*_cache",
    ".hypothesis",
    ".coverage*",
    "node_modules",
    ".DS_Store",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildSettings:
    """The rules of builds; the mappings ``..._by_project`` hold exceptions by project name.

    *builds* says whose code may run ("allow", "never", or names). *isolation* False runs backends in the target
    environment. *config_settings* go to the backend (PEP 517). *extra_requirements* are further build requirements of
    single projects, *constraints* hold for all build requirements. *variables* are set for every build; *pass_variables*
    are further names that are passed on from the caller's environment. *timeout* is in seconds for each hook, *jobs* the
    number of builds at a time. *on_failure* says whether a version that an index offers and that cannot be built is
    passed over ("skip") or ends the resolution ("raise"). *inputs* and *ignored* are globs of what a local folder is
    built from (a leading slash means the folder itself). Editable projects from git are cloned below *editable_dir*,
    which is the folder ``src`` of the environment where it is None.
    """

    builds: Literal["allow", "never"] | tuple[str, ...] = "allow"
    isolation: bool = True
    isolation_by_project: Mapping[str, bool] = field(default_factory=dict[str, bool])
    config_settings: ConfigSettings = field(default_factory=dict[str, "str | tuple[str, ...]"])
    config_settings_by_project: Mapping[str, ConfigSettings] = field(default_factory=dict[str, ConfigSettings])
    extra_requirements: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, "tuple[str, ...]"])
    constraints: tuple[str, ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict[str, str])
    pass_variables: tuple[str, ...] = ()
    timeout: float = 3600.0
    jobs: int = 2
    on_failure: Literal["skip", "raise"] = "skip"
    editable_dir: str | None = None
    inputs: tuple[str, ...] = DEFAULT_INPUTS
    ignored: tuple[str, ...] = DEFAULT_IGNORED

    def __post_init__(self) -> None:
        check_builds(self.builds)
        check_choice("on_failure", self.on_failure, ("skip", "raise"))
        if self.timeout <= 0 or self.jobs <= 0:
            raise RequirementError("timeout and jobs must be positive")
        for name in ("isolation_by_project", "config_settings_by_project", "extra_requirements"):
            value: Mapping[str, object] = getattr(self, name)
            object.__setattr__(self, name, {canonicalize_name(key): item for key, item in value.items()})

    def allows(self, name: str | None) -> bool:
        """Whether the code of the project *name* (None: not known without running it) may run."""
        if isinstance(self.builds, str):
            return self.builds == "allow"
        return name is not None and canonicalize_name(name) in {canonicalize_name(item) for item in self.builds}

    def isolated(self, name: str | None) -> bool:
        """Whether the build of *name* gets an environment of its own."""
        return self.isolation_by_project.get(canonicalize_name(name or ""), self.isolation)

    def config_for(self, name: str | None) -> dict[str, str | list[str]]:
        """Give the config settings of *name*: the general ones, then its own over them."""
        own = self.config_settings_by_project.get(canonicalize_name(name or ""), {})
        merged = {**self.config_settings, **own}
        return {key: value if isinstance(value, str) else list(value) for key, value in merged.items()}

    def extra_for(self, name: str | None) -> tuple[str, ...]:
        """Give the further build requirements of *name*."""
        return self.extra_requirements.get(canonicalize_name(name or ""), ())

    def fingerprint(self, name: str | None, variables: Mapping[str, str]) -> str:
        """Give a text that is equal where these settings and *variables* cannot make two builds of *name* differ."""
        parts = (sorted(self.config_for(name).items()), self.extra_for(name), sorted(variables.items()))
        return hashlib.sha256(repr(parts).encode("utf-8", "surrogateescape")).hexdigest()[:32]
