"""The composition root: the only place that wires the process together."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.routing import Route

from app.access.commands import FirstAdmin, ensure_first_admin, note_api_key_use
from app.access.questions import Unauthenticated, authenticate, fallen, recalled, signing
from app.access.questions import callers as remembered
from app.fulfilment import reactions as fulfilment
from app.gateways.outside import Outside
from app.inventory import reactions as inventory
from app.inventory.questions import UnexplainedLevel, unexplained_levels
from app.kernel import idempotency
from app.kernel.event_log import EVENT_CURSOR_SQL
from app.kernel.limits import put_in_force
from app.kernel.outbox import Event, write_outbox
from app.kernel.principal import ANONYMOUS
from app.kernel.reacting import Reaction, Timer
from app.orders import reactions as orders
from app.server.database import open_databases, open_replica
from app.server.event_streams import EventStreams
from app.server.figures import Figures, tell_figures
from app.server.http import GraphQLEndpoint, ShortCut
from app.server.http_health import Readiness, livez
from app.server.http_requests import HttpRefusal
from app.server.http_timing import Timing
from app.server.migrating import head
from app.server.origins import origins_of
from app.server.page import page_of
from app.server.relay import run_relay
from app.server.revoking import Revoking
from app.server.settings import Mode
from app.server.telemetry import RequestTelemetry, metrics
from app.server.trusting import trusted_texts
from app.server.wakeup import Bell, Wakeup
from app.server.webhook_reader import WebhookReader
from app.server.webhook_sender import WebhookSender
from app.server.websocket import Sockets
from app.server.working import Worker
from app.shipments import reactions as shipments
from app.webhooks import ports as webhook_ports
from app.webhooks import reactions as webhooks
from app.webhooks.rules import Secrets
from resolvers.asking import Asking
from resolvers.context import GraphQLRequest
from resolvers.execute import Execution
from resolvers.following.log import Log
from resolvers.following.run import Following
from resolvers.following.webhooks import Opened, Webhooks
from resolvers.reading.documents import Documents, Operation
from resolvers.reading.run import Reading
from resolvers.reading.trusted import Trusted
from resolvers.writing.payloads import Writing
from resolvers.writing.run import Commands
from schema.root import GRAPH

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Collection, Mapping, Sequence
    from typing import Any

    from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker
    from starlette.datastructures import Headers
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.types import ASGIApp, Receive, Scope, Send

    from app.kernel.principal import Principal
    from app.server.settings import Settings

AUTHORIZATION = ("authorization", "Authorization")
"""The names under which clients put their credential into `connection_init`."""
TIMERS: dict[Timer, float] = {**idempotency.TIMERS, **inventory.TIMERS, **orders.TIMERS, **webhooks.TIMERS}
REACTIONS: dict[type[Event], Reaction] = {}
REACTIONS.update(fulfilment.REACTIONS)  # type: ignore[arg-type]
REACTIONS.update(shipments.REACTIONS)  # type: ignore[arg-type]
REACTIONS.update(webhooks.REACTIONS)
READ_SECONDS, SEND_SECONDS, LOOK_SECONDS = 0.25, 0.25, 15.0
"""How long webhooks leave alone the log and what they are to send where nothing is new, and their figures."""
log = structlog.get_logger(__name__)
HEADERS_OF_BROWSERS = ["Authorization", "Content-Type", "X-Request-ID", "GraphQL-Require-Preflight"]
HEADERS_OF_BROWSERS += ["Lading-Position", "Last-Event-ID"]


def build_app(settings: Settings) -> ASGIApp:
    """The application that `settings` describe; what it opens at its start it closes at its end."""
    signing.use_key(settings.signed_with.encode())
    prepare(settings)
    trusted = Trusted(trusted_texts(settings), settings.trusted_only)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[Mapping[str, Any]]:
        async with opened(settings, trusted) as graph:
            yield {
                "graphql": graph.endpoint,
                "sockets": graph.sockets,
                "ready": graph.ready,
                "drain": graph.drain,
                "figures": graph.figures,
            }

    routes = [
        Route("/graphql", FromState("graphql")),
        Route("/livez", livez),
        Route("/readyz", readyz),
        Route("/metrics", metrics),
    ]
    origins = list(settings.cors_origins)
    browsers = Middleware(
        CORSMiddleware,
        allow_origins=origins,
        allow_methods=["GET", "POST"],
        allow_headers=HEADERS_OF_BROWSERS,
        expose_headers=["Lading-Position", "Server-Timing", "X-Request-ID"],
    )
    routed = Starlette(routes=routes, middleware=[browsers] if origins else [], lifespan=lifespan)
    straight = ShortCut("/graphql", "graphql", past_other_origins=not origins)
    paths = frozenset(route.path for route in routes)
    return RequestTelemetry(routed, paths=paths, straight=straight, sockets=straight_to_sockets)


@dataclass(frozen=True)
class Doors:
    """What a serving process answers by."""

    endpoint: GraphQLEndpoint
    sockets: Sockets
    streams: EventStreams
    ready: Readiness
    figures: Figures

    async def drain(self, seconds: float = 10) -> None:
        """Let all that is followed send what waits, for so long; clients go on elsewhere."""
        await asyncio.gather(self.sockets.drain(seconds), self.streams.drain(seconds))


@asynccontextmanager
async def opened(settings: Settings, trusted: Trusted) -> AsyncIterator[Doors]:
    """The doors of one process over connections of its own, closed from the outside in."""
    limits = settings.limits
    for name, why in trusted.broken(GRAPH.schema, limits):
        log.warning("trusted_document_broken", id=name, why=why)
    async with AsyncExitStack() as things:
        databases = await things.enter_async_context(open_databases(settings))
        replica = await things.enter_async_context(open_replica(settings, databases.primary))
        bell, wakeup = await things.enter_async_context(rung(settings))
        reading = Reading(GRAPH, databases.primary, limits, EVENT_CURSOR_SQL, replica=replica)
        commands = Commands(databases.sessions, limits, bell.ring, settings.signed_with.encode())
        following = Following(reading, Log(databases.primary), wakeup, limits)
        await following.start()
        things.push_async_callback(following.stop)
        answering = (reading, Asking(databases.sessions, reading), Writing(commands, reading))
        execution = Execution(GRAPH, answering, limits=limits, following=following, trusted=trusted)
        webhook_ports.followable.use(Webhooks(reading, opener(execution)).check)
        callers = Callers(databases.sessions)
        origins = origins_of(settings)
        sockets = Sockets(execution, callers.of_payload, limits=limits, origins=origins)
        streams = EventStreams(execution, limits=limits)
        revoking = Revoking(callers.fallen, sockets, streams)
        revoking.watch(following)
        things.callback(asyncio.create_task(revoking.run(), name="revoking").cancel)
        page = None if trusted.only else page_of(settings.home)
        timing = Timing(to_all=settings.mode is Mode.DEMO, origins=settings.cors_origins)
        endpoint = GraphQLEndpoint(execution, callers.of_header, limits, page, timing=timing)
        endpoint.admit(origins)
        endpoint.stream_by(streams)
        figures = Figures(following, sockets=sockets, streams=streams)
        things.callback(asyncio.create_task(figures.run(), name="figures").cancel)
        ready = Readiness(databases.primary, wakeup, head(), following, replica)
        doors = Doors(endpoint, sockets, streams, ready, figures)
        things.push_async_callback(doors.drain)
        yield doors


def opener(execution: Execution) -> Opened:
    """Opens documents as requests for them would be, so that where only trusted ones are answered no others are."""

    def opened(document: str, name: str | None, variables: Mapping[str, Any]) -> Operation:
        return execution.operation(GraphQLRequest(document, variables, name))

    return opened


@asynccontextmanager
async def rung(settings: Settings) -> AsyncIterator[tuple[Bell, Wakeup]]:
    """The wake-up of this process, connected, and the bell that wakes the relay by it."""
    wakeup = Wakeup(settings.woken_by, namespace=settings.redis_prefix, limits=settings.limits)
    await wakeup.connect()
    bell = Bell(wakeup)
    ringing = asyncio.create_task(bell.run(), name="bell")
    try:
        yield bell, wakeup
    finally:
        ringing.cancel()
        await wakeup.disconnect()


async def relay_events(settings: Settings, stop: asyncio.Event) -> None:
    """Give events their positions until `stop` is set."""
    tell_figures(settings.host, settings.metrics_port)
    wakeup = Wakeup(settings.woken_by, namespace=settings.redis_prefix, limits=settings.limits)
    await run_relay(settings.written_to, wakeup, stop=stop, limits=settings.limits)


async def work(settings: Settings, stop: asyncio.Event) -> None:
    """Do what is due, react to events and tell webhooks of them until `stop` is set."""
    prepare(settings)
    tell_figures(settings.host, settings.metrics_port)
    limits = settings.limits
    async with open_databases(settings) as databases, rung(settings) as (bell, _):
        sessions, ring = databases.sessions, bell.ring
        worker = Worker(sessions, limits, ring, timers=TIMERS, reactions=REACTIONS)
        reading = Reading(GRAPH, databases.primary, limits, EVENT_CURSOR_SQL)
        asked = Webhooks(reading, Documents(GRAPH.schema, limits).operation)
        webhook_ports.followable.use(asked.check)
        worker.also(WebhookReader(sessions, Log(databases.primary), asked, limits, ring).turn, READ_SECONDS)
        outside = Outside(settings.webhook_reach, limits)
        sender = WebhookSender(sessions, asked, outside, limits, ring)
        worker.also(sender.turn, SEND_SECONDS)
        worker.also(sender.look, LOOK_SECONDS)
        try:
            await worker.run(stop)
        finally:
            await sender.stop(settings.stop_seconds)
            await outside.close()


def prepare(settings: Settings) -> None:
    """Give this process the limits, and what webhooks are signed with and may call."""
    put_in_force(settings.limits)
    webhook_ports.secrets.use(Secrets(settings.signed_with.encode()))
    webhook_ports.reach.use(settings.webhook_reach)


class Callers:
    """Finds out who a request comes from."""

    def __init__(self, sessions: async_sessionmaker[AsyncSession]) -> None:
        self.sessions = sessions
        self._asked_for: dict[tuple[str, int], asyncio.Task[Principal]] = {}

    def of_header(self, authorization: str | None) -> Principal | Awaitable[Principal]:
        """The caller that an Authorization header proves; HttpRefusal (401) where it is not good."""
        if authorization is None:
            return ANONYMOUS
        try:
            return recalled(authorization) or self._of_new_header(authorization)
        except Unauthenticated as refused:
            raise _unauthenticated(refused) from None

    async def _of_new_header(self, authorization: str) -> Principal:
        """The same, where the database must tell."""
        try:
            return await self._caller(authorization)
        except Unauthenticated as refused:
            raise _unauthenticated(refused) from None

    async def of_payload(self, payload: Mapping[str, Any], headers: Headers) -> Principal:
        """The caller that a socket's `connection_init` proves, or else its headers; Unauthenticated where not good."""
        told = next((payload[name] for name in AUTHORIZATION if isinstance(payload.get(name), str)), None)
        authorization = told or headers.get("authorization")
        return ANONYMOUS if authorization is None else await self._caller(authorization)

    async def fallen(self, principals: Collection[Principal]) -> Collection[Principal]:
        """Those of `principals` who may no longer call, or not as they did."""
        async with self.sessions() as session:
            return await fallen(session, principals)

    async def _caller(self, authorization: str) -> Principal:
        """The caller of a credential. The database is asked but once for all who wait for the same answer.

        An answer during which somebody was revoked may be of before, so it is asked for again.
        """
        while (caller := recalled(authorization)) is None:
            asked_after = remembered.forgotten
            found = await asyncio.shield(self._asking(authorization, asked_after))
            if remembered.forgotten == asked_after:
                return found
        return caller

    def _asking(self, authorization: str, asked_after: int) -> asyncio.Task[Principal]:
        """The question that is under way, or a new one."""
        key = (authorization, asked_after)
        asked = self._asked_for.get(key)
        if asked is None:
            asked = self._asked_for[key] = asyncio.create_task(self._looked_up(authorization))
            asked.add_done_callback(lambda _: self._asked_for.pop(key))
        return asked

    async def _looked_up(self, authorization: str) -> Principal:
        """The caller of a credential as the database tells it, which notes that a key was used."""
        async with self.sessions() as session:
            found = await authenticate(session, authorization)
            if found.api_key_id is not None:
                await note_api_key_use(session, found.api_key_id)
                await session.commit()
            return found


