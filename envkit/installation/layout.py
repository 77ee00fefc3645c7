"""Where the parts of a wheel go: an environment, a target folder, a prefix, another root, the user's site."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path

from envkit.dataclass import dataclass
from envkit.errors import InstallError
from envkit.installation.ports import EnvironmentLike


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Destinations as absolute real paths.

    *root* is where the bookkeeping lives, *schemes* maps purelib, platlib, scripts, headers and data to folders,
    *stdlib* are folders that belong to the interpreter. *python* is what scripts start. *guarded* tells whether an
    external manager (PEP 668) has a say. *mounted* are destinations on another device than the root.
    """

    root: str
    schemes: Mapping[str, str]
    stdlib: tuple[str, ...]
    python: str
    guarded: bool
    mounted: tuple[str, ...] = ()

    @property
    def libraries(self) -> tuple[str, ...]:
        """The folders that hold metadata, each once."""
        return tuple(dict.fromkeys((self.schemes["purelib"], self.schemes["platlib"])))

    def locate(self, path: str) -> tuple[str, str]:
        """Give the place that the folder or file *path* belongs to, and its path there with forward slashes.

        The place is the root, or the destination itself where that lies elsewhere or on another device, to which nothing
        can be renamed. Raises `InstallError` for others.
        """
        for base in (*self.mounted, self.root, *self.schemes.values()):
            inner = inside(path, base)
            if inner is not None:
                return base, inner
        raise InstallError(f"{path} is outside the environment", context={"path": path})

    def data_folder(self, inner: str) -> str:
        """Give where the folder *inner* of the data scheme is.

        Where a symlink at its top leads to another folder in there, as ``lib64`` of an environment to ``lib``, it is that.
        """
        base = self.schemes["data"]
        top, separator, rest = inner.partition("/")
        if os.path.islink(f"{base}/{top}"):
            real = os.path.realpath(f"{base}/{top}")
            if inside(real, base):
                return f"{real}{separator}{rest}"
        return f"{base}/{inner}" if inner else base


def inside(path: str, folder: str) -> str | None:
    """Give *path* relative to *folder* with forward slashes ("" for itself); None where it is not inside."""
    if path == folder:
        return ""
    prefix = folder if folder.endswith(os.sep) else folder + os.sep
    if not path.startswith(prefix):
        return None
    inner = path[len(prefix) :]
    return inner if os.sep == "/" else inner.replace(os.sep, "/")


def choose_layout(
    environment: EnvironmentLike,
    target: str | Path | None,
    prefix: str | Path | None,
    root: str | Path | None,
    user_base: str | Path | None,
) -> Layout:
    """Give the layout of the one place that is given, else of the environment. Raises `InstallError` for several."""
    given: list[tuple[Callable[[EnvironmentLike, str | Path], Layout], str | Path]] = [
        (make, place)
        for make, place in ((of_target, target), (of_prefix, prefix), (of_root, root), (of_user, user_base))
        if place is not None
    ]
    if len(given) > 1:
        raise InstallError("only one of target, prefix, root and user_base can be given")
    return given[0][0](environment, given[0][1]) if given else of_environment(environment)


def of_environment(environment: EnvironmentLike) -> Layout:
    """Give the layout of an environment itself."""
    paths = environment.paths
    return _layout(
        os.fspath(environment.root),
        {name: paths[name] for name in ("purelib", "platlib", "scripts", "data")},
        environment,
        guarded=True,
    )


def of_target(environment: EnvironmentLike, target: str | Path) -> Layout:
    """Give the layout of one folder that holds everything, as pip's ``--target``."""
    base = os.path.abspath(str(target))
    schemes = {"purelib": base, "platlib": base, "scripts": os.path.join(base, "bin"), "data": base}
    return _layout(base, schemes, environment, guarded=False)


def of_prefix(environment: EnvironmentLike, prefix: str | Path) -> Layout:
    """Give the environment's layout moved below another prefix."""
    base = os.path.abspath(str(prefix))
    return _layout(base, _moved(environment, base), environment, guarded=False)


def of_root(environment: EnvironmentLike, root: str | Path) -> Layout:
    """Give the environment's layout with all absolute paths below *root*, as for making system packages."""
    below = os.path.abspath(str(root))

    def move(path: str) -> str:
        return os.path.join(below, os.path.splitdrive(os.path.abspath(path))[1].lstrip("/\\"))

    schemes = {name: move(environment.paths[name]) for name in ("purelib", "platlib", "scripts", "data")}
    return _layout(move(os.fspath(environment.root)), schemes, environment, guarded=False)


def of_user(environment: EnvironmentLike, base: str | Path) -> Layout:
    """Give the layout of the user's site below *base* (``site.USER_BASE``)."""
    base = os.path.abspath(str(base))
    major, minor = environment.interpreter.version.split(".")[:2]
    if os.name == "nt":
        home = os.path.join(base, f"Python{major}{minor}")
        schemes = {"purelib": os.path.join(home, "site-packages"), "scripts": os.path.join(home, "Scripts")}
    else:
        name = "pypy" if environment.interpreter.implementation == "pypy" else "python"
        library = os.path.join(base, "lib", f"{name}{major}.{minor}", "site-packages")
        schemes = {"purelib": library, "scripts": os.path.join(base, "bin")}
    return _layout(base, {**schemes, "platlib": schemes["purelib"], "data": base}, environment, guarded=True)


def _moved(environment: EnvironmentLike, base: str) -> dict[str, str]:
    old = os.path.abspath(environment.paths["data"])
    moved: dict[str, str] = {}
    for name in ("purelib", "platlib", "scripts", "data"):
        path = os.path.abspath(environment.paths[name])
        inner = inside(path, old)
        if inner is None:
            raise InstallError(f"{path} is outside the prefix {old}, so there is no place for it in another one")
        moved[name] = os.path.join(base, inner) if inner else base
    return moved


def _layout(root: str, schemes: Mapping[str, str], environment: EnvironmentLike, *, guarded: bool) -> Layout:
    real = {name: os.path.realpath(path) for name, path in schemes.items()}
    major, minor = environment.interpreter.version.split(".")[:2]
    # Where pip puts headers: the interpreter's own include folder belongs to the base installation.
    real["headers"] = os.path.join(real["data"], "include", "site", f"python{major}.{minor}")
    stdlib = {
        os.path.realpath(environment.paths[name]) for name in ("stdlib", "platstdlib") if name in environment.paths
    }
    python = environment.interpreter.executable
    beside = os.path.realpath(os.path.dirname(python)) == real["scripts"]
    if beside and os.name == "posix" and getattr(environment, "relocatable", False):
        python = os.path.basename(python)  # which scripts then look for in their own folder
    root = os.path.realpath(root)
    device = _device(root)
    others = {path for path in real.values() if os.path.lexists(path) and _device(path) != device}
    return Layout(
        root=root,
        schemes=real,
        stdlib=tuple(sorted(stdlib)),
        python=python,
        guarded=guarded,
        mounted=tuple(sorted(others, key=len, reverse=True)),
    )


def _device(path: str) -> int:
    """Give the device that a folder is on, or will be on."""
    while True:
        try:
            return os.stat(path).st_dev
        except FileNotFoundError:
            path = os.path.dirname(path)
