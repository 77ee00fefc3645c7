"""Activation in the real shells, also of environments and prompts whose names try to be code."""

from __future__ import annotations

import json
import os
import re
import runpy
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from envkit.environment import activation
from envkit.environment.builder import EnvBuilder
from tests.interpreter.machine import SUPPORTED, VERSIONS

NEW = max((python for python in SUPPORTED if "pypy" not in python), key=VERSIONS.__getitem__)
NAMES = [
    "plain",
    "a b",
    "it's",
    'say "hi"',
    "$(touch x)",
    "`touch x`",
    "${HOME}",
    "%PATH%",
    "a!b!!",
    "line\nend",
    "tab\tand\\slash\\",
    "ünï©ødé 𝜋",
    "__VENV_PROMPT__",
    "__VENV_DIR__ __VENV_BIN_NAME__",
    "';touch x;'",
    '";touch x;"',
    "'\"'\"'$(touch x)",
    "&& touch x #",
    "| touch x",
    "{touch,x}",
    "*?[a-z]",
    "~root",
    "-n",
    "'); import os; os.system('touch x'); ('",
    "\n$(touch x)\n`touch x`\n",
    "@(touch x) $[touch x]",
    "=ls",
    "%self",
    "@x",
    "a=b,c@d%e+f",
]
SHELLS = ("bash", "dash", "zsh", "fish", "tcsh", "xonsh", "nu")

# Each prints, between marks: VIRTUAL_ENV, VIRTUAL_ENV_PROMPT, the python that is found, and then, after leaving, whether
# all is as before. NUL ends each value, as names may have line ends.
POSIX = """\
set -eu
PS1='before> '
OLD_PATH="$PATH"
. "$1"
. "$1"
printf '%s\\0' "$VIRTUAL_ENV" "$VIRTUAL_ENV_PROMPT" "$(command -v python)x" "$PS1"
deactivate
printf '%s\\0' "${VIRTUAL_ENV-unset}" "${VIRTUAL_ENV_PROMPT-unset}" "$PS1" "${PYTHONHOME-unset}"
if [ "$PATH" = "$OLD_PATH" ]; then printf 'same\\0'; else printf 'other\\0'; fi
"""
BASH = "set -o pipefail\n" + POSIX
FISH = """\
function fish_prompt; echo -n 'before> '; end
set old_path $PATH
source $argv[1]
source $argv[1]
printf '%s\\0' $VIRTUAL_ENV $VIRTUAL_ENV_PROMPT (command -v python | string collect)x (fish_prompt | string collect)
deactivate
set -q VIRTUAL_ENV; and printf '%s\\0' $VIRTUAL_ENV; or printf 'unset\\0'
set -q VIRTUAL_ENV_PROMPT; and printf '%s\\0' $VIRTUAL_ENV_PROMPT; or printf 'unset\\0'
printf '%s\\0' (fish_prompt | string collect)
set -q PYTHONHOME; and printf '%s\\0' $PYTHONHOME; or printf 'unset\\0'
test (string join : $PATH) = (string join : $old_path); and printf 'same\\0'; or printf 'other\\0'
"""
TCSH = """\
set prompt = 'before> '
set old_path = $PATH:q
source "$SCRIPT:q"
source "$SCRIPT:q"
printf '%s\\0' $VIRTUAL_ENV:q $VIRTUAL_ENV_PROMPT:q
python -c 'import sys; sys.stdout.write(sys.executable + "x\\0")'
printf '%s\\0' $prompt:q
deactivate
if ( $?VIRTUAL_ENV ) then
  printf '%s\\0' $VIRTUAL_ENV:q
else
  printf 'unset\\0'
endif
if ( $?VIRTUAL_ENV_PROMPT ) then
  printf '%s\\0' $VIRTUAL_ENV_PROMPT:q
else
  printf 'unset\\0'
endif
printf '%s\\0' $prompt:q
if ( $?PYTHONHOME ) then
  printf '%s\\0' $PYTHONHOME:q
else
  printf 'unset\\0'
endif
if ( $PATH:q == $old_path:q ) then
  printf 'same\\0'
else
  printf 'other\\0'
endif
"""
XONSH = """\
import sys, shutil
$PROMPT = 'before> '
old = list($PATH)
source @($SCRIPT)
source @($SCRIPT)
def out(*values):
    sys.stdout.write(''.join(str(value) + '\\0' for value in values))
out($VIRTUAL_ENV, $VIRTUAL_ENV_PROMPT, shutil.which('python', path=__xonsh__.env['PATH'][0]) + 'x', '-')
deactivate
env = __xonsh__.env
out(env.get('VIRTUAL_ENV', 'unset'), env.get('VIRTUAL_ENV_PROMPT', 'unset'), '-', env.get('PYTHONHOME', 'unset'))
out('same' if list($PATH) == old else 'other')
"""
# Nushell reads the name of an overlay before it runs anything, so it stands in the program itself.
NU = """\
$env.PROMPT_COMMAND = {|| "before> " }
let old_path = $env.PATH
def out [...values] { for value in $values { print -n $value (char nul) } }
overlay use SCRIPT
overlay use SCRIPT
out $env.VIRTUAL_ENV $env.VIRTUAL_ENV_PROMPT $"(which python | get path.0)x" (do $env.PROMPT_COMMAND)
deactivate
out ($env.VIRTUAL_ENV? | default unset) ($env.VIRTUAL_ENV_PROMPT? | default unset)
out (do $env.PROMPT_COMMAND) ($env.PYTHONHOME? | default unset)
out (if $env.PATH == $old_path { "same" } else { "other" })
"""
FILES = {"bash": "activate", "dash": "activate", "zsh": "activate", "fish": "activate.fish", "tcsh": "activate.csh"}
PROGRAMS = {"bash": BASH, "dash": POSIX, "zsh": POSIX, "fish": FISH, "tcsh": TCSH, "xonsh": XONSH, "nu": NU}


