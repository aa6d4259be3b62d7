"""Positions: signed for callers to carry, and good for a while for one cluster alone."""

from datetime import timedelta

import pytest

from app.kernel import clock
from app.kernel.limits import Limits
from app.kernel.principal import ANONYMOUS, Principal
from app.server.positions import AHEAD, START, TOKEN_LENGTH, Position, Positions
from app.server.staleness import Staleness

SECRET = b"a secret"
SYSTEM = 7_000_000_000_000_000_000
HERE = Position(3, 2**63 + 5)


def positions(secret: bytes = SECRET, system: int = SYSTEM) -> Positions:
    """What signs positions for 300 seconds."""
    return Positions(secret, system, seconds_max=300)


class TestPosition:
    @pytest.mark.parametrize(
        ("reached", "needed", "covers"),
        [
            (Position(1, 10), START, True),
            (Position(1, 10), Position(1, 10), True),
            (Position(1, 9), Position(1, 10), False),
            (Position(2, 10), Position(1, 10), True),
            (Position(1, 11), Position(2, 10), False),
            (Position(2, 9), Position(1, 10), False),
        ],
    )
    def test_covers_what_came_before_it_and_no_later_timeline(self, reached: Position, needed: Position, covers: bool):  # noqa: FBT001
        assert reached.covers(needed) is covers


class TestPositions:
    def test_are_read_as_they_were_signed(self):
        token = positions().signed(HERE)
        assert positions().read(token) == HERE
        assert len(token) == TOKEN_LENGTH

    @pytest.mark.parametrize("other", [positions(secret=b"another"), positions(system=8)])
    def test_of_others_are_nothing(self, other: Positions):
        assert other.read(positions().signed(HERE)) is None

    def test_that_were_altered_are_nothing(self):
        token = positions().signed(HERE)
        for place in range(TOKEN_LENGTH - 1):
            altered = token[:place] + ("A" if token[place] != "A" else "B") + token[place + 1 :]
            assert positions().read(altered) is None

    @pytest.mark.parametrize(
        "token", ["", "x", "é" * TOKEN_LENGTH, "!" * TOKEN_LENGTH, "A" * TOKEN_LENGTH, "A" * 10_000]
    )
    def test_that_never_were_one_are_nothing(self, token: str):
        assert positions().read(token) is None

    def test_end(self):
        with clock.stopped_at(clock.now()):
            token, now = positions().signed(HERE), clock.now()
        with clock.stopped_at(now + timedelta(seconds=299)):
            assert positions().read(token) == HERE
        with clock.stopped_at(now + timedelta(seconds=302)):
            assert positions().read(token) is None


class TestStaleness:
    def staleness(self, **limits: int) -> Staleness:
        return Staleness(positions(), Limits(**limits))

    def test_needs_the_first_place_that_was_seen(self):
        staleness = self.staleness()
        staleness.saw(Position(1, 10), at=0)
        staleness.saw(Position(1, 20), at=5)
        assert staleness.needed(ANONYMOUS, None) == Position(1, 10)

    def test_needs_of_all_what_is_older_than_a_replica_may_lag(self):
        staleness = self.staleness(replica_lag_seconds_max=10)
        for second in range(0, 100, 5):
            staleness.saw(Position(1, second), at=second)
        assert staleness.needed(ANONYMOUS, None) == Position(1, 85)

    def test_passes_every_position_before_its_token_ends(self):
        staleness = self.staleness(replica_lag_seconds_max=1_000)
        for second in range(0, 301, 5):
            staleness.saw(Position(1, second), at=second)
        assert staleness.needed(ANONYMOUS, None) >= Position(1, 145)

    def test_needs_of_a_writer_what_it_wrote_until_all_need_it(self):
        staleness, writer = self.staleness(replica_lag_seconds_max=10), Principal(user_id=1)
        staleness.saw(Position(1, 10), at=0)
        staleness.wrote(writer, Position(1, 15))
        assert staleness.needed(writer, None) == Position(1, 15)
        assert staleness.needed(Principal(api_key_id=1), None) == Position(1, 10)
        staleness.saw(Position(1, 20), at=1)
        staleness.saw(Position(1, 20), at=12)
        assert staleness.needed(writer, None) == Position(1, 20)

    def test_needs_the_later_of_two_writes_whichever_was_told_last(self):
        staleness, writer = self.staleness(), Principal(user_id=1)
        staleness.wrote(writer, Position(1, 20))
        staleness.wrote(writer, Position(1, 15))
        assert staleness.needed(writer, None) == Position(1, 20)

    def test_needs_of_a_writer_whose_place_is_not_known_more_than_any_replica_has(self):
        staleness, writer = self.staleness(), Principal(user_id=1)
        staleness.wrote(writer, Position(1, 10))
        staleness.wrote_somewhere(writer, at=5)
        staleness.wrote_somewhere(ANONYMOUS, at=5)
        staleness.saw(Position(1, 20), at=4)
        staleness.placed(Position(1, 20), asked_at=5)
        assert staleness.needed(writer, None) == AHEAD
        assert staleness.needed(ANONYMOUS, None) == Position(1, 20)
        staleness.placed(Position(1, 30), asked_at=6)
        assert staleness.needed(writer, None) == Position(1, 30)
        assert not staleness.lacks_places

    def test_remembers_the_last_writers_and_no_strangers(self):
        staleness = self.staleness(writers_remembered_max=2)
        staleness.wrote(ANONYMOUS, Position(1, 5))
        for number in (1, 2, 3):
            staleness.wrote(Principal(user_id=number), Position(1, number))
        needed = [staleness.needed(Principal(user_id=number), None) for number in (1, 2, 3)]
        assert needed == [START, Position(1, 2), Position(1, 3)]
        for number in (1, 2, 3):
            staleness.wrote_somewhere(Principal(user_id=number))
        needed = [staleness.needed(Principal(user_id=number), None) for number in (1, 2, 3)]
        assert needed == [START, AHEAD, AHEAD]
        assert staleness.needed(ANONYMOUS, None) == START

    def test_needs_the_furthest_of_all(self):
        staleness, writer = self.staleness(), Principal(user_id=1)
        staleness.saw(Position(1, 10), at=0)
        staleness.wrote(writer, Position(1, 20))
        assert staleness.needed(writer, positions().signed(Position(1, 30))) == Position(1, 30)
        assert staleness.needed(writer, positions().signed(Position(1, 5))) == Position(1, 20)
        assert staleness.needed(writer, "made up") == Position(1, 20)
