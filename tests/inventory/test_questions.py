"""The ledger explains every stock level; where one was changed past it, the question tells which."""

from sqlalchemy import delete, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.inventory.questions import UnexplainedLevel, unexplained_levels
from app.inventory.tables import StockLevel
from tests.factories.inventory import location, product, stocked


class TestUnexplainedLevels:
    async def test_are_none_after_commands(self, session: AsyncSession) -> None:
        of, _ = await stocked(session, 5)
        await stocked(session, 7, product_id=of)
        assert await unexplained_levels(session) == []

    async def test_tell_a_level_that_was_changed_past_the_ledger(self, session: AsyncSession) -> None:
        of, at = await stocked(session, 5)
        await session.execute(update(StockLevel).values(on_hand=6, held=1))
        (wrong,) = await unexplained_levels(session)
        assert wrong == UnexplainedLevel(product_id=of, location_id=at, on_hand=6, moved=5, held=1, promised=0)

    async def test_tell_a_level_that_is_gone(self, session: AsyncSession) -> None:
        of, at = await stocked(session, 5, product_id=await product(session), location_id=await location(session))
        await session.execute(delete(StockLevel))
        (wrong,) = await unexplained_levels(session)
        assert (wrong.product_id, wrong.location_id, wrong.on_hand, wrong.moved) == (of, at, 0, 5)
