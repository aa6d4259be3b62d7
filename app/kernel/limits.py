"""Every bound of the system in one place, each with its reason; `app.main` lets settings override them."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True)
class Between:
    """A number of the input lies between `low` and `high`, both included."""

    low: int | Decimal
    high: int | Decimal


@dataclass(frozen=True)
class Length:
    """A text or list of the input has between `low` and `high` characters or items, both included."""

    low: int
    high: int


TEXT = Length(0, 2_000)
"""Any text of an input that names no bound of its own."""
NAME = Length(1, 200)
"""What people call something."""
CODE = Length(1, 64)
"""A natural key: an SKU, an order number, a tracking number."""
QUANTITY = Between(1, 1_000_000)
"""Pieces in one line or movement."""
NUMBER = Between(Decimal("-1e14"), Decimal("1e14"))
"""Any number of an input that names no bound of its own."""


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What one request, one caller or one process may use. Each refusal tells the limit and what was asked."""

    body_bytes_max: int = 256 * 1024
    tokens_max: int = 4_000
    depth_max: int = 15
    fields_max: int = 2_000
    repeated_fields_max: int = 20_000
    aliases_max: int = 30
    root_fields_max: int = 20
    mutations_max: int = 4
    directives_max: int = 50
    cost_max: int = 20_000
    cost_max_staff: int = 100_000
    page_default: int = 20
    page_max: int = 100
    page_max_staff: int = 1_000
    groups_default: int = 100
    nodes_max: int = 10_000
    list_items_max: int = 250
    ids_max: int = 100
    filter_depth_max: int = 8
    filter_conditions_max: int = 250
    filter_values_max: int = 1_000
    search_characters_max: int = 200
    search_words_max: int = 10
    search_candidates_max: int = 100
    errors_told_max: int = 5
    query_ms_max: int = 10_000
    mutation_ms_max: int = 15_000
    json_depth_max: int = 64
    documents_cached_max: int = 500
    trees_cached_max: int = 50
    plans_cached_max: int = 1_000
    persisted_queries_max: int = 1_000
    persisted_query_length_max: int = 20_000
    idempotency_hours: int = 72
    idempotency_wait_ms_max: int = 2_000
    transaction_tries_max: int = 4
    sockets_per_caller_max: int = 20
    operations_per_socket_max: int = 100
    follows_per_caller_max: int = 1_000
    messages_per_socket_minute_max: int = 6_000
    handshakes_per_address_max: int = 1_000
    event_streams_per_caller_max: int = 100
    connection_init_ms_max: int = 5_000
    frame_bytes_max: int = 64 * 1024
    operation_id_length_max: int = 256
    follower_buffer_events_max: int = 1_000
    follower_buffer_bytes_max: int = 4 * 1024 * 1024
    follow_ring_events_max: int = 10_000
    follow_batch_events_max: int = 500
    follow_batch_cost_max: int = 100_000
    follow_waiting_events_max: int = 10_000
    follow_reads_max: int = 4
    relay_batch_events_max: int = 1_000
    relay_messages_waiting_max: int = 100
    position_retention_hours: int = 168
    position_held_hours_max: int = 1_344
    prune_batch_positions: int = 2_000
    wakeup_messages_waiting_max: int = 1_000
    wakeup_connections_max: int = 8
    import_batch_rows: int = 1_000
    import_rows_max: int = 2_000_000
    reaction_tries_max: int = 5
    cart_lines_max: int = 250
    cart_hold_minutes: int = 20
    cart_idle_days: int = 30
    holds_expired_at_once_max: int = 500
    password_checks_at_once_max: int = 2
    password_checks_waiting_max: int = 6
    callers_remembered_ms_max: int = 1_000
    callers_remembered_max: int = 10_000
    replica_lag_seconds_max: int = 60
    replica_retry_ms_max: int = 30_000
    position_seconds_max: int = 300
    writers_remembered_max: int = 10_000
    webhook_endpoints_per_caller_max: int = 20
    webhook_batch_events_max: int = 500
    webhook_sends_max: int = 64
    webhook_sends_per_endpoint_max: int = 8
    webhook_send_ms_max: int = 15_000
    webhook_answer_bytes_max: int = 64 * 1024
    webhook_lease_seconds_max: int = 60
    webhook_failing_hours_max: int = 120
    webhook_secret_overlap_hours: int = 24
    webhook_redelivered_at_once_max: int = 10_000
    webhook_delivered_hours_max: int = 720
    webhook_dead_hours_max: int = 2_160


DEFAULTS = Limits()
_chosen: list[Limits] = [DEFAULTS]


def in_force() -> Limits:
    """The limits of this process."""
    return _chosen[0]


def put_in_force(limits: Limits) -> None:
    """Let `limits` hold in this process from now on; the composition root does so once, at its start."""
    _chosen[0] = limits
