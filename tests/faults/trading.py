"""Trade that is played through the API: the simulation's lives, whose commands are sent as mutations until answered.

Whatever becomes of a request, it is sent again under the same idempotency key to whoever serves, so what is done is
done once however many servers die over it.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import fields, is_dataclass
from random import Random
from types import SimpleNamespace
from typing import Annotated, Any, get_args, get_origin, get_type_hints
from uuid import UUID

import asyncpg
import httpx2
import orjson
from sqlalchemy import Select, select
from sqlalchemy.exc import DBAPIError, InterfaceError
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.kernel.idempotency import IdempotentRequest
from app.kernel.identity import decode_id, encode_id
from app.kernel.outbox import as_json
from app.kernel.principal import Principal
from app.kernel.refusal import Refusal
from app.simulation.clerk import STAFF_AT_PLAY, Clerk
from app.simulation.goods import find_goods
from app.simulation.play import Play
from app.simulation.trade import Trade
from schema.names import camel, pascal
from schema.operations import Mutation, id_target
from schema.root import GRAPH
from schema.types import is_optional, without_none
from tests.faults.waiting import at_most, ended

ANSWER_SECONDS_MAX = 120
STILL_SECONDS_MAX = 2 * ANSWER_SECONDS_MAX
AGAIN_SECONDS = 0.1
MUTATIONS = {mutation.command.function: mutation for mutation in GRAPH.mutations.values()}
DATABASE_AWAY = (OSError, DBAPIError, InterfaceError, asyncpg.PostgresError, asyncpg.InterfaceError)
IN_TRADE = {"INSUFFICIENT_STOCK", "TOO_MUCH_STOCK", "CART_EMPTY", "NOTHING_TO_ALLOCATE", "NOTHING_AVAILABLE"}
"""What trade is refused now and then, for shelves run empty. Any other refusal tells that something was done twice."""


class Refused(Refusal):
    """The API refused a mutation."""


class Api:
    """Whoever serves at the moment, asked over HTTP until somebody answers."""

    def __init__(self, addresses: Callable[[], Sequence[str]], chance: Random) -> None:
        """Ask one of `addresses`, which may be others each time."""
        self.credential = ""
        self.repeated: Counter[str] = Counter()
        self._addresses = addresses
        self._chance = chance
        self._client = httpx2.AsyncClient(timeout=20, limits=httpx2.Limits(max_keepalive_connections=20))

    async def ask(self, document: str, credential: str | None = None, **variables: Any) -> Any:
        """The data of an operation; whatever fails is tried again, elsewhere, until it has taken too long."""
        body = orjson.dumps({"query": document, "variables": variables})
        headers = {"content-type": "application/json"}
        if credential:
            headers["authorization"] = f"Bearer {credential}"
        async with at_most(ANSWER_SECONDS_MAX, f"an answer to {document} with {variables}"):
            while True:
                answer = await self._once(body, headers)
                if answer is not None:
                    return answer
                await asyncio.sleep(AGAIN_SECONDS)

    async def _once(self, body: bytes, headers: dict[str, str]) -> Any:
        """The data that somebody answers, or None where it is to be asked again."""
        try:
            address = self._chance.choice(self._addresses())
            answer = await self._client.post(f"{address}/graphql", content=body, headers=headers)
            found = orjson.loads(answer.content)
        except (httpx2.TransportError, orjson.JSONDecodeError, IndexError) as error:
            self.repeated[type(error).__name__] += 1
            return None
        if "errors" not in found:
            return found["data"]
        codes = {error["extensions"]["code"] for error in found["errors"]}
        assert codes <= {"INTERNAL_SERVER_ERROR", "BUSY", "TIMED_OUT"}, found
        self.repeated.update(codes)
        return None

    async def close(self) -> None:
        """Ask nothing more."""
        await self._client.aclose()


class ApiClerk(Clerk):
    """Gives the commands of a play by the API."""

    def __init__(self, sessions: async_sessionmaker[AsyncSession], api: Api, chance: Random) -> None:
        """Send mutations through `api`, and read what a play must know from the database itself."""
        super().__init__(sessions)
        self.refused: Counter[str] = Counter()
        self.unshown = 0
        """How often something was done whose first answer was lost, and the repeat showed nothing of it."""
        self._api = api
        self._chance = chance

    async def give(self, command: Callable[..., Awaitable[Any]], request: Any, *, by: Principal = STAFF_AT_PLAY) -> Any:
        """Send a command's mutation; Refused where it is refused."""
        mutation = MUTATIONS[command]
        given = input_of(request) | {"idempotencyKey": str(UUID(int=self._chance.getrandbits(128)))}
        credential = self._api.credential if by is STAFF_AT_PLAY else None
        while True:
            payload = (await self._api.ask(document_of(mutation), credential, input=given))[mutation.name]
            refused = payload["userErrors"]
            if not refused:
                break
            if refused[0]["code"] != "IDEMPOTENCY_IN_PROGRESS":
                self.refused[refused[0]["code"]] += 1
                assert refused[0]["code"] in IN_TRADE, f"{mutation.name} was refused: {refused}, given {given}"
                raise Refused
            await asyncio.sleep(AGAIN_SECONDS)
        self.commands += 1
        if any(payload[camel(extra)] is None for extra in mutation.extras):
            return await self.give(command, request, by=by)  # A cart's token is told once, and that answer was lost.
        return told_by(mutation, payload, await self._key_of(mutation, payload, given["idempotencyKey"]))

    async def _key_of(self, mutation: Mutation, payload: dict[str, Any], idempotency_key: str) -> Any:
        """The key of what a mutation shows. A stranger's repeat is shown nothing; what was remembered of it tells."""
        if not mutation.shown:
            return None
        if shown := payload[mutation.shown]:
            found = decode_id(shown["id"])
            return found.key if found else None
        self.unshown += 1
        request = (IdempotentRequest.mutation == mutation.name, IdempotentRequest.key == idempotency_key)
        ((outcome,),) = await self.read(select(IdempotentRequest.outcome).where(*request))
        return outcome["id"]

    async def read(self, statement: Select[*tuple[Any, ...]]) -> list[Any]:
        """The rows of `statement`, once the database answers."""
        async with at_most(ANSWER_SECONDS_MAX, "the database to be read"):
            while True:
                try:
                    return await super().read(statement)
                except DATABASE_AWAY:
                    await asyncio.sleep(AGAIN_SECONDS)


