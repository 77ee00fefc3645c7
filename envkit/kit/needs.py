"""What a project or a script says that it needs, as wishes; and texts that name a file and not a project."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from envkit.errors import RequirementError
from envkit.namedtuple import NamedTuple

if TYPE_CHECKING:
    from envkit.model.requested import RequirementEntry

# Names that could be a project's, and that people write when they mean a file. Others may upload such projects.
_ENDS = (".txt", ".whl", ".tar.gz")
_FILES = ("requirements.in", "pyproject.toml", "pylock.toml", "uv.lock", "poetry.lock", "pdm.lock", "pipfile.lock")

_NO_MARKS = str.maketrans("", "", "._-")

Check = Callable[[Mapping[str, str] | None], None]


class Needs(NamedTuple):
    """The requirements of a project or a script; *check* refuses a Python that it is not for, given a target's markers."""

    entries: tuple[RequirementEntry, ...]
    check: Check


def needs_of(wish: object) -> Needs | None:
    """Give what a `ProjectFile` or `ScriptMetadata` needs; None for anything else. Raises `RequirementError`."""
    from envkit.formats.pyproject import ProjectFile
    from envkit.formats.scripts import ScriptMetadata

    if isinstance(wish, ProjectFile):
        return Needs(wish.requirements(), _python_check(wish.path, wish.requires_python))
    if isinstance(wish, ScriptMetadata):
        return Needs(wish.dependencies, _python_check("the script", wish.requires_python))
    return None


def _python_check(what: str, requires_python: str | None) -> Check:
    from envkit.model.identity import parse_specifier

    def check(markers: Mapping[str, str] | None) -> None:
        python = (markers or {}).get("python_full_version")  # none where no single machine is meant
        if requires_python and python and not parse_specifier(requires_python).contains(python, prereleases=True):
            raise RequirementError(
                f"{what} needs Python {requires_python}, and the target has {python}",
                context={"requires_python": requires_python, "python": python},
            )

    return check


def refuse_file_name(text: str) -> None:
    """Refuse a *text* that names a file: whoever registers a project of that name would be trusted with the machine.

    Raises `RequirementError`.
    """
    name = text.strip()
    could_be_a_name = name.translate(_NO_MARKS).isalnum()
    if could_be_a_name and (name.lower().endswith(_ENDS) or name.lower() in _FILES):
        raise RequirementError(
            f"{name!r} names a file here, and would be taken as the name of a project",
            hint=f"envkit.formats and Lock.read read files, a wheel or archive is given as pathlib.Path; "
            f"a project of that name is {name}>=0",
        )
