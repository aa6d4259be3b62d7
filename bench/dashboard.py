"""The dashboard's read: counts and sums of orders by status, channel and day, and of stock by location, at once."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from bench.asked import Read

OURS = """query Dashboard($since: DateTime!) {
  all: orders {
    byStatus: groups(by: [STATUS]) { status count total { amount currency } }
    byChannel: groups(by: [CHANNEL]) { channel { code } count total { amount currency } }
  }
  recent: orders(where: { placedAt: { gte: $since } }) {
    byDay: groups(by: [PLACED_ON]) { placedOn count total { amount currency } }
  }
  stockLevels { byLocation: groups(by: [LOCATION]) { location { code } count onHand available } }
}"""
STOCK = """query Dashboard($since: DateTime!) {
  ordersByStatus { status count total { amount currency } }
  ordersByChannel { channel count total { amount currency } }
  ordersByDay(since: $since) { day count total { amount currency } }
  stockByLocation { location count onHand available }
}"""
POSTGRAPHILE = """query Dashboard($since: Datetime!) {
  all: orders {
    byStatus: groupedAggregates(groupBy: [STATUS]) { keys rows { rowId } sum { totalAmount } }
    byChannel: groupedAggregates(groupBy: [CHANNEL_ID]) { keys rows { rowId } sum { totalAmount } }
  }
  recent: orders(filter: { placedAt: { greaterThanOrEqualTo: $since } }) {
    byDay: groupedAggregates(groupBy: [PLACED_AT_TRUNCATED_TO_DAY]) { keys rows { rowId } sum { totalAmount } }
  }
  stockLevels { byLocation: groupedAggregates(groupBy: [LOCATION_ID]) { keys rows { rowId } sum { onHand held } } }
  channels { nodes { rowId code } }
  locations { nodes { rowId code } }
}"""
"""Its groups tell keys of rows, so the rows are asked for beside them; and its sums know nothing of currencies."""
THIRTY_DAYS = """select to_char((max(placed_at) - interval '30 days' - make_interval(mins => n)) at time zone 'UTC',
                                 'YYYY-MM-DD"T"HH24:MI:SS"Z"') as since
from orders, generate_series(0, $1::int - 1) n group by n order by n"""
Totals = dict[str, dict[str, tuple[Decimal, ...]]]
"""Counts and sums by what is grouped and by key."""


def totals_of(data: dict[str, Any]) -> Totals:
    """The figures in the answer of any of the servers, alike."""
    if "channels" in data:
        return _of_postgraphile(data)
    return _of_stock(data) if "ordersByStatus" in data else _of_ours(data)


def _of_ours(data: dict[str, Any]) -> Totals:
    every, recent, stock = data["all"], data["recent"], data["stockLevels"]
    return {
        "status": {group["status"]: _sold(group) for group in every["byStatus"]},
        "channel": {group["channel"]["code"]: _sold(group) for group in every["byChannel"]},
        "day": {group["placedOn"]: _sold(group) for group in recent["byDay"]},
        "location": {group["location"]["code"]: _stocked(group) for group in stock["byLocation"]},
    }


def _of_stock(data: dict[str, Any]) -> Totals:
    return {
        "status": {group["status"]: _sold(group) for group in data["ordersByStatus"]},
        "channel": {group["channel"]: _sold(group) for group in data["ordersByChannel"]},
        "day": {group["day"]: _sold(group) for group in data["ordersByDay"]},
        "location": {group["location"]: _stocked(group) for group in data["stockByLocation"]},
    }


def _of_postgraphile(data: dict[str, Any]) -> Totals:
    every, recent, stock = data["all"], data["recent"], data["stockLevels"]
    codes = {
        what: {str(node["rowId"]): node["code"] for node in data[what]["nodes"]} for what in ("channels", "locations")
    }
    return {
        "status": {group["keys"][0]: _summed(group) for group in every["byStatus"]},
        "channel": {codes["channels"][group["keys"][0]]: _summed(group) for group in every["byChannel"]},
        "day": {group["keys"][0][: len("2026-11-22")]: _summed(group) for group in recent["byDay"]},
        "location": {codes["locations"][group["keys"][0]]: _held(group) for group in stock["byLocation"]},
    }


def _sold(group: dict[str, Any]) -> tuple[Decimal, ...]:
    """How many orders there are and what they come to; the data has one currency."""
    return Decimal(group["count"]), sum((Decimal(money["amount"]) for money in group["total"]), Decimal(0))


def _summed(group: dict[str, Any]) -> tuple[Decimal, ...]:
    return Decimal(group["rows"]["rowId"]), Decimal(group["sum"]["totalAmount"])


def _stocked(group: dict[str, Any]) -> tuple[Decimal, ...]:
    return Decimal(group["count"]), Decimal(group["onHand"]), Decimal(group["available"])


def _held(group: dict[str, Any]) -> tuple[Decimal, ...]:
    on_hand = Decimal(group["sum"]["onHand"])
    return Decimal(group["rows"]["rowId"]), on_hand, on_hand - Decimal(group["sum"]["held"])


DASHBOARD = Read("dashboard", "The dashboard's figures", OURS, POSTGRAPHILE, THIRTY_DAYS, STOCK, totals_of)
