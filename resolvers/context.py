"""What every resolver is told of the request it answers: what was asked, and by whom."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from app.kernel.principal import ANONYMOUS, Principal
from resolvers.reading.documents import Operation


@dataclass(frozen=True)
class GraphQLRequest:
    """One request as it came: a document, the operation to run of it, and values for its variables."""

    document: str
    variables: Mapping[str, Any] = field(default_factory=dict)
    operation_name: str | None = None


@dataclass(frozen=True)
class GraphQLResponse:
    """One answer as it goes: JSON, and whether anything was executed, which HTTP shows in its status."""

    body: bytes
    executed: bool


@dataclass(frozen=True)
class Context:
    """One operation under way and its caller."""

    operation: Operation
    principal: Principal = ANONYMOUS
