"""Which of the caller's variables a build sees: those that compilers, tools and locales need, and no others.

Credentials, PYTHONPATH and whatever else a caller's environment holds stay away from the code of projects.
"""

from __future__ import annotations

import fnmatch
import os
from collections.abc import Iterable, Mapping
from urllib.parse import urlsplit

_PLACES = (
    "PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LANGUAGE", "LC_*", "TZ", "TMPDIR", "TEMP", "TMP",
    "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE", "CARGO_HOME", "RUSTUP_HOME", "GOPATH", "GOMODCACHE", "CCACHE_*", "SCCACHE_DIR", "TERM",
    "SYSTEMROOT", "SYSTEMDRIVE", "WINDIR", "COMSPEC", "PATHEXT", "USERPROFILE", "APPDATA", "LOCALAPPDATA",
    "PROGRAMDATA", "PROGRAMFILES", "PROGRAMFILES(X86)", "PROGRAMW6432", "COMMONPROGRAMFILES", "NUMBER_OF_PROCESSORS",
    "PROCESSOR_ARCHITECTURE", "VSINSTALLDIR", "VCINSTALLDIR", "VCTOOLSINSTALLDIR", "WINDOWSSDKDIR",
)  # fmt: skip
_MATTERS = (
    "CC", "CXX", "CPP", "FC", "LD", "AR", "AS", "NM", "RANLIB", "STRIP", "CFLAGS", "CXXFLAGS", "CPPFLAGS", "FFLAGS",
    "LDFLAGS", "LDSHARED", "LDCXXSHARED", "ARFLAGS", "LIBRARY_PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH",
    "CPATH", "C_INCLUDE_PATH", "CPLUS_INCLUDE_PATH", "INCLUDE", "LIB", "LIBPATH", "PKG_CONFIG", "PKG_CONFIG_PATH",
    "PKG_CONFIG_LIBDIR", "PKG_CONFIG_SYSROOT_DIR", "CMAKE_*", "MESON*", "NINJA", "MAKE", "MAKEFLAGS",
    "ARCHFLAGS", "MACOSX_DEPLOYMENT_TARGET", "SDKROOT", "DEVELOPER_DIR", "RUSTFLAGS", "CARGO_BUILD_*",
    "RUSTC_WRAPPER", "PYO3_*", "MATURIN_PEP517_ARGS", "SKBUILD_*", "SOURCE_DATE_EPOCH", "SETUPTOOLS_SCM_PRETEND_VERSION*",
    "SETUPTOOLS_USE_DISTUTILS", "DISTUTILS_*", "PBR_VERSION", "PDM_BUILD_*", "POETRY_DYNAMIC_VERSIONING_BYPASS",
    "CUDA_HOME", "CUDA_PATH", "NPY_*", "BLAS", "LAPACK", "OPENBLAS",
)  # fmt: skip
_PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


def _chosen(environ: Mapping[str, str], patterns: Iterable[str]) -> dict[str, str]:
    wanted = tuple(patterns)
    exact = {pattern.upper() for pattern in wanted if "*" not in pattern}
    globs = tuple(pattern.upper() for pattern in wanted if "*" in pattern)
    return {
        key: value
        for key, value in environ.items()
        if key.upper() in exact or any(fnmatch.fnmatchcase(key.upper(), glob) for glob in globs)
    }


def meaningful_variables(
    environ: Mapping[str, str], *, also: Iterable[str] = (), fixed: Mapping[str, str]
) -> dict[str, str]:
    """Give the variables that can make two builds of one source differ; a cache of wheels is keyed by them."""
    return {**_chosen(environ, (*_MATTERS, *also)), **fixed}


def build_variables(
    environ: Mapping[str, str], *, scripts: str | None, also: Iterable[str] = (), fixed: Mapping[str, str]
) -> dict[str, str]:
    """Give the variables of a build. *scripts* comes first on PATH, *also* are further names, *fixed* further values."""
    variables = _chosen(environ, (*_PLACES, *_MATTERS, *also))
    for key, value in environ.items():
        if key.lower() in _PROXIES and not _has_credentials(value):
            variables[key] = value
    variables.update(
        PYTHONNOUSERSITE="1", PYTHONUNBUFFERED="1", PYTHONIOENCODING="utf-8", PIP_NO_INPUT="1", GIT_TERMINAL_PROMPT="0"
    )
    if scripts is not None:
        path = variables.get("PATH", os.defpath)
        variables["PATH"] = f"{scripts}{os.pathsep}{path}"
    variables.update(fixed)
    return variables


def _has_credentials(value: str) -> bool:
    try:
        return "@" in urlsplit(value if "//" in value else f"//{value}").netloc
    except ValueError:
        return True
