"""Running a command: one transaction, tried again where PostgreSQL asks for it, and the only commit for a caller."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker
from sqlalchemy.orm.exc import StaleDataError

from app.kernel.limits import Length, Limits
from app.kernel.outbox import BUFFER, write_outbox
from app.kernel.principal import Principal, Role
from app.kernel.refusal import Forbidden, IdempotencyInProgress, Refusal
from resolvers.errors import Busy
from resolvers.writing import outcomes
from resolvers.writing.outcomes import Key, Outcome, told_refusal
from resolvers.writing.requests import bounded_text, decoded
from schema.operations import Mutation

TRY_AGAIN = frozenset({"40001", "40P01", "55P03"})
"""Serialisation failure, deadlock, lock not available: PostgreSQL undid the transaction and it may be tried again."""
KEY_LENGTH = Length(1, 255)
WAIT_SECONDS = 0.02
Inside = Callable[[AsyncSession, Outcome], Awaitable[Any]]


class UndeclaredRefusal(Exception):
    """A command was refused for a reason that its mutation does not tell: our fault, for no client knows the code."""


class InProgress(Exception):
    """Another transaction works under the same idempotency key."""


class Commands:
    """Gives commands for callers, and remembers what came of those with an idempotency key."""

    def __init__(
        self,
        sessions: async_sessionmaker[AsyncSession],
        limits: Limits,
        after_commit: Callable[[], None],
        secret: bytes,
    ) -> None:
        """Write through `sessions`; call `after_commit` when something happened; hash inputs under `secret`."""
        self.sessions = sessions
        self.limits = limits
        self.after_commit = after_commit
        self.secret = secret
        self._under_way: dict[Key, asyncio.Future[Outcome]] = {}

    async def give(self, mutation: Mutation, given: Mapping[str, Any], principal: Principal) -> Outcome:
        """Do what a mutation asks; a refusal is an outcome too."""
        try:
            request, key = self._accepted(mutation, given, principal)
        except Refusal as refusal:
            return Outcome(refusal=told_refusal(refusal))
        if key is None:
            return await self._tried(mutation, request, principal, None)
        return await self._once(mutation, request, principal, key)

    async def rehearse(self, mutation: Mutation, given: Mapping[str, Any], principal: Principal, inside: Inside) -> Any:
        """Do what a mutation asks, answer what `inside` sees of it, and undo it all."""
        async with self.sessions() as session:
            try:
                request, _ = self._accepted(mutation, given, principal)
                outcome = await self._command(session, mutation, request, principal)
                await session.flush()
                return await inside(session, outcome)
            except Refusal as refusal:
                return await inside(session, Outcome(refusal=told_refusal(refusal)))
            except (DBAPIError, StaleDataError) as error:
                if may_try_again(error):
                    raise Busy from error
                raise
            finally:
                session.info.pop(BUFFER, None)
                await session.rollback()

    def _accepted(self, mutation: Mutation, given: Mapping[str, Any], principal: Principal) -> tuple[Any, Key | None]:
        """The request and key of an input, if the caller may give the command at all."""
        if not principal.has(mutation.command.function.allowed):  # type: ignore[attr-defined]
            raise Forbidden
        key = outcomes.key_of(mutation, given, principal, self.secret)
        if key is not None:
            bounded_text(key.key, KEY_LENGTH, "idempotency_key")
        return decoded(mutation.request, given, self.limits), key

    async def _once(self, mutation: Mutation, request: Any, principal: Principal, key: Key) -> Outcome:
        """Do it unless it was done; a second one waits for the first, or follows where that is given up."""
        while (under_way := self._under_way.get(key)) is not None:
            await asyncio.wait([under_way])
            if not under_way.cancelled():
                outcome = under_way.result()
                return Outcome(key=outcome.key, refusal=outcome.refusal, repeated=True)
        self._under_way[key] = asyncio.get_running_loop().create_future()
        try:
            outcome = await self._waited(mutation, request, principal, key)
            self._under_way[key].set_result(outcome)
            return outcome
        except asyncio.CancelledError:
            self._under_way[key].cancel()
            raise
        except BaseException as error:
            self._under_way[key].set_exception(error)
            self._under_way[key].exception()
            raise
        finally:
            del self._under_way[key]

    async def _waited(self, mutation: Mutation, request: Any, principal: Principal, key: Key) -> Outcome:
        """Do it as soon as no other process works under the key; give up after a while."""
        deadline = asyncio.get_running_loop().time() + self.limits.idempotency_wait_ms_max / 1_000
        while True:
            try:
                return await self._tried(mutation, request, principal, key)
            except InProgress:
                if asyncio.get_running_loop().time() > deadline:
                    return Outcome(refusal=told_refusal(IdempotencyInProgress(field="idempotency_key")))
                await asyncio.sleep(WAIT_SECONDS)

    async def _tried(self, mutation: Mutation, request: Any, principal: Principal, key: Key | None) -> Outcome:
        """Do it, and again where PostgreSQL undid it for the sake of another; Busy where that happens every time."""
        undone: Exception | None = None
        for _ in range(self.limits.transaction_tries_max):
            try:
                return await self._transacted(mutation, request, principal, key)
            except (DBAPIError, StaleDataError) as error:
                if not may_try_again(error):
                    raise
                undone = error
        raise Busy from undone

    async def _transacted(self, mutation: Mutation, request: Any, principal: Principal, key: Key | None) -> Outcome:
        """One transaction: the key's lock, the command, its events last, and the commit."""
        async with self.sessions() as session:
            try:
                if key is not None and (known := await self._known(session, key)):
                    return known
                outcome = await self._command(session, mutation, request, principal)
                if key is not None:
                    await outcomes.remember(session, key, outcome)
                await write_outbox(session)
                await session.commit()
            except Refusal as refusal:
                await session.rollback()
                return await self._refused(refusal, key)
        self.after_commit()
        return outcome

    async def _known(self, session: AsyncSession, key: Key) -> Outcome | None:
        """What came of the key before; InProgress where another transaction is at it now."""
        if not await outcomes.try_lock(session, key):
            raise InProgress
        return await outcomes.recall(session, key)

    async def _command(self, session: AsyncSession, mutation: Mutation, request: Any, principal: Principal) -> Outcome:
        """The command itself, in a transaction that has begun.

        It is given in the roles that allow it alone: what a caller sees in another role is not the command's to touch.
        """
        await session.execute(text("select 1"))
        allowed: frozenset[Role] = mutation.command.function.allowed  # type: ignore[attr-defined]
        by = replace(principal, roles=principal.roles & allowed)
        try:
            result = await mutation.command.function(session, request, by=by)
        except Refusal as refusal:
            if isinstance(refusal, mutation.refusals):
                raise
            raise UndeclaredRefusal(f"{mutation.name}: {refusal.code()}") from refusal
        if not is_dataclass(result):
            return Outcome(key=result)
        told = {field.name: getattr(result, field.name) for field in fields(result)}
        return Outcome(key=told.pop("id", None), extras=told)

    async def _refused(self, refusal: Refusal, key: Key | None) -> Outcome:
        """A refusal as an outcome; what it leaves itself goes into a transaction of its own."""
        outcome = Outcome(refusal=told_refusal(refusal))
        remembered = key if refusal.remembered else None
        if refusal.aftermath is None and remembered is None:
            return outcome
        async with self.sessions() as session:
            if refusal.aftermath is not None:
                await refusal.aftermath(session)
            if remembered is not None:
                await outcomes.remember(session, remembered, outcome)
            await write_outbox(session)
            await session.commit()
        self.after_commit()
        return outcome


def may_try_again(error: DBAPIError | StaleDataError) -> bool:
    """Whether the transaction was undone for the sake of another, and would do better a second time."""
    if isinstance(error, StaleDataError):
        return True
    state = getattr(error.orig, "sqlstate", None) or getattr(error.orig, "pgcode", None)
    return state in TRY_AGAIN
