"""Checkouts from real repositories, honest and hostile, over folders and `git daemon`."""

import http.server
import os
import shutil
import socket
import subprocess
import threading
import time

import pytest

from envkit.cache import Cache
from envkit.errors import Cancelled, VcsError
from envkit.events import CancelToken, Emitter
from envkit.index.vcs import VcsClient, parse_vcs_url

CLEAN = {
    "PATH": os.environ["PATH"],
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_AUTHOR_NAME": "A",
    "GIT_AUTHOR_EMAIL": "a@x.example",
    "GIT_COMMITTER_NAME": "A",
    "GIT_COMMITTER_EMAIL": "a@x.example",
    "HGUSER": "a",
}


def git(folder, *arguments, **variables):
    command = ["git", "-c", "init.defaultBranch=main", "-c", "protocol.file.allow=always", *arguments]
    done = subprocess.run(
        command, cwd=folder, env={**CLEAN, "HOME": str(folder), **variables}, capture_output=True, check=True
    )
    return done.stdout.decode().strip()


def commit(folder, message="c", **files):
    for name, text in files.items():
        path = folder / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "--allow-empty", "-m", message)
    return git(folder, "rev-parse", "HEAD")


@pytest.fixture
def repository(tmp_path):
    folder = tmp_path / "srv" / "project"
    folder.mkdir(parents=True)
    git(folder, "init", "-q")
    git(folder, "config", "uploadpack.allowFilter", "true")
    git(folder, "config", "uploadpack.allowAnySHA1InWant", "true")
    commit(folder, code="one", sub__inner="inner")
    git(folder, "tag", "v1")
    git(folder, "tag", "-a", "v1-annotated", "-m", "tag")
    return folder


@pytest.fixture
def home(tmp_path):
    folder = tmp_path / "home"
    folder.mkdir()
    return folder


def client(tmp_path, home, **options):
    environ = {"PATH": os.environ["PATH"], "HOME": str(home), "GIT_CONFIG_NOSYSTEM": "1", "SECRET": "x"}
    environ.update(options.pop("environ", {}))
    return VcsClient(Cache(tmp_path / "cache"), environ=environ, **options)


def read(checkout, name="code"):
    with open(os.path.join(checkout.path, name)) as stream:
        return stream.read()


def url(folder, revision=None, fragment=""):
    return f"git+file://{folder}" + (f"@{revision}" if revision else "") + fragment


def test_branches_tags_commits_and_refs(tmp_path, home, repository):
    first = git(repository, "rev-parse", "HEAD")
    git(repository, "checkout", "-q", "-b", "feature/x")
    second = commit(repository, code="two")
    git(repository, "update-ref", "refs/pull/7/head", commit(repository, code="pull"))
    git(repository, "reset", "-q", "--hard", second)
    git(repository, "checkout", "-q", "main")
    source = client(tmp_path, home)
    for revision, expected, text in [
        (None, first, "one"),
        ("v1", first, "one"),
        ("v1-annotated", first, "one"),
        ("main", first, "one"),
        ("refs/heads/main", first, "one"),
        ("refs/tags/v1", first, "one"),
        ("feature/x", second, "two"),
        (second, second, "two"),
        (second[:10], second, "two"),
        ("refs/pull/7/head", None, "pull"),
    ]:
        checkout = source.checkout(url(repository, revision))
        assert read(checkout) == text, revision
        assert expected in (None, checkout.commit)
        assert checkout.origin.requested_revision == revision
    assert not os.path.exists(os.path.join(checkout.path, "..", "hooks"))


def test_a_branch_moves_and_a_commit_does_not(tmp_path, home, repository):
    source = client(tmp_path, home)
    before = source.checkout(url(repository))
    commit(repository, code="new")
    after = source.checkout(url(repository))
    assert (read(before), read(after)) == ("one", "new")
    assert before.identity != after.identity
    assert read(source.checkout(url(repository, before.commit))) == "one"


