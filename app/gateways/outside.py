"""Calling addresses that others gave us, so that no call can end in our own network.

A name is looked up here, each address that it leads to is checked, and the connection goes to one of those: nobody can
have it looked up a second time with another answer. Nothing is redirected, and no proxy of the environment is asked.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable, Mapping, Sequence
from ipaddress import ip_address
from typing import Any

import httpcore2

from app.kernel.limits import Limits
from app.webhooks.ports import Answer, CallFailed
from app.webhooks.rules import Address, Reach, Unreachable, target_of

ADDRESSES_TRIED_MAX = 3
KEPT_SECONDS = 10
"""So long a connection is kept that nothing is sent over."""
AGENT = "Lading-Webhooks"
Resolve = Callable[[str, int], Awaitable[Sequence[Address]]]


async def resolved(host: str, port: int) -> Sequence[Address]:
    """The addresses that a name leads to at present, in the order in which the system would try them."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(ip_address(each[4][0]) for each in found))


class Outside:
    """Sends what is to be sent to addresses of others; closed at the end."""

    def __init__(
        self, reach: Reach, limits: Limits, *, trusted: ssl.SSLContext | None = None, resolve: Resolve = resolved
    ) -> None:
        """Call what `reach` allows, with certificates that `trusted` proves (the system's own by default)."""
        self._reach = reach
        self._limits = limits
        self._pool = httpcore2.AsyncConnectionPool(
            ssl_context=trusted or httpcore2.default_ssl_context(),
            max_connections=limits.webhook_sends_max,
            max_keepalive_connections=limits.webhook_sends_max,
            keepalive_expiry=KEPT_SECONDS,
            network_backend=CheckedNetwork(reach, resolve),
        )

    async def close(self) -> None:
        """Close what is open."""
        await self._pool.aclose()

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """What the receiver at `url` answers to `body`; CallFailed where it does not."""
        try:
            target_of(url, self._reach)
            async with asyncio.timeout(self._limits.webhook_send_ms_max / 1_000):
                return await self._sent(url, headers, body)
        except Unreachable as refused:
            raise CallFailed(str(refused)) from None
        except (TimeoutError, httpcore2.TimeoutException):
            raise CallFailed(f"No answer within {self._limits.webhook_send_ms_max:,} ms.") from None
        except (httpcore2.NetworkError, OSError) as failed:
            raise CallFailed(_why(failed)) from None
        except httpcore2.ProtocolError:
            raise CallFailed("The receiver's answer is no HTTP.") from None

    async def _sent(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """The answer, read no further than its bound."""
        told = {"Content-Type": "application/json", "User-Agent": AGENT, **headers}
        async with self._pool.stream("POST", url, headers=list(told.items()), content=body) as response:
            size = 0
            async for part in response.aiter_stream():
                size += len(part)
                if size > self._limits.webhook_answer_bytes_max:
                    break
            found = {name.lower(): value for name, value in response.headers}
            wait = found.get(b"retry-after")
            return Answer(response.status, wait.decode("latin-1") if wait else None)


class CheckedNetwork(httpcore2.AsyncNetworkBackend):
    """Connects with addresses that were checked, and with no others."""

    def __init__(self, reach: Reach, resolve: Resolve) -> None:
        self._reach = reach
        self._resolve = resolve
        self._network = httpcore2.AnyIOBackend()

    async def connect_tcp(self, host: str, port: int, *rest: Any, **more: Any) -> httpcore2.AsyncNetworkStream:
        """A connection with one of the addresses of `host`; Unreachable where any of them is not to be called."""
        addresses = await self._checked(host, port)
        for address in addresses[:-1]:
            try:
                return await self._network.connect_tcp(str(address), port, *rest, **more)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout):
                continue
        return await self._network.connect_tcp(str(addresses[-1]), port, *rest, **more)

    async def connect_unix_socket(self, path: str, *rest: Any, **more: Any) -> httpcore2.AsyncNetworkStream:
        """Never: a socket of this machine is within our network."""
        del path, rest, more
        raise Unreachable("A socket of our own machine is not called.")

    async def sleep(self, seconds: float) -> None:
        """Wait, for the library."""
        await asyncio.sleep(seconds)

    async def _checked(self, host: str, port: int) -> Sequence[Address]:
        """The addresses of a host, at most so many as are tried; Unreachable where one of all is not to be called."""
        try:
            found = [ip_address(host)]
        except ValueError:
            found = list(await self._resolve(host, port))
        if not found:
            raise Unreachable("The host's name leads nowhere.")
        if not all(self._reach.allows(address) for address in found):
            raise Unreachable("The host's name leads into a network that is not public, so it is not called.")
        return found[:ADDRESSES_TRIED_MAX]


def _why(failed: Exception) -> str:
    """Why there was no answer, in words that tell nothing of our own network."""
    cause: BaseException | None = failed
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"The receiver's certificate is not good: {cause.verify_message}."
        if isinstance(cause, ssl.SSLError):
            return "No encrypted connection came about."
        if isinstance(cause, socket.gaierror):
            return "The host's name is not known."
        if isinstance(cause, ConnectionRefusedError):
            return "The receiver refused the connection."
        cause = cause.__cause__ or cause.__context__
    return "The connection failed." if isinstance(failed, httpcore2.ConnectError) else "The connection broke off."
