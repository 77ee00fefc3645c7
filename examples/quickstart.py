"""From nothing to a running web application, and back to nothing.

Makes an environment in a temporary folder, installs flask and rich into it with live progress, runs a program inside it
that imports both and serves one request on loopback, prints what is installed, upgrades, and uninstalls.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import envkit
from envkit import events

PROGRAM = """
import threading, urllib.request
import flask, rich
from werkzeug.serving import make_server

app = flask.Flask("hello")
app.add_url_rule("/", view_func=lambda: "hello from flask " + __import__("importlib.metadata").metadata.version("flask"))
server = make_server("127.0.0.1", 0, app)
threading.Thread(target=server.handle_request, daemon=True).start()
with urllib.request.urlopen(f"http://127.0.0.1:{server.server_port}/", timeout=30) as answer:
    rich.print("[bold green]" + answer.read().decode() + "[/]")
"""


class Progress:
    """Keep one line of the terminal up to date; where the output is no terminal, print only what is finished."""

    def __init__(self) -> None:
        self.live = sys.stdout.isatty()

    def __call__(self, event: events.Event) -> None:
        match event:
            case events.DownloadAdvanced(filename=filename, done=done, total=total) if self.live and total:
                print(f"\r\033[K  downloading {filename} {100 * done // total}%", end="", flush=True)
            case events.CandidatePinned(project=project, version=version) if self.live:
                print(f"\r\033[K  resolving: {project} {version}", end="", flush=True)
            case events.WheelInstalled(name=name, version=version, done=done, total=total):
                print(f"{self._clear()}  installed {name} {version} ({done} of {total})")
            case events.DistributionRemoved(name=name, version=version):
                print(f"{self._clear()}  removed {name} {version}")
            case _:
                pass

    def _clear(self) -> str:
        return "\r\033[K" if self.live else ""


def main() -> None:
    """Run the whole path."""
    # The indexes that this machine is configured with, all of them asked for each project, as pip does. That is fine for
    # public projects; the default, "first-index", is what keeps a private name from being taken over by a public one.
    policy = envkit.ResolutionPolicy(index_strategy="unsafe-best-match")
    kit = envkit.Kit.from_environment(reporter=Progress(), policy=policy)
    with tempfile.TemporaryDirectory() as folder:
        env = kit.create(Path(folder) / "env")
        print(f"made an environment for Python {env.interpreter.version}")

        kit.install(env, ["flask<3.1", "rich"])
        done = env.run(["python", "-c", PROGRAM], capture_output=True, text=True, timeout=120)
        print(done.stdout, end="")
        if done.returncode:
            raise SystemExit(done.stderr)

        print("frozen:")
        print("\n".join(f"  {line}" for line in kit.freeze(env)))

        report = kit.install(env, ["flask"], upgrade=True)
        for change in report.replaced:
            print(f"upgraded {change.name} from {change.before} to {change.after}")

        kit.uninstall(env, ["flask", "rich"])
        names = [dist.name for dist in env.distributions()]
        print(f"left, because nobody asked to remove them: {', '.join(sorted(names))}")


if __name__ == "__main__":
    main()
