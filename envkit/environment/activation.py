"""Activation scripts: templates, filled in one pass, with each value quoted for the shell that will read it.

A template never has quotes around a variable: the quoting of a value brings its own. The text that a prompt *shows* is
cleaned of what any shell gives a meaning in prompts, because prompts are expanded each time that they are shown;
``VIRTUAL_ENV_PROMPT`` has the whole text.
"""

import os

from envkit.environment.folders import below, put
from envkit.host import files

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

SCRIPTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "scripts")

#: The scripts of each activator, as (folder, file).
ACTIVATORS: "dict[str, tuple[tuple[str, str], ...]]" = {
    "bash": (("common", "activate"),),
    "fish": (("common", "activate.fish"),),
    "csh": (("posix", "activate.csh"),),
    "powershell": (("common", "Activate.ps1"),),
    "batch": (("nt", "activate.bat"), ("nt", "deactivate.bat")),
    "nushell": (("common", "activate.nu"),),
    "xonsh": (("common", "activate.xsh"),),
    "python": (("common", "activate_this.py"),),
}
VARIABLES = ("DIR", "NAME", "PROMPT", "PREFIX", "BIN_NAME", "PYTHON", "LIB", "LOCATE")
_MARK = "__VENV_"
_PLAIN = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./@%+=:,-"
_PLAIN_BUT_FIRST = ("", *"@%+=:,-")
_PROMPT_MEANINGS = frozenset("$`\\%!^")
_templates: "dict[tuple[str, str], tuple[list[str], str]]" = {}


def template(folder: str, name: str) -> str:
    """Give the text of a template."""
    with open(os.path.join(SCRIPTS, folder, name), "rb", buffering=0) as stream:  # a text stream takes twice the time
        return stream.read().decode("utf-8")


def _template(folder: str, name: str) -> "tuple[list[str], str]":
    """Give the parts of a template, and its shell; read once."""
    key = (folder, name)
    known = _templates.get(key)
    if known is None:
        shell = shell_of(os.path.join(SCRIPTS, folder, name))
        known = _templates[key] = (_parse(template(folder, name)), shell)
    return known


def shell_of(path: str) -> str:
    """Tell from a script's path which quoting it needs; what is not known is taken for a POSIX shell.

    Scripts of others are filled as ``venv`` fills them, which knows nothing of the languages after the first four.
    """
    extension = os.path.splitext(path)[1].lower()
    known = [".fish", ".csh", ".ps1", ".bat"]
    if os.path.dirname(os.path.dirname(path)) == SCRIPTS:
        known += [".nu", ".xsh", ".py"]
    return extension[1:] if extension in known else "sh"


def quote(text: str, shell: str) -> str:
    """Write *text* so that *shell* reads exactly it, and runs none of it."""
    return _QUOTES[shell](text)


def _is_plain(text: str) -> bool:
    """Tell whether no shell gives the text a meaning; then it gets no quotes, as in `venv`: a template may have some."""
    return text.isascii() and not text.strip(_PLAIN) and text[:1] not in _PLAIN_BUT_FIRST


def _quote_sh(text: str) -> str:
    if _is_plain(text):
        return text
    return "'" + text.replace("'", "'\"'\"'") + "'"


def _quote_fish(text: str) -> str:
    if _is_plain(text):
        return text
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _quote_csh(text: str) -> str:
    if _is_plain(text):
        return text
    # csh looks for history (!) inside quotes too, and ends a quoted text at the end of a line.
    return "'" + text.replace("'", "'\\''").replace("!", "\\!").replace("\n", "\\\n") + "'"


def _quote_ps1(text: str) -> str:
    # PowerShell takes the typographic quotes for plain ones.
    for sign in "'\u2018\u2019\u201a\u201b":
        text = text.replace(sign, sign * 2)
    return f"'{text}'"


def _quote_bat(text: str) -> str:
    # Inside set "NAME=value": a quote or a line end would leave it, and nothing can hide them. No file is named so there.
    return "".join(char for char in text if char != '"' and char >= " ").replace("%", "%%")


def _quote_nu(text: str) -> str:
    signs = "#"
    while f"'{signs}" in text:
        signs += "#"
    return f"r{signs}'{text}'{signs}"


_QUOTES = {
    "sh": _quote_sh,
    "fish": _quote_fish,
    "csh": _quote_csh,
    "ps1": _quote_ps1,
    "bat": _quote_bat,
    "nu": _quote_nu,
    "xsh": repr,
    "py": repr,
}

