"""Access in the graph: users, API keys and signing in."""

from __future__ import annotations

from datetime import datetime

from app.access import commands, events, measures, tables
from app.kernel.principal import Role
from schema import parties
from schema.language import Connection, command, listing, lookup, measure, node, one, one_of, subject, untold


@node(tables.User, visibility=measures.user_visibility, sorts=("email", "name", "disabled_at", "created_at"))
class User:
    """A person who signs in."""

    email: str
    name: str
    roles: list[Role] = measure(measures.roles, filterable=True)
    disabled_at: datetime | None
    customer: parties.Customer | None = one(tables.User.customer_id)
    supplier: parties.Supplier | None = one(tables.User.supplier_id)
    carrier: parties.Carrier | None = one(tables.User.carrier_id)
    acts_for: parties.Party | None = one_of(
        tables.User.customer_id, tables.User.supplier_id, tables.User.carrier_id, doc="The party that it acts for."
    )


@node(
    tables.ApiKey,
    visibility=measures.api_key_visibility,
    sorts=("name", "created_at", "expires_at", "revoked_at", "last_used_at"),
)
class ApiKey:
    """A key by which a partner's program calls us. Its secret is told once, when the key is made."""

    name: str
    prefix: str
    roles: list[Role] = measure(measures.roles, filterable=True)
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None
    works: bool = measure(measures.works, filterable=True)
    customer: parties.Customer | None = one(tables.ApiKey.customer_id)
    supplier: parties.Supplier | None = one(tables.ApiKey.supplier_id)
    carrier: parties.Carrier | None = one(tables.ApiKey.carrier_id)
    acts_for: parties.Party | None = one_of(
        tables.ApiKey.customer_id,
        tables.ApiKey.supplier_id,
        tables.ApiKey.carrier_id,
        doc="The party that it acts for.",
    )


class AccessQueries:
    """What may be asked of access."""

    user: User | None = lookup(tables.User.email)
    users: Connection[User] = listing(User, "Users that you may see: yourself, and all of them as an administrator.")
    api_key: ApiKey | None = lookup(tables.ApiKey.prefix)
    api_keys: Connection[ApiKey] = listing(ApiKey, "API keys, for administrators.")


class AccessMutations:
    """What may be done with access."""

    sign_in = command(commands.sign_in, returns=User, keyed=False)
    token_refresh = command(commands.refresh_token, returns=User)
    user_create = command(commands.create_user, returns=User)
    user_grant = command(commands.grant_user, returns=User)
    user_disable = command(commands.disable_user, returns=User)
    api_key_create = command(commands.create_api_key, returns=ApiKey)
    api_key_revoke = command(commands.revoke_api_key, returns=ApiKey)


class AccessEvents:
    """What the feed tells of access."""

    users = subject((events.UserCreated, events.UserGranted, events.UserDisabled), shows=User, key="user_id")
    api_keys = subject((events.ApiKeyCreated, events.ApiKeyRevoked), shows=ApiKey, key="api_key_id")
    sessions = untold(
        events.UserSignedIn,
        events.TokenRefreshed,
        events.TokenFamilyRevoked,
        because="a session is no object of the graph, and when somebody is at work is nobody's business",
    )
