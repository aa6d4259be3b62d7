"""What is done with access: people sign in, users are added and disabled, keys are made and revoked."""

from app.access.commands.api_keys import (
    CreateApiKey,
    NewApiKey,
    RevokeApiKey,
    UnknownApiKey,
    create_api_key,
    note_api_key_use,
    revoke_api_key,
)
from app.access.commands.granting import MissingParty, RoleNotGrantable, UnknownParty
from app.access.commands.passwords import TooManySignIns
from app.access.commands.sessions import (
    InvalidRefreshToken,
    RefreshToken,
    RefreshTokenReused,
    SignedIn,
    SignIn,
    WrongCredentials,
    refresh_token,
    sign_in,
)
from app.access.commands.users import (
    CreateUser,
    DisableUser,
    EmailTaken,
    FirstAdmin,
    InvalidEmail,
    LastAdmin,
    UnknownUser,
    create_user,
    disable_user,
    ensure_first_admin,
)

__all__ = [
    "CreateApiKey",
    "CreateUser",
    "DisableUser",
    "EmailTaken",
    "FirstAdmin",
    "InvalidEmail",
    "InvalidRefreshToken",
    "LastAdmin",
    "MissingParty",
    "NewApiKey",
    "RefreshToken",
    "RefreshTokenReused",
    "RevokeApiKey",
    "RoleNotGrantable",
    "SignIn",
    "SignedIn",
    "TooManySignIns",
    "UnknownApiKey",
    "UnknownParty",
    "UnknownUser",
    "WrongCredentials",
    "create_api_key",
    "create_user",
    "disable_user",
    "ensure_first_admin",
    "note_api_key_use",
    "refresh_token",
    "revoke_api_key",
    "sign_in",
]
