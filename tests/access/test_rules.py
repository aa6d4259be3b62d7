"""Access tokens, passwords and roles."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import jwt
import pytest

from app.access import rules
from app.kernel.principal import Role

KEY = b"a signing key of thirty-two bytes"
NOW = datetime(2026, 11, 22, 18, tzinfo=UTC)
CLAIMS = rules.AccessClaims(7, 3)


class TestAccessTokens:
    def test_tell_what_was_signed_until_they_expire(self):
        tokens = rules.AccessTokens(KEY)
        token = tokens.signed(CLAIMS, NOW)
        assert tokens.claims(token, NOW) == CLAIMS
        assert tokens.claims(token, NOW + timedelta(minutes=14, seconds=59)) == CLAIMS
        assert tokens.claims(token, NOW + timedelta(minutes=15)) is None

    def test_of_another_key_issuer_audience_or_algorithm_say_nothing(self):
        tokens = rules.AccessTokens(KEY)
        told = {"iss": "lading", "aud": "lading", "sub": "7", "ver": 3, "exp": NOW.timestamp() + 60}
        assert tokens.claims(jwt.encode(told, KEY, "HS256"), NOW) == CLAIMS
        wrong = [
            jwt.encode(told, KEY[::-1], "HS256"),
            jwt.encode(told, KEY * 2, "HS512"),
            jwt.encode(told, "", "none"),
            *(jwt.encode({**told, name: "x"}, KEY, "HS256") for name in ("iss", "aud", "sub", "ver", "exp")),
            *(
                jwt.encode({key: value for key, value in told.items() if key != name}, KEY, "HS256")
                for name in ("iss", "aud", "sub", "ver", "exp")
            ),
            jwt.encode({**told, "exp": 1e300}, KEY, "HS256"),
        ]
        assert [tokens.claims(token, NOW) for token in wrong] == [None] * len(wrong)

    @pytest.mark.parametrize("text", ["", ".", "..", "a.b.c", "é.é.é", "e30.e30.e30", "\x00", "eyJ" * 1000])
    def test_that_are_no_tokens_say_nothing(self, text: str):
        assert rules.AccessTokens(KEY).claims(text, NOW) is None

    def test_want_a_long_key_and_do_not_print_it(self):
        with pytest.raises(ValueError, match="at least 32 bytes"):
            rules.AccessTokens(b"short")
        assert "thirty" not in repr(rules.AccessTokens(KEY))


class TestPasswords:
    def test_are_hashed_by_argon2id_and_recognised(self):
        kept = rules.hashed_password("a password")
        assert kept.startswith("$argon2id$")
        assert rules.is_password("a password", kept)
        assert not rules.is_password("another one", kept)
        assert not rules.is_password("a password", "no hash at all")


class TestRoles:
    def test_are_granted_by_those_who_hold_them_and_by_administrators(self):
        assert rules.may_grant(frozenset({Role.ADMIN}), [Role.CARRIER])
        assert rules.may_grant(frozenset({Role.OPERATOR}), [Role.OPERATOR])
        assert not rules.may_grant(frozenset({Role.OPERATOR}), [Role.OPERATOR, Role.ADMIN])

    def test_of_a_party_need_the_party(self):
        assert rules.missing_party([Role.CUSTOMER], customer_id=None) == "customer_id"
        assert rules.missing_party([Role.CUSTOMER, Role.ADMIN], customer_id=1) is None
