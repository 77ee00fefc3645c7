"""Requirements files: places in errors, secrets, round trips, hash mode, and hostile input."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envkit.errors import RequirementError
from envkit.formats.requirements_txt import RequirementsFile, parse_requirements, read_requirements
from envkit.model.editable import Editable
from tests.formats.test_requirements_pip import FILES


def test_values(tmp_path):
    (tmp_path / "pyproject.toml").write_text("")
    (tmp_path / "limits.txt").write_text("b<2\n")
    (tmp_path / "r.txt").write_text(
        "a[x]>=1 ; os_name=='posix'\n-e .\n-c limits.txt\nb @ https://f.example/b.zip ; os_name=='nt'\n"
    )
    found = read_requirements(tmp_path / "r.txt")
    assert [entry.requirement for entry in found.requirements] == [
        'a[x]>=1; os_name == "posix"',
        Editable(tmp_path),
        'b @ https://f.example/b.zip ; os_name == "nt"',
    ]
    assert [(entry.name, entry.specifier, entry.line) for entry in found.constraints] == [("b", "<2", 1)]
    assert found.files == (str(tmp_path / "r.txt"), str(tmp_path / "limits.txt"))
    assert found.text == (tmp_path / "r.txt").read_text()
    again = RequirementsFile.from_dict(found.to_dict())
    assert [entry.requirement for entry in again.requirements] == [entry.requirement for entry in found.requirements]


@pytest.mark.parametrize(
    ("text", "line", "part"),
    [
        ("a\n\nb=1\n", 3, "invalid requirement"),
        ("a\n--nope\n", 2, "no such option"),
        ("a \\\n >= 1 \\\n ;bad\n", 1, "invalid"),
        ("a --hash=md5:1\n", 1, "algorithm"),
        ("-r missing.txt\n", 1, "could not open"),
        ("-r https://f.example/x.txt\n", 1, "on a server"),
        ("./nowhere\n", 1, "invalid requirement"),
    ],
)
def test_errors_name_file_and_line(tmp_path, text, line, part):
    (tmp_path / "r.txt").write_text(text)
    with pytest.raises(RequirementError, match=part) as caught:
        read_requirements(tmp_path / "r.txt")
    assert (caught.value.file, caught.value.line) == (str(tmp_path / "r.txt"), line)


def test_includes_from_a_server():
    served = {
        "https://f.example/d/r.txt": b"-r more/x.txt\n-c c.txt\na\n",
        "https://f.example/d/more/x.txt": b"x\n",
        "https://f.example/d/c.txt": b"x<2\n",
        "https://f.example/evil.txt": b"-r file:///etc/passwd\n",
        "https://f.example/path.txt": b"./x\n",
    }
    found = read_requirements("https://f.example/d/r.txt", fetch=served.__getitem__)
    assert [entry.name for entry in (*found.requirements, *found.constraints)] == ["x", "a", "x"]
    for name, part in (("evil", "this machine"), ("path", "no folder")):
        with pytest.raises(RequirementError, match=part):
            read_requirements(f"https://f.example/{name}.txt", fetch=served.__getitem__)


def test_secrets_are_shown_nowhere():
    text = (
        "--index-url https://me:${TOKEN}@i.example/simple\n--extra-index-url https://me:${TOKEN}@j.example\n"
        "-f https://me:${TOKEN}@k.example\na @ https://me:${TOKEN}@f.example/a.zip\n-e git+https://me:${TOKEN}@g.example/g#egg=g\n"
    )
    found = parse_requirements(text, environ={"TOKEN": "s3cret"})
    assert found.options.index_url == "https://me:s3cret@i.example/simple"
    assert "s3cret" in str(found.requirements[0].requirement)
    for shown in (
        repr(found),
        str(found.to_dict()),
        *map(str, found.requirements),
        *map(repr, found.requirements),
        found.text,
    ):
        assert "s3cret" not in shown
    for bad in ("https://me:${TOKEN}@f.example/a.whl", "a @ https://me:${TOKEN}@x ; bad", "-r https://me:${TOKEN}@x.example/r",
                "-e https://me:${TOKEN}@x/y", "--trusted-host x --bad=https://me:${TOKEN}@x.example"):  # fmt: skip
        with pytest.raises(RequirementError) as caught:
            parse_requirements(bad, environ={"TOKEN": "s3cret"})
        assert "s3cret" not in str(caught.value.to_dict()) + repr(caught.value)


def test_events_for_what_is_ignored():
    events = []
    parse_requirements("--use-feature some-thing\n--hash=sha256:aa\na\n", reporter=events.append)
    assert [event.code for event in events] == ["ignored-option", "ignored-hash"]


def test_a_reporter_that_raises_harms_nothing():
    def broken(event):
        raise RuntimeError

    assert len(parse_requirements("--use-feature x\na\n", reporter=broken).requirements) == 1


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("a==1 --hash=sha256:aa\nb==2\n", "needs a hash"),
        ("a==1 --hash=sha256:aa\nb>=2\n", "pinned"),
        ("a==1 --hash=sha256:aa\ngit+https://g.example/b#egg=b\n", "repository"),
        ("--require-hashes\na\n", "pinned"),
        ("a==1 --hash=sha256:aa\n-e git+https://g.example/b#egg=b\n", "sources"),
        ("--require-hashes\nhttps://f.example/a.zip\n", "needs a hash"),
    ],
)
def test_hash_mode_is_strict(text, part):
    found = parse_requirements(text)
    assert found.hash_mode
    with pytest.raises(RequirementError, match=part):
        found.check_hashes()


@pytest.mark.parametrize(
    "text",
    ["a==1 --hash=sha256:aa\n", "a\n", "a==1 --hash=sha256:aa\nb>=2 --hash=sha256:aa\n",
     "--require-hashes\nhttps://f.example/a.zip#sha256=" + "0" * 64,
     "a===1 --hash=sha512:b",
     "--no-require-hashes\na==1 --hash=sha256:aa\nb\n"],
)  # fmt: skip
def test_hash_mode_lets_through(text):
    parse_requirements(text).check_hashes()


@given(FILES)
def test_the_text_is_kept(text):
    try:
        found = parse_requirements(text)
    except RequirementError:
        return
    assert found.text == text


_PIECES = [*"-er \\\n#${A}[];='\"\t<>@:/+.,!~()\u2028\x0c", "--hash=", "git+", "file:", "egg=", "-c", "a", " and "]


@given(st.one_of(st.text(max_size=200), st.lists(st.sampled_from(_PIECES), max_size=30).map("".join)))
def test_any_text_is_read_or_refused(text):
    try:
        parse_requirements(text, environ={"A": "${A}${A}"}, base="/nonexistent")
    except RequirementError:
        pass


def test_any_bytes_are_read_or_refused(tmp_path):
    path = tmp_path / "fuzzed.txt"

    @given(st.binary(max_size=200))
    def check(data):
        path.write_bytes(data)
        try:
            read_requirements(path)
        except RequirementError:
            pass

    check()


def test_hostile_files_end_soon(tmp_path, monkeypatch):
    monkeypatch.setattr("envkit.formats.requirements_txt.MAX_ENTRIES", 2_000)
    path = tmp_path / "r.txt"
    hostile = {
        "long": b"a" * 100_000_000,
        "long-below-the-limit": b"a" * 30_000_000,
        "spaces": b"a" + b" " * 400_000 + b"b #",
        "number-signs": b"a" + b"#" * 5_000_000,
        "continued": b"a\\\n" * 1_000_000,
        "many": b"a\n" * 3_000,
        "markers": b"a; " + b"(" * 50_000 + b"os_name=='a'" + b")" * 50_000,
        "clauses": b"a; " + b" or ".join([b"os_name=='a'"] * 20_000),
        "quotes": b"--config-settings " + b"'" * 400_001,
        "extras": b"a[" + b",".join([b"x"] * 50_000) + b"]",
        "brackets": b"./a" + b"[x]" * 100_000,
        "variables": b"${A}" * 100_000,
    }
    for name, data in hostile.items():
        path.write_bytes(data)
        started = time.thread_time()  # of the processor, as the machine may be busy
        with pytest.raises(RequirementError):
            read_requirements(path, environ={"A": "x" * 100_000})
        assert time.thread_time() - started < 20, name


def test_includes_are_bounded(tmp_path):
    for number in range(200):
        (tmp_path / f"{number}.txt").write_text(f"-r {number + 1}.txt\n")
    with pytest.raises(RequirementError, match="deep"):
        read_requirements(tmp_path / "0.txt")
    for number in range(40):
        (tmp_path / f"d{number}.txt").write_text(f"-r d{number + 1}.txt\n-r d{number + 1}.txt\n")
    (tmp_path / "d40.txt").write_text("a\n")
    with pytest.raises(RequirementError, match="more than"):
        read_requirements(tmp_path / "d0.txt")
    (tmp_path / "wide.txt").write_text("-r d40.txt\n" * 10_000)
    with pytest.raises(RequirementError, match="more than"):
        read_requirements(tmp_path / "wide.txt")
    (tmp_path / "self.txt").write_text("-r ./self.txt\n")
    with pytest.raises(RequirementError, match="includes itself"):
        read_requirements(tmp_path / "self.txt")
