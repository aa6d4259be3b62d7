"""The ground every table stands on: naming, common columns and the kinds of column that domains use."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any, ClassVar

from sqlalchemy import BigInteger, DateTime, Enum, ForeignKey, Identity, Integer, MetaData, Numeric, Text, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, MappedColumn, declared_attr, mapped_column

from app.kernel import clock
from app.kernel.choice import Choice

CHOICE_LENGTH = 40

SORTED = Text(collation="C")
"""Text sorted by its characters' codes, so alike on every server: natural keys, and whatever a list is sorted by."""


class Table(DeclarativeBase):
    """What every table inherits: predictable constraint names and PostgreSQL types for Python's."""

    metadata = MetaData(
        naming_convention={
            "pk": "pk_%(table_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
        }
    )
    type_annotation_map: ClassVar = {
        str: Text,
        int: Integer,
        datetime: DateTime(timezone=True),
        Decimal: Numeric(18, 4),
        dict[str, Any]: JSONB,
        list[dict[str, str]]: JSONB,
    }


class Row(Table):
    """A table whose rows are objects of the graph: a key, its times, a version and what others call it."""

    __abstract__ = True
    few: ClassVar[bool] = False
    """Whether there are few of them, however much is traded."""

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True, sort_order=-10)
    created_at: Mapped[datetime] = mapped_column(
        default=clock.now, server_default=func.now(), sort_order=90, doc="When it was first recorded."
    )
    updated_at: Mapped[datetime] = mapped_column(
        default=clock.now, onupdate=clock.now, server_default=func.now(), sort_order=91, doc="When it last changed."
    )
    version: Mapped[int] = mapped_column(
        default=1,
        server_default="1",
        sort_order=92,
        doc="Counts its changes; send it back to change only what you read.",
    )
    external_references: Mapped[list[dict[str, str]]] = mapped_column(
        default=list,
        server_default="[]",
        sort_order=93,
        doc="What other systems call it: pairs of a source and a value.",
    )

    @declared_attr.directive
    def __mapper_args__(cls) -> dict[str, Any]:
        """Changing a row that somebody changed meanwhile fails; what the database generates is read back at once."""
        return {"version_id_col": cls.__dict__.get("version", Row.version), "eager_defaults": True}


def reference(column: str, *, doc: str, **options: Any) -> MappedColumn[Any]:
    """A foreign key to `table.column`, named as text so that no table imports another, and indexed."""
    options.setdefault("index", not options.get("unique"))
    return mapped_column(BigInteger, ForeignKey(column), doc=doc, **options)


def choice(options: type[Choice], *, doc: str, **more: Any) -> MappedColumn[Any]:
    """A column that holds one of `options`: text with a CHECK, for PostgreSQL's own enums are hard to change."""
    kind = Enum(
        options,
        native_enum=False,
        create_constraint=True,
        length=CHOICE_LENGTH,
        name=more.pop("name", options.__name__.lower()),
        values_callable=lambda members: [member.value for member in members],
    )
    return mapped_column(kind, doc=doc, **more)
