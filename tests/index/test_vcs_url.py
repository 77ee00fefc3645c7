"""Version control URLs are places, and never options or commands."""

import pytest

from envkit.errors import EnvkitError, VcsError
from envkit.index.vcs_url import is_vcs_url, parse_vcs_url, request_of
from envkit.model.source import Origin

HOSTILE = [
    "git+ssh://-oProxyCommand=touch%20x/repo",
    "git+ssh://-oProxyCommand=x@host.example/repo",
    "git+ssh://host.example/-oProxyCommand=x",
    "git+ssh://[-oProxyCommand=x]/repo",
    "git+ext::sh%20-c%20touch%20x",
    "git+ext://host.example/x",
    "git+fd://0/repo",
    "git+https://host.example/repo@--upload-pack=touch",
    "git+https://host.example/repo@-b",
    "git+https://host.example/repo@a..b",
    "git+https://host.example/repo@v1^{/x}",
    "git+https://host.example/repo@a:b",
    "git+https://host.example/repo@main@{upstream}",
    "git+https://host.example/repo@refs/heads/x.lock",
    "git+https://host.example/repo@%0a--option",
    "git+https://host.example/re po",
    "git+https://host.example/re\npo",
    "git+https://host.example/repo#subdirectory=../../etc",
    "git+https://host.example/repo#subdirectory=/etc",
    "git+https://host.example/repo#subdirectory=a%2F..%2F..%2Fb",
    "git+https://host.example/repo#subdirectory=a\\b",
    "git+https://host.example/" + "x" * 5000,
    "git+https:///repo",
    "git+https://host.example:port/repo",
    "git+file://remote.example/share",
    "git+file://host/-x",
    "git+git@host.example:org/repo.git",
    "git+/local/path",
    "git+https://host.example/a\\..\\b",
    "git+https://h\u043est.example/repo",
    "hg+https://user:secret@host.example/repo",
    "hg+ssh://-oProxyCommand=x/repo",
    "hg+static-http://host.example/repo",
    "hg+https://host.example/repo@--config=hooks.pre-update=touch",
    "svn+ssh://-oProxyCommand=x/repo",
    "svn+https://user:secret@host.example/repo",
    "svn+https://host.example/repo@--config-option=x",
    "bzr+ssh://-oProxyCommand=x/repo",
    "cvs+https://host.example/repo",
    "https://host.example/repo",
]


@pytest.mark.parametrize("url", HOSTILE)
def test_urls_that_could_be_more_than_a_place_are_refused(url):
    with pytest.raises(VcsError) as caught:
        parse_vcs_url(url)
    assert "secret" not in str(caught.value)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    ("url", "system", "clean", "revision", "subdirectory"),
    [
        ("git+https://host.example/a/b.git", "git", "https://host.example/a/b.git", None, None),
        ("git+https://host.example/a/b.git@v1.0#egg=b", "git", "https://host.example/a/b.git", "v1.0", None),
        ("git+ssh://git@host.example/a.git@feature/x", "git", "ssh://git@host.example/a.git", "feature/x", None),
        ("git+https://u:p@host.example:8443/a@main", "git", "https://host.example:8443/a", "main", None),
        ("git+file:///srv/a.git@refs/pull/1/head", "git", "file:///srv/a.git", "refs/pull/1/head", None),
        ("git+https://h.example/a@x#subdirectory=./b//c/&egg=d", "git", "https://h.example/a", "x", "b/c"),
        ("hg+https://host.example/a@default", "hg", "https://host.example/a", "default", None),
        ("hg+file:///srv/a", "hg", "file:///srv/a", None, None),
        ("svn+ssh://u@host.example/a@12", "svn", "svn+ssh://u@host.example/a", "12", None),
        ("svn+svn://host.example/a", "svn", "svn://host.example/a", None, None),
        ("svn+https://host.example/a@7", "svn", "https://host.example/a", "7", None),
        ("bzr+https://host.example/a@7", "bzr", "https://host.example/a", "7", None),
        ("git+https://host.example/r%C3%A9@%C3%A9", "git", "https://host.example/r%C3%A9", "é", None),
    ],
)
def test_what_urls_say(url, system, clean, revision, subdirectory):
    request = parse_vcs_url(url)
    assert (request.system, request.url, request.revision, request.subdirectory) == (
        system,
        clean,
        revision,
        subdirectory,
    )
    assert is_vcs_url(url)


def test_credentials_are_kept_apart_and_shown_nowhere():
    request = parse_vcs_url("git+https://user:secret@host.example/a@v1")
    assert request.credentials is not None
    assert request.credentials.reveal() == "user:secret"
    assert "secret" not in repr(request) + request.shown + str(request.origin("0" * 40).to_direct_url())


def test_an_origin_gives_its_commit_back():
    origin = parse_vcs_url("git+https://host.example/a@v1#subdirectory=x").origin("a" * 40)
    assert origin.to_direct_url() == {
        "url": "https://host.example/a",
        "vcs_info": {"vcs": "git", "commit_id": "a" * 40, "requested_revision": "v1"},
        "subdirectory": "x",
    }
    request = request_of(origin)
    assert (request.url, request.revision, request.subdirectory) == ("https://host.example/a", "a" * 40, "x")


@pytest.mark.parametrize("commit", ["--upload-pack=x", None, "a b"])
def test_a_hostile_origin_is_refused(commit):
    with pytest.raises(EnvkitError):
        request_of(Origin(url="https://host.example/a", kind="vcs", vcs="git", commit=commit))
