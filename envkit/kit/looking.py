"""What a kit can tell of an environment without changing it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from envkit.environment.environment import Environment
from envkit.kit.parts import Parts
from envkit.kit.places import as_environment

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from envkit.formats.lock import Lock
    from envkit.inspection.audit import Finding, VulnerabilityProvider
    from envkit.inspection.graph import Dependency, TreeNode
    from envkit.inspection.problems import Problem
    from envkit.inspection.report import Shown
    from envkit.kit.outdated import Outdated
    from envkit.model.distribution import InstalledDistribution
    from envkit.model.plan import InstallPlan
    from envkit.model.plan import Problem as FileProblem


class Looking:
    """The part of a `Kit` that looks: each call looks anew, and changes nothing."""

    _parts: Parts

    def freeze(
        self,
        env: Environment,
        *,
        requirements: Sequence[str | Path] | str | Path = (),
        include_all: bool = False,
        exclude: Iterable[str] | str = (),
        exclude_editable: bool = False,
        local: bool = False,
        user: bool = False,
        hashes: bool = False,
    ) -> tuple[str, ...]:
        """Give what is installed as requirement lines, as ``pip freeze`` prints them; see `Freezer.freeze`."""
        return self._parts.freezer(env).freeze(
            requirements=requirements,
            include_all=include_all,
            exclude=exclude,
            exclude_editable=exclude_editable,
            local=local,
            user=user,
            hashes=hashes,
        )

    def pylock(self, env: Environment) -> Lock:
        """Give a lock of exactly what is installed; what nobody wrote down is looked up. See `Freezer.pylock`."""
        from envkit.kit.locking import pylock

        return pylock(self._parts, env)

    def list(self, env: Environment) -> tuple[InstalledDistribution, ...]:
        """Give the installed distributions, sorted by name."""
        return as_environment(env).distributions()

    def show(self, env: Environment, name: str, *, sizes: bool = True) -> Shown | None:
        """Give everything known of one installed distribution, with its files; None where it is not installed."""
        return self._parts.freezer(env).show(name, sizes=sizes)

    def tree(
        self, env: Environment, names: Iterable[str] | str = (), *, inverted: bool = False, depth: int | None = None
    ) -> tuple[TreeNode, ...]:
        """Give what is installed as a forest of dependencies; see `Freezer.tree`."""
        return self._parts.freezer(env).tree(names, inverted=inverted, depth=depth)

    def why(self, env: Environment, name: str) -> tuple[tuple[Dependency, ...], ...]:
        """Give the chains of dependencies that lead to *name*, from what was asked for; see `Freezer.why`."""
        return self._parts.freezer(env).why(name)

    def orphans(self, env: Environment, keep: Iterable[str] | str = ()) -> tuple[str, ...]:
        """Give what nobody asked for and nothing needs any more; see `Freezer.orphans`."""
        return self._parts.freezer(env).orphans(keep)

    def outdated(
        self,
        env: Environment,
        *,
        local: bool = False,
        user: bool = False,
        editable: bool | None = None,
        not_required: bool = False,
        exclude: Iterable[str] | str = (),
    ) -> tuple[Outdated, ...]:
        """Give the distributions for which the indexes have a newer version that fits *env*, sorted by name.

        What is looked at is what `Freezer.list` gives for the same options.
        """
        from envkit.kit.outdated import find_outdated

        rows = self._parts.freezer(env).list(
            local=local, user=user, editable=editable, not_required=not_required, exclude=exclude
        )
        return find_outdated(self._parts, as_environment(env), rows)

    def audit(
        self,
        what: Any,
        *,
        index: bool = True,
        osv: str | None = None,
        providers: Iterable[VulnerabilityProvider] = (),
        fixes: bool = True,
    ) -> tuple[Finding, ...]:
        """Give the known vulnerabilities of an environment, a `Lock` or a `Resolution`, by name and version.

        Asked are the JSON APIs of the kit's indexes (unless *index* is false), the OSV server at the address *osv*, and
        *providers*. With *fixes* each finding names the nearest version without it that still resolves with the rest.
        Raises `IndexAccessError` where anybody cannot be asked: half an answer would look like a good one.
        """
        from envkit.kit.audit import find_vulnerabilities

        return find_vulnerabilities(self._parts, what, index=index, osv=osv, providers=providers, fixes=fixes)

    def sbom(self, what: Any, *, subject: str | None = None, timestamp: datetime | None = None) -> str:
        """Give a bill of materials (CycloneDX, JSON) of an environment, a `Lock` or a `Resolution`.

        *subject* names the whole, *timestamp* is when it was looked at (now). Raises `MissingExtra` where the extra
        ``sbom`` is not installed.
        """
        from envkit.kit.materials import write_bill

        return write_bill(self._parts, what, subject=subject, timestamp=timestamp)

    def check(self, env: Environment, *, files: bool = False) -> tuple[Problem, ...]:
        """Give what is wrong with what is installed, with *files* also with each file; empty when nothing is."""
        return self._parts.freezer(env).check(files=files)

    def verify(self, env: Environment) -> tuple[FileProblem, ...]:
        """Compare every installed file with its record: what is missing, changed, orphaned or shadowed."""
        return self._parts.installer(env).verify()

    def report(self, env: Environment, plan: InstallPlan) -> dict[str, Any]:
        """Give what *plan* would install in the JSON schema of ``pip install --report``; nothing is changed."""
        from envkit.kit.reporting import report_plan

        return report_plan(self._parts, env.interpreter, plan)
