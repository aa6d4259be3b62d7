"""Whose pages may call: a browser says from which page a call comes, and by what name it was led to us.

No cookie proves anybody here, so a page can misuse nobody's rights. But it stands where its reader does: within a
network that strangers cannot reach, or on the machine itself. CORS keeps pages from most of that, though not from
sockets, and not at all where the name of the page's own host is made to lead to us (DNS rebinding).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from app.server.settings import Settings

EVERY = "*"
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


@dataclass(frozen=True)
class Origins:
    """The origins whose pages may call besides those of our own host, and our own names where only some are good."""

    others: frozenset[str] = frozenset({EVERY})
    hosts: frozenset[str] = frozenset()

    def refusal(self, headers: Mapping[bytes, bytes]) -> str | None:
        """Why a call with these headers is refused; None where it may be. Programs tell no origin, and may."""
        host = headers.get(b"host", b"").decode("latin-1").lower()
        if self.hosts and name_of(host) not in self.hosts:
            return "This server does not go by the name that you asked for; its operator names it in LADING_HOSTS."
        origin = headers.get(b"origin")
        if origin is None or EVERY in self.others:
            return None
        told = origin.decode("latin-1").lower()
        if told.partition("://")[2] == host or told in self.others:
            return None
        return "Pages of this origin may not call; the server's operator names those that may in LADING_CORS_ORIGINS."


ANY = Origins()
"""Every page may call."""


def name_of(host: str) -> str:
    """The name in a Host header, without its port."""
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0]


def origins_of(settings: Settings) -> Origins:
    """Whose pages may call by `settings`. A demo that only its own machine reaches goes by no other name."""
    hosts = frozenset(host.lower() for host in settings.hosts)
    if not hosts and settings.is_demo and settings.host in LOOPBACK:
        hosts = LOOPBACK
    return Origins(frozenset(origin.lower().rstrip("/") for origin in settings.cors_origins), hosts)
