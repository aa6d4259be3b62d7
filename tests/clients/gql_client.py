"""Python's `gql`: a snapshot, and what changes after it, through every cut."""

from __future__ import annotations

import asyncio
import json
import os
from typing import Any

from gql import Client, GraphQLRequest
from gql.transport.exceptions import TransportError
from gql.transport.websockets import WebsocketsTransport

URL, TOKEN = os.environ["LADING_URL"].replace("http", "ws"), os.environ["LADING_TOKEN"]
SNAPSHOT = "query { stockLevels { nodes { id available } } eventCursor }"
CHANGES = """subscription ($after: String) {
  stockLevelChanged(after: $after) { cursor availableAfter stockLevel { id } }
}"""


def show(told: Any) -> None:
    """Tell the test what a program would use."""
    print(json.dumps(told), flush=True)  # noqa: T201


def client() -> Client:
    """A client with a socket of its own."""
    protocols = [WebsocketsTransport.GRAPHQLWS_SUBPROTOCOL]
    payload = {"authorization": f"Bearer {TOKEN}"}
    return Client(transport=WebsocketsTransport(url=URL, init_payload=payload, subprotocols=protocols))


async def main() -> None:
    """Show the stock, and every change after that."""
    async with client() as session:
        data = await session.execute(GraphQLRequest(SNAPSHOT))
    show(data["stockLevels"]["nodes"])
    cursor = data["eventCursor"]
    while True:
        try:
            async with client() as session:
                async for data in session.subscribe(GraphQLRequest(CHANGES, variable_values={"after": cursor})):
                    show(data["stockLevelChanged"])
                    cursor = data["stockLevelChanged"]["cursor"]
        except (TransportError, OSError):
            await asyncio.sleep(0.5)


if __name__ == "__main__":
    asyncio.run(main())
