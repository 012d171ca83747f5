"""Landlock: of all files a parser reads its own, Python's packages and little else, and it writes none.

Also: no TCP, no abstract socket, no signal to and no look into a process outside. Numbers from linux/landlock.h.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterable

from quire.backends.sandbox import kernel

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_VERSION_FLAG = 1
_PATH_BENEATH = 1

_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
_FOLDER_ACCESS = _EXECUTE | _READ_FILE | _READ_DIR
_FILE_ACCESS = _EXECUTE | _READ_FILE
_KNOWN_BITS = {1: 13, 2: 14, 3: 15, 4: 15}
_BITS_SINCE_5 = 16
_NO_TCP = 0b11
_NO_ABSTRACT_SOCKETS_OR_SIGNALS = 0b11


class _Ruleset(ctypes.Structure):
    _fields_ = [("fs", ctypes.c_uint64), ("net", ctypes.c_uint64), ("scoped", ctypes.c_uint64)]


class _PathBeneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = [("allowed", ctypes.c_uint64), ("parent_fd", ctypes.c_int32)]


def version() -> int:
    """Of the kernel's Landlock; 0 when it has none."""
    try:
        return kernel.syscall(_CREATE_RULESET, None, 0, _VERSION_FLAG)
    except OSError:
        return 0


def restrict(*, readable: Iterable[str], file: int) -> None:
    """Allow this process the readable folders and files, and the open `file`, for good. Needs `no_new_privs`."""
    ruleset = _create(version())
    _allow(ruleset, file, _READ_FILE)
    for path in readable:
        try:
            opened = os.open(path, os.O_PATH | os.O_CLOEXEC)
        except OSError:
            continue
        _allow(ruleset, opened, _FOLDER_ACCESS if os.path.isdir(path) else _FILE_ACCESS)
        os.close(opened)
    null = os.open(os.devnull, os.O_PATH | os.O_CLOEXEC)
    _allow(ruleset, null, _READ_FILE | _WRITE_FILE)
    kernel.syscall(_RESTRICT_SELF, ruleset, 0)
    os.close(ruleset)


def _create(abi: int) -> int:
    rules = _Ruleset(fs=(1 << _KNOWN_BITS.get(abi, _BITS_SINCE_5)) - 1)
    if abi >= 4:
        rules.net = _NO_TCP
    if abi >= 6:
        rules.scoped = _NO_ABSTRACT_SOCKETS_OR_SIGNALS
    # An older kernel takes a longer structure as long as what it does not know is zero.
    return kernel.syscall(_CREATE_RULESET, ctypes.byref(rules), ctypes.sizeof(rules), 0)


def _allow(ruleset: int, opened: int, access: int) -> None:
    rule = _PathBeneath(allowed=access, parent_fd=opened)
    kernel.syscall(_ADD_RULE, ruleset, _PATH_BENEATH, ctypes.byref(rule), 0)
