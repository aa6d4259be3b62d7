"""The faults, each of which ends when what it broke runs again. How long one lasts is told by the form of the test."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass

from app.inventory.commands import AdjustStock, adjust_stock
from app.kernel.outbox import write_outbox
from app.kernel.principal import SYSTEM
from tests.faults.crowd import Crowd
from tests.faults.topics import of_staff
from tests.faults.trading import DATABASE_AWAY
from tests.faults.world import World

END_OTHERS = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND application_name LIKE 'lading%'
"""
PAIRS_OUT_OF_ORDER = 5
CROWD = 100


@dataclass(frozen=True)
class Scene:
    """Where a fault happens: the world, its crowd, and how many times as long as usual it lasts."""

    world: World
    crowd: Crowd
    longer: float

    async def wait(self, seconds: float) -> None:
        """Wait for so long in the short form."""
        await asyncio.sleep(seconds * self.longer)


Fault = Callable[[Scene], Awaitable[None]]


async def redis_is_away(scene: Scene) -> None:
    """Redis is killed, and comes back empty."""
    scene.world.ground.redis.stop()
    await scene.wait(1)
    scene.world.ground.redis.start()


async def redis_flaps(scene: Scene) -> None:
    """Redis is killed again and again, as soon as it is back."""
    for _ in range(3):
        scene.world.ground.redis.stop()
        await asyncio.sleep(0.1)
        scene.world.ground.redis.start()
        await scene.wait(0.1)


async def a_server_is_killed(scene: Scene) -> None:
    """A server is killed, and another starts elsewhere."""
    await scene.world.kill("serve")


async def a_server_drains(scene: Scene) -> None:
    """A server is asked to stop, as by an upgrade."""
    await scene.world.drain()


async def relays_are_killed(scene: Scene) -> None:
    """As many relays are killed one after the other as there are; the leader is among them, and others take over."""
    for _ in list(scene.world.processes["relay"]):
        await scene.world.kill("relay")
        await scene.wait(0.5)


async def a_worker_is_killed(scene: Scene) -> None:
    """A worker is killed, and another starts."""
    await scene.world.kill("worker")


async def a_server_stands_still(scene: Scene) -> None:
    """A server is stopped in its tracks, with its sockets open, and goes on after a while."""
    await scene.world.freeze("serve", 1 * scene.longer)


async def a_relay_stands_still(scene: Scene) -> None:
    """A relay, which may be the leader, is stopped in its tracks and goes on after a while."""
    await scene.world.freeze("relay", 1 * scene.longer)


async def connections_to_the_database_end(scene: Scene) -> None:
    """The database ends every connection of ours, twice."""
    for _ in range(2):
        await scene.world.in_database(END_OTHERS)
        await scene.wait(0.3)


async def a_transaction_stays_open(scene: Scene) -> None:
    """Somebody's transaction, which has written something, stays open and is committed late."""
    async with scene.world.ground.sessions() as session:
        with suppress(*DATABASE_AWAY):
            await adjust_stock(session, _found(scene, -1), by=SYSTEM)
            await write_outbox(session)
            await scene.wait(2)
            await session.commit()


async def transactions_commit_out_of_order(scene: Scene) -> None:
    """Of two transactions that wrote their events one after the other, the later one commits first."""
    for _ in range(PAIRS_OUT_OF_ORDER):
        async with scene.world.ground.sessions() as one, scene.world.ground.sessions() as other:
            with suppress(*DATABASE_AWAY):
                for number, session in enumerate((one, other)):
                    await adjust_stock(session, _found(scene, number), by=SYSTEM)
                    await write_outbox(session)
                await other.commit()
                await asyncio.sleep(scene.world.chance.uniform(0, 0.1))
                await one.commit()


async def all_connect_again_at_once(scene: Scene) -> None:
    """Every follower loses its connection at the same moment."""
    scene.crowd.cut()
    await scene.wait(0.5)


async def some_read_nothing(scene: Scene) -> None:
    """A third of the followers reads nothing for a while."""
    async with scene.crowd.pausing():
        await scene.wait(2)


async def many_join_and_connect_again_at_once(scene: Scene) -> None:
    """The crowd becomes a hundred, and each of them loses its connection at the same moment."""
    topics = list(of_staff(scene.world.shop))
    await scene.crowd.join(*(topics[number % len(topics)] for number in range(CROWD - len(scene.crowd.followers))))
    await scene.wait(0.1)
    scene.crowd.cut()


async def the_database_restarts(scene: Scene) -> None:
    """PostgreSQL is stopped in order and started again, where it is the test's own."""
    await _restarted(scene, signal.SIGINT)


async def the_database_crashes(scene: Scene) -> None:
    """PostgreSQL ends as by a crash, and recovers what was committed."""
    await _restarted(scene, signal.SIGQUIT)


async def _restarted(scene: Scene, how: signal.Signals) -> None:
    postgres = scene.world.ground.postgres
    assert postgres is not None
    await asyncio.to_thread(postgres.stop, how)
    await scene.wait(0.2)
    await asyncio.to_thread(postgres.start)


def _found(scene: Scene, number: int) -> AdjustStock:
    """A piece that is found of one product."""
    shop = scene.world.shop
    return AdjustStock(product_id=shop.products[number], location_id=shop.places[0], quantity_change=1)  # type: ignore[arg-type]


SHORT: tuple[Fault, ...] = (
    redis_is_away,
    a_server_is_killed,
    a_server_drains,
    relays_are_killed,
    a_worker_is_killed,
    a_server_stands_still,
    connections_to_the_database_end,
    a_transaction_stays_open,
    transactions_commit_out_of_order,
    all_connect_again_at_once,
    some_read_nothing,
)
LONG = (
    *SHORT,
    redis_flaps,
    a_relay_stands_still,
    many_join_and_connect_again_at_once,
    the_database_restarts,
    the_database_crashes,
)