def shell_or_skip(shell: str) -> str:
    beside = os.path.join(os.path.dirname(sys.executable), shell)
    found = beside if os.path.exists(beside) else shutil.which(shell)
    if found is None:
        pytest.skip(f"{shell} is not on this machine")
    return found


def variables(tmp_path: Path) -> dict[str, str]:
    home = tmp_path / "home"
    home.mkdir(exist_ok=True)
    return {
        "PATH": "/usr/bin:/bin",
        "HOME": str(home),
        "TERM": "dumb",
        "LC_ALL": "C.UTF-8",
        "XONSH_DATA_DIR": str(home),
        "XONSH_CACHE_DIR": str(home),
    }


def activate(shell: str, env: Path, tmp_path: Path) -> list[str]:
    """Activate twice and leave, in a shell of its own, in an empty working folder that must stay empty."""
    program = shell_or_skip(shell)
    script = env / "bin" / FILES.get(shell, f"activate.{'xsh' if shell == 'xonsh' else shell}")
    work = tmp_path / "work"
    work.mkdir(exist_ok=True)
    lines = tmp_path / f"program.{shell}"
    lines.write_text(
        PROGRAMS[shell].replace("SCRIPT", json.dumps(str(script), ensure_ascii=False))
        if shell == "nu"
        else PROGRAMS[shell]
    )
    environ = {**variables(tmp_path), "SCRIPT": str(script)}
    flags = {
        "bash": ["--norc"],
        "zsh": ["-f"],
        "fish": ["--no-config"],
        "tcsh": ["-f"],
        "xonsh": ["--no-rc"],
        "nu": ["--no-config-file"],
    }
    command = [program, *flags.get(shell, []), str(lines), str(script)]
    done = subprocess.run(command, cwd=work, env=environ, capture_output=True, check=False, timeout=300)
    assert done.returncode == 0, done
    assert list(work.iterdir()) == [], "something of the name was run"
    noise = [line for line in done.stderr.decode().splitlines() if line and "xonsh" not in line.lower()]
    assert noise == [], done
    return done.stdout.decode("utf-8", "surrogateescape").split("\0")


