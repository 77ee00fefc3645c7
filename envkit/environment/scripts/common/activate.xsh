# Read this file with "source" from xonsh: it changes the shell that reads it.

def _deactivate(arguments=()):
    for name in ("VIRTUAL_ENV", "VIRTUAL_ENV_PROMPT"):
        if name in __xonsh__.env:
            del __xonsh__.env[name]
    if "_OLD_VIRTUAL_PATH" in __xonsh__.env:
        __xonsh__.env["PATH"] = __xonsh__.env["_OLD_VIRTUAL_PATH"]
        del __xonsh__.env["_OLD_VIRTUAL_PATH"]
    if "_OLD_VIRTUAL_PYTHONHOME" in __xonsh__.env:
        __xonsh__.env["PYTHONHOME"] = __xonsh__.env["_OLD_VIRTUAL_PYTHONHOME"]
        del __xonsh__.env["_OLD_VIRTUAL_PYTHONHOME"]
    if list(arguments) != ["nondestructive"]:
        del aliases["deactivate"]


def _activate():
    import os

    root = __VENV_DIR__
    __VENV_LOCATE__
    _deactivate(["nondestructive"])
    __xonsh__.env["_OLD_VIRTUAL_PATH"] = list(__xonsh__.env["PATH"])
    __xonsh__.env["PATH"] = [os.path.join(root, __VENV_BIN_NAME__), *__xonsh__.env["PATH"]]
    __xonsh__.env["VIRTUAL_ENV"] = root
    __xonsh__.env["VIRTUAL_ENV_PROMPT"] = __VENV_PROMPT__
    if "PYTHONHOME" in __xonsh__.env:
        __xonsh__.env["_OLD_VIRTUAL_PYTHONHOME"] = __xonsh__.env["PYTHONHOME"]
        del __xonsh__.env["PYTHONHOME"]
    aliases["deactivate"] = _deactivate


_activate()
