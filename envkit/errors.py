"""Every exception that envkit raises, in one tree.

An error carries its causes as data (``context``), a stable ``code`` for programs, and a ``hint`` for people. Nothing here
formats for a terminal, and no message, hint or context ever holds a secret: whoever raises removes it first.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar


class EnvkitError(Exception):
    """The root of the tree.

    *message* names the place and the cause in one sentence, *hint* says what would help, *context* holds the same facts
    as plain data (strings, numbers, tuples, mappings). ``code`` is stable across releases.
    """

    code: ClassVar[str] = "envkit"

    def __init__(self, message: str, *, hint: str | None = None, context: Mapping[str, Any] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.context: Mapping[str, Any] = MappingProxyType(dict(context or {}))

    def to_dict(self) -> dict[str, Any]:
        """Give the error as plain data: ``schema``, ``code``, ``message``, ``hint``, ``context``."""
        return {
            "schema": 1,
            "code": self.code,
            "message": self.message,
            "hint": self.hint,
            "context": dict(self.context),
        }

    def __reduce__(self) -> tuple[Any, ...]:
        # The default would lose the keyword-only arguments; an error must cross process boundaries whole.
        state = {**self.__dict__, "context": dict(self.context)}
        return (_rebuild, (type(self), self.message, state))


def _rebuild(kind: type[EnvkitError], message: str, state: dict[str, Any]) -> EnvkitError:
    error = kind.__new__(kind)
    Exception.__init__(error, message)
    error.__dict__.update(state)
    error.context = MappingProxyType(dict(state["context"]))
    return error


class InterpreterError(EnvkitError):
    """No interpreter, or one that cannot be asked about itself."""

    code = "interpreter"


class VenvError(EnvkitError):
    """An environment is missing, broken, or cannot be made."""

    code = "venv"


class ExternallyManaged(VenvError):
    """The environment belongs to another package manager (PEP 668)."""

    code = "externally-managed"


class RequirementError(EnvkitError, ValueError):
    """A requirement, marker, specifier or requirements file that cannot be read; ``file`` and ``line`` where known."""

    code = "requirement"

    def __init__(
        self,
        message: str,
        *,
        hint: str | None = None,
        context: Mapping[str, Any] | None = None,
        file: str | None = None,
        line: int | None = None,
    ) -> None:
        where = {key: value for key, value in (("file", file), ("line", line)) if value is not None}
        super().__init__(message, hint=hint, context={**where, **(context or {})})
        self.file = file
        self.line = line


class IndexAccessError(EnvkitError):
    """An index, or a file that it names, could not be read."""

    code = "index-access"


class ProjectNotFound(IndexAccessError):
    """No index that was asked knows the project."""

    code = "project-not-found"


class TransportError(IndexAccessError):
    """The network, the server or the file system did not give the bytes."""

    code = "transport"


class VcsError(IndexAccessError):
    """A version control system could not give what was asked of it; the context holds its last lines of output."""

    code = "vcs"


class HashMismatch(IndexAccessError):
    """The bytes are not the ones whose hash was promised."""

    code = "hash-mismatch"


class MetadataMismatch(IndexAccessError):
    """A file's own metadata differs from what the index said of it."""

    code = "metadata-mismatch"


class ResolutionError(EnvkitError):
    """The requirements could not be resolved."""

    code = "resolution"


class ResolutionImpossible(ResolutionError):
    """It is proven that no choice of versions satisfies all requirements; ``derivation`` is the proof."""

    code = "resolution-impossible"

    def __init__(
        self,
        message: str,
        *,
        hint: str | None = None,
        context: Mapping[str, Any] | None = None,
        derivation: Any = None,
        suggestions: tuple[Any, ...] = (),
    ) -> None:
        super().__init__(message, hint=hint, context=context)
        self.derivation = derivation
        self.suggestions = suggestions


class ResolutionTooDeep(ResolutionError):
    """The bounds on rounds or time were reached before an answer."""

    code = "resolution-too-deep"


class NoCandidate(ResolutionError):
    """A project is known but none of its files can be used; ``rejections`` says why for each."""

    code = "no-candidate"

    def __init__(
        self,
        message: str,
        *,
        hint: str | None = None,
        context: Mapping[str, Any] | None = None,
        rejections: tuple[Any, ...] = (),
    ) -> None:
        super().__init__(message, hint=hint, context=context)
        self.rejections = rejections


class WheelBuildError(EnvkitError):
    """A wheel or its metadata could not be built; ``output``, ``returncode`` and ``log`` tell the backend's side."""

    code = "wheel-build"

    def __init__(
        self,
        message: str,
        *,
        hint: str | None = None,
        context: Mapping[str, Any] | None = None,
        output: str = "",
        returncode: int | None = None,
        log: str | None = None,
    ) -> None:
        super().__init__(message, hint=hint, context=context)
        self.output = output
        self.returncode = returncode
        self.log = log


class InvalidSource(WheelBuildError):
    """An sdist or another source that breaks its format, tries to do harm, or is not what was asked for."""

    code = "invalid-source"


class BuildForbidden(WheelBuildError):
    """A build would be needed, and the policy does not allow the code of this project to run."""

    code = "build-forbidden"


class LockError(EnvkitError):
    """A lock file that cannot be read, or that does not fit what is asked of it."""

    code = "lock"


class InstallError(EnvkitError):
    """Distributions could not be installed or removed; the environment is as it was."""

    code = "install"


class InvalidWheel(InstallError):
    """A wheel that breaks the specification or tries to do harm."""

    code = "invalid-wheel"


class FileConflict(InstallError):
    """A file would belong to two distributions, or is not the distribution's to write."""

    code = "file-conflict"


class StalePlan(InstallError):
    """The environment changed after the plan was made."""

    code = "stale-plan"


class EnvironmentBusy(InstallError):
    """Another process or thread holds the environment's lock; the context names the holder."""

    code = "environment-busy"


class Cancelled(EnvkitError):
    """The operation was cancelled, and everything is as it was before it."""

    code = "cancelled"


class MissingExtra(EnvkitError, ImportError):
    """An optional dependency is needed; the hint names the extra that brings it."""

    code = "missing-extra"
