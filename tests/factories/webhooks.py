"""Webhooks for tests, as rows: an endpoint with what it was told, and what it is to be."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.kernel import clock
from app.webhooks.tables import DeliveryStatus, WebhookAttempt, WebhookDelivery, WebhookEndpoint, WebhookEndpointId

DOCUMENT = "subscription { stockLevelChanged { cursor availableAfter } }"


async def endpoint(session: AsyncSession, **details: Any) -> WebhookEndpointId:
    """An endpoint for the user or API key that `details` name, which may say more."""
    given = {"name": "ERP", "url": "https://erp.example/hook", "document": DOCUMENT, "seed": b"seed"}
    row = WebhookEndpoint(**{**given, **details})
    session.add(row)
    await session.flush()
    return WebhookEndpointId(row.id)


async def delivery(session: AsyncSession, endpoint_id: int, status: DeliveryStatus, *codes: int | None) -> int:
    """A delivery of an endpoint, which was answered with `codes` so far."""
    now = clock.now()
    waits = status is DeliveryStatus.WAITING
    row = WebhookDelivery(
        endpoint_id=endpoint_id,
        message_id=f"msg_{endpoint_id}_{status.value}",
        event="inventory.stock_level_changed",
        order_key="stock_level_id:1",
        occurred_at=now,
        status=status,
        due_at=now if waits else None,
        settled_at=None if waits else now,
        attempt_count=len(codes),
        tried=len(codes),
    )
    session.add(row)
    await session.flush()
    for number, code in enumerate(codes, start=1):
        error = None if code == 204 else "The receiver refused the connection."
        told = {"http_status": code, "milliseconds": 12 * number, "error": error}
        session.add(
            WebhookAttempt(delivery_id=row.id, number=number, attempted_at=now + timedelta(seconds=number), **told)
        )
    await session.flush()
    return row.id
