"""Wire what runs code of projects."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from envkit.kit.builds import Builds, Workshop, settings_for
from envkit.wheels.settings import BuildSettings

if TYPE_CHECKING:
    from envkit.cache.store import Cache
    from envkit.index.client import IndexClient
    from envkit.interpreter.interpreter import Interpreter
    from envkit.kit.settings import Settings
    from envkit.wheels.pool import WheelPool


def make_builds(
    settings: Settings, interpreter: Interpreter, client: IndexClient, cache: Cache, pool: WheelPool
) -> Builds:
    """Give builds with *interpreter*. Backends see an allow-list of the variables of this process, or of the mapping
    that the kit was configured from.
    """
    given = settings.build if settings.build is not None else BuildSettings()
    return Builds(
        Workshop(
            client=client,
            cache=cache,
            pool=pool,
            interpreter=interpreter,
            settings=settings_for(given, settings.policy),
            policy=settings.policy,
            environ=dict(os.environ) if settings.configuration is None else settings.configuration.environ,
            offline=settings.offline,
            processes=settings.processes,
            reporter=settings.reporter,
            cancel=settings.cancel,
        )
    )
