"""Ask an interpreter about itself, once, and remember the answer."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Callable, Mapping
from typing import Any, Protocol, TypeAlias

from envkit.dataclass import dataclass
from envkit.errors import InterpreterError
from envkit.model.recent import Recent

_FORMAT = 1
_MAX_OUTPUT = 1024 * 1024
_MAX_CACHED = 1024 * 1024
_LASTING = frozenset(("too-old", "no-python", "garbage"))  # what stays so until the file changes
_REFUSALS_LAST = 60.0  # seconds that this process remembers a refusal of any kind
_BEGIN, _END = "<<<envkit:", ":envkit>>>"
_MAX_CHAIN = 8
_CORE = {
    "executable": str,
    "base_executable": str,
    "prefix": str,
    "base_prefix": str,
    "version": str,
    "version_info": list,
    "implementation": str,
    "os_name": str,
    "platform": str,
    "abiflags": str,
    "is_64bit": bool,
    "free_threaded": bool,
    "debug": bool,
    "platlibdir": str,
    "fs_encoding": str,
}
_DETAILS = {
    "paths": dict,
    "environment_paths": dict,
    "markers": dict,
    "variables": dict,
    "sysconfig_platform": str,
    "machine": str,
}


class Probed(Protocol):
    """What is made of the answers: `Interpreter`, which this module does not import as it is imported by it."""

    executable: str

    @property
    def base(self) -> Any: ...  # noqa: D102
    @property
    def facts(self) -> Mapping[str, Any]: ...  # noqa: D102
    @property
    def tags(self) -> tuple[str, ...]: ...  # noqa: D102
    def in_environment(self, root: str, executable: str) -> Any: ...  # noqa: D102


Facts: TypeAlias = Mapping[str, Any]
Maker: TypeAlias = Callable[[Facts, Facts, "tuple[str, ...] | None"], Probed]


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """How to ask: *make* turns facts into an interpreter, *timeout* is in seconds."""

    make: Maker
    cache_dir: str | os.PathLike[str] | None = None
    timeout: float = 10.0
    environ: Mapping[str, str] | None = None


_known = Recent[str, tuple[object, Any]](2_000)
_refused = Recent[str, tuple[object, float, InterpreterError]](2_000)


def probe(path: str, question: Question, depth: int = 0) -> Any:
    """Ask the interpreter at *path*, which is absolute; see `Interpreter.probe`."""
    from envkit.interpreter.pyvenv import base_executables, environment_of, python_in

    try:
        seen = os.stat(path)
    except (OSError, ValueError) as error:
        raise InterpreterError(
            f"there is no interpreter at {path}", context={"path": path, "reason": "missing"}
        ) from error
    if stat.S_ISDIR(seen.st_mode):
        inside = python_in(path)
        if inside is None:
            raise InterpreterError(f"{path} is a folder without a Python", context={"path": path, "reason": "folder"})
        path, seen = inside, os.stat(inside)
    mark = (seen.st_dev, seen.st_ino, seen.st_size, seen.st_mtime_ns)
    known = _known.get(path)
    if known is not None and known[0] == mark:
        return known[1]
    refused = _refused.get(path)
    if refused is not None and refused[0] == mark and time.monotonic() < refused[1]:
        raise InterpreterError(refused[2].message, hint=refused[2].hint, context=refused[2].context)
    if not stat.S_ISREG(seen.st_mode) or not os.access(path, os.X_OK):
        raise InterpreterError(f"{path} is no program", context={"path": path, "reason": "not-executable"})
    root = environment_of(path)
    if root is None:
        signature = (os.path.realpath(path), seen.st_size, seen.st_mtime_ns)
        try:
            found = _probe_base(path, signature, question)
        except InterpreterError as error:
            _refused[path] = (mark, time.monotonic() + _REFUSALS_LAST, error.with_traceback(None))
            raise
    else:
        # The base is asked, never the environment's own Python: that is one question for all its environments, and no
        # code that was installed into an environment runs.
        if depth > _MAX_CHAIN:
            raise InterpreterError(f"{path} is the end of a chain of environments", context={"path": path})
        for candidate in base_executables(root, path):
            if os.path.isfile(candidate) and candidate != path:
                base = probe(candidate, question, depth + 1).base
                break
        else:
            raise InterpreterError(
                f"the interpreter that {root} was made from is gone",
                hint="make the environment again, or repair it with another interpreter",
                context={"path": path, "root": root, "reason": "base-gone"},
            )
        found = base.in_environment(root, path)
    if root is not None or found.executable == path:  # what a wrapper starts may be another Python next time
        _known[path] = (mark, found)
    return found


def _machine() -> list[str]:
    """Give what markers and tags depend on besides the interpreter: a new kernel or C library makes facts old."""
    uname = getattr(os, "uname", None)
    found = [str(part) for part in uname()] if uname is not None else []
    try:
        found.append(str(os.confstr("CS_GNU_LIBC_VERSION")))
    except (AttributeError, ValueError, OSError):
        pass
    return found[:1] + found[2:]  # not the host's name


def is_known(path: str) -> bool:
    """Tell whether an answer for *path* is remembered; the file may still have changed since."""
    return path in _known or path in _refused


def _probe_base(path: str, signature: tuple[object, ...], question: Question) -> Probed:
    key = [_FORMAT, path, *signature, *_machine()]
    place = _place(question.cache_dir, path)
    if place is not None:
        cached = _read(place, key, path, question.make)
        if cached is not None:
            return cached
    try:
        facts = _ask(path, question.timeout, question.environ)
        core, details = check_facts(facts, path)
    except InterpreterError as error:
        if place is not None and error.context.get("reason") in _LASTING:
            _write(place, {"key": key, "refusal": [error.context["reason"], error.message]})
        raise
    if core["prefix"] != core["base_prefix"]:
        return _legacy_environment(path, core, question)
    wrapper = os.path.realpath(core["executable"]) != signature[0]
    if not wrapper:
        core["executable"] = path
    found = question.make(core, details, None)
    if place is not None and not wrapper:  # what a wrapper starts may be another Python tomorrow
        _write(place, {"key": key, "facts": found.facts, "tags": "\n".join(found.tags)})
    return found


def _legacy_environment(path: str, core: Mapping[str, Any], question: Question) -> Probed:
    """Find the base of an environment of before PEP 405 (virtualenv up to 16), which has no ``pyvenv.cfg``."""
    major, minor = core["version_info"][:2]
    for name in (f"python{major}.{minor}", f"python{major}", "python"):
        candidate = os.path.join(core["base_prefix"], "bin" if core["os_name"] == "posix" else "", name)
        if os.path.isfile(candidate) and os.path.realpath(candidate) != os.path.realpath(path):
            base: Probed = probe(candidate, question, _MAX_CHAIN).base
            found: Probed = base.in_environment(core["prefix"], path)
            return found
    raise InterpreterError(f"the interpreter that {core['prefix']} was made from is gone", context={"path": path})


def _ask(path: str, timeout: float, environ: Mapping[str, str] | None) -> Any:
    import json

    from envkit.host.processes import harmless
    from envkit.host.streaming import run_streaming

    command = [path, "-E", "-s", "-S", "-B", "-c", _script()]
    variables = {**harmless(environ), "SYSTEM_VERSION_COMPAT": "0"}
    folder = os.path.abspath(os.sep)
    try:
        result = run_streaming(command, environ=variables, cwd=folder, timeout=timeout, max_output=_MAX_OUTPUT)
    except (OSError, ValueError) as error:
        raise _refusal(path, "cannot-start", f"it cannot be started ({error})") from error
    if result.ended == "timeout":
        raise _refusal(path, "timeout", f"it gave no answer in {timeout:g} seconds")
    start, end = result.output.rfind(_BEGIN), result.output.rfind(_END)
    if start < 0 or end < start:
        tail = result.output.strip()[-200:]
        reason = f"it ended with status {result.returncode}" if result.returncode else "it is no Python"
        raise _refusal(path, "no-python", f"{reason}; it printed {tail!r}" if tail else reason)
    try:
        answer = json.loads(result.output[start + len(_BEGIN) : end])
        problem, facts = answer["problem"], answer["facts"]
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise _refusal(path, "garbage", "its answer cannot be read") from error
    if problem == "too-old":
        raise _refusal(path, "too-old", f"it is Python {facts.get('version')}, which is too old")
    return facts


def _refusal(path: str, reason: str, text: str) -> InterpreterError:
    return InterpreterError(
        f"{path} cannot be used as an interpreter: {text}", context={"path": path, "reason": reason}
    )


_source: list[str] = []


def _script() -> str:
    """Give what another Python runs: `core.py` and, behind it, what may rely on that."""
    if not _source:
        parts: list[str] = []
        for name in ("core.py", "script.py"):
            with open(os.path.join(os.path.dirname(__file__), name), encoding="utf-8") as stream:
                parts.append(stream.read())
        _source.append("\n".join(parts))
    return _source[0]


def check_facts(facts: Any, path: str = "") -> tuple[dict[str, Any], dict[str, Any]]:
    """Check the shape of facts from outside and part them. Raises `InterpreterError`."""
    try:
        facts = dict(facts)
        details = dict(facts.pop("details"))
        core = {key: facts[key] for key in _CORE}
        for known, kinds in ((core, _CORE), (details, _DETAILS)):
            for key, kind in kinds.items():
                if not isinstance(known[key], kind):
                    raise TypeError(key)
        for key in ("paths", "environment_paths", "markers"):
            details[key] = {str(name): str(value) for name, value in details[key].items()}
        for key in ("stdlib", "purelib", "platlib", "scripts", "data"):
            if not details["paths"][key] or not details["environment_paths"][key]:
                raise ValueError(key)
        core["version_info"] = [int(part) for part in core["version_info"][:3]] + core["version_info"][3:5]
        if len(core["version_info"]) < 3 or not core["executable"]:
            raise ValueError("version_info")
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise _refusal(path, "garbage", f"its answer is not complete ({error})") from error
    return core, details


def _place(cache_dir: str | os.PathLike[str] | None, path: str) -> str | None:
    if cache_dir is None:
        return None
    import zlib

    data = os.fsencode(path)  # the whole path is inside the file too, so a collision costs a question and no more
    return os.path.join(os.fspath(cache_dir), f"interpreters-{_FORMAT}", f"{zlib.crc32(data):08x}-{len(data)}.json")


def _read(place: str, key: list[object], path: str, make: Maker) -> Probed | None:
    """Read a remembered answer; a remembered refusal is raised."""
    import json

    from envkit.host.files import read_own

    try:
        data = json.loads(read_own(place, _MAX_CACHED))
        if data["key"] != key:
            return None
        if "refusal" in data:
            reason, message = data["refusal"]
            refusal = InterpreterError(str(message), context={"path": path, "reason": str(reason)})
        else:
            core, details = check_facts(data["facts"])
            return make(core, details, tuple(data["tags"].split("\n")))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, InterpreterError):
        return None
    raise refusal


def _write(place: str, data: Mapping[str, Any]) -> None:
    import json

    from envkit.host.files import make_dirs, publish_bytes

    try:
        text = json.dumps(data)
        make_dirs(os.path.dirname(place), 0o700)
        publish_bytes(place, text.encode("utf-8", "surrogatepass"), 0o600)
    except (OSError, UnicodeError):
        return  # a cache that cannot be written only costs time