def test_a_branch_wins_over_a_tag_and_forced_pushes_are_followed(tmp_path, home, repository):
    git(repository, "checkout", "-q", "-b", "both")
    git(repository, "tag", "both", "v1")
    commit(repository, code="branch")
    source = client(tmp_path, home)
    assert read(source.checkout(url(repository, "both"))) == "branch"
    git(repository, "reset", "-q", "--hard", "v1")
    commit(repository, code="forced")
    assert read(source.checkout(url(repository, "both"))) == "forced"


def test_a_commit_that_no_branch_holds_is_fetched(tmp_path, home, repository):
    lost = commit(repository, code="lost")
    git(repository, "reset", "-q", "--hard", "v1")
    assert read(client(tmp_path, home).checkout(url(repository, lost))) == "lost"


def test_offline_what_is_here_is_given(tmp_path, home, repository):
    first = client(tmp_path, home).checkout(url(repository))
    shutil.move(repository, tmp_path / "away")
    offline = client(tmp_path, home, offline=True)
    assert read(offline.checkout(url(repository, first.commit))) == "one"
    assert read(offline.checkout(url(repository, "v1"))) == "one"
    assert read(client(tmp_path, home).checkout(url(repository, first.commit))) == "one"
    for revision in ("other", "1" * 40):
        with pytest.raises(VcsError, match="offline"):
            offline.checkout(url(repository, revision))
    with pytest.raises(VcsError):
        client(tmp_path, home).checkout(url(repository, "main"))


def test_history_and_tags_are_there_for_version_tools(tmp_path, home, repository):
    commit(repository, code="two")
    checkout = client(tmp_path, home).checkout(url(repository))
    assert git(checkout.path, "describe", "--tags", "--long").startswith("v1-annotated-1-g")
    assert git(checkout.path, "status", "--porcelain") == ""


def test_an_interrupted_checkout_is_made_anew(tmp_path, home, repository):
    source = client(tmp_path, home)
    checkout = source.checkout(url(repository))
    os.unlink(f"{checkout.path}.done")
    os.unlink(os.path.join(checkout.path, "code"))
    assert read(source.checkout(url(repository))) == "one"


