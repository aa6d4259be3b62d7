"""Addresses of a Redis, as people write them: of one server, of a cluster's nodes, or of Sentinels."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit, urlunsplit

WRITTEN = "write redis://, rediss:// or unix://, redis+cluster:// for a cluster, or redis+sentinel:// for Sentinels"
PLAIN = {"redis": "redis", "valkey": "redis", "rediss": "rediss", "valkeys": "rediss"}
SOCKETS = ("unix", "redis+unix", "valkey+unix", "redis+socket")
PORTS = {"redis": 6379, "cluster": 6379, "sentinel": 26379}
PORT_MAX = 65_535
SENTINELS_OWN = "sentinel_"
"""So begin the options that are for the Sentinels and not for their Redis."""


class Kind(Enum):
    """How many servers there are, and how the one to talk to is found."""

    MEMORY = "memory"
    ONE = "redis"
    CLUSTER = "cluster"
    SENTINEL = "sentinel"


@dataclass(frozen=True)
class Address:
    """Where a Redis is."""

    kind: Kind
    urls: tuple[str, ...] = ()
    """One for each server that is named, as the Redis client wants it; of Sentinels, how their master is reached."""
    places: tuple[tuple[str, int], ...] = ()
    master: str = ""
    sentinel_options: tuple[tuple[str, str], ...] = ()

    @property
    def place(self) -> str:
        """Where it is, without who we are there: fit to be told."""
        told = ", ".join(f"{host}:{port}" for host, port in self.places) or "a local socket"
        return f"{self.master} by the Sentinels {told}" if self.kind is Kind.SENTINEL else told


def read_address(url: str) -> Address:
    """The address that `url` is; ValueError says what is wrong with it, and never a secret that is in it."""
    scheme = url.partition("://")[0].lower()
    if scheme == Kind.MEMORY.value:
        return Address(Kind.MEMORY)
    if scheme in SOCKETS:
        return Address(Kind.ONE, (f"unix://{url.partition('://')[2]}",))
    family, _, kind = scheme.partition("+")
    if "://" not in url or family not in PLAIN or kind not in {"", "cluster", "sentinel"}:
        raise ValueError(f"{scheme if '://' in url else 'this'}:// is no address of a Redis: {WRITTEN}")
    return _several(Kind(kind or "redis"), PLAIN[family], url)


def _several(kind: Kind, scheme: str, url: str) -> Address:
    """The address of one or several servers that are reached over a network."""
    parts = urlsplit(url)
    credentials, _, hosts = parts.netloc.rpartition("@")
    places = tuple(_place(each, PORTS[kind.value]) for each in hosts.split(","))
    if kind is Kind.ONE and len(places) > 1:
        raise ValueError(f"{scheme}:// names one server: write {scheme}+cluster:// or {scheme}+sentinel:// for several")
    query = parse_qsl(parts.query, keep_blank_values=True)
    own = tuple((name.removeprefix(SENTINELS_OWN), value) for name, value in query if name.startswith(SENTINELS_OWN))
    rest = urlencode([pair for pair in query if not pair[0].startswith(SENTINELS_OWN)])
    path, master = parts.path, ""
    if kind is Kind.SENTINEL:
        master, _, database = unquote(path.strip("/")).partition("/")
        path = f"/{database}" if database else ""
        if not master:
            raise ValueError("of Sentinels, the address ends in their master's name: redis+sentinel://host:26379/name")
    logged_in = f"{credentials}@" if credentials else ""
    urls = tuple(urlunsplit((scheme, logged_in + _written(*place), path, rest, "")) for place in places)
    return Address(kind, urls, places, master, own)


def _place(told: str, port: int) -> tuple[str, int]:
    """A host and its port, as `host`, `host:port` or `[address]:port`."""
    host, colon, number = told.rpartition(":")
    if not colon or told.endswith("]"):
        host, number = told, str(port)
    host = host.removeprefix("[").removesuffix("]")
    if not host:
        raise ValueError("a host is missing: they are separated by commas, each with its port")
    if not (number.isascii() and number.isdecimal() and 0 < int(number) <= PORT_MAX):
        raise ValueError(f"the port of {host} is a number from 1 to {PORT_MAX}")
    return host, int(number)


def _written(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
