"""What a person sees who prints a result."""

from __future__ import annotations

import envkit
from envkit.testing.loopback import LoopbackIndex
from envkit.testing.wheels import wheel_bytes

PROJECTS = dict(
    [wheel_bytes("app", "1.0", requires=["lib"]), wheel_bytes("lib", "1.0"), wheel_bytes("lib", "2.0")],
)


def test_plans_reports_and_resolutions_print_as_short_lines(tmp_path):
    with LoopbackIndex(PROJECTS) as index, envkit.Kit(indexes=(index.url,), cache_dir=tmp_path / "cache") as kit:
        env = kit.create(tmp_path / "env")
        resolution = kit.resolve(["app", "lib<2"], target=env)
        assert str(resolution) == "app==1.0\nlib==1.0"
        plan = kit.plan(env, resolution)
        assert str(plan) == "+ lib 1.0\n+ app 1.0"
        assert str(kit.apply(env, plan)) == "+ lib 1.0\n+ app 1.0"
        assert str(kit.plan(env, resolution)) == "nothing to do"
        changed = kit.plan(env, kit.resolve(["lib"], target=env), mode="sync")
        assert str(changed) == "~ lib 1.0 -> 2.0\n- app 1.0"
        report = kit.apply(env, changed)
        assert sorted(str(report).splitlines()) == ["- app 1.0", "~ lib 1.0 -> 2.0"]
        assert str(kit.install(env, ["lib"])) == "nothing was done"
