"""pip itself says what requirements files mean: written cases here, generated ones below."""

from __future__ import annotations

import codecs
import http.server
import threading
from pathlib import Path
from typing import ClassVar

import pytest
from hypothesis import strategies as st

from tests.formats.oracle import ask_pip, ask_us, normalized
from tests.formats.real_world import REAL_WORLD

CASES = {
    "empty": "",
    "plain": "requests\nflask>=2,<4\nDjango ~= 4.2\n",
    "markers": "a; python_version < '3.8'\nb>=1 ; sys_platform == 'win32' and extra == 'x'\nc;\n",
    "extras": "Requests[Socks,security]>=2\nfoo [bar] == 1.*\n",
    "comments": "# top\nrequests # why\nflask#not-a-comment\n   # indented\n\turllib3\t# tab\n",
    "comments-2": "requests==1#egg\nflask\n",
    "continuation": "requests \\\n  >=2, \\\n  <3\nflask\\\n>=1\n",
    "continuation-comment": "requests \\\n# comment\nflask\n",
    "continuation-end": "requests \\\n",
    "continuation-blank": "requests \\\n\nflask\n",
    "hashes": "a==1 --hash=sha256:aa --hash sha256:bb --hash=sha512:cc\n",
    "hashes-continued": "a==1 \\\n    --hash=sha256:aa \\\n    --hash=sha256:bb\nb==2\n",
    "hash-unknown": "a==1 --hash=md5:aa\n",
    "hash-no-colon": "a==1 --hash=sha256\n",
    "hash-alone": "--hash=sha256:aa\na\n",
    "settings": "a -C x=1 --config-settings=y=2 -Cx=3\n",
    "settings-quoted": "a --config-settings='--build-option=-j 4'\n",
    "settings-bad": "a --config-settings=x\n",
    "variables": "https://${USER_NAME}:${TOKEN}@files.example/a-1.0-py3-none-any.whl\na==${VERSION}\n${lower}==1\n",
    "variables-unset": "a @ https://files.example/${NOT_SET}/a.zip\n",
    "variables-plain": "a==${VERSION} # ${TOKEN}\nb[${EXTRA_1}]\n",
    "index": "-i https://one.example/simple\n--extra-index-url https://two.example/simple\na\n",
    "index-2": "--extra-index-url https://two.example/s\n--index-url=https://one.example/s\n--extra-index-url https://x.example\n",
    "index-pypi": "--pypi-url https://one.example/simple\n",
    "index-joined": "-ihttps://one.example/simple\n",
    "no-index": "--extra-index-url https://two.example/s\n--no-index\n-i https://one.example\n",
    "one-line": "-i https://one.example --extra-index-url https://two.example --pre --trusted-host h.example\na\n",
    "abbreviated": "--index https://one.example\n--extra https://two.example\n--trust h.example\n",
    "ambiguous": "--no-i\n--re x\n",
    "ambiguous-2": "--no-\n",
    "unknown-option": "--global-option x\n",
    "unknown-short": "-z\n",
    "missing-value": "-i\n",
    "flag-value": "--pre=yes\n",
    "pre": "--pre\na\n",
    "releases": "--all-releases a,B_c\n--only-final a\n",
    "releases-all": "--all-releases :all:\n--only-final x\n",
    "binary": "--no-binary :all:\n--only-binary a,b\n--no-binary B\n",
    "binary-none": "--no-binary a,b\n--no-binary :none:\n--only-binary=:all:\n",
    "binary-on-requirement": "a --no-binary a\nb --only-binary=b,c\n",
    "binary-dash": "--no-binary -x\n",
    "binary-mixed": "--no-binary a,:all:,b\n--only-binary :all:,:none:,d\n",
    "prefer": "--prefer-binary\n",
    "require-hashes": "--require-hashes\na==1 --hash=sha256:aa\n",
    "no-require-hashes": "--no-require-hashes\na==1 --hash=sha256:aa\n",
    "feature": "--use-feature fast-deps\n--use-feature=fast-deps\na\n",
    "trusted": "--trusted-host one.example\n--trusted-host two.example:8080\n",
    "find-links": "-f https://files.example/links\n--find-links ./wheels\n--find-links nowhere -f second\n",
    "direct": "a @ https://files.example/a-1.0.tar.gz\nb[x] @ git+https://git.example/b.git@main ; python_version>'3'\n",
    "url-wheel": "https://files.example/My_Pkg-1.0-py3-none-any.whl\n",
    "url-wheel-marker": "https://files.example/a-1.0-py3-none-any.whl ; sys_platform == 'linux'\n",
    "url-wheel-nospace": "https://files.example/a-1.0-py3-none-any.whl; sys_platform == 'linux'\n",
    "url-bad-wheel": "https://files.example/a.whl\n",
    "url-egg": "https://files.example/a.zip#egg=My.Name\n",
    "url-egg-bad": "https://files.example/a.zip#egg=a[x]\n",
    "url-unnamed": "https://files.example/a.zip\n",
    "url-hash": "https://files.example/a-1.0-py3-none-any.whl#sha256=" + "ab" * 32 + "\n",
    "vcs": "git+https://git.example/a.git@v1#egg=a&subdirectory=sub\nhg+https://hg.example/b#egg=b\n",
    "vcs-unnamed": "git+https://git.example/a.git\n",
    "editable": "-e .\n--editable ./project\n-e project[x,Y]\n",
    "editable-vcs": "-e git+https://git.example/a.git#egg=a\n-e svn+https://svn.example/a#egg=b\n",
    "editable-vcs-short": "-e git:https://git.example/a.git#egg=a\n",
    "editable-named": "-e a[x] @ git+https://git.example/a.git ; python_version > '3'\n",
    "editable-quoted": "-e 'a[x] @ git+https://git.example/a.git ; python_version > \"3\"'\n",
    "editable-unnamed": "-e git+https://git.example/a.git\n",
    "editable-url": "-e https://files.example/a.zip\n",
    "editable-nowhere": "-e ./nowhere\n",
    "editable-hash": "-e ./project --hash=sha256:aa\n",
    "editable-settings": "-e ./project -C a=b\n",
    "editable-after": "./project -e x\n",
    "path": "./project\n./project[x]\nproject/\n./a-1.0-py3-none-any.whl\na-1.0-py3-none-any.whl\n",
    "path-marker": "./project ; python_version > '3'\n./project[x]; python_version > '3'\n",
    "path-missing": "./missing\n",
    "path-empty-folder": "./wheels\n",
    "path-name-like-folder": "project\n",
    "archive-missing": "./missing-1.0.tar.gz\nmissing-2.0.zip\n",
    "include": "-r other.txt\n-c limits.txt\nrequests\n",
    "include-equals": "--requirement=other.txt\n--constraint=limits.txt\n",
    "include-twice": "-r other.txt\n-r other.txt\n",
    "include-two-on-line": "-r other.txt -r missing.txt\n",
    "include-nested": "-r nested/deep.txt\n",
    "include-missing": "-r missing.txt\n",
    "include-self": "-r requirements.txt\n",
    "include-cycle": "-r nested/cycle.txt\n",
    "constraint-include": "-c nested/limits-that-include.txt\n",
    "constraint-editable": "-c nested/editable-limits.txt\n",
    "options-after-requirement": "requests -i https://one.example\n",
    "dashdash": "requests -- x\n",
    "bad-requirement": "requests = 1\n",
    "bad-name": "-\n",
    "bad-name-2": "_a_\n",
    "bad-specifier": "a>=1,<\n",
    "bad-marker": "a; nonsense\n",
    "bad-quotes": "-e 'unclosed\n",
    "form-feed": "a\x0cb\nc\x85d\u2028e\n",
    "spaces": "   a   \n\tb\n\u00a0c\n",
    "arbitrary": "a===1.0-weird\n",
    "parenthesised": "a (>=1,<2)\n",
    "legacy": "a>=1.0.*\n",
    "wildcard": "a==1.*\n",
    "at-sign": "a@https://files.example/a.zip\n",
    "file-url": "file:///tmp/a-1.0-py3-none-any.whl\n",
    "semicolon-in-url": "a @ https://files.example/a;b.zip\n",
    "crlf": "a\r\nb \\\r\n>=1\r\n# c\r\n",
    "cr": "a\rb\r",
    "quotes-in-marker": 'a ; platform_machine == "x86_64" --hash=sha256:aa\n',
    "backslashes": "a\\b\n",
    "many-backslashes": "a \\\\\\\n>=1\n",
    "tab-option": "a\t--hash=sha256:aa\n",
    "env-in-option": "--extra-index-url https://${USER_NAME}:${TOKEN}@one.example/simple\n",
}

