"""Run by the Python of an environment: several pip commands in one process, with a pip that is not installed there.

Arguments: the folder that holds pip. Standard input: a JSON list of argument lists. Standard output: their outputs.
"""

import contextlib
import importlib.machinery
import io
import json
import os
import sys

SOURCE = sys.argv[1]
sys.path = [path for path in sys.path if path and os.path.realpath(path) != os.path.dirname(os.path.realpath(__file__))]


class Redirect:
    """Finds pip in its own folder, so that the folder need not be on the path and list its contents."""

    @classmethod
    def find_spec(cls, fullname, path=None, target=None):
        if fullname != "pip":
            return None
        return importlib.machinery.PathFinder.find_spec(fullname, [SOURCE], target)


sys.meta_path.insert(0, Redirect())


def run(arguments):
    from pip._internal.cli.main import main

    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        code = main(["--disable-pip-version-check", "--no-color", *arguments])
    return {"code": code, "output": out.getvalue()}


if __name__ == "__main__":
    json.dump([run(arguments) for arguments in json.load(sys.stdin)], sys.__stdout__)
