"""Calling the outside: only addresses that were checked are connected with, and none may take more than its share."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address, ip_address, ip_network
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from app.gateways.outside import Outside, Resolve, resolved
from app.kernel.limits import DEFAULTS, Limits
from app.webhooks.ports import CallFailed
from app.webhooks.rules import Address, Reach
from tests.webhooks.conftest import LOOPBACK, Receiver, receiving

HOST = "erp.example"
HEADERS = {"webhook-id": "msg_1"}


@asynccontextmanager
async def outside(
    reach: Reach = LOOPBACK,
    limits: Limits = DEFAULTS,
    *,
    resolve: Resolve = resolved,
    trusted: ssl.SSLContext | None = None,
) -> AsyncIterator[Outside]:
    """A caller of the outside within the block."""
    made = Outside(reach, limits, resolve=resolve, trusted=trusted)
    try:
        yield made
    finally:
        await made.close()


def leading(*answers: Sequence[str]) -> tuple[Resolve, list[str]]:
    """A way to look names up that answers each time otherwise, the last answer for ever; and the names it was asked."""
    asked: list[str] = []

    async def resolve(host: str, _: int) -> list[Address]:
        asked.append(host)
        return [ip_address(text) for text in answers[min(len(asked), len(answers)) - 1]]

    return resolve, asked


class TestNames:
    async def test_are_looked_up_once_for_a_connection_which_goes_to_what_was_checked(self, receiver: Receiver):
        resolve, asked = leading(["127.0.0.1"], ["127.0.0.9"])
        only = Reach((ip_network("127.0.0.1/32"),), None, plain_http=True)
        async with outside(only, resolve=resolve) as calling:
            url = f"http://{HOST}:{receiver.port}/"
            assert (await calling.post(url, HEADERS, b"{}")).status == 204
        assert asked == [HOST]
        assert receiver.received[0].headers["host"] == f"{HOST}:{receiver.port}"

    async def test_that_lead_elsewhere_by_the_next_connection_are_refused_then(self, receiver: Receiver):
        resolve, asked = leading(["127.0.0.1"], ["169.254.169.254"])
        receiver.script = lambda _: (204, {"Connection": "close"})
        async with outside(resolve=resolve) as calling:
            url = f"http://{HOST}:{receiver.port}/"
            await calling.post(url, HEADERS, b"{}")
            with pytest.raises(CallFailed, match="not public"):
                await calling.post(url, HEADERS, b"{}")
        assert asked == [HOST, HOST]
        assert len(receiver.received) == 1

    @pytest.mark.parametrize(
        "leads_to", [["127.0.0.1"], ["8.8.8.8", "127.0.0.1"], ["::1"], ["::ffff:127.0.0.1"], ["64:ff9b::7f00:1"], []]
    )
    async def test_that_lead_into_our_own_network_are_not_called(self, receiver: Receiver, leads_to: list[str]):
        resolve, _ = leading(leads_to)
        strict = Reach((), None, plain_http=True)
        async with outside(strict, resolve=resolve) as calling:
            with pytest.raises(CallFailed, match=r"not public|leads nowhere"):
                await calling.post(f"http://{HOST}:{receiver.port}/", HEADERS, b"{}")
        assert receiver.received == []

    @pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "2130706433", "127.1", "localhost"])
    async def test_that_mean_this_machine_are_not_called_in_any_spelling(self, receiver: Receiver, host: str):
        async with outside(Reach((), None, plain_http=True)) as calling:
            with pytest.raises(CallFailed):
                await calling.post(f"http://{host}:{receiver.port}/", HEADERS, b"{}")
        assert receiver.received == []

    async def test_that_are_not_known_fail_in_plain_words(self):
        async with outside(Reach()) as calling:
            with pytest.raises(CallFailed, match="name is not known"):
                await calling.post("https://erp.invalid/", HEADERS, b"{}")

    async def test_with_one_address_that_does_not_answer_are_tried_at_the_next(self, receiver: Receiver):
        resolve, _ = leading(["127.0.0.2", "127.0.0.1"])
        async with outside(resolve=resolve) as calling:
            assert (await calling.post(f"http://{HOST}:{receiver.port}/", HEADERS, b"{}")).status == 204


class TestReceivers:
    async def test_that_redirect_are_not_followed_and_proxies_not_asked(
        self, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
    ):
        async with receiving() as other, outside() as calling:
            for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
                monkeypatch.setenv(name, f"http://127.0.0.1:{other.port}")
            receiver.script = lambda _: (302, {"Location": other.url})
            assert (await calling.post(receiver.url, HEADERS, b"{}")).status == 302
            assert other.received == []
        assert receiver.paths == ["/hook?token=hidden"]

    async def test_that_hang_are_given_up(self, receiver: Receiver):
        receiver.script = lambda _: None
        async with outside(limits=Limits(webhook_send_ms_max=200)) as calling:
            with pytest.raises(CallFailed, match="No answer within 200 ms"):
                await calling.post(receiver.url, HEADERS, b"{}")

    async def test_that_answer_without_end_are_read_no_further_than_the_bound(self):
        sent = 0

        async def flood(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            nonlocal sent
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            try:
                while True:
                    writer.write(b"10000\r\n" + b"x" * 0x10000 + b"\r\n")
                    await writer.drain()
                    sent += 1
            except ConnectionError:
                writer.close()

        server = await asyncio.start_server(flood, "127.0.0.1", 0)
        async with server, outside() as calling:
            port = server.sockets[0].getsockname()[1]
            assert (await calling.post(f"http://127.0.0.1:{port}/", HEADERS, b"{}")).status == 200
            await asyncio.sleep(0.1)
            seen = sent
            await asyncio.sleep(0.1)
            assert sent == seen

    async def test_that_speak_no_http_or_nothing_at_all_fail_in_plain_words(self):
        async def babble(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(b"220 mail.example ESMTP\r\n")
            await writer.drain()
            writer.close()

        server = await asyncio.start_server(babble, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        async with outside() as calling:
            async with server:
                with pytest.raises(CallFailed, match=r"no HTTP|broke off"):
                    await calling.post(f"http://127.0.0.1:{port}/", HEADERS, b"{}")
            with pytest.raises(CallFailed, match="refused the connection"):
                await calling.post(f"http://127.0.0.1:{port}/", HEADERS, b"{}")


def certified(folder: Path, host: str) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """What a server proves itself by as `host`, and what trusts exactly that."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, host)])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = (
        builder.serial_number(1).not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
    )
    builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
    signed = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    certificate = signed.sign(key, hashes.SHA256())
    kept = folder / "server.pem"
    plain = serialization.NoEncryption()
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    kept.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(kept)
    return serving, ssl.create_default_context(cadata=certificate.public_bytes(serialization.Encoding.PEM).decode())


class TestCertificates:
    async def test_are_asked_for_by_name_though_the_connection_goes_to_an_address(self, tmp_path: Path):
        serving, trusted = certified(tmp_path, HOST)
        named: list[str | None] = []
        serving.sni_callback = lambda _, name, __: named.append(name)
        receiver = Receiver()
        server = await asyncio.start_server(receiver.serve, "127.0.0.1", 0, ssl=serving)
        port = server.sockets[0].getsockname()[1]
        resolve, _ = leading([str(IPv4Address("127.0.0.1"))])
        async with server, outside(resolve=resolve, trusted=trusted) as calling:
            assert (await calling.post(f"https://{HOST}:{port}/", HEADERS, b"{}")).status == 204
            with pytest.raises(CallFailed, match="certificate is not good"):
                await calling.post(f"https://other.example:{port}/", HEADERS, b"{}")
        async with outside(resolve=resolve) as strange:
            assert named == [HOST, "other.example"]
            with pytest.raises(CallFailed, match=r"refused|certificate is not good"):
                await strange.post(f"https://{HOST}:{port}/", HEADERS, b"{}")
