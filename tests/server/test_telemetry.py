"""Log lines: no secret is among them."""

from app.server.telemetry import hide_secrets


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
