"""Running PostgreSQL for root: it refuses to be root, so it runs in a user namespace, or else as `nobody`."""

from __future__ import annotations

import ctypes
import os
import pwd
import signal
import subprocess
import sys
from functools import cache, partial
from typing import TYPE_CHECKING, Any

from app.server.embedded.capabilities import become
from app.server.failure import EmbeddedFailure

if TYPE_CHECKING:
    from pathlib import Path

CLONE_NEWUSER = 0x10000000
PR_SET_PDEATHSIG = 1
STRANGER = "nobody"


def enter_user_namespace() -> None:
    """Leave root behind for this process, which keeps its access to root's files as their owner."""
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWUSER) != 0:
        raise OSError(ctypes.get_errno(), "no user namespace may be made here")


def die_with_parent() -> None:
    """Ask Linux to stop this process, as a fast shutdown, when the process that started it dies."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGINT)


def _enter_and_die_with_parent() -> None:
    enter_user_namespace()
    die_with_parent()


def _become_and_die_with_parent(user: pwd.struct_passwd) -> None:
    become(user)
    die_with_parent()


@cache
def namespaces_allowed() -> bool:
    """Whether a process may enter a user namespace here; containers often forbid it."""
    if sys.platform != "linux":
        return False
    script = "from app.server.embedded.unprivileged import enter_user_namespace as enter; enter()"
    return subprocess.run([sys.executable, "-c", script], capture_output=True, check=False).returncode == 0


def unprivileged(folder: Path, program: Path) -> dict[str, Any]:
    """How `subprocess` starts PostgreSQL's `program` on data in `folder`: as it is, or as another user for root.

    What was given to `nobody` once stays theirs: in a namespace it would be nobody's whom root is the owner of.
    """
    if os.geteuid() != 0:
        return {"preexec_fn": die_with_parent}
    stranger = pwd.getpwnam(STRANGER)
    if folder.stat().st_uid != stranger.pw_uid and namespaces_allowed():
        return {"preexec_fn": _enter_and_die_with_parent}
    _give(folder, stranger)
    plain = {"user": stranger.pw_uid, "group": stranger.pw_gid, "extra_groups": [], "preexec_fn": die_with_parent}
    keeping_a_right = {"preexec_fn": partial(_become_and_die_with_parent, stranger)}
    for options in (plain, keeping_a_right):
        if _reaches((program, folder), options):
            return options
    raise EmbeddedFailure(
        f"PostgreSQL may not run as root, and the user {STRANGER} cannot reach {program} and {folder}: "
        "run as an ordinary user, or move them, or set DATABASE_URL."
    )


def _reaches(places: tuple[Path, ...], options: dict[str, Any]) -> bool:
    looks = (subprocess.run(["test", "-r", place], check=False, cwd="/", **options) for place in places)
    try:
        return all(look.returncode == 0 for look in looks)
    except (OSError, subprocess.SubprocessError):
        return False


def _give(folder: Path, owner: pwd.struct_passwd) -> None:
    if folder.stat().st_uid == owner.pw_uid:
        return
    for path in (folder, *folder.rglob("*")):
        os.chown(path, owner.pw_uid, owner.pw_gid, follow_symlinks=False)
