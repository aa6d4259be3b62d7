"""Addresses of a Redis: what people write, and what is told where that is wrong."""

from __future__ import annotations

import pytest

from app.server.settings import SettingsFailure, read_settings
from app.server.wakeup.addresses import Address, Kind, read_address


class TestReadAddress:
    @pytest.mark.parametrize(
        ("url", "urls", "place"),
        [
            ("valkey://host:1/2", ("redis://host:1/2",), "host:1"),
            ("redis://:p%40ss@host", ("redis://:p%40ss@host:6379",), "host:6379"),
            (
                "valkeys://me:pass@[::1]?ssl_cert_reqs=none",
                ("rediss://me:pass@[::1]:6379?ssl_cert_reqs=none",),
                "::1:6379",
            ),
            ("valkey+unix:///run/own.sock?db=1", ("unix:///run/own.sock?db=1",), "a local socket"),
        ],
    )
    def test_takes_one_server_by_the_names_of_both_kinds(self, url: str, urls: tuple[str, ...], place: str):
        found = read_address(url)
        assert (found.kind, found.urls, found.place) == (Kind.ONE, urls, place)

    def test_takes_the_nodes_of_a_cluster(self):
        found = read_address("rediss+cluster://me:pass@one:7000,two,[::1]:7002")
        assert found == Address(
            Kind.CLUSTER,
            ("rediss://me:pass@one:7000", "rediss://me:pass@two:6379", "rediss://me:pass@[::1]:7002"),
            (("one", 7000), ("two", 6379), ("::1", 7002)),
        )
        assert found.place == "one:7000, two:6379, ::1:7002"

    def test_takes_sentinels_and_the_name_of_their_master(self):
        found = read_address(
            "valkey+sentinel://:pass@one,two:1/trade/3?sentinel_password=other&health_check_interval=2"
        )
        assert found.kind is Kind.SENTINEL
        assert found.urls[0] == "redis://:pass@one:26379/3?health_check_interval=2"
        assert (found.places, found.master) == ((("one", 26379), ("two", 1)), "trade")
        assert found.sentinel_options == (("password", "other"),)
        assert found.place == "trade by the Sentinels one:26379, two:1"

    @pytest.mark.parametrize(
        ("url", "told"),
        [
            ("kafka://:SECRET@host", "kafka:// is no address of a Redis"),
            ("SECRET@host", "is no address of a Redis"),
            ("redis+other://:SECRET@host", "is no address of a Redis"),
            ("redis://:SECRET@one,two", "write redis\\+cluster:// or redis\\+sentinel:// for several"),
            ("redis+sentinel://:SECRET@one,two", "ends in their master's name"),
            ("redis+sentinel://:SECRET@one,two/", "ends in their master's name"),
            ("redis+cluster://:SECRET@one,,two", "a host is missing"),
            ("redis://:SECRET@", "a host is missing"),
            ("redis+cluster://:SECRET@one:70000,two", "the port of one is a number from 1 to 65535"),
            ("redis://:SECRET@one:x", "the port of one is a number from 1 to 65535"),
        ],
    )
    def test_says_in_a_line_what_is_wrong_and_tells_no_secret(self, url: str, told: str):
        with pytest.raises(ValueError, match=told) as refused:
            read_address(url)
        with pytest.raises(SettingsFailure, match=told) as failed:
            read_settings(redis_url=url)
        for message in (str(refused.value), str(failed.value)):
            assert "SECRET" not in message
            assert "\n" not in message
        assert str(failed.value).startswith("REDIS_URL: ")

    def test_refuses_to_wake_within_one_process_only(self):
        with pytest.raises(SettingsFailure, match="REDIS_URL: memory://"):
            read_settings(redis_url="memory://")
