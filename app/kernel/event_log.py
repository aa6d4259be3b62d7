"""The log of events by position: what a reader gets of it, and the cursors that say where a reader stands.

A cursor is the log's epoch and a position. One that was read beside data (`eventCursor`) also keeps the snapshot in
which the data was read, so that going on from it skips exactly the events whose effects the data already shows.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, Self

from app.kernel.identity import encode_id

POSITIONS_CHANNEL = "positions"
"""Where the relay tells positions: `epoch`, the `last` position, and of each new event its position, name and keys as
one of `events`, and its facts, actor, time and transaction as one of `details`, which may be left out altogether."""
ACTORS = {"ApiKey": "api_key_id", "User": "user_id"}
"""Who does things by a credential of its own, by the types of the graph, with what events call its key."""
CURSOR_LENGTH_MAX = 16_384
"""A cursor names the transactions that were under way: some hundreds on a busy server, each of up to 20 digits."""
POSITION_MAX = 2**63 - 1
CURSOR_FORM = re.compile(r"([A-Za-z0-9_-]{1,64}):(\d{1,19})(?::(\d{1,20}):(\d{1,20}):((?:\d{1,20}(?:,\d{1,20})*)?))?")
EVENT_CURSOR_SQL = (
    "coalesce((SELECT translate(encode(convert_to(log.epoch || ':' || log.last_position || ':' ||"
    " pg_current_snapshot(), 'UTF8'), 'base64'), E'\\n', '') FROM outbox_log AS log WHERE log.id = 1), 'bm9uZTow')"
)
"""The value of `eventCursor`, as an expression inside the statement that reads the data beside it, on the primary.

Before the first relay has run there is no log; the cursor is then one that will have expired once there is.
"""


@dataclass(frozen=True)
class Snapshot:
    """Which transactions a statement saw: those below `xmax` that were not `in_progress`."""

    xmin: int
    xmax: int
    in_progress: frozenset[int] = frozenset()

    @cached_property
    def text(self) -> str:
        """The snapshot as PostgreSQL writes it; each cursor that goes on from it has it."""
        return f"{self.xmin}:{self.xmax}:{','.join(str(each) for each in sorted(self.in_progress))}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """The snapshot that PostgreSQL writes as `xmin:xmax:xip,xip…`."""
        xmin, xmax, in_progress = text.split(":")
        return cls(int(xmin), int(xmax), frozenset(int(each) for each in in_progress.split(",") if each))

    def __str__(self) -> str:
        """The snapshot as PostgreSQL writes it."""
        return self.text

    def saw(self, transaction_id: int) -> bool:
        """Whether the effects of the transaction were there to be read."""
        return transaction_id < self.xmin or (transaction_id < self.xmax and transaction_id not in self.in_progress)


@dataclass(frozen=True)
class Cursor:
    """Where a reader of the log stands: after `position`, and after everything that `snapshot` saw, if there is one."""

    epoch: str
    position: int
    snapshot: Snapshot | None = None

    def encode(self) -> str:
        """The cursor as opaque text."""
        snapshot = f":{self.snapshot}" if self.snapshot else ""
        return base64.b64encode(f"{self.epoch}:{self.position}{snapshot}".encode()).decode()


def decode_cursor(text: str) -> Cursor | None:
    """The cursor that `text` stands for, or None where it is none of ours."""
    if len(text) > CURSOR_LENGTH_MAX:
        return None
    try:
        form = CURSOR_FORM.fullmatch(base64.b64decode(text, validate=True).decode("ascii"))
    except (binascii.Error, ValueError):
        return None
    if form is None or int(form[2]) > POSITION_MAX:
        return None
    snapshot = None if form[3] is None else Snapshot.parse(f"{form[3]}:{form[4]}:{form[5]}")
    return Cursor(form[1], int(form[2]), snapshot)


@dataclass(frozen=True, slots=True)
class LoggedEvent:
    """One event of the log with all that it tells."""

    position: int
    name: str
    keys: dict[str, Any]
    facts: dict[str, Any]
    actor: dict[str, Any]
    occurred_at: datetime
    transaction_id: int

    @property
    def actor_id(self) -> str | None:
        """The global id of the user or API key that did it; None where it was a stranger or the system itself."""
        found = ((node, self.actor.get(key)) for node, key in ACTORS.items())
        return next((encode_id(node, key) for node, key in found if key is not None), None)


@dataclass(frozen=True, slots=True)
class LogState:
    """Where the log stands: its epoch, the last position given, and the last one that is no longer kept."""

    epoch: str
    last_position: int
    pruned_position: int
