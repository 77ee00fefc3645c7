# The oldest Pythons must be able to run this file.
# mypy: disable-error-code="attr-defined, no-any-return, import-not-found, type-arg, unused-ignore"
# pyright: basic
"""What an interpreter says about itself, as plain data.

This file runs in two ways: imported, for the Python that runs envkit, and given to another Python with ``-c``, behind the
text of ``core.py``. So it uses the standard library alone, nothing newer than Python 2.7 in its grammar, and imports what
costs time inside functions.

``core()`` of that file is enough to make an environment; ``details()`` is the rest.
"""

import os
import sys

if __name__ != "__main__":
    from envkit.interpreter.core import core

ENVIRONMENT = "__ENVKIT_ENVIRONMENT__"
VARIABLES = (
    "EXT_SUFFIX",
    "SOABI",
    "Py_DEBUG",
    "Py_GIL_DISABLED",
    "py_version_nodot",
    "WHEEL_PKG_DIR",
    "PYTHONFRAMEWORK",
)


def details():
    # type: () -> dict[str, object]
    """Tell the installation paths, the markers of PEP 508, and what tags are made of."""
    import sysconfig

    platform = platform_facts()
    in_environment = sys.prefix != getattr(sys, "base_prefix", sys.prefix)
    nt = os.name == "nt"
    # Inside an environment the default scheme may be the environment's; the base is what is asked for here.
    scheme = None
    if in_environment:
        preferred = getattr(sysconfig, "_get_preferred_schemes", dict)()  # type: dict[str, str]
        scheme = preferred.get("prefix", "nt" if nt else "posix_prefix")
        if scheme == "posix_prefix" and "posix_local" in sysconfig.get_scheme_names():
            scheme = "posix_local"  # Debian's, which inside an environment it does not name
    base = getattr(sys, "base_prefix", sys.prefix)
    plat = getattr(sys, "base_exec_prefix", sys.exec_prefix)
    names = sysconfig.get_scheme_names()
    inner = "venv" if "venv" in names else ("nt" if nt else "posix_prefix")
    if "venv" not in names and platform["implementation"] == "PyPy" and "pypy" in names and sys.version_info < (3, 8):
        inner = "pypy"
    ours = {"base": base, "platbase": plat, "installed_base": base, "installed_platbase": plat}
    theirs = dict(ours, base=ENVIRONMENT, platbase=ENVIRONMENT)
    program = elf(os.path.realpath(sys.executable)) if sys.platform.startswith("linux") and sys.executable else None
    return {
        "paths": sysconfig.get_paths(scheme, ours) if scheme else sysconfig.get_paths(),
        "environment_paths": sysconfig.get_paths(inner, theirs),
        "site_packages": site_packages([base, plat]),
        "markers": markers(),
        "variables": dict((name, sysconfig.get_config_var(name)) for name in VARIABLES),
        "sysconfig_platform": sysconfig.get_platform(),
        "python_build": bool(sysconfig.is_python_build()),
        "machine": platform["machine"],
        "mac_version": platform["mac"],
        "elf": program,
        "libc": libc(program),
    }


def tag_details():
    # type: () -> dict[str, object] | None
    """Tell what of ``details()`` tags are made of, for a 64-bit CPython on glibc; None elsewhere, where it takes all."""
    facts = core()
    found = libc(None) if facts["implementation"] == "cpython" and facts["is_64bit"] else None
    if found is None:
        return None
    import sysconfig

    return {
        "variables": {
            "py_version_nodot": "%d%d" % sys.version_info[:2],
            "Py_DEBUG": facts["debug"],
            "Py_GIL_DISABLED": facts["free_threaded"],
        },
        "sysconfig_platform": sysconfig.get_platform(),
        "libc": found,
    }


def platform_facts():
    # type: () -> dict[str, str]
    """Tell what `platform` knows; of CPython on Linux without loading it, which takes longer than all the rest."""
    implementation = getattr(sys, "implementation", None)
    python = sys.version.split()[0]
    if (
        sys.platform == "linux"
        and implementation is not None
        and implementation.name == "cpython"
        and python.count(".") > 1
    ):
        system, _, release, version, machine = os.uname()
        return {
            "system": system,
            "release": release,
            "version": version,
            "machine": machine,
            "implementation": "CPython",
            "python": python,
            "mac": "",
        }
    import platform

    return {
        "system": platform.system(),
        "release": platform.release(),
        "version": platform.version(),
        "machine": platform.machine(),
        "implementation": platform.python_implementation(),
        "python": platform.python_version(),
        "mac": platform.mac_ver()[0],
    }