ENCODED = {
    "utf-8-bom": codecs.BOM_UTF8 + b"a\n",
    "utf-16": "a\nb\n".encode("utf-16"),
    "utf-16-be": codecs.BOM_UTF16_BE + "a\n# é\n".encode("utf-16-be"),
    "utf-32": "a\nb\n".encode("utf-32"),
    "latin-1": b"# -*- coding: latin-1 -*-\na # caf\xe9\n",
    "second-line": b"# one\n# vim: set fileencoding=cp1252 :\na # \x80\n",
    "third-line": b"# one\n# two\n# coding: utf-16\na\n",
    "unknown-encoding": b"# coding: no-such-thing\na\n",
}


def _folder(tmp_path, name: str, data: bytes):
    folder = tmp_path / name
    (folder / "project").mkdir(parents=True)
    (folder / "project" / "pyproject.toml").write_text("[project]\nname='project'\n")
    (folder / "pyproject.toml").write_text("[project]\nname='here'\n")
    (folder / "wheels").mkdir()
    (folder / "a-1.0-py3-none-any.whl").write_bytes(b"")
    (folder / "other.txt").write_text("other>=1\n--pre\n")
    (folder / "limits.txt").write_text("limited<2\n")
    (folder / "nested").mkdir()
    (folder / "nested" / "deep.txt").write_text("-r ../other.txt\n-c ../limits.txt\ndeep\n-f wheels\n")
    (folder / "nested" / "wheels").mkdir()
    (folder / "nested" / "cycle.txt").write_text("-r ../requirements.txt\n")
    (folder / "nested" / "limits-that-include.txt").write_text("-r ../other.txt\n-c ../limits.txt\nx==1\n")
    (folder / "nested" / "editable-limits.txt").write_text("-e git+https://git.example/a.git#egg=a\n")
    (folder / "requirements.txt").write_bytes(data)
    return folder, "requirements.txt"


