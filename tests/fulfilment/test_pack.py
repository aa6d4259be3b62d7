"""Packing: a parcel contains only what was picked, and its label is a valid SSCC."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.fulfilment import commands
from app.fulfilment.measures import fulfilment_visibility, parcel_visibility, pieces
from app.fulfilment.tables import Fulfilment, FulfilmentStatus, Parcel, ParcelLine
from tests.factories import access, orders
from tests.factories import fulfilment as factory


class TestPackParcel:
    async def test_puts_what_was_picked_into_a_parcel(self, session: AsyncSession):
        fulfilment = await factory.allocated(session, 3)
        (line,) = await factory.lines(session, fulfilment.id)
        await factory.picked(session, fulfilment.id)
        first = await factory.pack(session, fulfilment.id, (line.id, 2))
        assert (await factory.fulfilments(session, fulfilment.order_id))[0].status is FulfilmentStatus.PICKED
        second = await factory.pack(session, fulfilment.id, (line.id, 1))
        assert (await factory.fulfilments(session, fulfilment.order_id))[0].status is FulfilmentStatus.PACKED
        contents = (
            await session.execute(select(ParcelLine.parcel_id, ParcelLine.quantity).order_by(ParcelLine.id))
        ).all()
        assert [tuple(row) for row in contents] == [(first, 2), (second, 1)]
        told = [facts for name, facts in access.recorded(session) if name == "fulfilment.parcel_packed"]
        assert [(facts["parcel_id"], facts["status_after"]) for facts in told] == [
            (first, "PICKED"),
            (second, "PACKED"),
        ]

    async def test_refuses_what_was_not_picked(self, session: AsyncSession):
        fulfilment = await factory.allocated(session, 3)
        (line,) = await factory.lines(session, fulfilment.id)
        await factory.pick(session, fulfilment.id, (line.id, 2))
        async with access.refused(session, commands.NotPicked, field="lines.0.quantity") as caught:
            await factory.pack(session, fulfilment.id, (line.id, 3))
        assert caught.value.details == {"picked": 2}

    async def test_refuses_before_anything_is_picked(self, session: AsyncSession):
        fulfilment = await factory.allocated(session, 3)
        (line,) = await factory.lines(session, fulfilment.id)
        async with access.refused(session, commands.FulfilmentStatusForbids, field="fulfilment_id") as caught:
            await factory.pack(session, fulfilment.id, (line.id, 1))
        assert caught.value.details == {"status": "ALLOCATED"}

    async def test_numbers_it_as_gs1_numbers_logistic_units(self, session: AsyncSession):
        await factory.packed(session)
        number = await session.scalar(select(Parcel.number))
        assert number is not None
        weighted = sum(int(digit) * (3 if place % 2 == 0 else 1) for place, digit in enumerate(number[:-1]))
        assert (len(number), int(number[-1])) == (18, -weighted % 10)

    async def test_counts_its_pieces(self, session: AsyncSession):
        await factory.packed(session, 3)
        row = Parcel.__table__.alias("parcel")
        assert await session.scalar(select(pieces(row))) == 3


class TestVisibility:
    async def test_shows_a_customer_its_own_only(self, session: AsyncSession):
        mine, stranger = await orders.customer(session), await orders.customer(session)
        fulfilment = await factory.packed(session, by=mine)
        for by, sees in ((mine, {fulfilment.id}), (stranger, set()), (access.OPERATOR, {fulfilment.id})):
            assert await access.seen(session, Fulfilment, fulfilment_visibility, by) == sees
        parcel = await session.scalar(select(Parcel.id))
        assert await access.seen(session, Parcel, parcel_visibility, mine) == {parcel}
        assert await access.seen(session, Parcel, parcel_visibility, access.supplier_caller(1)) == set()