def daemon(base):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen(
        ["git", "daemon", "--reuseaddr", "--export-all", f"--base-path={base}", "--listen=127.0.0.1", f"--port={port}"],
        env=CLEAN,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    until = time.monotonic() + 60
    while time.monotonic() < until:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            break
        except OSError:
            time.sleep(0.02)
    return process, port


@pytest.fixture
def served(tmp_path, repository):
    process, port = daemon(repository.parent)
    yield port
    os.killpg(process.pid, 15)
    process.wait()


def test_partial_clones_fetch_only_files_of_commits_in_use(tmp_path, home, repository, served):
    (repository / "big").write_bytes(os.urandom(300_000))
    commit(repository)
    (repository / "big").unlink()
    commit(repository, code="small")
    checkout = client(tmp_path, home).checkout(f"git+git://127.0.0.1:{served}/project")
    assert read(checkout) == "small"
    size = sum(
        os.path.getsize(os.path.join(folder, name))
        for folder, _, names in os.walk(tmp_path / "cache")
        for name in names
    )
    assert size < 250_000


def test_submodules_come_with_it(tmp_path, home, repository, served):
    inner = repository.parent / "inner"
    inner.mkdir()
    git(inner, "init", "-q")
    commit(inner, code="inner code")
    git(repository, "submodule", "add", "-q", f"git://127.0.0.1:{served}/inner", "deps/inner")
    commit(repository)
    checkout = client(tmp_path, home).checkout(f"git+git://127.0.0.1:{served}/project")
    assert read(checkout, "deps/inner/code") == "inner code"


@pytest.mark.skipif(shutil.which("git-lfs") is None, reason="git-lfs is not installed")
def test_lfs_files_come_where_asked_for(tmp_path, home, repository):
    git(repository, "lfs", "install", "--local")
    git(repository, "lfs", "track", "*.bin")
    commit(repository, **{"data.bin": "payload" * 100})
    plain = client(tmp_path, home).checkout(url(repository))
    assert read(plain, "data.bin").startswith("version https://git-lfs")
    real = client(tmp_path, home).checkout(url(repository, None, "#lfs=true"))
    assert read(real, "data.bin") == "payload" * 100
    assert real.identity != plain.identity


def test_threads_share_one_checkout(tmp_path, home, repository):
    found = []
    threads = [
        threading.Thread(target=lambda: found.append(client(tmp_path, home).checkout(url(repository)).path))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    assert len(set(found)) == 1


def test_a_clone_to_work_in(tmp_path, home, repository):
    source = client(tmp_path, home)
    request = parse_vcs_url(url(repository, "v1"))
    dest = tmp_path / "src" / "project"
    commit_id = source.clone(request, str(dest))
    assert git(dest, "rev-parse", "HEAD") == commit_id
    assert git(dest, "config", "remote.origin.url") == repository.as_uri()
    (dest / "code").write_text("mine")
    assert source.clone(request, str(dest)) == commit_id
    assert (dest / "code").read_text() == "mine"
    commit(repository, code="two")
    with pytest.raises(VcsError, match=r"something else .* files in it were changed \(code\)"):
        source.clone(parse_vcs_url(url(repository, "main")), str(dest))
    assert (dest / "code").read_text() == "mine"
    (tmp_path / "other").mkdir()
    with pytest.raises(VcsError, match="something else"):
        source.clone(request, str(tmp_path / "other"))
    with pytest.raises(VcsError, match="only git"):
        source.clone(parse_vcs_url("hg+https://host.example/x"), str(tmp_path / "x"))


@pytest.fixture
def working(tmp_path, home, repository):
    """Give a clone of ``main`` whose branch moved meanwhile, its client, and what brings it there."""
    source = client(tmp_path, home)
    request = parse_vcs_url(url(repository, "main"))
    dest = tmp_path / "src" / "project"
    source.clone(request, str(dest))
    return dest, lambda: source.clone(request, str(dest))


def test_a_clone_follows_its_branch(working, repository):
    dest, again = working
    (dest / "project.egg-info").mkdir()
    (dest / "project.egg-info" / "PKG-INFO").write_text("built")
    wanted = commit(repository, code="two", other="new")
    assert again() == wanted == git(dest, "rev-parse", "HEAD")
    assert ((dest / "code").read_text(), (dest / "other").read_text()) == ("two", "new")
    assert (dest / "project.egg-info" / "PKG-INFO").read_text() == "built"
    git(repository, "tag", "v2")
    git(repository, "reset", "-q", "--hard", "v1")  # rewritten: what was there may be nowhere else now
    for text in ("three", "four"):
        wanted = commit(repository, code=text)
        assert again() == wanted
        assert (dest / "code").read_text() == text
        git(repository, "reset", "-q", "--hard", "v1")


@pytest.mark.parametrize(
    ("work", "reason"),
    [
        (lambda dest: (dest / "code").write_text("mine"), "were changed"),
        (lambda dest: ((dest / "own").write_text("x"), git(dest, "add", "own")), "were changed"),
        (lambda dest: (dest / "code").unlink(), "were changed"),
        (lambda dest: commit(dest, own="mine"), "commits that are nowhere else"),
        (lambda dest: git(dest, "checkout", "-q", "-b", "topic"), "on the branch topic"),
        (lambda dest: git(dest, "remote", "set-url", "origin", "https://host.example/fork"), "another repository"),
        (lambda dest: (dest / ".git" / "BISECT_LOG").touch(), "under way"),
    ],
)
def test_work_in_a_clone_is_never_lost(working, repository, work, reason):
    dest, again = working
    work(dest)
    before = git(dest, "rev-parse", "HEAD"), git(dest, "status", "--porcelain")
    commit(repository, code="two")
    with pytest.raises(VcsError, match=f"left as it is: .*{reason}") as caught:
        again()
    assert "move it away" in caught.value.hint
    assert (git(dest, "rev-parse", "HEAD"), git(dest, "status", "--porcelain")) == before


@pytest.mark.parametrize("ignored", [False, True])
def test_a_file_that_git_does_not_know_is_never_overwritten(working, repository, ignored):
    dest, again = working
    (dest / "new").write_text("mine")
    if ignored:
        (dest / ".git" / "info").mkdir(exist_ok=True)
        (dest / ".git" / "info" / "exclude").write_text("new\n")
    before = git(dest, "rev-parse", "HEAD")
    commit(repository, code="two", new="theirs")
    with pytest.raises(VcsError):
        again()
    assert ((dest / "new").read_text(), (dest / "code").read_text()) == ("mine", "one")
    assert git(dest, "rev-parse", "HEAD") == before


def test_commits_on_a_branch_of_ones_own_are_kept(working, repository):
    dest, again = working
    git(dest, "checkout", "-q", "-b", "topic")
    own = commit(dest, own="mine")
    git(dest, "checkout", "-q", "--detach")
    wanted = commit(repository, code="two")
    assert again() == wanted
    assert git(dest, "rev-parse", "topic") == own


# hostile


def test_unknown_revisions_and_missing_repositories_are_errors(tmp_path, home, repository):
    source = client(tmp_path, home)
    for target in (
        url(repository, "nothing"),
        url(repository, "f" * 40),
        url(repository, "abcdef1"),
        url(tmp_path / "no"),
    ):
        with pytest.raises(VcsError):
            source.checkout(target)


def test_hooks_and_filters_of_a_repository_do_not_run(tmp_path, home, repository):
    trap = tmp_path / "trap"
    for hook in ("post-checkout", "post-update", "pre-receive", "upload-pack", "reference-transaction"):
        path = repository / ".git" / "hooks" / hook
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"#!/bin/sh\ntouch {trap}\n")
        path.chmod(0o755)
    commit(
        repository,
        **{".gitattributes": "* filter=evil diff=evil\n", ".gitconfig": f"[core]\n\tfsmonitor = touch {trap}\n"},
    )
    trap.unlink(missing_ok=True)
    client(tmp_path, home).checkout(url(repository))
    assert not trap.exists()


def test_submodules_over_files_are_refused(tmp_path, home, repository):
    """CVE-2022-39253: a repository must not make us read other folders of this machine."""
    secret = tmp_path / "secret"
    secret.mkdir()
    git(secret, "init", "-q")
    commit(secret, code="secret")
    git(repository, "submodule", "add", "-q", f"file://{secret}", "taken")
    commit(repository)
    with pytest.raises(VcsError, match=r"submodule|transport"):
        client(tmp_path, home).checkout(url(repository))
    with pytest.raises(VcsError):
        client(tmp_path, home).checkout(url(repository))


@pytest.mark.parametrize(
    "target",
    ["ext::sh -c touch% {trap}", "--upload-pack=touch {trap}", "-utouch {trap}", "ssh://-oProxyCommand=touch {trap}/x"],
)
def test_submodules_that_would_run_commands_are_refused(tmp_path, home, repository, target):
    trap = tmp_path / "trap"
    text = f'[submodule "a"]\n\tpath = a\n\turl = "{target.format(trap=trap)}"\n'
    (repository / ".gitmodules").write_text(text)
    head = git(repository, "rev-parse", "HEAD")
    git(repository, "update-index", "--add", "--cacheinfo", f"160000,{head},a")
    git(repository, "add", ".gitmodules")
    git(repository, "commit", "-q", "-m", "x")
    try:
        client(tmp_path, home).checkout(url(repository))
    except VcsError:
        pass
    assert not trap.exists()


@pytest.mark.parametrize("path", [".git/hooks/post-checkout", "../escaped", "/tmp/escaped-by-envkit"])
def test_trees_with_forbidden_names_are_refused(tmp_path, home, repository, path):
    trap = tmp_path / "trap"
    blob = subprocess.run(
        ["git", "hash-object", "-w", "--stdin"], cwd=repository, env=CLEAN, input=f"#!/bin/sh\ntouch {trap}\n".encode(),
        capture_output=True, check=True,
    ).stdout.decode().strip()  # fmt: skip
    parts = path.strip("/").split("/")
    entry = b"100755 " + parts[-1].encode() + b"\0" + bytes.fromhex(blob)
    for part in [*reversed(parts[:-1]), ""]:
        tree = subprocess.run(
            ["git", "hash-object", "-w", "-t", "tree", "--stdin", "--literally"], cwd=repository, env=CLEAN, input=entry,
            capture_output=True, check=True,
        ).stdout.decode().strip()  # fmt: skip
        entry = b"40000 " + part.encode() + b"\0" + bytes.fromhex(tree)
    made = git(repository, "commit-tree", tree, "-m", "evil")
    git(repository, "update-ref", "refs/heads/evil", made)
    try:
        checkout = client(tmp_path, home).checkout(url(repository, "evil"))
        assert os.path.realpath(checkout.path).startswith(str(tmp_path / "cache"))
    except VcsError:
        pass
    assert not trap.exists()
    assert not (tmp_path / "escaped").exists()
    assert not list(tmp_path.rglob("escaped")) or path.startswith("/tmp")
    assert not os.path.exists("/tmp/escaped-by-envkit")


SEEN = []


class Asking(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        SEEN.append(self.headers.get("Authorization"))
        self.send_response(401)
        self.send_header("WWW-Authenticate", 'Basic realm="x"')
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *arguments):
        pass


def test_no_prompt_ever_blocks_and_no_secret_is_told(tmp_path, home):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Asking)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    SEEN.clear()
    try:
        began = time.monotonic()
        for user in ("", "user:se%63ret@"):
            with pytest.raises(VcsError) as caught:
                client(tmp_path, home, timeout=200).checkout(f"git+http://{user}127.0.0.1:{server.server_port}/a")
            assert "secret" not in str(caught.value) + str(caught.value.context)
            assert "se%63ret" not in str(caught.value) + str(caught.value.context)
        assert time.monotonic() - began < 1000
    finally:
        server.shutdown()
        server.server_close()
    assert "Basic dXNlcjpzZWNyZXQ=" in SEEN  # user:secret
    stored = [path for path in (tmp_path / "cache").rglob("*") if path.is_file() and b"secret" in path.read_bytes()]
    assert stored == []


