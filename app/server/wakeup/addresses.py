"""Addresses of a Redis, as people write them."""

from __future__ import annotations

from urllib.parse import urlsplit, urlunsplit


def redis_address(url: str) -> str:
    """`url` as the Redis client wants it: `valkey://` is `redis://`, and `valkey+unix://` a socket."""
    parts = urlsplit(url)
    schemes = {
        "valkey": "redis",
        "valkeys": "rediss",
        "redis+unix": "unix",
        "valkey+unix": "unix",
        "redis+socket": "unix",
    }
    scheme = schemes.get(parts.scheme, parts.scheme)
    if scheme not in ("redis", "rediss", "unix"):
        raise ValueError(f"{parts.scheme}:// is no address of a Redis: write redis://, rediss://, unix:// or memory://")
    return urlunsplit((scheme, *parts[1:])) if scheme != "unix" else f"unix://{url.partition('://')[2]}"
