"""Talk to a build backend (PEP 517, PEP 660) through the ``build`` library, as one process for each hook."""

from __future__ import annotations

import json
import os
import subprocess
import uuid
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from envkit.errors import Cancelled, InvalidSource, WheelBuildError
from envkit.events import BuildOutput, Emitter, Warned
from envkit.host import files
from envkit.host.limits import left
from envkit.host.streaming import StreamResult, run_streaming
from envkit.model.secret import last_lines, mask_credentials
from envkit.wheels.build_hints import hint_for

if TYPE_CHECKING:
    from build import ProjectBuilder

Kind = Literal["wheel", "editable"]
_MAX_RESULT_BYTES = 16 * 1024 * 1024
_T = TypeVar("_T")


class Backend:
    """The backend of the project in *root*, run as `use` says and with nothing else from outside.

    Everything that the backend prints is reported as `BuildOutput` under *subject*, and kept: a failure carries it whole.
    """

    def __init__(
        self,
        root: str,
        *,
        subject: str,
        config_settings: Mapping[str, str | list[str]],
        emitter: Emitter,
        timeout: float,
        log_dir: str | None = None,
    ) -> None:
        self._root = root
        self._subject = subject
        self._variables: Mapping[str, str] = {}
        self._config = dict(config_settings)
        self._emitter = emitter
        self._timeout = timeout
        self._log_dir = log_dir
        self._python = ""
        self._output: list[str] = []
        self._last: StreamResult | None = None
        self._builder: ProjectBuilder = self._guarded("reading the project", self._open)

    @property
    def requires(self) -> tuple[str, ...]:
        """The static build requirements (PEP 518), sorted; those of setuptools' legacy backend without any."""
        return tuple(sorted(self._builder.build_system_requires))

    def use(self, python: str, variables: Mapping[str, str]) -> None:
        """Run the hooks by this interpreter with these variables from now on."""
        self._python, self._variables = python, variables
        self._builder = self._guarded("reading the project", self._open)

    def get_requires(self, kind: Kind) -> tuple[str, ...]:
        """Ask for further build requirements (``get_requires_for_build_*``)."""
        found: Any = self._guarded(
            f"get_requires_for_build_{kind}", lambda: self._builder.get_requires_for_build(kind, self._config)
        )
        if not all(isinstance(item, str) for item in found):
            raise self._failure(f"get_requires_for_build_{kind} gave something else than texts")
        return tuple(sorted(found))

    def prepare(self, kind: Kind, folder: str) -> str | None:
        """Ask for the metadata alone (``prepare_metadata_for_build_*``): a dist-info folder, or None without the hook."""
        hook = f"prepare_metadata_for_build_{kind}"
        path = self._guarded(hook, lambda: self._builder.prepare(kind, folder, self._config))
        if path is None:
            return None
        return self._inside(path, folder, hook, os.path.isdir, ".dist-info")

    def build(self, kind: Kind, folder: str, metadata_dir: str | None = None) -> str:
        """Build a wheel into *folder* and give its path."""
        hook = f"build_{kind}"
        path = self._guarded(
            hook, lambda: self._builder.build(kind, folder, self._config, metadata_directory=metadata_dir)
        )
        return self._inside(path, folder, hook, os.path.isfile, ".whl")

    def _open(self) -> ProjectBuilder:
        from build import ProjectBuilder

        if not any(os.path.isfile(os.path.join(self._root, name)) for name in ("pyproject.toml", "setup.py")):
            raise InvalidSource(
                f"{self._subject} is no project: it has no pyproject.toml and no setup.py",
                context={"subject": self._subject},
            )
        # Reading pyproject.toml may warn about a misspelt table; nothing else of the library warns.
        return ProjectBuilder(self._root, self._python, runner=self._run)

    def _inside(self, path: str, folder: str, hook: str, test: Callable[[str], bool], suffix: str) -> str:
        plain = os.path.normpath(path)
        if os.path.dirname(plain) != os.path.normpath(folder) or not plain.endswith(suffix) or os.path.islink(plain):
            raise self._failure(
                f"{hook} gave {os.path.basename(path)!r}, which is not a {suffix} in the folder it was given"
            )
        if not test(plain):
            raise self._failure(f"{hook} gave {os.path.basename(path)!r}, which is not there")
        return plain

    def _run(self, cmd: Sequence[str], cwd: str | None = None, extra_environ: Mapping[str, str] | None = None) -> None:
        result = run_streaming(
            cmd,
            environ={**self._variables, **(extra_environ or {})},
            cwd=cwd,
            timeout=self._timeout,
            on_line=self._report,
            on_cancel=None if self._emitter.cancel is None else self._emitter.cancel.on_cancel,
        )
        self._output.append(result.output)
        self._last = result
        if result.ended == "cancelled":
            raise Cancelled("the build was cancelled", context={"subject": self._subject})
        if result.ended == "timeout" or result.returncode:
            raise subprocess.CalledProcessError(result.returncode, list(cmd))
        self._take_warnings(cmd[-1])

    def _report(self, line: str) -> None:
        if self._emitter.active:
            self._emitter(
                BuildOutput(operation=self._emitter.operation, subject=self._subject, line=mask_credentials(line))
            )

    def _take_warnings(self, folder: str) -> None:
        """Make events of what the backend warned about, so that it is not raised in the caller's process."""
        path = os.path.join(folder, "output.json")
        with suppress(OSError, ValueError, LookupError, TypeError, AttributeError):
            if os.path.getsize(path) > _MAX_RESULT_BYTES:
                raise self._failure("the backend's answer is too large")
            with open(path, encoding="utf-8") as stream:
                data: Any = json.load(stream)
            warnings: Any = data.pop("warnings", None)
            if not warnings:
                return
            files.write_bytes(path, json.dumps(data).encode())
            for warning in warnings:
                message = f"{self._subject}: {str(warning['message'])[:2000]}"
                self._emitter(Warned(operation=self._emitter.operation, code="build-backend", message=message))

    def _guarded(self, doing: str, call: Callable[[], _T]) -> _T:
        """Run *call* and map what the ``build`` library raises."""
        from build import BuildBackendException, BuildException

        self._last = None
        try:
            return call()
        except BuildBackendException as error:
            cause = error.exception
            if isinstance(cause, Cancelled):
                raise cause from None
            if isinstance(cause, WheelBuildError):
                raise cause from None
            told = getattr(cause, "traceback", None)
            raise self._failure(self._reason(doing, cause), traceback=told or "") from error
        except (OSError, ValueError, TypeError, LookupError, AttributeError) as error:
            raise self._failure(f"{doing} failed: {mask_credentials(str(error))[:1000]}") from error
        except BuildException as error:
            raise InvalidSource(f"{self._subject}: {error}", context={"subject": self._subject}) from error

    def _reason(self, doing: str, cause: Exception) -> str:
        last = self._last
        if last is not None and last.ended == "timeout":
            if left() <= 0:
                return f"{doing} was still running at the deadline of the resolution and was ended"
            return f"{doing} took longer than {self._timeout:g} seconds and was ended"
        if isinstance(cause, subprocess.CalledProcessError):
            return f"{doing} failed with exit status {cause.returncode}"
        kind = type(cause).__name__
        if kind == "BackendUnavailable":
            return f"the build backend {getattr(cause, 'backend_name', None)!r} cannot be imported"
        if kind == "HookMissing":
            return f"the build backend has no hook {doing}"
        if kind == "UnsupportedOperation":
            return f"the build backend does not support {doing}"
        return f"{doing} failed: {mask_credentials(str(cause))[:1000]}"

    def _failure(self, reason: str, *, traceback: str = "") -> WheelBuildError:
        output = mask_credentials("".join(self._output) + traceback)
        lines = last_lines(output, 20)
        last = self._last
        returncode = last.returncode if last is not None else None
        log = self._write_log(output)
        hints = (hint_for(lines[-1]) if lines else None, None if log is None else f"the whole output is in {log}")
        return WheelBuildError(
            f"{self._subject}: {reason}" + (f": {lines[-1][:200]}" if lines else ""),
            hint="; ".join(filter(None, hints)) or None,
            context={"subject": self._subject, "reason": reason, "last_lines": lines},
            output=output,
            returncode=returncode,
            log=log,
        )

    def _write_log(self, output: str) -> str | None:
        if self._log_dir is None:
            return None
        path = os.path.join(self._log_dir, f"{uuid.uuid4().hex[:16]}.log")
        try:
            files.make_dirs(self._log_dir, 0o700)
            files.write_bytes(path, output.encode("utf-8", "replace"), 0o600, exclusive=True)
        except OSError:
            return None
        return path