def silent_server():
    server = socket.socket()
    server.bind(("127.0.0.1", 0))
    server.listen(8)
    return server, server.getsockname()[1]


def test_a_server_that_never_answers_is_left(tmp_path, home):
    server, port = silent_server()
    began = time.monotonic()
    with server, pytest.raises(VcsError, match="longer than 1 seconds"):
        client(tmp_path, home, timeout=1).checkout(f"git+git://127.0.0.1:{port}/a")
    assert time.monotonic() - began < 100


def test_cancelling_ends_a_fetch(tmp_path, home):
    server, port = silent_server()
    token = CancelToken()
    threading.Timer(0.7, token.cancel).start()
    with server, pytest.raises(Cancelled):
        client(tmp_path, home, emitter=Emitter(cancel=token)).checkout(f"git+git://127.0.0.1:{port}/a")


def test_variables_of_a_surrounding_git_do_not_mislead(tmp_path, home, repository):
    environ = {
        "GIT_DIR": "/nowhere",
        "GIT_WORK_TREE": "/nowhere",
        "GIT_INDEX_FILE": "/nowhere",
        "GIT_CEILING_DIRECTORIES": "/",
    }
    assert read(client(tmp_path, home, environ=environ).checkout(url(repository))) == "one"


def test_a_missing_program_is_named(tmp_path, home):
    empty = tmp_path / "bin"
    empty.mkdir()
    with pytest.raises(VcsError, match="'bzr' cannot be run"):
        client(tmp_path, home, environ={"PATH": str(empty)}).checkout("bzr+https://host.example/x")