def site_packages(prefixes):
    # type: (list[str]) -> list[str]
    """Give the folders that `site` adds for an installation: distributors have some that `sysconfig` does not name."""
    try:
        import site

        return list(dict.fromkeys(site.getsitepackages(prefixes)))
    except Exception:
        return []


def markers():
    # type: () -> dict[str, str]
    """Give the variables of PEP 508 but ``extra``."""
    platform = platform_facts()
    implementation = getattr(sys, "implementation", None)
    own = "0"
    if implementation is not None:
        info = implementation.version
        own = "%d.%d.%d" % (info.major, info.minor, info.micro)
        if info.releaselevel != "final":
            own += info.releaselevel[0] + str(info.serial)
    return {
        "implementation_name": implementation.name if implementation else "",
        "implementation_version": own,
        "os_name": os.name,
        "platform_machine": platform["machine"],
        "platform_release": platform["release"],
        "platform_system": platform["system"],
        "platform_version": platform["version"],
        "python_full_version": platform["python"],
        "platform_python_implementation": platform["implementation"],
        "python_version": ".".join(platform["python"].split(".")[:2]),
        "sys_platform": sys.platform,
    }


def libc(program):
    # type: (dict[str, object] | None) -> list[object] | None
    """Give ``["glibc", major, minor]`` or ``["musl", major, minor]`` on Linux."""
    if not sys.platform.startswith("linux"):
        return None
    try:
        text = os.confstr("CS_GNU_LIBC_VERSION")
    except (AttributeError, OSError, ValueError):
        text = None
    if text and text.startswith("glibc "):
        numbers = text.split()[1].split(".")
        return ["glibc", int(numbers[0]), int(numbers[1].split("-")[0])]
    loader = str(program["loader"] or "") if program else ""
    if "musl" in loader:
        import subprocess

        # musl tells its version in the help text of its loader, and nowhere else.
        process = subprocess.Popen([loader], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        lines = process.communicate()[1].decode("utf-8", "replace").splitlines()
        for line in lines:
            if line.startswith("Version "):
                numbers = line.split()[1].split(".")
                return ["musl", int(numbers[0]), int(numbers[1])]
    return None


def elf(path):
    # type: (str) -> dict[str, object] | None
    """Read what the ABI checks of PEP 600 and PEP 656 look at: word size, machine, flags and the program's loader."""
    import struct

    try:
        with open(path, "rb") as stream:
            head = stream.read(64)
            if head[:4] != b"\x7fELF":
                return None
            wide, little = head[4:5] == b"\x02", head[5:6] == b"\x01"
            order = "<" if little else ">"
            _, machine, _, _, offset, _, flags, _, size, count = struct.unpack(
                order + ("HHIQQQIHHH" if wide else "HHIIIIIHHH"), head[16 : 58 if wide else 46]
            )
            found = {"wide": wide, "little": little, "machine": machine, "flags": flags, "loader": None}
            for index in range(min(count, 64)):
                stream.seek(offset + index * size)
                entry = stream.read(size)
                if wide:
                    kind, _, where, _, _, length = struct.unpack(order + "IIQQQQ", entry[:40])
                else:
                    kind, where, _, _, length = struct.unpack(order + "IIIII", entry[:20])
                if kind == 3:
                    stream.seek(where)
                    found["loader"] = stream.read(min(length, 4096)).split(b"\0")[0].decode("utf-8", "replace")
            return found
    except (OSError, struct.error):
        return None


def main():
    # type: () -> None
    """Print all as one line of JSON, between marks that no banner or site hook prints."""
    import json

    facts = core()
    problem = "too-old" if sys.version_info < (3, 6) else ""
    if not problem:
        facts["details"] = details()
    sys.stdout.write("\n<<<envkit:" + json.dumps({"problem": problem, "facts": facts}) + ":envkit>>>\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
