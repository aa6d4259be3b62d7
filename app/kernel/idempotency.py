"""Idempotency: what a key stands for, so that a request sent twice is done once."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Identity, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel import clock
from app.kernel.tables import Table


class IdempotentRequest(Table):
    """One request done under a key: whose, which mutation, its input's hash, and the ids or refusal it ended in."""

    __tablename__ = "idempotent_requests"
    __table_args__ = (UniqueConstraint("caller", "mutation", "key"),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    caller: Mapped[str]
    mutation: Mapped[str]
    key: Mapped[str]
    input_hash: Mapped[str]
    outcome: Mapped[dict[str, Any]] = mapped_column(JSONB)
    recorded_at: Mapped[datetime] = mapped_column(default=clock.now, index=True)
