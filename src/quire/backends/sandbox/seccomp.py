"""A seccomp filter: no sockets, no new processes, no program started, no hand laid on another process.

A list of what is refused, not of what is allowed: parsers and their libraries call much that nobody wrote down, and
what matters is that nothing leads out. Threads may be made (`clone` with CLONE_THREAD).
"""

from __future__ import annotations

import ctypes
import errno
import os

from quire.backends.sandbox import kernel

_AUDIT_ARCH = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
_REFUSED = {
    "socket": (41, 198),
    "connect": (42, 203),
    "bind": (49, 200),
    "fork": (57, None),
    "vfork": (58, None),
    "execve": (59, 221),
    "execveat": (322, 281),
    "kill": (62, 129),
    "tkill": (200, 130),
    "rt_sigqueueinfo": (129, 138),
    "rt_tgsigqueueinfo": (297, 240),
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "setpgid": (109, 154),
    "setsid": (112, 157),
    "unshare": (272, 97),
    "setns": (308, 268),
    "mount": (165, 40),
    "bpf": (321, 280),
    "userfaultfd": (323, 282),
    "perf_event_open": (298, 241),
    "io_uring_setup": (425, 425),
    "pidfd_send_signal": (424, 424),
    "pidfd_open": (434, 434),
    "pidfd_getfd": (438, 438),
    "open_by_handle_at": (304, 265),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
    "shmget": (29, 194),
    "semget": (64, 190),
    "msgget": (68, 186),
    "mq_open": (240, 180),
}
"""System calls by name: their numbers on x86-64 and on ARM64, which has no `fork`."""

_MACHINES = ("x86_64", "aarch64")
_CLONE = {"x86_64": 56, "aarch64": 220}
_TGKILL = {"x86_64": 234, "aarch64": 131}
_PRLIMIT = {"x86_64": 302, "aarch64": 261}
_CLONE3 = 435
_CLONE_THREAD = 0x10000
_X32_BIT = 0x40000000
"""x86-64 has a second set of numbers, from here on."""

_LOAD, _IF_EQUAL, _IF_ANY_BIT, _IF_AT_LEAST, _RETURN = 0x20, 0x15, 0x45, 0x35, 0x06
_NUMBER_AT, _ARCH_AT, _FIRST_ARGUMENT_AT = 0, 4, 16
_ALLOW, _KILL, _ERRNO = 0x7FFF0000, 0x80000000, 0x00050000

Instruction = tuple[int, int, int, int]
"""Code, instructions to skip when true, when false, operand."""


class _Filter(ctypes.Structure):
    _fields_ = [("code", ctypes.c_uint16), ("jt", ctypes.c_uint8), ("jf", ctypes.c_uint8), ("k", ctypes.c_uint32)]


class _Program(ctypes.Structure):
    _fields_ = [("len", ctypes.c_uint16), ("filter", ctypes.POINTER(_Filter))]


def restrict() -> None:
    """Refuse these calls to this process, with EPERM, for good. Needs `no_new_privs`."""
    instructions = _program(os.uname().machine, own_pid=os.getpid())
    filters = (_Filter * len(instructions))(*(_Filter(*fields) for fields in instructions))
    kernel.filter_system_calls(_Program(len(instructions), filters))


def _program(machine: str, *, own_pid: int) -> list[Instruction]:
    refuse: Instruction = (_RETURN, 0, 0, _ERRNO | errno.EPERM)
    allow: Instruction = (_RETURN, 0, 0, _ALLOW)
    first_argument: Instruction = (_LOAD, 0, 0, _FIRST_ARGUMENT_AT)
    program: list[Instruction] = [
        (_LOAD, 0, 0, _ARCH_AT),
        (_IF_EQUAL, 1, 0, _AUDIT_ARCH[machine]),
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, _NUMBER_AT),
        (_IF_AT_LEAST, 0, 1, _X32_BIT),
        refuse,
        # The C library then falls back to `clone`, whose flags can be seen from here.
        (_IF_EQUAL, 0, 1, _CLONE3),
        (_RETURN, 0, 0, _ERRNO | errno.ENOSYS),
    ]
    for numbers in _REFUSED.values():
        number = numbers[_MACHINES.index(machine)]
        program += [(_IF_EQUAL, 0, 1, number), refuse] if number is not None else []
    for number, condition in (
        (_CLONE[machine], (_IF_ANY_BIT, 1, 0, _CLONE_THREAD)),
        (_TGKILL[machine], (_IF_EQUAL, 1, 0, own_pid)),  # abort() sends one to itself
        (_PRLIMIT[machine], (_IF_EQUAL, 1, 0, 0)),
    ):
        program += [(_IF_EQUAL, 0, 4, number), first_argument, condition, refuse, allow]
    return [*program, allow]