def test_reads_as_pip_does(tmp_path):
    texts = {name: text.encode() for name, text in CASES.items()} | ENCODED
    cases = {name: _folder(tmp_path, name, data) for name, data in texts.items()}
    answers = ask_pip(list(cases.values()))
    differences = {}
    for (name, case), pips in zip(cases.items(), answers, strict=True):
        ours = ask_us(*case)
        if normalized(ours) != normalized(pips):
            differences[name] = (ours, pips)
    assert not differences


SERVED = {
    "all.txt": "-r more/deep.txt\n-c limits.txt\nserved[x]>=1 ; python_version > '3' # why\n--pre\n-i https://one.example/s\n",
    "limits.txt": "limited<2\nother==1 --hash=sha256:aa\n",
    "more/deep.txt": "-c ../limits.txt\n-c again.txt\ndeep==${VERSION} -C a=b\n",
    "more/again.txt": "again!=3\n",
    "bom.txt": "\ufeffwith-bom\n",
    "nested.txt": "-r missing.txt\n",
    "bad.txt": "a = 1\n",
    "links.txt": "-f https://links.example/\n--trusted-host h.example\na @ https://files.example/a.zip\n",
}
FROM_SERVERS = {
    "requirements": "-r {base}/all.txt\nlocal\n",
    "constraints": "-c {base}/limits.txt\nlocal\n",
    "constraints-of-constraints": "-c {base}/more/deep.txt\nlocal\n",
    "variables": "-r {base}/more/deep.txt\n",
    "empty-variable": "-r {base}/${{EMPTY}}limits.txt\n",
    "missing": "-r {base}/missing.txt\n",
    "missing-constraints": "-c {base}/missing.txt\n",
    "missing-below": "-r {base}/nested.txt\n",
    "wrong": "-c {base}/bad.txt\n",
    "options": "-r {base}/links.txt\n",
    "twice": "-r {base}/limits.txt\n-c {base}/limits.txt\n",
    "query": "-r {base}/limits.txt?x=1#y\n",
}


def test_reads_what_is_on_servers_as_pip_does(tmp_path):
    site = tmp_path / "site"
    for name, text in SERVED.items():
        (site / name).parent.mkdir(parents=True, exist_ok=True)
        (site / name).write_text(text, encoding="utf-8")

    class Handler(http.server.SimpleHTTPRequestHandler):
        extensions_map: ClassVar = {".txt": "text/plain; charset=utf-8"}

        def __init__(self, *arguments):
            super().__init__(*arguments, directory=str(site))

        def log_message(self, *arguments):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        base = f"http://127.0.0.1:{server.server_port}"
        texts = {name: text.format(base=base) for name, text in FROM_SERVERS.items()}
        cases = [_folder(tmp_path, name, text.encode()) for name, text in texts.items()]
        answers = ask_pip(cases)
        ours = [ask_us(*case) for case in cases]
        server.shutdown()
    failed = {name for name, answer in zip(texts, answers, strict=True) if "error" in answer}
    assert failed == {"missing", "missing-constraints", "missing-below", "wrong", "empty-variable"}
    for name, pips, our in zip(texts, answers, ours, strict=True):
        assert normalized(our) == normalized(pips), (name, our, pips)