def document_of(mutation: Mutation) -> str:
    """A mutation that selects all that a play wants to know of it."""
    shown = f"{mutation.shown} {{ id }}" if mutation.shown else ""
    told = f"{shown} {' '.join(camel(extra) for extra in mutation.extras)} userErrors {{ code message }}"
    return f"mutation($input: {pascal(mutation.name)}Input!) {{ {mutation.name}(input: $input) {{ {told} }} }}"


def told_by(mutation: Mutation, payload: dict[str, Any], key: Any) -> Any:
    """What the command itself would answer: an id, or a record with what its payload tells besides."""
    if not mutation.extras:
        return key
    return SimpleNamespace(id=key, **{extra: payload[camel(extra)] for extra in mutation.extras})


def input_of(request: Any) -> dict[str, Any]:
    """A request as the input of its mutation."""
    hints = get_type_hints(type(request), include_extras=True)
    values = ((each.name, getattr(request, each.name)) for each in fields(request))
    return {camel(name): _given(_plain(hints[name]), value) for name, value in values if value is not None}


def _plain(hint: Any) -> Any:
    """A type without its description, and without None."""
    kind = get_args(hint)[0] if get_origin(hint) is Annotated else hint
    return without_none(kind) if is_optional(kind) else kind


def _given(kind: Any, value: Any) -> Any:
    """One value as GraphQL takes it."""
    if get_origin(kind) in (tuple, list, frozenset):
        return [_given(_plain(get_args(kind)[0]), each) for each in value]
    if node := id_target(kind):
        return encode_id(node, value)
    return input_of(value) if is_dataclass(value) else as_json(value)


class Market:
    """Several plays at once, which may be told to hold still."""

    def __init__(self, sessions: async_sessionmaker[AsyncSession], api: Api, *, rate: float) -> None:
        """Trade at about `rate` commands a second, through `api`."""
        self.plays: list[Play] = []
        self.clerks: list[ApiClerk] = []
        self._sessions = sessions
        self._api = api
        self._rate = rate
        self._open = asyncio.Event()
        self._still: list[asyncio.Event] = []
        self._running: list[asyncio.Task[None]] = []

    async def begin(self, seeds: Sequence[int]) -> None:
        """Begin a play by each seed."""
        for seed in seeds:
            chance = Random(seed)  # noqa: S311 — trade must be repeatable.
            clerk = ApiClerk(self._sessions, self._api, chance)
            self.clerks.append(clerk)
            self.plays.append(Play(Trade(clerk=clerk, goods=await find_goods(clerk), chance=chance)))
            self._still.append(asyncio.Event())
        self._open.set()
        self._running = [asyncio.create_task(self._trade(number)) for number in range(len(seeds))]

    async def _trade(self, number: int) -> None:
        play, still = self.plays[number], self._still[number]
        while True:
            if not self._open.is_set():
                still.set()
                await self._open.wait()
                still.clear()
            await play.step()
            await asyncio.sleep(play.trade.chance.expovariate(self._rate / len(self.plays)))

    async def hold_still(self) -> None:
        """Let every command that is under way be answered, and give no further one."""
        self._open.clear()
        for number, (still, running) in enumerate(zip(self._still, self._running, strict=True)):
            async with at_most(STILL_SECONDS_MAX, f"play {number} to hold still: {running}"):
                while not (still.is_set() or running.done()):
                    await asyncio.sleep(AGAIN_SECONDS)
            if running.done():
                running.result()

    def go_on(self) -> None:
        """Trade on."""
        self._open.set()

    async def end(self) -> None:
        """Trade no more."""
        await ended("trade", *self._running)

    @property
    def commands(self) -> int:
        """How many commands were done."""
        return sum(clerk.commands for clerk in self.clerks)

    @property
    def refused(self) -> Counter[str]:
        """What was refused, by code."""
        return sum((clerk.refused for clerk in self.clerks), Counter())
