"""Log lines: no secret is among them, and each request has one."""

import json
import logging
import os
from datetime import datetime

import pytest

from app.server.telemetry import RequestTelemetry, hide_secrets, request_lines


@pytest.fixture
def told():
    """The JSON lines that requests have written so far, where lines of their gravity are wanted."""
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    root, before = logging.getLogger(), logging.getLogger().level
    root.setLevel(logging.INFO)
    request_lines.write_to(writing)
    yield lambda: [json.loads(line) for line in os.read(reading, 10_000).splitlines()]
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


class TestRequestLines:
    def test_are_left_out_where_only_graver_lines_are_wanted(self, told):
        logging.getLogger().setLevel(logging.WARNING)
        request_lines.write(method="GET", path="other", status=404, ms=1.0)
        logging.getLogger().setLevel(logging.INFO)
        request_lines.write(method="GET", path="other", status=404, ms=2.0)
        assert [line["ms"] for line in told()] == [2.0]


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
