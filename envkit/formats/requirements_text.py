"""Change the text of a requirements file and leave alone what is not changed: comments, order, options, line ends."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import partial
from typing import Self

from envkit.dataclass import dataclass, field, replace
from envkit.errors import RequirementError
from envkit.formats.line_options import Options, parse_options, read_hashes, split_line
from envkit.formats.logical import joined_lines, strip_comment
from envkit.formats.requirement_line import parse_editable, parse_entry
from envkit.model.identity import normalize
from envkit.model.requested import RequirementEntry
from envkit.model.secret import mask_credentials
from envkit.model.values import Value

_HASH = re.compile(r"(?:^|(?<=\s))--h(?:a(?:sh?)?)?(?:=|\s+)\S+\s*")


@dataclass(frozen=True, slots=True)
class _Line:
    """One requirement: *start* and *end* are places in the list of physical lines, *tail* the options behind it."""

    start: int
    end: int
    entry: RequirementEntry
    tail: str
    options: Options
    comment: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RequirementsText(Value):
    """The text of one requirements file; every change gives a new value. Included files are not looked into.

    *file* is what errors call it. Requirements without a name (bare URLs, paths) stay as they are and cannot be named.
    """

    text: str = field(default="", repr=False, metadata={"transient": True})
    file: str = "requirements.txt"

    @property
    def names(self) -> tuple[str, ...]:
        """The normalized names of the requirements, in the order of the file, each as often as it is written.

        Raises `RequirementError` for a line that is no requirement.
        """
        return tuple(line.entry.name for line in self._lines() if line.entry.name is not None)

    def add(self, requirement: str, *, hashes: Iterable[str] = (), comment: str = "") -> Self:
        """Give the text with one more requirement: in its place if the names are in order, else at the end.

        *hashes* are ``algorithm:digest`` texts. Raises `RequirementError` where it is none, or the project is there
        already with the same marker.
        """
        entry = self._parse(requirement)
        lines = list(self._lines())
        if any(_is_same(line.entry, entry) for line in lines if entry.name is not None):
            raise RequirementError(
                f"{self.file} asks for {entry.name} already", hint="change it instead", file=self.file
            )
        names = [line.entry.name or "" for line in lines]
        at = len(self._physical)
        if entry.name is not None and len(names) > 1 and names == sorted(names):
            at = next((line.start for line in lines if (line.entry.name or "") > entry.name), at)
        several = any(line.end - line.start > 1 for line in lines)
        return self._with(at, at, self._written(requirement, "", self._checked(hashes), comment, several=several))

    def remove(self, name: str, *, marker: str | None = None) -> Self:
        """Give the text without a project: all of its lines, or with *marker* the one that has this marker.

        Indented comments below a requirement, as compilers of such files write them, go with it. Raises
        `RequirementError` where it is not there.
        """
        wanted = normalize(name)
        found = [
            line
            for line in self._lines()
            if line.entry.name == wanted and (marker is None or line.entry.marker == marker)
        ]
        if not found:
            raise RequirementError(f"{self.file} does not ask for {name}", file=self.file)
        physical = self._physical
        for line in reversed(found):
            end = line.end
            while end < len(physical) and physical[end][:1] in (" ", "\t") and physical[end].lstrip().startswith("#"):
                end += 1
            del physical[line.start : end]
        return replace(self, text="".join(physical))

    def change(self, requirement: str, *, hashes: Iterable[str] | None = None) -> Self:
        """Give the text with *requirement* in the place of the one of the same project (and marker, if it has several).

        Its options and comment stay. *hashes* take the place of those that it has; None keeps them, which only works where
        the version stays the same. Raises `RequirementError`.
        """
        entry = self._parse(requirement)
        found = [line for line in self._lines() if entry.name is not None and line.entry.name == entry.name]
        if len(found) > 1:
            found = [line for line in found if line.entry.marker == entry.marker]
        if len(found) != 1:
            what = "more than once" if found else "not"
            raise RequirementError(f"{self.file} asks for {requirement} {what}", file=self.file)
        (line,) = found
        old = line.options.get("hash", [])
        if hashes is None and old and (entry.specifier, entry.url) != (line.entry.specifier, line.entry.url):
            raise RequirementError(
                f"the hashes of {entry.name} are those of another version", hint="give the new ones", file=self.file
            )
        kept = tuple(old) if hashes is None else self._checked(hashes)
        several = line.end - line.start > 1
        return self._with(
            line.start, line.end, self._written(requirement, line.tail, kept, line.comment, several=several)
        )

    @property
    def _physical(self) -> list[str]:
        return self.text.splitlines(keepends=True)

    def _lines(self) -> Iterator[_Line]:
        places = list(joined_lines(self.text))
        ends = [number - 1 for number, _ in places[1:]] + [len(self._physical)]
        for (number, joined), end in zip(places, ends, strict=False):
            bare = strip_comment(joined)
            wanted, rest = split_line(bare.strip())
            options = parse_options(rest, partial(self._fail, number))
            editables = options.get("editable", ())
            text = wanted.strip() or (editables[0] if editables else "")
            if text:
                comment = joined[len(bare) :].strip()
                yield _Line(number - 1, end, self._entry(text, number, bool(editables)), rest, options, comment)

    def _entry(self, text: str, number: int, editable: bool) -> RequirementEntry:  # noqa: FBT001
        if "${" in text:  # what it will be is not known here
            return RequirementEntry(name=_name_before(text), url=text, written=text)
        try:
            return parse_editable(text) if editable else parse_entry(text)
        except RequirementError as error:
            if _is_place(text):
                return RequirementEntry(url=text, written=text)
            raise self._fail(number, error.message) from error

    def _fail(self, number: int, message: str) -> RequirementError:
        text = mask_credentials(f"{self.file}, line {number}: {message}")
        return RequirementError(text, file=self.file, line=number)

    def _parse(self, requirement: str) -> RequirementEntry:
        if "\n" in requirement or "\r" in requirement or " #" in requirement:
            raise RequirementError("a requirement is one line without a comment", file=self.file)
        return parse_entry(requirement.strip())

    def _checked(self, hashes: Iterable[str]) -> tuple[str, ...]:
        texts = tuple(hashes)
        read_hashes(list(texts), lambda message: RequirementError(message, file=self.file))
        if any(not text.isalnum() for text in (text.replace(":", "", 1) for text in texts)):
            raise RequirementError("a hash is letters and digits", file=self.file)
        return texts

    def _written(self, requirement: str, tail: str, hashes: tuple[str, ...], comment: str, *, several: bool) -> str:
        """Write one requirement: over several lines where the file, or the requirement before, does so with hashes."""
        words = [*_without_hashes(tail), *(f"--hash={text}" for text in hashes)]
        newline = "\r\n" if "\r\n" in self.text else "\n"
        between = f" \\{newline}    " if several and hashes else " "
        remark = f"  {comment if comment.startswith('#') else f'# {comment}'}" if comment else ""
        return between.join([requirement.strip(), *words]) + remark + newline

    def _with(self, start: int, end: int, text: str) -> Self:
        physical = self._physical
        newline = "\r\n" if "\r\n" in self.text else "\n"
        if start and start == len(physical) and not physical[-1].endswith(("\n", "\r")):
            physical[-1] += newline
        if end == len(physical) and start < end and not physical[-1].endswith(("\n", "\r")):
            text = text.removesuffix(newline)
        physical[start:end] = [text]
        return replace(self, text="".join(physical))


def _is_same(one: RequirementEntry, other: RequirementEntry) -> bool:
    return one.name == other.name and one.marker == other.marker


def _is_place(text: str) -> bool:
    return text.startswith((".", "/", "~")) or "/" in text.split("@", 1)[0] or "\\" in text


def _name_before(text: str) -> str | None:
    head, at, _ = text.partition("@")
    name = head.partition("[")[0].strip()
    return normalize(name) if at and name and "/" not in name and "$" not in name and ":" not in name else None


def _without_hashes(tail: str) -> list[str]:
    kept = _HASH.sub("", tail).strip()
    return [kept] if kept else []