def _unauthenticated(refused: Unauthenticated) -> HttpRefusal:
    """The refusal of a credential that is not good."""
    return HttpRefusal(401, "UNAUTHENTICATED", str(refused), www_authenticate="Bearer")


class FromState:
    """An endpoint that is made when the process starts and found in its state."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Answer one request by the endpoint of that name."""
        answering: Awaitable[None] = scope["state"][self.name](scope, receive, send)
        return answering


def straight_to_sockets(scope: Scope) -> ASGIApp | None:
    """What serves a WebSocket by itself, past the layers that would pass on each of its messages; None elsewhere."""
    sockets: ASGIApp = scope["state"]["sockets"]
    return sockets if scope["path"] == "/graphql" else None


async def readyz(request: Request) -> Response:
    """Whether this process may be sent requests."""
    answer: Response = await request.state.ready(request)
    return answer


async def unexplained_stock(settings: Settings) -> Sequence[UnexplainedLevel]:
    """The stock levels that the ledger does not explain; none where the books balance."""
    async with open_databases(settings) as databases, databases.sessions() as session:
        return await unexplained_levels(session)


async def first_admin(settings: Settings) -> FirstAdmin | None:
    """The first administrator's credentials, where there is none yet and one is made; they are told this once."""
    async with open_databases(settings) as databases, databases.sessions() as session:
        made = await ensure_first_admin(session)
        await write_outbox(session)
        await session.commit()
    return made
