"""Spellings of headers: those that clients use are read once, and those that somebody makes up are not kept."""

from datetime import timedelta

import pytest

from app.access.questions import HEADER_LENGTH_MAX, Caller, Callers
from app.kernel import clock
from app.kernel.principal import Principal
from app.server.http_requests import (
    GRAPHQL_JSON,
    SPELLING_LENGTH_MAX,
    Headers,
    HttpRefusal,
    _accepted,
    _check_content,
    _check_media_type,
    accepted,
)


class TestSpellings:
    def test_of_what_is_accepted_are_kept_unless_they_are_long(self):
        kept = _accepted.cache_info().currsize
        made_up = GRAPHQL_JSON.encode() + b";x=" + b"a" * SPELLING_LENGTH_MAX
        assert accepted(Headers({b"accept": made_up})) == GRAPHQL_JSON
        assert _accepted.cache_info().currsize == kept
        assert accepted(Headers({b"accept": GRAPHQL_JSON.encode() + b";x=kept"})) == GRAPHQL_JSON
        assert _accepted.cache_info().currsize == min(kept + 1, 256)

    def test_of_what_is_sent_are_kept_unless_they_are_long(self):
        kept = _check_media_type.cache_info().currsize
        _check_content(Headers({b"content-type": b"application/json;x=" + b"a" * SPELLING_LENGTH_MAX}), 1_000)
        with pytest.raises(HttpRefusal):
            _check_content(Headers({b"content-type": b"text/plain;x=" + b"a" * SPELLING_LENGTH_MAX}), 1_000)
        assert _check_media_type.cache_info().currsize == kept

    def test_of_a_credential_are_kept_unless_they_are_padded(self):
        callers, caller = Callers(), Caller(Principal(user_id=1), b"1", None, clock.now())
        until = clock.now() + timedelta(hours=1)
        for header in ("Bearer token", "Bearer" + " " * HEADER_LENGTH_MAX + "token"):
            assert callers.prove(header, caller, until) is caller.principal
            assert (callers.proven(header) is None) is (len(header) > HEADER_LENGTH_MAX)
