"""The doctor's look at the log of events: whether the relay and the worker keep up, and what could not be done."""

from __future__ import annotations

import asyncpg

LATE_SECONDS = 10
"""An event that waits so long waits for somebody who does not come."""
WAITING = """
SELECT count(*) FROM outbox_events AS event
 WHERE event.id > (SELECT settled_event_id FROM outbox_log)
   AND event.occurred_at < now() - make_interval(secs => $1)
   AND NOT EXISTS (SELECT FROM outbox_positions AS place WHERE place.event_id = event.id)
"""
BEHIND = """
SELECT count(*) FROM outbox_positions AS place
 WHERE place.position > coalesce((SELECT position FROM log_readers WHERE name = 'reactions'), 0)
   AND place.positioned_at < now() - make_interval(secs => $1)
"""

UNSENT = """
SELECT count(*) FROM webhook_deliveries AS delivery
  JOIN webhook_endpoints AS endpoint ON endpoint.id = delivery.endpoint_id
 WHERE delivery.status = 'WAITING' AND endpoint.status = 'ACTIVE' AND endpoint.failing_since IS NULL
   AND delivery.due_at < now() - make_interval(secs => $1)
"""
"""What is due to receivers that take what they are sent, and is not sent."""
AILING = """
SELECT count(*) FILTER (WHERE status = 'DISABLED' AND disabled_reason <> 'ASKED'),
    count(*) FILTER (WHERE status = 'ACTIVE' AND failing_since IS NOT NULL)
 FROM webhook_endpoints
"""


async def webhook_findings(connection: asyncpg.Connection) -> list[tuple[str, str, str]]:
    """The same of webhooks: whether they are sent, and whose receivers fail."""
    unsent = await connection.fetchval(UNSENT, LATE_SECONDS)
    disabled, failing = await connection.fetchrow(AILING)
    told = f"{unsent} deliveries are late" if unsent else "what is due is sent"
    return [
        (
            "Webhooks",
            f"{told}; {failing} endpoints fail, {disabled} were disabled for it",
            "Nobody is told what happened: run `lading worker`." if unsent else "",
        )
    ]


async def log_findings(connection: asyncpg.Connection) -> list[tuple[str, str, str]]:
    """What is to be told of the log: what was looked at, what was found, and what to do where that is wrong."""
    position = await connection.fetchval("SELECT last_position FROM outbox_log")
    waiting = await connection.fetchval(WAITING, LATE_SECONDS)
    behind = await connection.fetchval(BEHIND, LATE_SECONDS)
    failed = await connection.fetchval("SELECT count(*) FROM failed_reactions")
    return [
        (
            "Log of events",
            f"{waiting} wait for a position" if waiting else f"at position {position}, nothing waits",
            "Nobody is told of them: run `lading relay`." if waiting else "",
        ),
        (
            "Reactions",
            f"{behind} events behind" if behind else "up to date",
            "What follows from them is not done: run `lading worker`." if behind else "",
        ),
        (
            "Failed reactions",
            str(failed) if failed else "none",
            "See the table failed_reactions and the worker's log lines." if failed else "",
        ),
    ]
