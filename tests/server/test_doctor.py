"""The doctor: it finds what is wrong, and only that."""

from datetime import timedelta
from pathlib import Path

import asyncpg
from sqlalchemy.ext.asyncio import AsyncSession

from app.kernel import clock
from app.kernel.outbox import write_outbox
from app.server.doctor import examine
from app.server.doctor_log import LATE_SECONDS, log_findings, webhook_findings
from app.server.settings import read_settings
from app.webhooks.tables import DeliveryStatus
from tests.factories import access, catalog, webhooks


class TestExamine:
    def test_finds_nothing_wrong_where_all_is_well(self, database_url: str, redis_url: str, tmp_path: Path):
        settings = read_settings(DATABASE_URL=database_url, REDIS_URL=redis_url, home=tmp_path, port=1)
        findings = {finding.what: finding for finding in examine(settings)}
        assert [finding for finding in findings.values() if finding.wrong] == []
        assert {"Python", "PostgreSQL", "Schema of PostgreSQL", "Redis", "Interface"} <= findings.keys()

    def test_says_what_does_not_answer_and_what_lacks_a_schema(self, empty_database_url: str, tmp_path: Path):
        told = {"DATABASE_URL": empty_database_url, "REDIS_URL": "redis://127.0.0.1:1"}
        wrong = {finding.what: finding for finding in examine(read_settings(**told, home=tmp_path)) if finding.wrong}
        assert wrong.keys() == {"Redis", "Schema of PostgreSQL"}
        assert wrong["Schema of PostgreSQL"].advice.endswith("run `lading migrate`")

    def test_says_that_a_server_to_read_from_is_no_replica(self, database_url: str, redis_url: str, tmp_path: Path):
        told = {"DATABASE_URL": database_url, "DATABASE_READ_URL": database_url, "REDIS_URL": redis_url}
        findings = {finding.what: finding for finding in examine(read_settings(**told, home=tmp_path, port=1))}
        assert not findings["Replica"].wrong
        assert "replays nothing" in findings["Replica"].advice

    def test_never_tells_a_password(self, database_url: str, tmp_path: Path):
        told = {"DATABASE_URL": "postgresql://me:hush@127.0.0.1:1/x", "REDIS_URL": "redis://:hush@127.0.0.1:1"}
        assert "hush" not in repr(list(examine(read_settings(**told, home=tmp_path))))


class TestLog:
    async def test_says_whom_events_wait_for(self, database_url: str, session: AsyncSession):
        with clock.stopped_at(clock.now() - timedelta(seconds=2 * LATE_SECONDS)):
            await catalog.product(session)
            await write_outbox(session)
        await session.commit()
        connection = await asyncpg.connect(database_url)
        try:
            told = {what: advice for what, _, advice in await log_findings(connection)}
        finally:
            await connection.close()
        assert "lading relay" in told["Log of events"]
        assert not told["Reactions"]
        assert not told["Failed reactions"]


class TestWebhooks:
    async def test_are_told_to_be_late_where_nobody_sends_them(self, database_url: str, session: AsyncSession):
        late = clock.now() - timedelta(seconds=2 * LATE_SECONDS)
        own = await webhooks.endpoint(session, user_id=await access.user(session))
        connection = await asyncpg.connect(database_url)
        try:
            with clock.stopped_at(late):
                await webhooks.delivery(session, own, DeliveryStatus.WAITING)
            ((_, found, advice),) = await webhook_findings(connection)
            assert (found[:15], advice) == ("what is due is ", "")
            await session.commit()
            ((_, found, advice),) = await webhook_findings(connection)
        finally:
            await connection.close()
        assert found.startswith("1 deliveries are late")
        assert "lading worker" in advice