def check(found: list[str], shell: str, env: Path, prompt: str) -> None:
    root, shown, python, during, after_root, after_prompt, after, home, path = found[:9]
    assert root == str(env)
    assert shown == (prompt if VERSIONS[NEW] >= (3, 13) else f"({prompt}) ")
    assert os.path.samefile(os.path.dirname(python.removesuffix("x")), env / "bin")
    assert (after_root, after_prompt, home, path) == ("unset", "unset", "unset", "same")
    if shell != "xonsh":
        assert after == "before> "
        assert during.endswith("before> ") and during != "before> "


# xonsh takes a second to start, and its quoting is Python's own: some names are enough.
CASES = [(name, shell) for shell in SHELLS for name in (NAMES[1::4] if shell == "xonsh" else NAMES)]


@pytest.mark.parametrize(("name", "shell"), CASES)
def test_a_hostile_folder_and_prompt_are_only_names(tmp_path, shell, name):
    env = tmp_path / name.replace("/", "")
    EnvBuilder(symlinks=True, interpreter=NEW).create(env)
    check(activate(shell, env, tmp_path), shell, env, env.name)


@pytest.mark.parametrize("shell", SHELLS)
def test_a_prompt_of_its_own(tmp_path, shell):
    env = tmp_path / "env"
    prompt = "".join(NAMES)
    EnvBuilder(symlinks=True, interpreter=NEW, prompt=prompt).create(env)
    check(activate(shell, env, tmp_path), shell, env, prompt)


@pytest.mark.parametrize("shell", ["bash", "dash", "zsh", "fish", "tcsh"])
def test_the_shown_prompt_runs_nothing_when_it_is_shown(tmp_path, shell):
    """Shells expand prompts each time: start them at a terminal, and let them show one."""
    import pty

    program = shell_or_skip(shell)
    env = tmp_path / "$(touch ran)`touch ran`"
    EnvBuilder(symlinks=True, interpreter=NEW).create(env)
    work = tmp_path / "work"
    work.mkdir()
    flags = {"bash": ["--norc", "--noprofile"], "zsh": ["-f"], "fish": ["--no-config"], "tcsh": ["-f"]}
    script = env / "bin" / FILES[shell]
    start = {"zsh": "setopt prompt_subst\n", "bash": "shopt -s promptvars\n"}.get(shell, "")
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(work)
        os.execve(program, [program, *flags.get(shell, []), "-i"], {**variables(tmp_path), "SCRIPT": str(script)})
    read = '"$SCRIPT:q"' if shell == "tcsh" else '"$SCRIPT"'
    os.write(
        terminal, f"{start}{'source' if shell in ('fish', 'tcsh') else '.'} {read}\necho one\necho two\nexit\n".encode()
    )
    seen = b""
    try:
        while chunk := os.read(terminal, 65536):
            seen += chunk
    except OSError:
        pass
    os.waitpid(pid, 0)
    os.close(terminal)
    assert b"two" in seen
    assert list(work.iterdir()) == [], seen


@pytest.mark.parametrize("shell", ["bash", "zsh", "dash"])
def test_python_home_comes_back_and_the_prompt_can_be_left_alone(tmp_path, shell):
    program = shell_or_skip(shell)
    env = tmp_path / "env"
    EnvBuilder(symlinks=True, interpreter=NEW).create(env)
    code = (
        "set -eu; PYTHONHOME=/somewhere; export PYTHONHOME; VIRTUAL_ENV_DISABLE_PROMPT=1; PS1=mine; "
        f". {env}/bin/activate; echo ${{PYTHONHOME-unset}} $PS1; deactivate; echo $PYTHONHOME $PS1"
    )
    done = subprocess.run([program, "-c", code], env=variables(tmp_path), capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["unset", "mine", "/somewhere", "mine"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "dash", "fish", "tcsh"])
