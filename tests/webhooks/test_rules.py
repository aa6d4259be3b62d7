"""The rules of webhooks: which addresses are called, how messages are signed, and when they are tried again."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook

from app.webhooks.rules import (
    RETRY_AFTER,
    TOLD_WAIT_MAX,
    Reach,
    Secrets,
    Unreachable,
    delay_before,
    is_public,
    target_of,
    told_wait,
)

STRICT = Reach()
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
PRIVATE = [ip_network(f"{first}.0.0.0/8")[1] for first in (0, 10, 127, 224, 240, 255)]
PRIVATE += [ip_address(text) for text in ("100.64.0.1", "169.254.169.254", "192.0.0.8", "198.18.0.1", "192.88.99.1")]
PRIVATE += [IPv4Address((172 << 24) + (16 << 16) + 1), IPv4Address((192 << 24) + (168 << 16) + 1)]
PRIVATE += [ip_address(text) for text in ("::", "::1", "fe80::1", "fc00::1", "fec0::1", "ff02::1", "100::1", "5f00::1")]
PRIVATE += [ip_address(text) for text in ("2001:db8::1", "2001::1", "2002:7f00:1::1", "3fff::1", "64:ff9b:1::1")]
PRIVATE += [ip_address(text) for text in ("::7f00:1", "::ffff:127.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe")]
PUBLIC = ["8.8.8.8", "1.1.1.1", "2606:4700::1111", "2a00:1450::1", "64:ff9b::808:808", "::ffff:8.8.8.8"]
REFUSED = [
    "http://erp.example/",
    "ftp://erp.example/",
    "erp.example/hook",
    "https:///hook",
    "https://user:pass@erp.example/",
    "https://erp.example@127.0.0.1/",
    "https://erp.example:22/",
    "https://erp.example:99999/",
    "https://erp.example:0x50/",
    "https://erp.example/#part",
    "https://erp.example/a b",
    "https://erp.example\\@evil.example/",
    "https://erp.example\n.evil.example/",
    "https://ERP_.example./",
    "https://bücher.example/",
    "https://127.0.0.1/",
    "https://127.1/",
    "https://2130706433/",
    "https://0x7f000001/",
    "https://0x7f.1/",
    "https://0177.0.0.1/",
    "https://127.0.0.1./",
    "https://0/",
    "https://[::1]/",
    "https://[::ffff:127.0.0.1]/",
    "https://[fe80::1%25eth0]/",
    "https://[64:ff9b::7f00:1]/",
    "https://[not-an-address]/",
    "https://-erp.example/",
    "https://erp..example/",
    "https://" + "a" * 64 + ".example/",
]


class TestAddresses:
    @pytest.mark.parametrize("address", PRIVATE, ids=str)
    def test_that_are_not_public_are_not_called(self, address):
        assert not is_public(address)

    @pytest.mark.parametrize("text", PUBLIC)
    def test_that_are_public_are_called(self, text: str):
        assert is_public(ip_address(text))

    @given(st.ip_addresses(v=4))
    def test_that_python_calls_private_are_never_called(self, address: IPv4Address):
        assert not (is_public(address) and not address.is_global)
        assert not (is_public(IPv6Address(int(address) + (0xFFFF << 32))) and not address.is_global)

    def test_of_networks_that_are_allowed_are_called(self):
        reach = Reach((ip_network("127.0.0.0/30"),))
        assert reach.allows(ip_address("127.0.0.1"))
        assert not reach.allows(ip_address("127.0.0.5"))
        assert not reach.allows(ip_address("::1"))


class TestUrls:
    @pytest.mark.parametrize("url", REFUSED)
    def test_that_lead_astray_are_refused(self, url: str):
        with pytest.raises(Unreachable):
            target_of(url, STRICT)

    @pytest.mark.parametrize(
        ("url", "host", "port"),
        [
            ("https://erp.example/hook?token=1", "erp.example", 443),
            ("https://ERP.example:8443", "erp.example", 8443),
            ("https://xn--bcher-kva.example/", "xn--bcher-kva.example", 443),
            ("https://8.8.8.8/", "8.8.8.8", 443),
            ("https://[2606:4700::1111]/", "2606:4700::1111", 443),
        ],
    )
    def test_that_are_plain_are_taken_apart(self, url: str, host: str, port: int):
        found = target_of(url, STRICT)
        assert (found.scheme, found.host, found.port) == ("https", host, port)

    def test_without_encryption_are_taken_where_that_is_allowed(self):
        assert target_of("http://erp.example/", Reach(plain_http=True)).port == 80
        with pytest.raises(Unreachable, match="Port 8080"):
            target_of("http://erp.example:8080/", Reach(plain_http=True))
        assert target_of("http://erp.example:8080/", Reach(ports=None, plain_http=True)).port == 8080


class Plain(Secrets):
    """Secrets that are the seeds themselves."""

    def of(self, seed: bytes) -> bytes:
        return seed


class TestSecrets:
    def test_sign_as_the_specification_shows(self):
        secret = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
        sent_at = datetime.fromtimestamp(1_614_265_330, UTC)
        headers = Plain(b"").signed([secret], "msg_p5jXN8AQM9LWM0D4loKWxJek", sent_at, b'{"test": 2432232314}')
        assert headers == {
            "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
            "webhook-timestamp": "1614265330",
            "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
        }

    def test_are_others_for_other_seeds_and_installations(self):
        here, there = Secrets(b"a" * 32), Secrets(b"b" * 32)
        assert len({here.shown(b"1"), here.shown(b"2"), there.shown(b"1")}) == 3
        assert here.shown(b"1").startswith("whsec_")
        assert "b" * 3 not in repr(there)

    def test_sign_together_after_a_rotation(self):
        secrets, now = Secrets(b"a" * 32), datetime.now(UTC)
        headers = secrets.signed([b"new", b"old"], "msg_1", now, b"{}")
        for seed in (b"new", b"old"):
            assert Webhook(secrets.shown(seed)).verify(b"{}", headers) == {}


class TestDelays:
    def test_are_those_of_the_specification_and_then_end(self):
        waits = [delay_before(number, told=None, chance=0.5) for number in range(1, 12)]
        hours = [timedelta(hours=number) for number in (2, 5, 10, 14, 20, 24)]
        minutes = [timedelta(minutes=number) for number in (5, 30)]
        assert waits == [timedelta(0), timedelta(seconds=5), *minutes, *hours, None]

    @given(st.integers(2, len(RETRY_AFTER)), st.floats(0, 1))
    def test_are_spread_by_chance(self, attempt: int, chance: float):
        wait, planned = delay_before(attempt, told=None, chance=chance), RETRY_AFTER[attempt - 1]
        assert wait is not None
        assert abs(wait - planned) <= planned * 0.1 + timedelta(microseconds=1)

    def test_are_longer_where_the_receiver_asks_for_it_but_not_beyond_a_day(self):
        assert delay_before(2, told=timedelta(minutes=1), chance=0.5) == timedelta(minutes=1)
        assert delay_before(3, told=timedelta(minutes=1), chance=0.5) == timedelta(minutes=5)
        assert delay_before(2, told=timedelta(days=9), chance=0.5) == TOLD_WAIT_MAX

    @pytest.mark.parametrize(
        ("header", "seconds"),
        [
            ("120", 120),
            (" 0 ", 0),
            ("Mon, 23 Nov 2026 12:05:00 GMT", 300),
            ("Mon, 23 Nov 2026 11:00:00 GMT", 0),
            ("soon", None),
            ("-5", None),
            ("9" * 40, None),
            (None, None),
        ],
    )
    def test_are_read_as_seconds_or_as_a_date(self, header: str | None, seconds: int | None):
        wait = told_wait(header, NOW)
        assert wait == (None if seconds is None else timedelta(seconds=seconds))
