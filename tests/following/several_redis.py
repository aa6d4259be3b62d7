"""Several Redis servers of a test's own: a cluster of masters, or a master and a replica that a Sentinel watches."""

from __future__ import annotations

import asyncio
import socket
import subprocess
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager, closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import RedisError

from app.server.embedded.binaries import find_binaries

USER, PASSWORD = "lading", "a-password"
SENTINELS_PASSWORD = "another-password"
MASTER = "trade"
SECONDS = 20


@dataclass
class Node:
    """One server, of which a test may ask anything, and which it may kill."""

    port: int
    process: subprocess.Popen[bytes]
    credentials: dict[str, str]

    async def ask(self, *command: str | int) -> Any:
        """What it answers to a command."""
        async with Redis(port=self.port, **self.credentials, protocol=2) as client:  # type: ignore[arg-type]
            return await client.execute_command(*command)

    def kill(self) -> None:
        """End it without a word to those who are connected."""
        self.process.kill()
        self.process.wait()


@dataclass
class Several:
    """Servers that belong together, and the address by which they are named."""

    url: str
    nodes: list[Node]


def free_ports(number: int) -> list[int]:
    """Ports that nobody listens on."""
    with ExitStack() as held:
        sockets = [held.enter_context(closing(socket.socket())) for _ in range(number)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


def started(folder: Path, port: int, *lines: str, sentinel: bool = False) -> subprocess.Popen[bytes]:
    """A server with a configuration of these lines."""
    home = folder / str(port)
    home.mkdir()
    told = [f"port {port}", "bind 127.0.0.1", f"dir {home}", "protected-mode no", *lines]
    (home / "own.conf").write_text("\n".join(told) + "\n")
    program = [str(find_binaries().valkey), str(home / "own.conf"), *(["--sentinel"] if sentinel else [])]
    return subprocess.Popen(program, stdout=subprocess.DEVNULL)


async def until(condition: Any) -> None:
    """Wait until what `condition` answers holds; a server that is not there yet does not answer."""
    async with asyncio.timeout(SECONDS):
        while True:
            with suppress(RedisError, OSError):
                if await condition():
                    return
            await asyncio.sleep(0.05)


@asynccontextmanager
async def cluster(folder: Path) -> AsyncIterator[Several]:
    """Three masters that share all slots, for a user of their access list alone."""
    ports, buses = free_ports(3), free_ports(3)
    lines = ["save ''", "cluster-enabled yes", "cluster-node-timeout 1000", "user default off"]
    lines.append(f"user {USER} on >{PASSWORD} allkeys allchannels +@all")
    credentials = {"username": USER, "password": PASSWORD}
    nodes = [
        Node(port, started(folder, port, *lines, f"cluster-port {bus}"), credentials)
        for port, bus in zip(ports, buses, strict=True)
    ]
    try:
        for number, node in enumerate(nodes):
            await until(lambda node=node: node.ask("PING"))
            first, last = number * 5_462, min(number * 5_462 + 5_461, 16_383)
            await node.ask("CLUSTER", "ADDSLOTSRANGE", first, last)
            await node.ask("CLUSTER", "MEET", "127.0.0.1", ports[0], buses[0])
        for node in nodes:
            await until(lambda node=node: is_whole(node))
        places = ",".join(f"127.0.0.1:{port}" for port in ports)
        yield Several(f"redis+cluster://{USER}:{PASSWORD}@{places}", nodes)
    finally:
        for node in nodes:
            node.kill()


async def is_whole(node: Node) -> bool:
    """Whether a node knows of all, and that all slots are served."""
    told: dict[str, str] = await node.ask("CLUSTER INFO")
    return told["cluster_state"] == "ok" and told["cluster_known_nodes"] == "3"


@asynccontextmanager
async def watched(folder: Path) -> AsyncIterator[Several]:
    """A master, its replica, and a Sentinel that makes the replica master half a second after the master is gone."""
    first, second, watcher = free_ports(3)
    secret = [f"requirepass {PASSWORD}", f"masterauth {PASSWORD}", "save ''", "repl-diskless-sync-delay 0"]
    credentials = {"password": PASSWORD}
    nodes = [
        Node(first, started(folder, first, *secret), credentials),
        Node(second, started(folder, second, *secret, f"replicaof 127.0.0.1 {first}"), credentials),
    ]
    lines = [
        f"sentinel monitor {MASTER} 127.0.0.1 {first} 1",
        f"sentinel auth-pass {MASTER} {PASSWORD}",
        f"sentinel down-after-milliseconds {MASTER} 500",
        f"sentinel failover-timeout {MASTER} 3000",
        f"requirepass {SENTINELS_PASSWORD}",
    ]
    nodes.append(Node(watcher, started(folder, watcher, *lines, sentinel=True), {"password": SENTINELS_PASSWORD}))
    try:

        async def replicates() -> bool:
            told = await nodes[2].ask("SENTINEL", "REPLICAS", MASTER)
            return bool(told) and (await nodes[1].ask("INFO", "replication"))["master_link_status"] == "up"

        await until(replicates)
        absent = free_ports(1)[0]
        places = f"127.0.0.1:{absent},127.0.0.1:{watcher}"
        yield Several(f"redis+sentinel://:{PASSWORD}@{places}/{MASTER}?sentinel_password={SENTINELS_PASSWORD}", nodes)
    finally:
        for node in nodes:
            node.kill()
