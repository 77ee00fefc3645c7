# The oldest Pythons must be able to run this file.
# mypy: disable-error-code="attr-defined, no-any-return, import-not-found, type-arg, unused-ignore"
# pyright: basic
"""What `sys` and `os` know of an interpreter, as plain data: enough to make an environment.

A file of its own, since a fresh process that makes an environment should not load the other questions. Given to another
Python with ``-c`` it comes before the text of ``script.py``, and what is said there of grammar and imports holds here too.
"""

import sys

if __name__ == "__main__":
    sys.path[:] = [
        entry for entry in sys.path if entry
    ]  # `-c` puts the working folder first: nothing there may be imported

import os


def core():
    # type: () -> dict[str, object]
    """Tell what `sys` and `os` know."""
    implementation = getattr(sys, "implementation", None)
    flags = getattr(sys, "abiflags", "")
    return {
        "executable": sys.executable or "",
        "base_executable": getattr(sys, "_base_executable", None) or sys.executable or "",
        "prefix": sys.prefix,
        "base_prefix": getattr(sys, "base_prefix", None) or getattr(sys, "real_prefix", None) or sys.prefix,
        "version": sys.version.split()[0],
        "version_info": list(sys.version_info),
        "implementation": implementation.name if implementation else "cpython",
        "os_name": os.name,
        "platform": sys.platform,
        "is_64bit": sys.maxsize > 2**32,
        "abiflags": flags,
        "free_threaded": "t" in flags or "free-threading build" in sys.version,
        "debug": hasattr(sys, "gettotalrefcount"),
        "platlibdir": getattr(sys, "platlibdir", "lib"),
        "fs_encoding": sys.getfilesystemencoding() or "",
    }
