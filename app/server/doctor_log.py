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