# others


@pytest.mark.skipif(shutil.which("hg") is None, reason="Mercurial is not installed")
def test_mercurial(tmp_path, home):
    folder = tmp_path / "hg"
    folder.mkdir()

    def hg(*arguments):
        environ = {"PATH": os.environ["PATH"], "HOME": str(home), "HGUSER": "a", "HGPLAIN": "1"}
        return subprocess.run(
            ["hg", *arguments], cwd=folder, env=environ, capture_output=True, check=True
        ).stdout.decode()

    hg("init")
    (folder / "code").write_text("one")
    hg("commit", "-A", "-m", "1")
    hg("tag", "v1")
    (folder / "code").write_text("two")
    hg("commit", "-m", "2")
    source = client(tmp_path, home)
    tip = source.checkout(f"hg+file://{folder}")
    tagged = source.checkout(f"hg+file://{folder}@v1")
    assert (read(tip), read(tagged)) == ("two", "one")
    assert tip.commit == hg("log", "-r", "tip", "--template", "{node}")
    assert tip.origin.to_direct_url()["vcs_info"] == {"vcs": "hg", "commit_id": tip.commit}
    for revision in ("all()", "file('*')", "nothing"):
        with pytest.raises(VcsError):
            source.checkout(f"hg+file://{folder}@{revision}")
    shutil.move(folder, tmp_path / "away")
    assert read(client(tmp_path, home, offline=True).checkout(f"hg+file://{folder}@{tagged.commit}")) == "one"


