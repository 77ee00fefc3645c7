"""Let no build last longer than the resolution may that needs it."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

from envkit.errors import Cancelled, EnvkitError, ResolutionTooDeep
from envkit.host.limits import left, until


@contextmanager
def in_time(deadline: float, seconds: float) -> Generator[None]:
    """Bound what is built here by *deadline* (`time.monotonic`), which was *seconds* when it was set.

    Raises `ResolutionTooDeep`, with the build's subject in its context, for whatever fails after that moment: it is taken
    to fail because of it, and never to say something about a version.
    """
    with until(deadline):
        try:
            yield
        except (Cancelled, ResolutionTooDeep):
            raise
        except EnvkitError as error:
            if left() > 0:
                raise
            raise ResolutionTooDeep(
                f"no answer within the deadline of {seconds:g} seconds: {error.message}",
                hint="ask for a version that needs no build, or raise the deadline of the policy",
                context={**error.context, "deadline": seconds},
            ) from error
