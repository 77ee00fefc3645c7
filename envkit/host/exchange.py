"""Renames that never overwrite, and renames that exchange two places at once.

Linux offers both by ``renameat2``, macOS by ``renamex_np``; elsewhere the first is a check before a rename and the
second does not exist. Whether a file system can exchange is learned by trying.
"""

from __future__ import annotations

import ctypes
import errno
import functools
import os
import sys
from collections.abc import Callable

from envkit.host import effect

_AT_FDCWD = -100
_CANNOT = frozenset((errno.ENOSYS, errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP))

_Renamer = Callable[[bytes, bytes], int]


@functools.cache
def _renamers() -> tuple[_Renamer, _Renamer] | None:
    """Give the calls for "without replacing" and "exchange", where the C library has them."""
    if os.name != "posix":
        return None
    library = ctypes.CDLL(None, use_errno=True)
    try:
        if sys.platform == "darwin":
            call = library.renamex_np
            call.argtypes = (ctypes.c_char_p, ctypes.c_char_p, ctypes.c_uint)
            return (lambda a, b: int(call(a, b, 4))), (lambda a, b: int(call(a, b, 2)))
        call = library.renameat2
    except AttributeError:
        return None
    call.argtypes = (ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_uint)
    return (
        lambda a, b: int(call(_AT_FDCWD, a, _AT_FDCWD, b, 1)),
        lambda a, b: int(call(_AT_FDCWD, a, _AT_FDCWD, b, 2)),
    )


def _call(function: _Renamer, source: str, target: str) -> int:
    """Give 0, or the error's number."""
    if function(os.fsencode(source), os.fsencode(target)) == 0:
        return 0
    return ctypes.get_errno() or errno.EIO


def rename_new(source: str, target: str) -> None:
    """Rename to a place where nothing stands. Raises `FileExistsError` rather than replacing what is there."""
    effect("rename", source)
    calls = _renamers()
    if calls is not None:
        number = _call(calls[0], source, target)
        if number == 0:
            return
        if number not in _CANNOT:
            raise OSError(number, os.strerror(number), source, None, target)
    if os.path.lexists(target):
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), source, None, target)
    os.rename(source, target)


def exchange(source: str, target: str) -> bool:
    """Let two files or folders change places in one step; False where the platform or file system cannot."""
    calls = _renamers()
    if calls is None:
        return False
    effect("exchange", source)
    number = _call(calls[1], source, target)
    if number == 0:
        return True
    if number in _CANNOT or number == errno.EXDEV:  # an overlay does not rename folders of its lower layers
        return False
    raise OSError(number, os.strerror(number), source, None, target)


def sync_file_system(path: str) -> None:
    """Make everything that was written to the file system of *path* durable, also by others; at worst that takes long."""
    effect("sync", path)
    if os.name != "posix":
        return
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        call = getattr(ctypes.CDLL(None, use_errno=True), "syncfs", None)
        if call is None:
            os.sync()
        elif call(descriptor) != 0:
            number = ctypes.get_errno() or errno.EIO
            raise OSError(number, os.strerror(number), path)
    finally:
        os.close(descriptor)
