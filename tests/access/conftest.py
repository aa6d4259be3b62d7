"""Access has a signing key and remembers nobody from the test before."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from app.access.questions import callers, signing


@pytest.fixture(autouse=True)
def _signing() -> Iterator[None]:
    """Sign with a key of the test's, and forget every caller."""
    signing.use_key(b"a signing key of thirty-two bytes")
    callers.forget()
    yield
    callers.forget()
