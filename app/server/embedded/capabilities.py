"""Leaving root behind while keeping the one right that PostgreSQL needs of it: to reach files that root shut in."""

from __future__ import annotations

import ctypes
import os
import pwd

CAP_DAC_OVERRIDE = 1
CAPABILITY_VERSION = 0x20080522
PR_SET_SECUREBITS = 28
NO_SETUID_FIXUP = 1 << 2
"""Capabilities outlive the change of user, and count also when a program asks whether it may open a file."""
PR_CAP_AMBIENT = 47
PR_CAP_AMBIENT_RAISE = 2


class _Header(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


class _Sets(ctypes.Structure):
    _fields_ = (("effective", ctypes.c_uint32), ("permitted", ctypes.c_uint32), ("inheritable", ctypes.c_uint32))


def become(user: pwd.struct_passwd) -> None:
    """Make this process `user`'s, who keeps only the right to pass folders and open files that root shut."""
    system = ctypes.CDLL(None, use_errno=True)
    _check(system.prctl(PR_SET_SECUREBITS, NO_SETUID_FIXUP, 0, 0, 0))
    os.setgroups([])
    os.setresgid(user.pw_gid, user.pw_gid, user.pw_gid)
    os.setresuid(user.pw_uid, user.pw_uid, user.pw_uid)
    wanted = 1 << CAP_DAC_OVERRIDE
    sets = (_Sets * 2)(_Sets(wanted, wanted, wanted), _Sets(0, 0, 0))
    _check(system.capset(ctypes.byref(_Header(CAPABILITY_VERSION, 0)), sets))
    _check(system.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_DAC_OVERRIDE, 0, 0))


def _check(status: int) -> None:
    if status != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
