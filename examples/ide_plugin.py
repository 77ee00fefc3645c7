"""How an editor embeds envkit: work in a thread, events in a queue, and a button that cancels.

Starts an installation, presses "cancel" half-way, and shows that the environment is as it was; then lets it finish.
"""

from __future__ import annotations

import queue
import tempfile
import threading
from pathlib import Path

import envkit
from envkit import events


def install_in_thread(
    env: envkit.Environment,
    requirements: list[str],
    inbox: queue.Queue[events.Event | None],
    cancel: envkit.CancelToken,
) -> tuple[threading.Thread, list[BaseException]]:
    """Start an installation; *inbox* gets its events and at the end None, the list its error if there is one."""
    errors: list[BaseException] = []

    def work() -> None:
        try:
            envkit.Kit.from_environment(reporter=inbox.put, cancel=cancel).install(env, requirements)
        except envkit.EnvkitError as error:
            errors.append(error)
        finally:
            inbox.put(None)

    thread = threading.Thread(target=work, name="envkit-install")
    thread.start()
    return thread, errors


def drain(inbox: queue.Queue[events.Event | None]) -> list[events.Event]:
    """Give all events up to the end of the operation, as an event loop would see them."""
    return list(iter(inbox.get, None))


def main() -> None:
    """Cancel one installation and finish another."""
    with tempfile.TemporaryDirectory() as folder:
        env = envkit.create(Path(folder) / "env")

        inbox: queue.Queue[events.Event | None] = queue.Queue()
        cancel = envkit.CancelToken()
        thread, errors = install_in_thread(env, ["flask", "rich"], inbox, cancel)
        for event in iter(inbox.get, None):
            if isinstance(event, events.CandidatePinned):
                print(f"cancelling after {event.project} {event.version} was chosen")
                cancel.cancel()
                break
        drain(inbox)
        thread.join()
        print(f"outcome: {errors[0].code if errors and isinstance(errors[0], envkit.EnvkitError) else 'finished'}")
        print(f"installed: {[dist.name for dist in env.distributions()]}")

        inbox = queue.Queue()
        thread, errors = install_in_thread(env, ["flask", "rich"], inbox, envkit.CancelToken())
        seen = drain(inbox)
        thread.join()
        if errors:
            raise errors[0]
        print(f"second try: {sum(isinstance(event, events.WheelInstalled) for event in seen)} wheels installed")
        print(f"installed: {sorted(dist.name for dist in env.distributions())}")


if __name__ == "__main__":
    main()
