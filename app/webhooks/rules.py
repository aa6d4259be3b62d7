"""The rules of webhooks: which addresses may be called, how messages are signed, when they are tried again."""

from __future__ import annotations

import base64
import hmac
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from urllib.parse import SplitResult, urlsplit

from app.webhooks.tables import DeliveryAction, DeliveryStatus, EndpointAction, EndpointStatus

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

ENDPOINT_ALLOWED: Mapping[EndpointStatus, frozenset[EndpointAction]] = {
    EndpointStatus.ACTIVE: frozenset(EndpointAction) - {EndpointAction.ENABLE},
    EndpointStatus.DISABLED: frozenset(
        {EndpointAction.UPDATE, EndpointAction.ENABLE, EndpointAction.ROTATE_SECRET, EndpointAction.REDELIVER}
    ),
}
"""What may be done with an endpoint, by its status."""
DELIVERY_ALLOWED: Mapping[DeliveryStatus, frozenset[DeliveryAction]] = {
    DeliveryStatus.WAITING: frozenset(),
    **dict.fromkeys(set(DeliveryStatus) - {DeliveryStatus.WAITING}, frozenset(DeliveryAction)),
}
"""What may be done with a delivery, by its status."""

RETRY_AFTER = tuple(
    timedelta(seconds=seconds)
    for seconds in (0, 5, 5 * 60, 30 * 60, 2 * 3600, 5 * 3600, 10 * 3600, 14 * 3600, 20 * 3600, 24 * 3600)
)
"""How long after the attempt before each of a delivery's attempts is made, as Standard Webhooks proposes."""
JITTER = 0.1
"""So much earlier or later, at the most, that what failed together is not tried again together."""
TOLD_WAIT_MAX = timedelta(hours=24)
"""A receiver may ask for a longer wait than we would make, but for none that is longer than this."""

SECRET_PREFIX = "whsec_"  # noqa: S105
SEED_BYTES = 32
PURPOSE = b"secret of a webhook "

SCHEMES = {"https": 443, "http": 80}
HOST_NAME = re.compile(r"(?=.{1,253}$)[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*")
NUMERIC_LABEL = re.compile(r"\d+|0x[0-9a-f]*")
"""A name whose last label looks like this is a number to those who resolve it, in one of many spellings."""
UNSAFE = re.compile(r"[^\x21-\x7e]|\\")

NOT_PUBLIC_4 = tuple(
    IPv4Network(network)
    for network in (
        "0.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "192.0.0.0/24",
        "192.31.196.0/24",
        "192.52.193.0/24",
        "192.88.99.0/24",
        "192.175.48.0/24",
        "198.18.0.0/15",
        "224.0.0.0/3",
    )
)
"""What IANA's registry of special-purpose addresses lists besides private networks and documentation.

Which of these the module `ipaddress` calls private or global depends on the version of Python.
"""
PUBLIC_6 = IPv6Network("2000::/3")
NOT_PUBLIC_6 = tuple(
    IPv6Network(network) for network in ["2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20"]
)
"""Within what is given out to the public: protocols' own, tunnels such as Teredo and 6to4, and documentation."""
TRANSLATED = (IPv6Network("::ffff:0:0/96"), IPv6Network("64:ff9b::/96"))
"""Their last 32 bits are an address of version 4, which is where they lead."""


class Unreachable(Exception):
    """An address that is not to be called; the message says why, and what to do."""


@dataclass(frozen=True)
class Reach:
    """What may be called besides public addresses, and by which ports."""

    networks: tuple[Network, ...] = ()
    ports: frozenset[int] | None = frozenset({443, 8443})
    """The ports that may be called; None for any."""
    plain_http: bool = False

    def allows(self, address: Address) -> bool:
        """Whether a connection to `address` may be made: it is public, or lies in a network that is allowed."""
        return is_public(address) or any(address in network for network in self.networks)


@dataclass(frozen=True)
class Target:
    """Where a URL leads: to a host at a port."""

    scheme: str
    host: str
    port: int
    literal: Address | None


@dataclass(frozen=True)
class Secrets:
    """Makes the endpoints' secrets of the installation's own, so that none is kept anywhere."""

    key: bytes = field(repr=False)

    def of(self, seed: bytes) -> bytes:
        """The secret that belongs to an endpoint's random bytes."""
        return hmac.digest(self.key, PURPOSE + seed, "sha256")

    def shown(self, seed: bytes) -> str:
        """The same as its holder is told it."""
        return SECRET_PREFIX + base64.b64encode(self.of(seed)).decode()

    def signed(self, seeds: Iterable[bytes], message_id: str, sent_at: datetime, body: bytes) -> dict[str, str]:
        """The headers that let a receiver check a message, as Standard Webhooks has them: a signature for each seed."""
        second = str(int(sent_at.timestamp()))
        told = b".".join((message_id.encode(), second.encode(), body))
        signatures = (base64.b64encode(hmac.digest(self.of(seed), told, "sha256")).decode() for seed in seeds)
        return {
            "webhook-id": message_id,
            "webhook-timestamp": second,
            "webhook-signature": " ".join(f"v1,{signature}" for signature in signatures),
        }


