"""envkit as a fresh process: requirements in, pins out, one a line each, as ``uv pip compile -`` has them.

    python -P benchmarks/fresh_process.py URL CACHE [EXCLUDE_NEWER] < requirements.txt

It is a script that imports envkit alone: a program's own imports are not what is measured.
"""

import sys

import envkit


def main(url: str, cache: str, exclude_newer: str | None = None) -> int:
    """Resolve what standard input asks for, from wheels alone, for the running interpreter; 1 where that cannot be."""
    policy = envkit.ResolutionPolicy(only_binary=(":all:",), exclude_newer=exclude_newer)
    kit = envkit.Kit(indexes=(url,), cache_dir=cache, policy=policy)
    try:
        resolution = kit.resolve(sys.stdin.read().splitlines(), target=envkit.Interpreter.current())
    except envkit.EnvkitError as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return 1
    print("\n".join(f"{name}=={pin.version}" for name, pin in resolution.pins.items()))
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
