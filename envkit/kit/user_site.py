"""Where ``pip install --user`` puts things (PEP 370)."""

from __future__ import annotations

import os
from collections.abc import Mapping

from envkit.interpreter.interpreter import Interpreter


def user_site(interpreter: Interpreter, environ: Mapping[str, str]) -> str | None:
    """Give the user's folder for *interpreter*, whether it is there or not; None where *environ* says not to look."""
    if environ.get("PYTHONNOUSERSITE"):
        return None
    python = ".".join(interpreter.version.split(".")[:2])
    base = environ.get("PYTHONUSERBASE")
    home = environ.get("USERPROFILE" if os.name == "nt" else "HOME", "")
    if interpreter.markers["os_name"] == "nt":
        root = base or os.path.join(environ.get("APPDATA") or home, "Python")
        return os.path.join(root, f"Python{python.replace('.', '')}", "site-packages")
    if "Python.framework" in str(interpreter.base.executable):
        return os.path.join(base or os.path.join(home, "Library", "Python", python), "lib", "python", "site-packages")
    name = "pypy" if interpreter.implementation.lower().startswith(("pypy", "pp")) else "python"
    return os.path.join(base or os.path.join(home, ".local"), "lib", f"{name}{python}", "site-packages")