_NAMES = st.sampled_from(["requests", "Flask", "zope.interface", "ruamel_yaml", "A-b", "x2"])
_SPECIFIERS = st.sampled_from(["", "==1.0", ">=2,<3", " ~= 1.4.2", "!=1.5.*", "===1", "== 1.*", "=1", ">", " >=1a1"])
_EXTRAS = st.sampled_from(["", "[a]", "[a,B_c]", " [x]", "[]", "[a b]"])
_MARKERS = st.sampled_from(
    ["", "; python_version<'3.9'", " ; os_name=='nt' or extra=='y'", ";", "; bad", " ; '3' in python_version"]
)
_OPTIONS = st.sampled_from(
    ["", " --hash=sha256:ab", " --hash sha512:cd --hash=sha256:ef", " -C k=v", " --config-settings 'a b=c'", " --pre",
     " --no-binary x", " # comment", "#close", "  --hash=sha256:ab # why", " \\", " \\\n  --hash=sha256:ab", "\t-C k=v"]
)  # fmt: skip
_REQUIREMENTS = st.builds("".join, st.tuples(_NAMES, _EXTRAS, _SPECIFIERS, _MARKERS, _OPTIONS))
_LINES = st.one_of(
    _REQUIREMENTS,
    st.builds("{} @ {}{}{}".format, _NAMES,
              st.sampled_from(["https://f.example/a.zip", "git+ssh://git@g.example/a.git@v1", "file:///x/y.tar.gz"]),
              st.sampled_from(["", " ; python_version>'3'", ";python_version>'3'"]), _OPTIONS),
    st.builds("{}{}{}".format,
              st.sampled_from(["https://f.example/a-1-py3-none-any.whl", "git+https://g.example/a.git#egg=a",
                               "https://f.example/a.zip#egg=q&sha256=" + "0" * 64, "./project", "-e ./project",
                               "-e git+https://g.example/a.git#egg=b"]),
              st.sampled_from(["", "[x]", " ; python_version>'3'"]), _OPTIONS),
    st.sampled_from(["", "# c", "   ", "-r other.txt", "-c limits.txt", "--requirement other.txt", "-rother.txt",
                     "--pre", "--no-index", "-i https://i.example/s", "--extra-index-url=https://e.example",
                     "--no-binary=a", "--only-binary :all:", "--all-releases a", "--only-final=:all:", "--prefer-b",
                     "--require-hashes", "--trusted-host x.example", "-f wheels", "--find-links=https://l.example",
                     "--use-feature=fast-deps", "--nope", "-x", "${VERSION}", "a==${VERSION}"]),
)  # fmt: skip
FILES = st.builds(
    "{}{}".format, st.lists(_LINES, max_size=5).map("\n".join), st.sampled_from(["", "\n", "\r\n", " \\", "\n\n"])
)


@pytest.mark.parametrize("seed", range(3))
def test_reads_generated_files_as_pip_does(tmp_path, seed):
    texts = _draw(150, seed)
    cases = [_folder(tmp_path, str(number), text.encode()) for number, text in enumerate(texts)]
    answers = ask_pip(cases)
    assert sum("error" not in answer for answer in answers) > 40  # enough of them mean something
    for text, case, pips in zip(texts, cases, answers, strict=True):
        ours = ask_us(*case)
        assert normalized(ours) == normalized(pips), (text, ours, pips)


def _draw(count: int, seed: int) -> list[str]:
    from hypothesis import HealthCheck, Phase, given, settings
    from hypothesis import seed as seeded

    texts: list[str] = []

    @seeded(seed)
    @settings(
        max_examples=count,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
        deadline=None,
    )
    @given(FILES)
    def collect(text):
        texts.append(text)

    collect()
    return sorted(set(texts))


def _real_folder(folder: Path, files: dict[str, str]) -> tuple[Path, str]:
    for path, text in files.items():
        place = folder / path
        if path.endswith("/"):
            place.mkdir(parents=True, exist_ok=True)
            (place / "pyproject.toml").write_text("[project]\nname='x'\n")
        else:
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(text.encode())
    # pip takes relative paths of requirements from the working folder
    first = folder / next(iter(files))
    return first.parent, first.name


def test_reads_files_of_public_projects_as_pip_does(tmp_path):
    cases = {name: _real_folder(tmp_path / str(at), files) for at, (name, files) in enumerate(REAL_WORLD.items())}
    answers = ask_pip(list(cases.values()))
    read = 0
    for (name, case), pips in zip(cases.items(), answers, strict=True):
        assert normalized(ask_us(*case)) == normalized(pips), name
        read += "error" not in pips
    assert read >= 40
