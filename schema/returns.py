"""What comes back, in the graph: returns, their lines and the refunds for them."""

from __future__ import annotations

from datetime import datetime

from app.kernel.money import Money
from app.returns import commands, events, measures, questions, tables
from schema import catalog, locations, orders, parties
from schema.language import (
    Connection,
    ask,
    command,
    follow,
    groups,
    listing,
    lookup,
    many,
    measure,
    money,
    node,
    one,
    part,
)


@node(
    tables.Return,
    visibility=measures.return_visibility,
    sorts=("created_at", "number", "received_at"),
    groups=groups("status", "reason", "location", "customer", "created_at"),
    search=("number",),
)
class Return:
    """Goods of an order that a customer sends back. People call its number the RMA."""

    number: str
    order: orders.Order | None = one(tables.Return.order_id)
    customer: parties.Customer | None = one(tables.Return.customer_id)
    status: tables.ReturnStatus
    allowed_actions: list[tables.ReturnAction] = measure(measures.allowed_actions)
    reason: tables.ReturnReason
    note: str | None
    rejection_reason: str | None
    location: locations.Location | None = one(tables.Return.location_id)
    approved_at: datetime | None
    received_at: datetime | None
    disposed_at: datetime | None
    closed_at: datetime | None
    lines: Connection[ReturnLine] = many(
        tables.ReturnLine.return_id, order_by=tables.ReturnLine.id, doc="What comes back."
    )
    refunds: Connection[Refund] = many(
        tables.Refund.return_id, order_by=tables.Refund.recorded_at, doc="The money that went back for it."
    )


@node(
    tables.ReturnLine,
    visibility=measures.return_line_visibility,
    sorts=("quantity",),
    groups=groups("product", "condition", "disposition", sums=("quantity", "quantity_received")),
)
class ReturnLine:
    """How much of one order line comes back, and what becomes of it."""

    rma: Return = one(tables.ReturnLine.return_id)
    order_line: orders.OrderLine | None = one(tables.ReturnLine.order_line_id)
    product: catalog.Product | None = one(tables.ReturnLine.product_id)
    quantity: int
    quantity_received: int
    condition: tables.ReturnCondition | None
    disposition: tables.Disposition | None


@node(
    tables.Refund,
    visibility=measures.refund_visibility,
    sorts=("recorded_at", "amount"),
    groups=groups("method", "recorded_at", sums=("amount",), averages=("amount",)),
)
class Refund:
    """Money that went back to a customer for a return."""

    rma: Return = one(tables.Refund.return_id)
    order: orders.Order | None = one(tables.Refund.order_id)
    amount: Money = money(tables.Refund.amount, tables.Refund.currency)
    method: tables.RefundMethod
    reference: str | None
    recorded_at: datetime


class ReturnsQueries:
    """What may be read about returns."""

    rma: Return | None = lookup(tables.Return.number)
    returns: Connection[Return] = listing(Return, "Returns that you may see.")
    refunds: Connection[Refund] = listing(Refund, "Refunds that you may see.")
    returnable_lines = ask(questions.returnable_lines)


class ReturnsMutations:
    """What may be done with returns."""

    return_request = command(commands.request_return, returns=Return)
    return_approve = command(commands.approve_return, returns=Return)
    return_reject = command(commands.reject_return, returns=Return)
    return_receive = command(commands.receive_return, returns=Return, moves=True)
    return_dispose = command(commands.dispose_return, returns=Return, moves=True)
    return_close = command(commands.close_return, returns=Return)
    refund_record = command(commands.record_refund, returns=Refund, moves=True)


class ReturnsSubscriptions:
    """What may be followed about returns."""

    return_changed = follow(
        events.RETURN_CHANGES,
        shows=Return,
        key="return_id",
        by=("return_id", "order_id", "customer_id"),
        tells=("status_before", "status_after"),
        doc="A return was asked for, answered, received, disposed of, refunded or closed.",
    )


class ReturnsEvents:
    """What the feed tells of returns, beside what is followed."""

    lines = part(ReturnLine, of=Return)
    refunds = part(Refund, of=Return)
