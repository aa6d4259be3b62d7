"""What following costs is measured at both ends, and told beside the bars."""

from __future__ import annotations

import asyncio
import json
from xml.etree import ElementTree

import pytest

from bench import followers, live
from bench.changes import channel_of
from bench.followers import TEXT, Follower, Job, Shared, Told, frame, frames_of
from bench.live import ONE, OWN, Asked, Found


def sent(payload: bytes, kind: int = TEXT) -> bytes:
    """One frame as a server sends it."""
    size = len(payload)
    length = bytes((size,)) if size < 126 else bytes((126,)) + size.to_bytes(2, "big")
    return bytes((0x80 | kind,)) + length + payload


class TestFrames:
    @pytest.mark.parametrize("size", [0, 1, 125, 126, 1_000, 65_535])
    def test_are_read_whole(self, size: int):
        payload = b"x" * size
        assert frames_of(sent(payload) + sent(b"next")) == ([(TEXT, payload), (TEXT, b"next")], b"")

    def test_of_which_a_part_is_missing_wait(self):
        whole = sent(b"first") + sent(b"x" * 300)
        for cut in range(len(whole)):
            frames, left = frames_of(whole[:cut])
            assert len(frames) == (cut >= len(sent(b"first")))
            assert frames_of(left + whole[cut:])[0][-1] == (TEXT, b"x" * 300)

    @pytest.mark.parametrize("size", [5, 125, 126, 2_000])
    def test_of_clients_have_a_mask(self, size: int):
        made = frame(TEXT, b"y" * size)
        assert made[1] & 0x80
        assert made.endswith(bytes(4) + b"y" * size)


class Socket:
    """Takes what is written to it."""

    def __init__(self) -> None:
        self.written: list[bytes] = []

    def write(self, data: bytes) -> None:
        self.written.append(data)


@pytest.fixture
async def told() -> tuple[Shared, Follower, Socket]:
    """A follower whose socket is open."""
    shared = Shared(Job(1, "/graphql", {"authorization": "Bearer k"}, "subscription { it }", [{"a": 1}, {"a": 2}]))
    follower, socket = Follower(shared, 1, asyncio.get_running_loop().create_future()), Socket()
    follower.connection_made(socket)  # type: ignore[arg-type]
    follower.data_received(b"HTTP/1.1 101 Switching Protocols\r\n\r\n")
    return shared, follower, socket


Open = tuple[Shared, Follower, Socket]


class TestFollower:
    async def test_subscribes_with_its_own_variables_once_it_was_acknowledged(self, told: Open):
        shared, follower, socket = told
        assert b'"connection_init", "payload": {"authorization"' in socket.written[1]
        follower.data_received(sent(b'{"type":"connection_ack"}'))
        assert json.loads(socket.written[2][socket.written[2].index(b"{") :])["payload"]["variables"] == {"a": 2}
        assert (shared.subscribed, shared.failures) == (1, 0)

    async def test_counts_only_changes_that_are_measured(self, told: Open):
        shared, follower, _ = told
        for number in (-1, 0, 1):
            follower.data_received(sent(b'{"type":"next","payload":{"data":{"it":{"availableAfter":%d}}}}' % number))
        assert (shared.following, [change for change, _ in shared.deliveries]) == (1, [0, 1])

    @pytest.mark.parametrize(
        "said", [sent(b'{"type":"error","payload":[]}'), sent(b"\x11\x2dToo many", followers.CLOSE)]
    )
    async def test_is_refused(self, told: Open, said: bytes):
        shared, follower, _ = told
        follower.data_received(said)
        assert shared.failures == 1
        assert shared.first_failure

    async def test_answers_pings(self, told: Open):
        _, follower, socket = told
        follower.data_received(sent(b"four", followers.PING))
        assert socket.written[-1] == frame(followers.PONG, b"four")


class TestFigures:
    def test_have_times_from_the_commit_of_each_change(self):
        shared = Shared(Job(1, "/", {}, "", [{}]))
        shared.deliveries = [(0, 10.010), (0, 10.020), (1, 11.030)]
        found = followers.figures(shared, [10.0, 11.0], 4)
        assert (found.deliveries, found.expected) == (3, 4)
        assert found.p50_ms == pytest.approx(20)
        assert found.seconds == pytest.approx(1.03)

    def test_offer_each_server_no_more_than_it_is_asked_for(self):
        assert Asked("lading", 5_000, ONE).rate() == 2
        assert Asked("stock_strawberry", 1_000, ONE).rate() == 2
        assert Asked("lading", 5_000, OWN).rate() == live.EVENTS_PER_SECOND

    def test_reach_one_level_or_all_by_its_channel(self):
        assert channel_of(None, None) == "stock"
        assert channel_of("p", "l") == "stock:p:l"


def found(server: str, cpu: float, cohorts: str = ONE, **other: float) -> Found:
    asked = Asked(server, int(other.get("followers", 1_000)), cohorts)
    deliveries = int(other.get("deliveries", 10))
    told = Told(deliveries, 10, 0, 2.0, 1.0, other.get("p99", 2.0), 3.0, 200, "")
    return Found(asked, told, asked.rate(), cpu, 1.0, other.get("memory", 20.0))


class TestOutcome:
    def test_tells_each_bar(self):
        said = list(
            live.verdicts(
                [
                    found("lading", 15.0),
                    found("lading", 90.0, OWN, p99=70.0, memory=40.0),
                    found("stock_strawberry", 240.0),
                    found("graphql_ws", 27.0),
                ]
            )
        )
        kept = [("kept" in one, "missed" in one) for one in said]
        assert kept == [(True, False), (True, False), (False, True), (False, True), (False, True)]

    def test_tells_what_was_not_delivered(self):
        (line,) = live.lines([found("lading", 15.0, deliveries=8)])
        assert "(2 missing)" in line[4]

    def test_compares_with_the_same_arrangement(self):
        lines = list(live.lines([found("lading", 10.0), found("lading", 50.0, OWN), found("graphql_ws", 100.0, OWN)]))
        assert [line[-1] for line in lines] == ["", "", "2.0"]

    def test_has_a_picture_of_every_figure(self):
        picture = live.picture([found("lading", 10.0), found("stock_strawberry", 250.0), found("graphql_ws", 0.0, OWN)])
        ElementTree.fromstring(picture)  # noqa: S314 — we have just written it.
        assert picture.count("<rect") == 4
