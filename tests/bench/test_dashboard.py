"""The figures of a dashboard are compared whatever form a server answers them in."""

from decimal import Decimal
from typing import Any

import pytest

from app.server.failure import Failure
from bench.agreeing import agree
from bench.dashboard import DASHBOARD, totals_of
from bench.servers import Server

MONEY = [{"amount": "12.50", "currency": "BRL"}]
OURS = {
    "all": {
        "byStatus": [{"status": "PLACED", "count": 2, "total": MONEY}],
        "byChannel": [{"channel": {"code": "WEB"}, "count": 2, "total": MONEY}],
    },
    "recent": {"byDay": [{"placedOn": "2025-12-03", "count": 2, "total": MONEY}]},
    "stockLevels": {"byLocation": [{"location": {"code": "WH-01"}, "count": 3, "onHand": "9", "available": "7"}]},
}
STOCK = {
    "ordersByStatus": [{"status": "PLACED", "count": 2, "total": MONEY}],
    "ordersByChannel": [{"channel": "WEB", "count": 2, "total": MONEY}],
    "ordersByDay": [{"day": "2025-12-03", "count": 2, "total": MONEY}],
    "stockByLocation": [{"location": "WH-01", "count": 3, "onHand": 9, "available": 7}],
}


def group(key: str) -> dict[str, Any]:
    return {"keys": [key], "rows": {"rowId": "2"}, "sum": {"totalAmount": "12.5000"}}


THEIRS = {
    "all": {"byStatus": [group("PLACED")], "byChannel": [group("1")]},
    "recent": {"byDay": [group("2025-12-03 00:00:00+00")]},
    "stockLevels": {"byLocation": [{"keys": ["5"], "rows": {"rowId": "3"}, "sum": {"onHand": "9", "held": "2"}}]},
    "channels": {"nodes": [{"rowId": "1", "code": "WEB"}]},
    "locations": {"nodes": [{"rowId": 5, "code": "WH-01"}]},
}


class TestTotals:
    def test_are_alike_in_all_three_forms(self):
        assert totals_of(OURS) == totals_of(STOCK) == totals_of(THEIRS)
        assert totals_of(OURS)["location"] == {"WH-01": (Decimal(3), Decimal(9), Decimal(7))}


class Told(Server):
    """A server that says what it was given to say."""

    def __init__(self, name: str, answer: bytes) -> None:
        super().__init__(name, name, 0, None, {}, {DASHBOARD.name: [""]})  # type: ignore[arg-type]
        self.says = answer

    def answer(self, body: str) -> bytes:
        return self.says


class TestAgreement:
    def test_is_refused_to_one_who_tells_other_figures(self):
        ours = b'{"data":' + repr(OURS).replace("'", '"').encode() + b"}"
        theirs = b'{"data":' + repr(STOCK).replace("'", '"').encode() + b"}"
        agree([Told("lading", ours), Told("limit", ours), Told("stock", theirs)], [DASHBOARD])
        other = theirs.replace(b'"onHand": 9', b'"onHand": 8')
        with pytest.raises(Failure, match="stock answers other rows"):
            agree([Told("lading", ours), Told("limit", ours), Told("stock", other)], [DASHBOARD])
        with pytest.raises(Failure, match="limit does not answer the bytes"):
            agree([Told("lading", ours), Told("limit", ours + b" ")], [DASHBOARD])
