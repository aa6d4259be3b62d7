"""What is done with the parties: customers, suppliers and carriers are added and corrected."""

from app.parties.commands.carriers import (
    CarrierCodeTaken,
    CreateCarrier,
    InvalidScac,
    InvalidTrackingUrl,
    ScacTaken,
    UnknownCarrier,
    UpdateCarrier,
    create_carrier,
    update_carrier,
)
from app.parties.commands.customers import (
    CreateCustomer,
    CustomerNumberTaken,
    UnknownCustomer,
    UpdateCustomer,
    create_customer,
    update_customer,
)
from app.parties.commands.spelling import InvalidEmail
from app.parties.commands.suppliers import (
    CreateSupplier,
    SupplierCodeTaken,
    UnknownSupplier,
    UpdateSupplier,
    create_supplier,
    update_supplier,
)

__all__ = [
    "CarrierCodeTaken",
    "CreateCarrier",
    "CreateCustomer",
    "CreateSupplier",
    "CustomerNumberTaken",
    "InvalidEmail",
    "InvalidScac",
    "InvalidTrackingUrl",
    "ScacTaken",
    "SupplierCodeTaken",
    "UnknownCarrier",
    "UnknownCustomer",
    "UnknownSupplier",
    "UpdateCarrier",
    "UpdateCustomer",
    "UpdateSupplier",
    "create_carrier",
    "create_customer",
    "create_supplier",
    "update_carrier",
    "update_customer",
    "update_supplier",
]
