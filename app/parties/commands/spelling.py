"""What every party's request is held to: e-mail addresses and countries that are written as such."""

from __future__ import annotations

from app.kernel.address import Address, is_country_code, is_email
from app.kernel.limits import Length
from app.kernel.refusal import InvalidInput, Refusal

EMAIL = Length(3, 254)
PHONE = Length(3, 40)


class InvalidEmail(Refusal):
    """This is not written like an e-mail address."""


def require_email(email: str | None) -> None:
    """Refuse an e-mail address that cannot be one."""
    if email is not None and not is_email(email):
        raise InvalidEmail(field="email")


def require_country(address: Address | None) -> None:
    """Refuse an address whose country is not written as a code."""
    if address and address.country_code and not is_country_code(address.country_code):
        raise InvalidInput("A country code is two capital letters, such as BR.", field="address.country_code")