_LOCATE = {
    "sh": """\
_ENVKIT_FILE=
if [ -n "${BASH_VERSION:-}" ] ; then
    eval '_ENVKIT_FILE=${BASH_SOURCE[0]}'
elif [ -n "${ZSH_VERSION:-}" ] ; then
    eval '_ENVKIT_FILE=${(%):-%x}'
    # That is made for being shown, so a name with control characters in it is another one there.
    if [ ! -e "$_ENVKIT_FILE" ] ; then
        _ENVKIT_FILE="$0"
    fi
elif [ -n "${KSH_VERSION:-}" ] ; then
    eval '_ENVKIT_FILE=${.sh.file}'
fi
if [ -n "$_ENVKIT_FILE" ] ; then
    # The x keeps line ends that belong to the name.
    VIRTUAL_ENV=$(CDPATH= cd -- "$(dirname -- "$_ENVKIT_FILE")/.." > /dev/null && pwd && echo x)
    VIRTUAL_ENV=${VIRTUAL_ENV%?x}
fi
unset _ENVKIT_FILE
if [ ! -e "$VIRTUAL_ENV/pyvenv.cfg" ] ; then
    echo "this shell does not tell where the environment was moved to" >&2
    deactivate
    return 1
fi""",
    "fish": "set -gx VIRTUAL_ENV (builtin realpath (status dirname | string collect)/.. | string collect)",
    "csh": """\
if ( ! -e $VIRTUAL_ENV:q/pyvenv.cfg ) then
    echo "this shell does not tell where the environment was moved to"
    deactivate
    exit 1
endif""",
    "ps1": "$env:VIRTUAL_ENV = Split-Path -Parent -Path $PSScriptRoot",
    "bat": 'for %%i in ("%~dp0..") do set "VIRTUAL_ENV=%%~fi"',
    "nu": "const virtual_env = (path self | path dirname | path dirname)",
    "xsh": "root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))",
    "py": "",
}


def shown(prompt: str) -> str:
    """Clean a text for being shown in a prompt."""
    return "".join("_" if char in _PROMPT_MEANINGS or not char.isprintable() else char for char in prompt)


def render(text: str, shell: str, values: "Mapping[str, str]", *, relocatable: bool) -> str:
    """Fill a template. Each variable is looked for in the template alone, never in a value that was put in."""
    return _fill(_parse(text), shell, values, relocatable=relocatable)


def _parse(text: str) -> "list[str]":
    """Part a template into texts and, at every second place, the names of variables."""
    parts = text.split(_MARK)
    found = [parts[0]]
    for part in parts[1:]:
        name, mark, rest = part.partition("__")
        if mark and name in VARIABLES:
            found += (name, rest)
        else:
            found[-1] += _MARK + part
    return found


def _fill(parts: "list[str]", shell: str, values: "Mapping[str, str]", *, relocatable: bool) -> str:
    filled = parts.copy()
    for at in range(1, len(filled), 2):
        name = filled[at]
        if name == "LOCATE":
            filled[at] = _LOCATE[shell] if relocatable else ""
        elif name == "PREFIX" and shell == "bat":
            filled[at] = _quote_bat(values[name].replace("$", "$$"))
        else:
            filled[at] = _QUOTES[shell](values[name])
    return "".join(filled)


def choose(activators: "tuple[str, ...] | None", platform: str, *, fish: bool) -> "list[tuple[str, str]]":
    """Give the scripts of the activators that were named, or of all for a platform ("posix" or "nt"), *fish* or not."""
    return [
        (folder, name)
        for activator in (ACTIVATORS if activators is None else activators)
        if activators is not None or fish or activator != "fish"
        for folder, name in ACTIVATORS[activator]
        if folder in ("common", platform) or (folder == "posix" and activators is not None)
    ]


def write(folder: str, scripts: "Iterable[tuple[str, str]]", values: "Mapping[str, str]", *, relocatable: bool) -> None:
    """Write scripts into a folder, readable for all as ``venv`` has it, whatever the umask."""
    changed = None
    for place, name in scripts:
        parts, shell = _template(place, name)
        text = _fill(parts, shell, values, relocatable=relocatable)
        path = f"{folder}{os.sep}{name}"
        put(path, text.encode("utf-8", "surrogateescape"), 0o644)
        if changed is None:  # what the umask takes away from one it takes from all
            changed = os.stat(path).st_mode & 0o7777 != 0o644
        if changed:
            files.change_mode(path, 0o644)


def values_of(context: "Any") -> "dict[str, str]":
    """Give the variables of a context, as `venv` names them, and the two that are ours."""
    prompt = str(context.prompt)
    # Up to Python 3.12 the prompt of a context has its brackets already.
    prefix = prompt if prompt.startswith("(") and prompt.endswith(") ") else f"({prompt}) "
    return {
        "DIR": context.env_dir,
        "NAME": context.env_name,
        "PROMPT": prompt,
        "PREFIX": shown(prefix),
        "BIN_NAME": context.bin_name,
        "PYTHON": context.env_exe,
        "LIB": below(context.env_dir, context.lib_path) if hasattr(context, "lib_path") else "",
    }
