"""Delivering: what a subscription would tell is sent, signed, each event once and in order."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

import orjson
import pytest
from standardwebhooks import Webhook

from tests.architecture.sources import ROOT
from tests.webhooks.conftest import Office, Receiver


class TestDelivery:
    async def test_tells_an_event_as_the_subscription_selects_it_and_signs_it(self, office: Office, receiver: Receiver):
        endpoint, secret = await office.endpoint(receiver.url)
        await office.shelf.change()
        await office.work()
        (message,) = receiver.received
        told = Webhook(secret).verify(message.body, message.headers)
        assert told["type"] == "inventory.stock_level_changed"
        assert told["data"]["stockLevelChanged"] == {
            "cursor": told["cursor"],
            "availableAfter": 101,
            "stockLevel": {"available": 101},
        }
        assert await office.log(endpoint) == [("DELIVERED", [(204, None)])]


CHECKS = {
    "python": (sys.executable, "tests/clients/webhook_receiver.py"),
    "node": (shutil.which("node") or "node", "tests/clients/webhook.mjs"),
}


class TestReceivers:
    @pytest.mark.parametrize("language", CHECKS)
    async def test_check_a_message_as_the_readme_shows(self, office: Office, receiver: Receiver, language: str):
        if shutil.which(CHECKS[language][0]) is None:
            pytest.skip(f"there is no {language} here")
        _, secret = await office.endpoint(receiver.url)
        await office.shelf.change()
        await office.work()
        (message,) = receiver.received
        told: dict[str, Any] = {"secret": secret, "headers": message.headers, "body": message.body.decode()}
        forged = {**told, "body": told["body"].replace("101", "102")}
        old = {**told, "headers": {**message.headers, "webhook-timestamp": "1614265330"}}
        assert checked(language, told)
        assert not checked(language, forged)
        assert not checked(language, old)


def checked(language: str, told: Mapping[str, Any]) -> bool:
    """Whether a receiver written in a language takes a message."""
    done = subprocess.run(CHECKS[language], input=orjson.dumps(told), cwd=ROOT, capture_output=True, check=False)
    return done.returncode == 0 and done.stdout.strip() in {b"true", b"inventory.stock_level_changed"}
