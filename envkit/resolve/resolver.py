"""`Resolver`: requirements in, `Resolution` out."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from envkit.errors import NoCandidate, RequirementError, ResolutionImpossible, ResolutionTooDeep
from envkit.events import Emitter
from envkit.model.arguments import several
from envkit.model.identity import normalize
from envkit.model.policy import ResolutionPolicy
from envkit.resolve.catalog import Catalog
from envkit.resolve.inputs import read_inputs
from envkit.resolve.memo import memo_key, recall, remember
from envkit.resolve.outcome import to_resolution
from envkit.resolve.problem import Problem, Restart
from envkit.resolve.pubgrub import PubGrubSolver
from envkit.resolve.rules import Rules
from envkit.resolve.solver import Bounds, Unsolvable

if TYPE_CHECKING:
    from envkit.events import CancelToken, Reporter
    from envkit.formats.lock import Lock
    from envkit.model.requirement import RequirementLike
    from envkit.model.resolution import Resolution
    from envkit.model.target import Target
    from envkit.resolve.inputs import Inputs
    from envkit.resolve.lock import Lockable
    from envkit.resolve.ports import CandidateSource
    from envkit.resolve.solver import Incompatibility, Solver

DEFAULT_SOLVER = "pubgrub"


class Resolver:
    """Choose one version for each project that the requirements need, on one target.

    *source* gives candidates and metadata; *solver* is ``"pubgrub"``, ``"resolvelib"``, an own `Solver`, or None for the
    default. The resolver keeps no state between calls and may be used from several threads if its source may.
    """

    def __init__(
        self,
        target: Target,
        source: CandidateSource,
        policy: ResolutionPolicy | None = None,
        solver: str | Solver | None = None,
        reporter: Reporter | None = None,
        cancel: CancelToken | None = None,
    ) -> None:
        self.target = target
        self.source = source
        self.policy = policy if policy is not None else ResolutionPolicy()
        self.solver = make_solver(solver)
        self.reporter = reporter
        self.cancel = cancel

    def resolve(
        self,
        requirements: Iterable[RequirementLike],
        *,
        constraints: Iterable[RequirementLike] = (),
        overrides: Iterable[RequirementLike] = (),
        preferences: Iterable[Any] = (),
        hashes: Mapping[str, Iterable[str]] | None = None,
    ) -> Resolution:
        """Resolve.

        *constraints* narrow projects that are pulled in, *overrides* replace every requirement of their name,
        *preferences* (``"name==version"``, pins, installed distributions) are kept where they fit; *hashes* restricts
        the files of a project to the given ``"sha256:..."`` texts.

        Raises `ResolutionImpossible`, `NoCandidate`, `ProjectNotFound`, `ResolutionTooDeep`, `RequirementError`,
        `Cancelled`, or what the source raises.
        """
        emitter = Emitter(self.reporter, cancel=self.cancel, kind="resolve")
        started = time.monotonic()
        if emitter.active:
            from envkit.events import OperationStarted

            emitter(OperationStarted(operation=emitter.operation, kind="resolve"))
        ok = False
        try:
            resolution = self._resolve(emitter, started, requirements, constraints, overrides, preferences, hashes)
            ok = True
        finally:
            if emitter.active:
                from envkit.events import OperationFinished

                seconds = time.monotonic() - started
                emitter(OperationFinished(operation=emitter.operation, kind="resolve", seconds=seconds, ok=ok))
        return resolution

    def lock(
        self,
        requirements: Iterable[Lockable],
        *,
        requires_python: str = ">=3.9",
        environments: Sequence[str] = (),
        required_environments: Sequence[str] = (),
        extras: Mapping[str, Iterable[Lockable]] | None = None,
        groups: Mapping[str, Iterable[Lockable]] | None = None,
        default_groups: Sequence[str] = (),
        conflicts: Sequence[Sequence[str]] = (),
        constraints: Iterable[Lockable] = (),
        overrides: Iterable[Lockable] = (),
        previous: Lock | None = None,
        hashes: Mapping[str, Iterable[str]] | None = None,
    ) -> Lock:
        """Lock for all environments in a range; the resolver's own target plays no part. See `envkit.resolve.lock.lock`."""
        from envkit.resolve.lock import lock

        if not self.policy.dependencies:
            raise RequirementError(
                "a lock holds what its projects need, which the policy leaves out",
                hint="lock under a policy with dependencies=True",
                context={"option": "dependencies"},
            )

        def make(target: Target, source: CandidateSource) -> Resolver:
            return Resolver(target, source, self.policy, self.solver, self.reporter, self.cancel)

        rules = Rules(target=self.target, policy=self.policy, now=time.time())
        return lock(
            make,
            self.source,
            requirements,
            requires_python=requires_python,
            environments=environments,
            required_environments=required_environments,
            extras=extras,
            groups=groups,
            default_groups=default_groups,
            conflicts=conflicts,
            constraints=constraints,
            overrides=overrides,
            previous=previous,
            hashes=hashes,
            builds=lambda name: not rules.binary_only(name) and rules.may_build(name),
            cancel=self.cancel,
        )

    def _resolve(
        self,
        emitter: Emitter,
        started: float,
        requirements: Iterable[RequirementLike],
        constraints: Iterable[RequirementLike],
        overrides: Iterable[RequirementLike],
        preferences: Iterable[Any],
        hashes: Mapping[str, Iterable[str]] | None,
    ) -> Resolution:
        # Iterables are read once here: they may be generators.
        requirements, constraints = several("requirements", requirements), several("constraints", constraints)
        overrides, preferences = several("overrides", overrides), several("preferences", preferences)
        given = (hashes or {}).items()
        allowed: dict[str, tuple[str, ...]] = {normalize(name): tuple(sorted(texts)) for name, texts in given}
        groups = (requirements, constraints, overrides, preferences, [repr(sorted(allowed.items()))])
        key = memo_key(self.target, self.policy, self.solver, *groups)
        known = recall(self.source, key)
        if known is not None:
            return known
        rules = Rules(target=self.target, policy=self.policy, now=time.time(), hashes=allowed)
        catalog = Catalog(self.source, rules)
        catalog.deadline = started + self.policy.deadline
        inputs, texts = read_inputs(catalog, requirements, constraints, overrides, preferences)
        if self.policy.dependencies:
            catalog.scout = lambda: _scout(catalog, inputs)
        problem = Problem(catalog, inputs)
        bounds = Bounds(emitter, started + self.policy.deadline, self.policy.max_rounds)
        try:
            resolution = self._solve(problem, bounds, texts)
            if not problem.unknown_extras:  # those are told every time
                remember(catalog, key, resolution)
            return resolution
        except (ResolutionImpossible, NoCandidate) as error:
            remember(catalog, key, error)
            raise
        finally:
            catalog.save()

    def _solve(self, problem: Problem, bounds: Bounds, texts: tuple[str, ...]) -> Resolution:
        """Let the solver work until it has an answer; that there is none, or none near, is PubGrub's alone to say."""
        solver = self.solver
        while True:
            try:
                return to_resolution(problem, solver.solve(problem, bounds), texts, bounds.emitter)
            except Restart:
                problem.reset()
            except Unsolvable as unsolvable:
                if unsolvable.proof is None:
                    solver = PubGrubSolver()
                    bounds.rounds = 0
                else:
                    self._reconsider(problem, unsolvable.proof, bounds)
            except ResolutionTooDeep:
                if isinstance(solver, PubGrubSolver) or time.monotonic() > bounds.deadline:
                    raise
                solver = PubGrubSolver()
                bounds.rounds = 0

    @staticmethod
    def _reconsider(problem: Problem, proof: Incompatibility, bounds: Bounds) -> None:
        """Let the search begin anew where a proof rests on what was not known yet; else raise the error that it makes."""
        from envkit.resolve.failure import to_error
        from envkit.resolve.late_pins import late_pins

        if not late_pins(problem, proof):
            raise to_error(problem, proof, bounds) from None
        problem.reset()


def _scout(catalog: Catalog, inputs: Inputs) -> None:
    from envkit.resolve.scout import Scout

    Scout(catalog, inputs)()


def make_solver(solver: str | Solver | None) -> Solver:
    """Give the solver of that name. Raises `RequirementError` for another name."""
    if solver is None:
        solver = DEFAULT_SOLVER
    if not isinstance(solver, str):
        return solver
    if solver == "pubgrub":
        return PubGrubSolver()
    if solver == "resolvelib":
        from envkit.resolve.backtracking import BacktrackingSolver

        return BacktrackingSolver()
    raise RequirementError(f"no solver is called {solver!r}", hint='"pubgrub" and "resolvelib" are')