@pytest.mark.skipif(shutil.which("svnadmin") is None, reason="Subversion is not installed")
def test_subversion(tmp_path, home):
    environ = {"PATH": os.environ["PATH"], "HOME": str(home)}

    def svn(*arguments):
        subprocess.run(arguments, cwd=tmp_path, env=environ, capture_output=True, check=True)

    svn("svnadmin", "create", "repo")
    svn("svn", "checkout", f"file://{tmp_path}/repo", "work")
    for text in ("one", "two"):
        (tmp_path / "work" / "code").write_text(text)
        svn("svn", "add", "--force", "work/code")
        svn("svn", "commit", "-m", text, "work")
    source = client(tmp_path, home)
    newest = source.checkout(f"svn+file://{tmp_path}/repo")
    assert (read(newest), newest.commit) == ("two", "2")
    assert read(source.checkout(f"svn+file://{tmp_path}/repo@1")) == "one"
    with pytest.raises(VcsError):
        source.checkout(f"svn+file://{tmp_path}/repo@99")
    with pytest.raises(VcsError, match="no revision number"):
        source.checkout(f"svn+file://{tmp_path}/repo@x")
    shutil.move(tmp_path / "repo", tmp_path / "away")
    offline = client(tmp_path, home, offline=True)
    assert read(offline.checkout(f"svn+file://{tmp_path}/repo@1")) == "one"
    with pytest.raises(VcsError, match="offline"):
        offline.checkout(f"svn+file://{tmp_path}/repo")


def test_bazaar_is_asked_in_its_own_words(tmp_path, home):
    """Neither brz nor bzr is at hand, so a program of that name notes what it is asked and does it."""
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "brz").write_text(
        f'#!/bin/sh\necho "$@" >> {tmp_path}/asked\n[ "$1" = revno ] && echo 3 && exit 0\n'
        'for last; do :; done\n/bin/mkdir -p "$last" && echo code > "$last/code"\n'
    )
    (programs / "brz").chmod(0o755)
    source = client(tmp_path, home, environ={"PATH": str(programs)})
    checkout = source.checkout("bzr+https://host.example/x@tag-1")
    assert (read(checkout), checkout.commit) == ("code\n", "3")
    asked = (tmp_path / "asked").read_text().splitlines()
    assert asked[0] == "revno --revision=tag:tag-1 -- https://host.example/x"
    assert asked[1].startswith("checkout --lightweight --quiet --revision=3 -- https://host.example/x ")
