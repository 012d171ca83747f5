"""What a parser may do besides parsing: as little as this kernel and this user let us enforce."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from quire.backends.sandbox import kernel, landlock, seccomp

NETWORK_NAMESPACE = "network namespace"
NO_CAPABILITIES = "no capabilities"
LANDLOCK = "landlock"
SECCOMP = "seccomp"
_SYSTEM_FOLDERS = ("/usr", "/lib", "/lib64", "/opt", "/nix/store", "/etc/fonts", "/sys/devices/system/cpu")
_SYSTEM_FILES = ("/etc/ld.so.cache", "/etc/localtime", "/dev/urandom", "/proc/cpuinfo", "/proc/meminfo", "/proc/stat")


@dataclass(frozen=True, slots=True, kw_only=True)
class Confinement:
    """The measures in force, by name, and the folders that stay readable."""

    names: tuple[str, ...]
    readable: tuple[str, ...]

    def enter(self, file: int) -> None:
        """Confine this process, a child, for good; of all documents only the open `file` stays readable."""
        if LANDLOCK in self.names:
            landlock.restrict(readable=(*self.readable, f"/proc/{os.getpid()}"), file=file)
        if SECCOMP in self.names:
            seccomp.restrict()


def prepare(*, packages: Iterable[str]) -> Confinement:
    """Confine the parser process itself, for good, and find out what its children can add. Called once."""
    kernel.never_gain_privileges()
    names = [name for name, step in _OF_THE_PROCESS if _succeeds(step)]
    readable = tuple(dict.fromkeys([*_python_folders(packages), *_SYSTEM_FOLDERS, *_SYSTEM_FILES]))
    names += [name for name, step in _OF_A_CHILD if _succeeds_in_a_child(step)]
    return Confinement(names=tuple(names), readable=readable)


_OF_THE_PROCESS: tuple[tuple[str, Callable[[], None]], ...] = (
    (NETWORK_NAMESPACE, kernel.leave_network),
    (NO_CAPABILITIES, kernel.drop_capabilities),
)
_OF_A_CHILD: tuple[tuple[str, Callable[[], None]], ...] = (
    (LANDLOCK, lambda: landlock.restrict(readable=(), file=0)),
    (SECCOMP, seccomp.restrict),
)


def _succeeds(step: Callable[[], None]) -> bool:
    try:
        step()
    except OSError:
        return False
    return True


def _succeeds_in_a_child(step: Callable[[], None]) -> bool:
    pid = os.fork()
    if pid == 0:
        try:
            step()
            os._exit(0)
        finally:
            os._exit(1)
    return os.waitpid(pid, 0)[1] == 0


def _python_folders(packages: Iterable[str]) -> list[str]:
    """The interpreter with what is installed in it, and the packages that live elsewhere (an editable install)."""
    folders = [sys.prefix, sys.base_prefix, os.environ.get("TESSDATA_PREFIX", "")]
    for name in packages:
        spec = find_spec(name)
        folders += list(spec.submodule_search_locations or []) if spec else []
    return [str(Path(folder).resolve()) for folder in folders if folder]
