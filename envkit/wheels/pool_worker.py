"""Compiles modules of one unpacked wheel after the other.

Run by the interpreter that the bytecode is for, with -I -S, so it is written for every Python from 3.6 on, uses the standard
library alone, and imports nothing of what it compiles. Lines on stdin are JSON lists ``[tree, target, [module paths]]``;
each is answered by one line, the list of the paths that were written.
"""

import json
import os
import py_compile
import sys
import warnings
from importlib.util import cache_from_source


def compile_tree(tree: str, target: str, names: "list[str]") -> "list[str]":
    """Compile *names* of *tree* so that the bytecode below *target* fits the mtime and size of the sources."""
    done: list[str] = []
    for name in names:
        source = os.path.join(tree, *name.split("/"))
        place = cache_from_source(os.path.join(target, *name.split("/")))
        try:
            # The path in tracebacks is replaced by the import system, so the one in the wheel serves everywhere.
            written = py_compile.compile(source, cfile=place, dfile=name, doraise=True)
        except (py_compile.PyCompileError, ValueError, RecursionError, MemoryError, OverflowError):
            continue  # wheels carry modules for other Pythons, and templates that are no Python at all
        if written is not None:
            done.append(os.path.relpath(written, target).replace(os.sep, "/"))
    return done


def main() -> None:
    """Serve until stdin ends."""
    warnings.simplefilter("ignore")
    os.umask(0o022)  # of this process alone: bytecode gets the permissions of its source, whoever compiles it first
    for line in sys.stdin.buffer:
        tree, target, names = json.loads(line.decode("utf-8"))
        answer = json.dumps(compile_tree(tree, target, names))
        sys.stdout.write(answer + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
