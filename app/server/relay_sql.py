"""The statements of the relay, each with what it counts on."""

from __future__ import annotations

TRY_LEAD = "SELECT pg_try_advisory_lock($1)"

CLUSTER = """
SELECT (SELECT system_identifier FROM pg_control_system()) || '/'
    || left(pg_walfile_name(pg_current_wal_lsn()), 8) || '/'
    || (SELECT oid FROM pg_database WHERE datname = current_database())
"""
"""The database as PostgreSQL knows it: another cluster, timeline or database has another name."""

MAKE_LOG = "INSERT INTO outbox_log (id, epoch, cluster) VALUES (1, $1, $2) ON CONFLICT (id) DO NOTHING"

READ_LOG = "SELECT epoch, cluster, last_position, covered FROM outbox_log WHERE id = 1 FOR NO KEY UPDATE"

LOCK_LOG = "SELECT epoch, last_position, settled_event_id FROM outbox_log WHERE id = 1 FOR NO KEY UPDATE"

FORGET_TRANSACTIONS = """
UPDATE outbox_events SET transaction_id = '0' WHERE transaction_id >= pg_snapshot_xmin(pg_current_snapshot())
"""

NAME_CLUSTER = "UPDATE outbox_log SET cluster = $1 WHERE id = 1"

BEGIN_EPOCH = "UPDATE outbox_log SET epoch = $1, cluster = $2, covered = NULL WHERE id = 1"

ADVANCE_LOG = "UPDATE outbox_log SET last_position = $1, covered = $2 WHERE id = 1"

_NEW = """
new AS MATERIALIZED (
    SELECT id FROM outbox_events WHERE transaction_id >= {xmax}::text::xid8
    UNION ALL
    SELECT id FROM outbox_events WHERE transaction_id = ANY ({in_progress}::text[]::xid8[])
)"""
"""Events of transactions that a snapshot did not see: begun since, or under way then."""

_ALL = "new AS MATERIALIZED (SELECT id FROM outbox_events WHERE id > {settled})"

_UNPOSITIONED = """
SELECT new.id FROM new WHERE NOT EXISTS (SELECT FROM outbox_positions AS given WHERE given.event_id = new.id)"""

LOOK = f"""
WITH {_NEW.format(xmax="$1", in_progress="$2")}
SELECT (SELECT epoch FROM outbox_log WHERE id = 1), pg_current_snapshot()::text, EXISTS ({_UNPOSITIONED})
"""  # noqa: S608 — its parts are written here.

TOLD = """event.name, event.keys::text AS keys, event.facts::text AS facts, event.actor::text AS actor,
    event.occurred_at, event.transaction_id::text AS transaction_id"""
"""What is told of an event besides its position."""

_POSITION = f"""
WITH {{new}}, chosen AS MATERIALIZED ({{unpositioned}} ORDER BY new.id LIMIT $3),
placed AS (
    INSERT INTO outbox_positions (position, event_id, positioned_at)
    SELECT $1::bigint + row_number() OVER (ORDER BY chosen.id), chosen.id, $2 FROM chosen
    RETURNING position, event_id
)
SELECT moment.snapshot, placed.position, {TOLD}
FROM (SELECT pg_current_snapshot()::text AS snapshot) AS moment
LEFT JOIN placed ON true
LEFT JOIN outbox_events AS event ON event.id = placed.event_id
ORDER BY placed.position
"""  # noqa: S608 — its parts are written here.
"""Positions a batch. One statement has one snapshot, so the snapshot told is the one in which it searched."""

POSITION_NEW = _POSITION.format(new=_NEW.format(xmax="$4", in_progress="$5"), unpositioned=_UNPOSITIONED)

POSITION_ALL = _POSITION.format(new=_ALL.format(settled="$4"), unpositioned=_UNPOSITIONED)

WAITING = """
SELECT count(*) FROM (
    SELECT FROM outbox_events WHERE id > (SELECT coalesce(max(event_id), 0) FROM outbox_positions) LIMIT 100000
) AS waiting
"""
"""Nearly: ids before the last one that has a position may wait too, of transactions that were longer under way."""

TAIL = f"""
SELECT given.position, {TOLD}
FROM outbox_positions AS given JOIN outbox_events AS event ON event.id = given.event_id
WHERE given.position > $1 ORDER BY given.position
"""  # noqa: S608 — its parts are written here.

READERS_BEHIND = """
SELECT coalesce(max(log.last_position - reader.position), 0) FROM outbox_log AS log, log_readers AS reader
"""

LOCK_PRUNED = "SELECT pruned_position FROM outbox_log WHERE id = 1 FOR NO KEY UPDATE"

PRUNE = """
WITH oldest AS MATERIALIZED (
    SELECT position, positioned_at FROM outbox_positions
    WHERE position > $4 ORDER BY position LIMIT $2
),
found AS (
    SELECT
        max(position) FILTER (WHERE positioned_at < $1) AS old,
        max(position) FILTER (WHERE positioned_at < $3) AS held,
        (SELECT min(reader.position) FROM log_readers AS reader) AS read
    FROM oldest
),
gone AS (
    DELETE FROM outbox_positions WHERE position > $4 AND position <= (
        SELECT CASE WHEN old <= coalesce(read, old) THEN old WHEN old > read THEN greatest(read, held) END FROM found
    )
    RETURNING position, event_id
)
UPDATE outbox_log SET
    pruned_position = (SELECT max(gone.position) FROM gone),
    settled_event_id = greatest(settled_event_id, (SELECT max(gone.event_id) FROM gone))
WHERE id = 1 AND EXISTS (SELECT FROM gone)
RETURNING (SELECT count(*) FROM gone), pruned_position > coalesce((SELECT read FROM found), pruned_position)
"""
"""Positions go from the oldest on, never one from between: what is kept has no holes, and no reader finds one. The
search begins after the last that went, for what was deleted stays in the index until it is vacuumed."""
