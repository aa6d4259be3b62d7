"""Sourcing: fewest locations, then the nearest; unknown distances last; every location told why."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.catalog.tables import ProductId
from app.fulfilment import rules
from app.fulfilment.tables import SourcingVerdict
from app.locations.tables import LocationId
from app.orders.tables import OrderLineId

SAO_PAULO = rules.Point(Decimal("-23.5475"), Decimal("-46.63611"))
RIO = rules.Point(Decimal("-22.90642"), Decimal("-43.18223"))
MANAUS = rules.Point(Decimal("-3.10194"), Decimal("-60.025"))


def place(location_id: int, point: rules.Point | None, pieces: dict[int, int], *, priority: int = 100) -> rules.Place:
    held = {ProductId(product): quantity for product, quantity in pieces.items()}
    return rules.Place(location_id=LocationId(location_id), point=point, priority=priority, pieces=held)


def need(order_line_id: int, product_id: int, quantity: int) -> rules.Need:
    return rules.Need(order_line_id=OrderLineId(order_line_id), product_id=ProductId(product_id), quantity=quantity)


def verdicts(plan: rules.SourcingPlan) -> dict[int, SourcingVerdict]:
    return {candidate.location_id: candidate.verdict for candidate in plan.candidates}


class TestDistance:
    @pytest.mark.parametrize(
        ("here", "there", "kilometres"),
        [
            (SAO_PAULO, SAO_PAULO, "0.000"),
            (SAO_PAULO, RIO, "360.043"),
            (rules.Point(Decimal(0), Decimal(0)), rules.Point(Decimal(0), Decimal(180)), "20015.1"),
            (rules.Point(Decimal(90), Decimal(0)), rules.Point(Decimal(-90), Decimal(77)), "20015.1"),
        ],
    )
    def test_follows_the_great_circle(self, here: rules.Point, there: rules.Point, kilometres: str):
        assert rules.distance_km(here, there) == pytest.approx(Decimal(kilometres), abs=Decimal("0.5"))

    def test_is_unknown_where_a_point_is(self):
        assert rules.distance_km(None, RIO) is None


class TestSource:
    def test_takes_the_nearest_of_those_that_have_everything(self):
        plan = rules.source([need(1, 7, 2)], [place(1, MANAUS, {7: 9}), place(2, RIO, {7: 2})], SAO_PAULO)
        assert verdicts(plan) == {2: SourcingVerdict.CHOSEN, 1: SourcingVerdict.NOT_NEARER}
        assert plan.chosen[0].shares == (
            rules.SourcingShare(order_line_id=OrderLineId(1), product_id=ProductId(7), quantity=2),
        )
        assert plan.shortages == ()

    def test_prefers_one_far_location_to_two_near_ones(self):
        places = [place(1, SAO_PAULO, {7: 1}), place(2, RIO, {7: 1}), place(3, MANAUS, {7: 2})]
        plan = rules.source([need(1, 7, 2)], places, SAO_PAULO)
        assert verdicts(plan) == {
            1: SourcingVerdict.WOULD_SPLIT,
            2: SourcingVerdict.WOULD_SPLIT,
            3: SourcingVerdict.CHOSEN,
        }

    def test_splits_over_the_nearest_pair_where_one_is_not_enough(self):
        places = [
            place(1, MANAUS, {7: 2}),
            place(2, RIO, {7: 1, 8: 1}),
            place(3, SAO_PAULO, {7: 1}),
            place(4, None, {7: 2}),
        ]
        plan = rules.source([need(1, 7, 2), need(2, 8, 1)], places, SAO_PAULO)
        assert [candidate.location_id for candidate in plan.chosen] == [3, 2]
        assert verdicts(plan)[4] is SourcingVerdict.DISTANCE_UNKNOWN

    def test_puts_unknown_distances_last(self):
        plan = rules.source([need(1, 7, 1)], [place(1, None, {7: 1}, priority=1), place(2, MANAUS, {7: 1})], SAO_PAULO)
        assert verdicts(plan) == {2: SourcingVerdict.CHOSEN, 1: SourcingVerdict.DISTANCE_UNKNOWN}

    def test_goes_by_priority_where_no_distance_is_known(self):
        plan = rules.source([need(1, 7, 1)], [place(1, RIO, {7: 1}), place(2, None, {7: 1}, priority=1)], None)
        assert [candidate.location_id for candidate in plan.chosen] == [2]

    def test_tells_who_has_nothing_and_what_nobody_has(self):
        plan = rules.source([need(1, 7, 5)], [place(1, RIO, {7: 2}), place(2, RIO, {8: 2})], SAO_PAULO)
        assert verdicts(plan) == {1: SourcingVerdict.CHOSEN, 2: SourcingVerdict.NO_STOCK}
        assert plan.shortages == (rules.SourcingShortage(product_id=ProductId(7), quantity=3),)

    @given(
        needs=st.lists(st.tuples(st.integers(1, 4), st.integers(1, 6)), min_size=1, max_size=4),
        places=st.lists(
            st.tuples(
                st.sampled_from([None, SAO_PAULO, RIO, MANAUS]), st.dictionaries(st.integers(1, 4), st.integers(0, 6))
            ),
            max_size=7,
        ),
    )
    def test_serves_each_need_once_and_takes_no_more_than_there_is(
        self, needs: list[tuple[int, int]], places: list[tuple[rules.Point | None, dict[int, int]]]
    ):
        wanted = [need(line, product, quantity) for line, (product, quantity) in enumerate(needs, 1)]
        offered = {number: place(number, point, pieces) for number, (point, pieces) in enumerate(places, 1)}
        plan = rules.source(wanted, offered.values(), SAO_PAULO)
        for candidate in plan.candidates:
            assert bool(candidate.shares) == (candidate.verdict is SourcingVerdict.CHOSEN)
        for product in range(1, 5):
            given_by = {
                candidate.location_id: sum(share.quantity for share in candidate.shares if share.product_id == product)
                for candidate in plan.candidates
            }
            assert all(given_by[number] <= offered[number].pieces.get(ProductId(product), 0) for number in given_by)
            short = sum(shortage.quantity for shortage in plan.shortages if shortage.product_id == product)
            assert sum(given_by.values()) + short == sum(each.quantity for each in wanted if each.product_id == product)
            everything = sum(each.pieces.get(ProductId(product), 0) for each in offered.values())
            assert short == max(0, sum(each.quantity for each in wanted if each.product_id == product) - everything)
