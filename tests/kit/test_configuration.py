"""pip is the oracle for what its files and variables say."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from envkit.kit.configuration import ConfigurationError, read_configuration


def _environ(tmp_path, **more):
    (tmp_path / "home").mkdir(exist_ok=True)
    return {"HOME": str(tmp_path / "home"), "XDG_CONFIG_DIRS": str(tmp_path / "xdg"), "PATH": os.defpath, **more}


def _pip_says(environ, key):
    """Give every value that pip finds for *key*: it lists the files' values without saying which one wins."""
    done = subprocess.run([sys.executable, "-m", "pip", "config", "list"], env=environ, capture_output=True, text=True,
                          check=True)  # fmt: skip
    pairs = [line.partition("=") for line in done.stdout.splitlines()]
    return [value.strip("'\"") for found, _, value in pairs if found == key]


def test_files_and_variables_agree_with_pip(tmp_path):
    user = tmp_path / "home/.config/pip"
    user.mkdir(parents=True)
    (user / "pip.conf").write_text(
        "[global]\nindex-url = https://user.example/simple/\ntimeout = 7\n"
        "find-links =\n    /one\n    /two\n[install]\nno-binary = numpy,pandas\n"
    )
    machine = tmp_path / "xdg/pip"
    machine.mkdir(parents=True)
    (machine / "pip.conf").write_text("[global]\ntimeout = 9\ntrusted-host = a.example b.example\n")
    environ = _environ(tmp_path, PIP_EXTRA_INDEX_URL="https://extra.example/simple/")

    def said(key):
        return _pip_says(environ, key)

    found = read_configuration(environ)
    assert [found.index_url] == said("global.index-url") == ["https://user.example/simple/"]
    assert found.timeout == 7.0  # the user's file wins over the machine's
    assert sorted(said("global.timeout")) == ["7", "9"]
    assert list(found.find_links)[-2:] == ["/one", "/two"]
    assert found.trusted_hosts == tuple(said("global.trusted-host")[0].split())
    assert [found.indexes[-1].url] == said(":env:.extra-index-url")
    assert found.no_binary == tuple(said("install.no-binary")[0].split(","))


def test_a_chosen_file_stands_for_the_users(tmp_path):
    user = tmp_path / "home/.config/pip"
    user.mkdir(parents=True)
    (user / "pip.conf").write_text("[global]\nindex-url = https://user.example/simple/\n")
    chosen = tmp_path / "chosen.conf"
    chosen.write_text("[global]\ntimeout = 9\n")
    environ = _environ(tmp_path, PIP_CONFIG_FILE=str(chosen))
    assert _pip_says(environ, "global.index-url") == []
    assert (read_configuration(environ).index_url, read_configuration(environ).timeout) == (None, 9.0)


def test_variables_win_over_files(tmp_path):
    chosen = tmp_path / "c.conf"
    chosen.write_text("[global]\nindex-url = https://file.example/simple/\n")
    environ = _environ(tmp_path, PIP_CONFIG_FILE=str(chosen), PIP_INDEX_URL="https://variable.example/simple/")
    assert read_configuration(environ).index_url == "https://variable.example/simple/"


def test_devnull_switches_the_files_off(tmp_path):
    user = tmp_path / "home/.pip"
    user.mkdir(parents=True)
    (user / "pip.conf").write_text("[global]\nindex-url = https://user.example/simple/\n")
    environ = _environ(tmp_path)
    assert read_configuration(environ).index_url == "https://user.example/simple/"
    assert read_configuration({**environ, "PIP_CONFIG_FILE": os.devnull}).index_url is None


def test_uvs_variables(tmp_path):
    environ = _environ(
        tmp_path,
        PIP_CONFIG_FILE=os.devnull,
        UV_DEFAULT_INDEX="https://default.example/simple/",
        UV_INDEX="private=https://private.example/simple/ https://other.example/simple/",
        UV_OFFLINE="1",
        UV_INDEX_STRATEGY="unsafe-best-match",
    )
    found = read_configuration(environ)
    assert found.index_url == "https://default.example/simple/"
    assert [(index.name, index.url) for index in found.indexes] == [
        ("private", "https://private.example/simple/"),
        (None, "https://other.example/simple/"),
    ]
    assert found.offline
    assert found.index_strategy == "unsafe-best-match"


@pytest.mark.parametrize("text", ["[global\n", "no section\n", "[global]\ntimeout = soon\n"])
def test_a_broken_file_is_named(tmp_path, text):
    chosen = tmp_path / "broken.conf"
    chosen.write_text(text)
    with pytest.raises(ConfigurationError, match=r"broken\.conf"):
        read_configuration(_environ(tmp_path, PIP_CONFIG_FILE=str(chosen)))


def test_nothing_that_may_hold_a_secret_is_shown(tmp_path):
    environ = _environ(
        tmp_path,
        PIP_CONFIG_FILE=os.devnull,
        PIP_INDEX_URL="https://u:hunter2@index.example/simple/",
        PIP_EXTRA_INDEX_URL="https://u:hunter2@extra.example/simple/",
        PIP_FIND_LINKS="https://u:hunter2@links.example/",
        PIP_PROXY="http://u:hunter2@proxy.example",
    )
    assert "hunter2" not in repr(read_configuration(environ))


@pytest.mark.parametrize("variable", ["PIP_RETRIES", "PIP_TIMEOUT"])
@pytest.mark.parametrize("value", ["many", "inf", "nan", "-1"])
def test_a_number_that_means_nothing_is_told_by_its_variable(tmp_path, variable, value):
    with pytest.raises(ConfigurationError, match=variable):
        read_configuration(_environ(tmp_path, **{variable: value}))
