"""The rules of the parties: how carrier codes and tracking pages are written."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

TRACKING_NUMBER = "{tracking_number}"
SCAC = re.compile(r"[A-Z]{2,4}")


def is_scac(text: str) -> bool:
    """Whether `text` is written like a Standard Carrier Alpha Code: two to four capital letters."""
    return SCAC.fullmatch(text) is not None


def is_tracking_url_template(text: str) -> bool:
    """Whether `text` is the address of a web page with a place for the tracking number."""
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname) and TRACKING_NUMBER in text