def test_a_command_that_the_shell_remembers_is_found_anew(tmp_path, shell):
    """Shells remember where they found a program: after activation it is the environment's, and afterwards the old one."""
    found = shell_or_skip(shell)
    env = tmp_path / "env"
    EnvBuilder(symlinks=True, interpreter=NEW).create(env)
    (tmp_path / "bin").mkdir()
    for place, text in ((tmp_path / "bin", "before"), (env / "bin", "inside")):
        (place / "tool").write_text(f"#!/bin/sh\necho {text}\n")
        (place / "tool").chmod(0o755)
    read = "source" if shell in ("fish", "tcsh") else "."
    code = f"tool\n{read} {env}/bin/{FILES[shell]}\ntool\ndeactivate\ntool\n"
    flags = {"bash": ["--norc"], "zsh": ["-f"], "fish": ["--no-config"], "tcsh": ["-f"]}
    environ = {**variables(tmp_path), "PATH": f"{tmp_path}/bin:/usr/bin:/bin"}
    command = [found, *flags.get(shell, [])]
    done = subprocess.run(command, env=environ, input=code, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["before", "inside", "before"]


def test_one_name_is_never_taken_for_its_letters(tmp_path):
    EnvBuilder(symlinks=True, activators="fish", scm_ignore_files="git").create(tmp_path / "env")
    assert [path.name for path in (tmp_path / "env" / "bin").glob("*activate*")] == ["activate.fish"]
    assert (tmp_path / "env" / ".gitignore").exists()


def test_only_the_activators_that_were_chosen(tmp_path):
    EnvBuilder(activators=["fish", "powershell"]).create(tmp_path / "env")
    names = {path.name for path in (tmp_path / "env" / "bin").iterdir()}
    assert {name for name in names if "ctivate" in name} == {"activate.fish", "Activate.ps1"}
    EnvBuilder(activators=[]).create(tmp_path / "none")
    assert not [path for path in (tmp_path / "none" / "bin").iterdir() if "ctivate" in path.name]
    with pytest.raises(ValueError, match="unknown activator 'cmd'"):
        EnvBuilder(activators=["cmd"])


def test_activate_this_lets_the_running_python_see_the_environment(tmp_path, monkeypatch):
    root = tmp_path / "it's"
    made = EnvBuilder(symlinks=True).create(root)
    (Path(made.paths["purelib"]) / "only_there.py").write_text("value = 7\n")
    for name in ("PATH", "VIRTUAL_ENV", "VIRTUAL_ENV_PROMPT"):
        monkeypatch.setenv(name, os.environ.get(name, ""))
    for name in ("prefix", "exec_prefix"):
        monkeypatch.setattr(sys, name, getattr(sys, name))
    monkeypatch.setattr(sys, "real_prefix", "", raising=False)
    monkeypatch.setattr(sys, "path", list(sys.path))
    runpy.run_path(str(root / "bin" / "activate_this.py"))
    import only_there

    assert only_there.value == 7
    assert os.environ["PATH"].split(os.pathsep)[0] == str(root / "bin")
    assert sys.prefix == str(root)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish", "xonsh", "nu"])
def test_a_relocatable_environment_is_activated_where_it_is_now(tmp_path, shell):
    made = EnvBuilder(symlinks=True, relocatable=True, interpreter=NEW, prompt="p").create(tmp_path / "before")
    assert made.config["relocatable"] == "true"
    now = tmp_path / "it's\nnow"
    (tmp_path / "before").rename(now)
    check(activate(shell, now, tmp_path), shell, now, "p")
    python = subprocess.run(
        [now / "bin" / "python", "-c", "import sys; print(sys.prefix)"], capture_output=True, check=True
    )
    assert python.stdout.decode() == f"{now}\n"


def test_a_shell_that_cannot_tell_says_so(tmp_path):
    EnvBuilder(symlinks=True, relocatable=True).create(tmp_path / "before")
    (tmp_path / "before").rename(tmp_path / "now")
    program = shell_or_skip("dash")
    done = subprocess.run(
        [program, "-c", f". {tmp_path}/now/bin/activate || echo refused; echo ${{VIRTUAL_ENV-unset}}"],
        env=variables(tmp_path),
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["refused", "unset"]
    assert "moved" in done.stderr


def test_values_are_put_in_once():
    values = {"DIR": "__VENV_PROMPT__", "PROMPT": "__VENV_DIR__"}
    text = activation.render(
        "a=__VENV_DIR__ b=__VENV_PROMPT__ c=__VENV_OTHER__ d=__VENV_", "sh", values, relocatable=False
    )
    assert text == "a=__VENV_PROMPT__ b=__VENV_DIR__ c=__VENV_OTHER__ d=__VENV_"


def parted_powershell(text: str) -> tuple[str, list[str]]:
    """Part a script into its code and the values of its single-quoted texts, by the rules of PowerShell's own scanner.

    Five characters are single quotes there; two of them after one another inside a text stand for the second.
    """
    quotes = "'\u2018\u2019\u201a\u201b"
    code, values, at = "", [], 0
    while at < len(text):
        char = text[at]
        if char == "#":
            end = text.find("\n", at)
            at = len(text) if end < 0 else end
        elif char in quotes:
            value, at = "", at + 1
            while text[at] not in quotes or text[at + 1 : at + 2] in tuple(quotes):
                at += text[at] in quotes
                value += text[at]
                at += 1
            values.append(value)
            code, at = code + "''", at + 1
        else:
            code, at = code + char, at + 1
    return code, values


@pytest.mark.parametrize("name", [*NAMES, "\u2019;touch x;\u2018", "\u201b\u201a'", "''", "ends with '"])
def test_a_name_is_never_code_to_powershell(name):
    """PowerShell is to be had from no package registry that the tests use; so its rules are followed here."""
    template = activation.template("common", "Activate.ps1")

    def filled(name: str, prompt: str) -> str:
        values = {"DIR": f"/{name}", "PROMPT": name, "PREFIX": prompt, "BIN_NAME": "bin"}
        return activation.render(template, "ps1", values, relocatable=False)

    code, texts = parted_powershell(filled(name, activation.shown(name)))
    plain_code, plain_texts = parted_powershell(filled("plain", "plain"))
    assert code == plain_code
    assert [text for text in texts if text not in plain_texts] == [
        text for text in (f"/{name}", name, activation.shown(name)) if text not in plain_texts
    ]


def read_batch(line: str, variables: dict[str, str]) -> tuple[str, str] | None:
    """Read a line ``set "NAME=value"`` as cmd.exe does: percent signs first, then quotes, which hide & | < > ( ) ^."""
    text, at = "", 0
    while at < len(line):
        end = line.find("%", at + 1)
        if line[at] != "%":
            text, at = text + line[at], at + 1
        elif line[at + 1 : at + 2] == "%":
            text, at = text + "%", at + 2
        elif end > 0:
            text, at = text + variables.get(line[at + 1 : end].upper(), ""), end + 1
        else:
            at += 1
    quoted = False
    for char in text:
        quoted ^= char == '"'
        assert quoted or char not in "&|<>^()", text
    assert not quoted
    match = re.fullmatch(r'set "([^=]+)=(.*)"', text)
    return (match[1], match[2]) if match else None


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_never_code_to_cmd(name):
    """The real one runs on Windows alone; `test_a_batch_file_runs_in_wine` starts what is nearest to it."""
    values = {"DIR": f"C:\\{name}", "PROMPT": name, "PREFIX": activation.shown(f"({name}) "), "BIN_NAME": "Scripts"}
    text = activation.render(activation.template("nt", "activate.bat"), "bat", values, relocatable=False)
    fitting = "".join(char for char in name if char >= " " and char != '"')
    found: dict[str, str] = {}
    for line in text.splitlines():
        if line.startswith('set "VIRTUAL_ENV'):
            found.update([read_batch(line, {"PATH": "?", "HOME": "?", **found}) or ("", "")])
    assert found == {"VIRTUAL_ENV": f"C:\\{fitting}", "VIRTUAL_ENV_PROMPT": fitting}
    assert len(text.splitlines()) == len(activation.template("nt", "activate.bat").splitlines())


WINE = """\
@echo off
set "PROMPT=$P$G"
set "PYTHONHOME=C:\\before"
set "OLD=%PATH%"
call %1\\Scripts\\activate.bat
call %1\\Scripts\\activate.bat
set VIRTUAL_ENV
set PROMPT
if not defined PYTHONHOME echo no home
echo "%PATH%"
call %1\\Scripts\\deactivate.bat
if not defined VIRTUAL_ENV echo no root
set PROMPT
set PYTHONHOME
if "%PATH%"=="%OLD%" echo same
"""


@pytest.mark.slow
def test_a_batch_file_runs_in_wine(tmp_path):
    from tests.environment.test_layouts import recorded

    wine = shell_or_skip("wine")
    (tmp_path / "base").mkdir()
    (tmp_path / "work").mkdir()
    (tmp_path / "program.bat").write_text(WINE.replace("\n", "\r\n"))
    environ = {**variables(tmp_path), "WINEPREFIX": str(tmp_path / "wine"), "WINEDEBUG": "-all"}
    # Wine reads a variable's value for percent signs again, and writes the letters of another page of codes.
    for name in [name for name in NAMES if name.isascii() and name.isprintable() and not {"%", '"'} & set(name)]:
        root = tmp_path / name
        EnvBuilder(interpreter=recorded(tmp_path / "base", (3, 13, 1))).create(root)
        (tmp_path / "link").unlink(missing_ok=True)
        (tmp_path / "link").symlink_to(root)
        command = [wine, "cmd", "/c", "..\\program.bat", "..\\link"]
        done = subprocess.run(
            command, cwd=tmp_path / "work", env=environ, capture_output=True, check=False, timeout=300
        )
        prompt = f"PROMPT=({activation.shown(name)}) $P$G"
        lines = done.stdout.decode().splitlines()
        assert lines[:4] == [f"VIRTUAL_ENV={root}", f"VIRTUAL_ENV_PROMPT={name}", prompt, "no home"], done
        assert lines[4].startswith(f'"{root}\\Scripts;')
        assert lines[5:] == ["no root", "PROMPT=$P$G", "PYTHONHOME=C:\\before", "same"]
        assert list((tmp_path / "work").iterdir()) == []


@pytest.mark.parametrize("name", NAMES)
def test_nushell_and_python_read_a_quoted_name_as_it_is(name):
    nushell = activation.quote(name, "nu")
    signs = nushell[1 : nushell.index("'")]
    assert nushell == f"r{signs}'{name}'{signs}"
    assert f"'{signs}" not in name
    assert eval(activation.quote(name, "py")) == name


def test_no_template_has_a_variable_inside_its_own_quotes():
    """The values bring their quotes; batch files are the one exception, as ``set "A=B"`` is how they quote."""
    for scripts in activation.ACTIVATORS.values():
        for folder, name in scripts:
            if name.endswith(".bat"):
                continue
            for line in activation.template(folder, name).splitlines():
                before = line.split("__VENV_")[0]
                if line.startswith("#") or before == line:
                    continue
                assert before.count('"') % 2 == 0, line
                assert before.count("'") % 2 == 0, line
