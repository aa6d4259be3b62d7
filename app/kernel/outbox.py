"""The outbox: what happened, recorded in the transaction that made it happen, and never changed after.

An event's class names it and its keys; its fields are the facts of the moment. `record` buffers it on the session and
`write_outbox` inserts the buffer last, after every row lock, so that the order of ids is the order of effects per key.
Committed events then get dense positions from the relay, in a table of its own; `event_log` reads them by position.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from decimal import Decimal
from enum import Enum
from typing import TYPE_CHECKING, Any, ClassVar
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, FetchedValue, Identity, Index, Text, insert, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import UserDefinedType

from app.kernel import clock
from app.kernel.tables import Table

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

    from app.kernel.principal import Principal

BUFFER = "outbox"


class TransactionId(UserDefinedType[int]):
    """PostgreSQL's 64-bit transaction id, which never wraps."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        """The type's name in DDL."""
        return "xid8"


class OutboxEvent(Table):
    """One thing that happened. Rows are only ever inserted."""

    __tablename__ = "outbox_events"
    __table_args__ = (Index(None, "transaction_id", "id"),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    name: Mapped[str]
    keys: Mapped[dict[str, Any]] = mapped_column(JSONB)
    facts: Mapped[dict[str, Any]] = mapped_column(JSONB)
    actor: Mapped[dict[str, Any]] = mapped_column(JSONB)
    occurred_at: Mapped[datetime]
    transaction_id: Mapped[int] = mapped_column(
        TransactionId, FetchedValue(), server_default=text("pg_current_xact_id()")
    )


class OutboxPosition(Table):
    """The place of one committed event in the log. Positions have no holes; rows are only ever inserted, and pruned.

    There is no foreign key: the relay copies ids of rows that it reads, and a check would lock each of them.
    """

    __tablename__ = "outbox_positions"

    position: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    event_id: Mapped[int] = mapped_column(BigInteger, unique=True)
    positioned_at: Mapped[datetime]


class OutboxLog(Table):
    """The log's one row: its epoch, the last position given, and from where the relay goes on.

    Whoever gives positions changes this row in the same transaction, so that two relays can never give the same one.
    `cluster` names the database as PostgreSQL knows it; another name means a restore or a failover, and a new epoch.
    Every event that the snapshot `covered` sees has a position, and so has each up to `settled_event_id`.
    """

    __tablename__ = "outbox_log"
    __table_args__ = (CheckConstraint("id = 1", name="one_row"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    epoch: Mapped[str]
    cluster: Mapped[str]
    last_position: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")
    pruned_position: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")
    settled_event_id: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")
    covered: Mapped[str | None] = mapped_column(Text)


@dataclass(frozen=True, kw_only=True)
class Event:
    """What happened, as a frozen record. Subclasses are `class OrderPlaced(Event, name=…, keys=…)`."""

    name: ClassVar[str] = ""
    keys: ClassVar[tuple[str, ...]] = ()
    by_name: ClassVar[dict[str, type[Event]]] = {}

    def __init_subclass__(cls, *, name: str, keys: tuple[str, ...], **options: Any) -> None:
        """Register the event under its stored `name`, routed by the fields named in `keys`."""
        super().__init_subclass__(**options)
        cls.name = name
        cls.keys = keys
        Event.by_name[name] = cls


def record(session: AsyncSession, event: Event, *, by: Principal) -> None:
    """Say that `event` happened, done by `by`; it is told once the transaction commits, and never if it does not."""
    facts = {name: as_json(value) for name, value in asdict(event).items()}
    session.info.setdefault(BUFFER, []).append(
        {
            "name": event.name,
            "keys": {key: facts[key] for key in event.keys if facts[key] is not None},
            "facts": facts,
            "actor": {"name": by.name, "user_id": by.user_id, "api_key_id": by.api_key_id},
            "occurred_at": clock.now(),
        }
    )


async def write_outbox(session: AsyncSession) -> int:
    """Insert what was recorded, as the transaction's last act; answers how many events there were."""
    await session.flush()
    events = session.info.pop(BUFFER, [])
    if events:
        await session.execute(insert(OutboxEvent), events)
    return len(events)


def as_json(value: Any) -> Any:
    """`value` as JSON keeps it: decimals and ids as text, instants by RFC 3339, enums by their names."""
    match value:
        case Enum():
            return value.value
        case Decimal() | UUID():
            return str(value)
        case datetime():
            return value.isoformat()
        case dict():
            return {key: as_json(item) for key, item in value.items()}
        case list() | tuple():
            return [as_json(item) for item in value]
        case _:
            return value
