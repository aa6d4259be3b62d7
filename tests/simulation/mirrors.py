"""Mirrors: all that one caller may see, read once and kept by following the feed alone."""

from __future__ import annotations

from typing import Any

from app.kernel.event_log import decode_cursor
from app.kernel.principal import STAFF, Principal, Role
from schema.answers import Listing, Many, One, References, Scalar, Value
from schema.feed import type_name
from schema.names import camel
from schema.nodes import NodeType
from schema.root import GRAPH
from tests.following.processes import Process, Reader, eventually

PARTS = GRAPH.subjects.parts
TYPES = sorted({told.node for told in GRAPH.subjects.told.values() if told.node})
LISTINGS = {root.node: name for name, root in GRAPH.queries.items() if isinstance(root.answer, Listing)}
DERIVED = {("Product", "available"), ("ApiKey", "works"), ("ApiKey", "lastUsedAt")}
"""What is worked out of other objects, of the clock, or noted without being a change."""
TURNING = {"Product", "Location"}
"""What may be hidden and shown again: others' references to it are null meanwhile, and no event of theirs tells so."""
PARTS_MAX, PAGE, PAGE_OF_WHOLES = 20, 100, 8

Objects = dict[str, dict[str, Any]]


class Mirror:
    """What one caller may see, by types and ids."""

    def __init__(self, process: Process, principal: Principal) -> None:
        """Mirror what `principal` sees through `process`."""
        self.process = process
        self.principal = principal
        self.objects: Objects = {}
        self.readers: list[Reader] = []
        self.gone = 0
        self.refetched = 0

    async def begin(self) -> None:
        """Read everything, and follow on from where that began."""
        cursor = (await self.process.ask("{ eventCursor }"))["eventCursor"]
        self.objects = {name: await self.fresh(name) for name in TYPES}
        for name in self.seen:
            document = f"""subscription ($after: String) {{ eventLog(after: $after, subjects: [{type_name(name)}]) {{
              cursor subjectId subjectType refetch
              subject {{ __typename id ... on {name} {{ {self.selection(name)} }} }} }} }}"""
            self.readers.append(await self.process.follow(document, self.principal, after=cursor))

    @property
    def seen(self) -> list[str]:
        """The types of which the caller may see any object."""
        return [name for name in TYPES if self.principal.roles & set(GRAPH.nodes[name].visibility.rules)]

    async def catch_up(self, position: int) -> None:
        """Apply all that happened up to a position, in the order in which it happened."""
        await eventually(lambda: all(reader.error or settled(reader) >= position for reader in self.readers), 60)
        assert [reader.error for reader in self.readers if reader.error] == []
        events = [event for reader in self.readers for event in reader.read]
        for event in sorted(events, key=lambda event: place(event["cursor"])):
            await self.apply(event)
        for reader in self.readers:
            reader.read.clear()

    async def close(self) -> None:
        """Follow no longer."""
        for reader in self.readers:
            await reader.close()

    async def apply(self, event: dict[str, Any]) -> None:
        """Keep what an event shows, drop what is gone, and read anew what it says."""
        for name in TYPES:
            if type_name(name) in event["refetch"]:
                self.refetched += 1
                self.objects[name] = await self.fresh(name)
        subject, key = event["subject"], event["subjectId"]
        if subject is not None:
            self.objects[subject.pop("__typename")][key] = subject
        elif key is not None:
            self.gone += 1
            (name,) = (name for name in TYPES if type_name(name) == event["subjectType"])
            self.objects[name].pop(key, None)

    async def fresh(self, name: str) -> dict[str, Any]:
        """Everything of a type, as a reading has it now."""
        found: dict[str, Any] = {}
        if name not in self.seen:
            return found
        size = PAGE_OF_WHOLES if any(name in owners for owners in PARTS.values()) else PAGE
        document = f"""query ($after: String) {{ it: {LISTINGS[name]}(first: {size}, after: $after) {{
          pageInfo {{ endCursor hasNextPage }} nodes {{ id {self.selection(name)} }} }} }}"""
        after = None
        while True:
            page = (await self.process.ask(document, self.principal, after=after))["it"]
            found |= {node["id"]: node for node in page["nodes"]}
            if not page["pageInfo"]["hasNextPage"]:
                return found
            after = page["pageInfo"]["endCursor"]

    def selection(self, name: str) -> str:
        """All that objects of a type tell the caller of themselves and their parts."""
        return " ".join(self._field(GRAPH.nodes[name], field) for field in GRAPH.nodes[name].fields)

    def _field(self, node: NodeType, name: str) -> str:
        """One field as it is selected; nothing where it is told by other objects' events, or not to the caller."""
        field = node.fields[name]
        allowed = field.answer.roles is None or bool(field.answer.roles & self.principal.roles)
        if not allowed or (node.name, name) in DERIVED:
            return ""
        match field.answer:
            case Scalar():
                return name
            case Value(parts=parts):
                return f"{name} {{ {' '.join(camel(part) for part in parts)} }}"
            case References():
                return f"{name} {{ source value }}"
            case One() if self.principal.roles & STAFF or field.target not in TURNING:
                return f"{name} {{ id }}"
            case Many() if node.name in PARTS or node.name in PARTS.get(str(field.target), ()):
                return f"{name}(first: {PARTS_MAX}) {{ nodes {{ id {self.selection(str(field.target))} }} }}"
        return ""


def place(cursor: str) -> int:
    """Where a cursor stands."""
    found = decode_cursor(cursor)
    return found.position if found else 0


def settled(reader: Reader) -> int:
    """Up to where a reader has read all."""
    return place(reader.stream.idle_cursor or "")


def callers(customer: int, carrier: int, supplier: int) -> dict[str, Principal]:
    """One caller of each kind."""
    return {
        "staff": Principal(roles=STAFF, name="staff"),
        "customer": Principal(roles=frozenset({Role.CUSTOMER}), customer_id=customer),
        "carrier": Principal(roles=frozenset({Role.CARRIER}), carrier_id=carrier),
        "supplier": Principal(roles=frozenset({Role.SUPPLIER}), supplier_id=supplier),
        "stranger": Principal(),
    }
