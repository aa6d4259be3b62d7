"""What happens to customers, suppliers and carriers."""

from __future__ import annotations

from dataclasses import dataclass

from app.kernel.outbox import Event


@dataclass(frozen=True, kw_only=True)
class CustomerCreated(Event, name="parties.customer_created", keys=("customer_id",)):
    """A customer was added."""

    customer_id: int
    number: str


@dataclass(frozen=True, kw_only=True)
class CustomerUpdated(Event, name="parties.customer_updated", keys=("customer_id",)):
    """What is said about a customer was corrected."""

    customer_id: int
    changed: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class SupplierCreated(Event, name="parties.supplier_created", keys=("supplier_id",)):
    """A supplier was added."""

    supplier_id: int
    code: str


@dataclass(frozen=True, kw_only=True)
class SupplierUpdated(Event, name="parties.supplier_updated", keys=("supplier_id",)):
    """What is said about a supplier was corrected."""

    supplier_id: int
    changed: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class CarrierCreated(Event, name="parties.carrier_created", keys=("carrier_id",)):
    """A carrier was added."""

    carrier_id: int
    code: str


@dataclass(frozen=True, kw_only=True)
class CarrierUpdated(Event, name="parties.carrier_updated", keys=("carrier_id",)):
    """What is said about a carrier was corrected."""

    carrier_id: int
    changed: tuple[str, ...]
