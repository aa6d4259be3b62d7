"""Checks a message as the receiver of a webhook does: its secret, headers and body come on the input."""

import json
import sys

from standardwebhooks import Webhook

told = json.load(sys.stdin)
secret, headers, body = told["secret"], told["headers"], told["body"]
message = Webhook(secret).verify(body, headers)  # raises where it is forged, or older than five minutes
sys.stdout.write(message["type"])
