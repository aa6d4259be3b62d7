"""Log lines: no secret is among them, and each request has one."""

import asyncio
import json
import logging
import os
import select
import subprocess
import sys
from datetime import datetime

import pytest

from app.server import telemetry
from app.server.migrating import ROOT
from app.server.telemetry import RequestTelemetry, _beginning, hide_secrets, request_lines


@pytest.fixture
def told():
    """The JSON lines that requests have written so far, where lines of their gravity are wanted."""
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    root, before = logging.getLogger(), logging.getLogger().level
    root.setLevel(logging.INFO)
    request_lines.write_to(writing)

    def lines():
        request_lines.flush()
        return [json.loads(line) for line in os.read(reading, 10_000).splitlines()]

    yield lines
    request_lines.write_to(None)
    root.setLevel(before)
    os.close(reading)
    os.close(writing)


async def answer(path, *headers: tuple[bytes, bytes]):
    """Let an application that answers 204 be watched over one request; answers the headers that the client gets."""

    async def application(scope, receive, send):
        await send({"type": "http.response.start", "status": 204})

    async def nothing():
        raise AssertionError("the application reads nothing")

    sent = []

    async def send(message):
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": path, "headers": list(headers)}
    await RequestTelemetry(application, paths=frozenset({"/graphql", "/livez"}))(scope, nothing, send)
    return dict(sent[0]["headers"])


class TestRequestTelemetry:
    async def test_tells_each_request_in_one_line(self, told):
        headers = await answer("/graphql", (b"x-request-id", b"mine-1"))
        (line,) = told()
        assert headers == {b"x-request-id": b"mine-1"}
        assert datetime.fromisoformat(line.pop("timestamp")).tzname() == "UTC"
        assert line.pop("ms") >= 0
        assert line == {
            "method": "POST",
            "path": "/graphql",
            "status": 204,
            "event": "request",
            "request_id": "mine-1",
            "level": "info",
            "logger": "lading.http",
        }

    async def test_says_nothing_of_paths_that_machines_look_at(self, told):
        await answer("/livez")
        await answer("/made-up")
        assert [line["path"] for line in told()] == ["other"]

    async def test_gives_a_request_id_of_its_own_where_the_one_sent_is_none(self, told):
        headers = await answer("/graphql", (b"x-request-id", b'"\n'))
        (line,) = told()
        assert headers[b"x-request-id"].decode() == line["request_id"]
        assert len(line["request_id"]) == 22

    async def test_tells_of_an_endpoint_that_answers_straight(self, told):
        class Endpoint:
            async def answer(self, scope, receive, send, *headers: tuple[bytes, bytes]):
                await send({"type": "http.response.start", "status": 418, "headers": headers})
                return 418

        sent = []

        async def send(message):
            sent.append(message)

        async def nothing(*_: object):
            raise AssertionError("nobody else is asked")

        scope = {"type": "http", "method": "POST", "path": "/graphql", "headers": [(b"x-request-id", b"mine-2")]}
        telemetry = RequestTelemetry(nothing, paths=frozenset({"/graphql"}), straight=lambda _: Endpoint())
        await telemetry(scope, nothing, send)
        (line,) = told()
        assert (line["status"], line["request_id"]) == (418, "mine-2")
        assert sent[0]["headers"] == ((b"x-request-id", b"mine-2"),)


class TestRequestLines:
    async def test_are_left_out_where_only_graver_lines_are_wanted(self, told):
        logging.getLogger().setLevel(logging.WARNING)
        request_lines.write(method="GET", path="other", status=404, ms=1.0)
        logging.getLogger().setLevel(logging.INFO)
        request_lines.write(method="GET", path="other", status=404, ms=2.0)
        assert [line["ms"] for line in told()] == [2.0]

    async def test_of_paths_that_somebody_made_up_are_not_kept(self, told):
        kept = _beginning.cache_info().currsize
        request_lines.write(method="GET", path="/" + "a" * 5_000, status=404, ms=1.0)
        (line,) = told()
        assert line["path"] == "/" + "a" * 5_000
        assert _beginning.cache_info().currsize == kept

    async def test_that_cannot_be_written_are_lost(self, told):
        del told
        reading, writing = os.pipe()
        os.close(reading)
        request_lines.write_to(writing)
        request_lines.write(method="GET", path="other", status=404, ms=1.0)
        request_lines.flush()
        os.close(writing)

    async def test_are_written_soon_and_in_pieces_that_no_other_writer_can_break(self, monkeypatch):
        pieces = []
        monkeypatch.setattr(telemetry, "LINES_WAIT_SECONDS", 0.01)
        monkeypatch.setattr(logging.getLogger(), "level", logging.INFO)
        monkeypatch.setattr(os, "write", lambda _, piece: pieces.append(piece))
        lines = telemetry.RequestLines()
        lines.write_to(1)
        for number in range(100):
            lines.write(method="GET", path="other", status=404, ms=number)
        assert 0 < sum(piece.count(b"\n") for piece in pieces) < 100
        async with asyncio.timeout(10):
            while sum(piece.count(b"\n") for piece in pieces) < 100:
                await asyncio.sleep(0.01)
        assert max(map(len, pieces)) <= select.PIPE_BUF
        assert [json.loads(line)["ms"] for line in b"".join(pieces).splitlines()] == list(range(100))


FAULT = """
import structlog
from app.server.settings import LogFormat, LogLevel
from app.server.telemetry import start_logging

start_logging(LogLevel.INFO, LogFormat.{form})
token = "that opens" + " a cart"
try:
    raise KeyError("broken")
except KeyError:
    structlog.get_logger("tests").exception("fault")
"""


class TestFaults:
    @pytest.mark.parametrize("form", ["JSON", "CONSOLE"])
    def test_are_told_without_the_variables_of_the_code(self, form):
        command = [sys.executable, "-c", FAULT.format(form=form)]
        told = subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stderr.decode()
        assert "KeyError: 'broken'" in told
        assert "that opens a cart" not in told
        assert len(told.splitlines()) < 10


class TestHideSecrets:
    def test_leaves_out_what_is_named_like_a_secret(self):
        line = {
            "event": "x",
            "Authorization": "Bearer 1",
            "input": {"apiKey": "k", "lines": [{"password": "p", "sku": "s"}]},
        }
        assert hide_secrets(None, "info", line) == {
            "event": "x",
            "Authorization": "[hidden]",
            "input": {"apiKey": "[hidden]", "lines": [{"password": "[hidden]", "sku": "s"}]},
        }