def is_public(address: Address) -> bool:
    """Whether an address is one that everybody may reach, and none within anybody's own network."""
    if isinstance(address, IPv4Address):
        return not (address.is_private or any(address in network for network in NOT_PUBLIC_4))
    if any(address in network for network in TRANSLATED):
        return is_public(IPv4Address(int(address) & 0xFFFF_FFFF))
    return address in PUBLIC_6 and not any(address in network for network in NOT_PUBLIC_6)


def target_of(url: str, reach: Reach) -> Target:
    """Where `url` leads; Unreachable where it is malformed, or leads where nothing is to be called."""
    parts = _split(url)
    allowed = ["https", "http"] if reach.plain_http else ["https"]
    if parts.scheme not in allowed:
        raise Unreachable(f"The address begins with {' or '.join(f'{scheme}://' for scheme in allowed)}.")
    if "@" in parts.netloc:
        raise Unreachable("The address holds no user and password; the signature tells the receiver who calls.")
    if parts.fragment:
        raise Unreachable("The address has no part after `#`: it would never be sent.")
    port = _port(parts, reach)
    host = parts.hostname or ""
    literal = _literal(host, bracketed="[" in parts.netloc)
    if literal is None and not HOST_NAME.fullmatch(host):
        raise Unreachable("The host is no name that could be looked up; write one with other letters as `xn--…`.")
    if literal is not None and not reach.allows(literal):
        raise Unreachable("This address lies in no public network, so it is not called.")
    return Target(parts.scheme, host, port, literal)


def _split(url: str) -> SplitResult:
    """The parts of a URL, which is written plainly."""
    if UNSAFE.search(url):
        raise Unreachable("The address holds a space, a backslash or a letter that must be escaped.")
    try:
        return urlsplit(url)
    except ValueError:
        raise Unreachable("This is not written like an address.") from None


def _port(parts: SplitResult, reach: Reach) -> int:
    """The port of a URL, which is one that may be called."""
    try:
        port = SCHEMES[parts.scheme] if parts.port is None else parts.port
    except ValueError:
        raise Unreachable("The port is no number from 1 to 65535.") from None
    allowed = reach.ports
    if allowed is not None and port not in allowed and not (reach.plain_http and port == SCHEMES["http"]):
        told = ", ".join(str(each) for each in sorted(allowed))
        raise Unreachable(f"Port {port} is not called; these are: {told}.")
    return port


def _literal(host: str, *, bracketed: bool) -> Address | None:
    """The address that a host is written as, if it is no name; Unreachable for spellings that others read otherwise."""
    if not bracketed and not NUMERIC_LABEL.fullmatch(host.rstrip(".").rpartition(".")[2]):
        return None
    try:
        address = ip_address(host)
    except ValueError:
        raise Unreachable("The host looks like a number and is none; write an address as four decimals.") from None
    if isinstance(address, IPv6Address) and address.scope_id:
        raise Unreachable("The address names a network interface of ours.")
    return address


def networks_of(text: str) -> tuple[Network, ...]:
    """The networks that `text` lists, separated by commas; ValueError where one is none."""
    return tuple(ip_network(part.strip()) for part in text.split(",") if part.strip())


def delay_before(attempt: int, *, told: timedelta | None, chance: float) -> timedelta | None:
    """How long to wait before attempt number `attempt` (from 1 on), or None where there is none any more.

    A receiver may have `told` how long it wants to be left alone. `chance`, from 0 to 1, spreads what failed together.
    """
    if attempt > len(RETRY_AFTER):
        return None
    planned = RETRY_AFTER[attempt - 1] * (1 + JITTER * (2 * chance - 1))
    return planned if told is None else max(planned, min(told, TOLD_WAIT_MAX))


def told_wait(header: str | None, now: datetime) -> timedelta | None:
    """How long a `Retry-After` header asks to wait, in seconds or until a date; None where it says neither."""
    if header is None:
        return None
    if re.fullmatch(r"\d{1,9}", header.strip()):
        return timedelta(seconds=int(header))
    try:
        until = parsedate_to_datetime(header)
    except ValueError:
        return None
    until = until if until.tzinfo else until.replace(tzinfo=UTC)
    return max(until - now, timedelta())
