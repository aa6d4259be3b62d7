"""Real processes of the product over a database of the test: API servers, the relay and the worker."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import orjson
from gql import Client, gql
from gql.transport.websockets import WebsocketsTransport

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS_MAX = 240
STOP_SECONDS_MAX = 15


@dataclass(eq=False)
class Process:
    """One running command of the product."""

    running: asyncio.subprocess.Process

    async def address(self) -> str:
        """The address that a server says it listens on, once it is ready."""
        assert self.running.stdout is not None
        async with asyncio.timeout(START_SECONDS_MAX), httpx2.AsyncClient() as client:
            while line := await self.running.stdout.readline():
                if b"http://" in line:
                    address = line.decode().split()[-1]
                    while not await _is_ready(client, address):
                        assert self.running.returncode is None, "the server ended before it was ready"
                        await asyncio.sleep(0.1)
                    return address
        raise AssertionError("the server ended before it listened")

    async def end(self) -> None:
        """Stop it at the end of a test, by force where it takes too long: what the test found out comes first."""
        try:
            await self.stop()
        except TimeoutError:
            self.running.kill()
            await self.running.wait()

    async def stop(self) -> int:
        """Ask it to stop; how it ended."""
        if self.running.returncode is None:
            self.running.terminate()
        async with asyncio.timeout(STOP_SECONDS_MAX):
            return await self.running.wait()


async def _is_ready(client: httpx2.AsyncClient, address: str) -> bool:
    """Whether the server at `address` may be sent requests."""
    try:
        return (await client.get(f"{address}/readyz")).status_code == 200
    except httpx2.TransportError:
        return False


@asynccontextmanager
async def running(environment: dict[str, str], *arguments: str, log: Path = Path(os.devnull)) -> AsyncIterator[Process]:
    """A command of the product, stopped at the end; what it logs is added to `log`."""
    with log.open("ab") as logged:
        process = Process(
            await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "app",
                *arguments,
                cwd=ROOT,
                env={**os.environ, **environment},
                stdout=subprocess.PIPE,
                stderr=logged,
            )
        )
    try:
        yield process
    finally:
        await process.end()


@dataclass
class Caller:
    """Someone who calls a server over HTTP and WebSocket, as a partner's program would."""

    address: str
    credential: str | None = None

    @property
    def headers(self) -> dict[str, str]:
        """What proves who calls."""
        return {"authorization": f"Bearer {self.credential}"} if self.credential else {}

    async def ask(self, document: str, variables: dict[str, Any] | None = None) -> dict[str, Any]:
        """The whole response to a request over HTTP."""
        async with httpx2.AsyncClient(timeout=30) as client:
            body = orjson.dumps({"query": document, "variables": variables or {}})
            headers = {**self.headers, "content-type": "application/json"}
            answer = await client.post(f"{self.address}/graphql", content=body, headers=headers)
        found: dict[str, Any] = orjson.loads(answer.content)
        return found

    async def data(self, document: str, variables: dict[str, Any] | None = None) -> Any:
        """The data of a request that has no errors."""
        found = await self.ask(document, variables)
        assert "errors" not in found, found["errors"]
        return found["data"]

    async def do(self, name: str, select: str, /, **given: Any) -> Any:
        """The payload of the mutation `name`, which is not refused."""
        kind = f"{name[0].upper()}{name[1:]}Input"
        told = f"{select} userErrors {{ code message field }}"
        document = f"mutation($input: {kind}!) {{ it: {name}(input: $input) {{ {told} }} }}"
        payload = (await self.data(document, {"input": given}))["it"]
        assert payload["userErrors"] == [], payload
        return payload

    @asynccontextmanager
    async def following(self, document: str, variables: dict[str, Any] | None = None) -> AsyncIterator[list[Any]]:
        """What a subscription receives, in a list that grows while the block runs."""
        url = f"{self.address.replace('http', 'ws')}/graphql"
        transport = WebsocketsTransport(
            url=url, init_payload=self.headers, subprotocols=[WebsocketsTransport.GRAPHQLWS_SUBPROTOCOL]
        )
        received: list[Any] = []
        async with Client(transport=transport) as session:
            request = gql(document)
            request.variable_values = variables or {}

            async def listen() -> None:
                async for result in session.subscribe(request):
                    received.append(next(iter(result.values())))  # noqa: PERF401 — it must show each as it arrives.

            listening = asyncio.create_task(listen())
            await asyncio.sleep(0.3)
            yield received
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)


async def until(received: list[Any], number: int) -> list[Any]:
    """What was received, once it is `number` things; AssertionError where that takes too long."""
    try:
        async with asyncio.timeout(10):
            while len(received) < number:
                await asyncio.sleep(0.02)
    except TimeoutError:
        raise AssertionError(f"only {len(received)} of {number} arrived: {received}") from None
    return received
