"""Use the environment from a Python that is already running: ``runpy.run_path("activate_this.py")``.

Only for where the environment's own Python cannot be run; both must be of the same version.
"""

import os
import site
import sys

try:
    _file = os.path.abspath(__file__)
except NameError:
    raise RuntimeError("run this file with runpy.run_path, which tells it where it is") from None

_bin = os.path.dirname(_file)
_root = _bin[: -len(__VENV_BIN_NAME__) - 1]
os.environ["PATH"] = os.pathsep.join([_bin, *os.environ.get("PATH", "").split(os.pathsep)])
os.environ["VIRTUAL_ENV"] = _root
os.environ["VIRTUAL_ENV_PROMPT"] = __VENV_PROMPT__

# What the environment has comes before what the running Python has.
_known = len(sys.path)
site.addsitedir(os.path.join(_root, __VENV_LIB__))
sys.path[:] = sys.path[_known:] + sys.path[:_known]
sys.real_prefix = sys.prefix
sys.prefix = sys.exec_prefix = _root
