"""What every stage needs: the keys that records came in under, and how rows are told where they came from."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from app.importing.records import Kind, Record
from app.kernel.address import ADDRESS_FIELDS, Address
from app.kernel.money import CurrencyCode
from app.kernel.principal import Principal


@dataclass
class Books:
    """What a run knows while it writes: its source and channel, and our keys of what came in."""

    source: str
    channel_id: int
    currency: CurrencyCode
    by: Principal
    ids: dict[Kind, dict[str, int]] = field(default_factory=dict)

    def id_of(self, kind: Kind, key: str) -> int:
        """Our key of a record that came in."""
        return self.ids[kind][key]

    def lacks(self, record: Record) -> str | None:
        """What `record` needs that did not come in, in words."""
        for kind, key in record.needs:
            if key not in self.ids.get(kind, ()):
                return f"the {kind} {key}, which did not come in"
        return None

    def references(self, record: Record) -> list[dict[str, str]]:
        """What other systems call the record, as every row keeps it."""
        pairs = ((self.source, record.key), *record.references)
        return [{"source": source, "value": value} for source, value in pairs]


@dataclass
class Written:
    """What a batch wrote: our key of each record, and how many rows of which table."""

    ids: dict[str, int]
    rows: Counter[str] = field(default_factory=Counter)


def address_columns(address: Address | None, prefix: str = "") -> dict[str, Any]:
    """Every column of an address, for rows that are copied all have the same columns."""
    return {f"{prefix}{name}": getattr(address, name, None) for name in ADDRESS_FIELDS}
