"""Server-Timing: told to staff and in the demo to everyone, in the header's own grammar."""

from __future__ import annotations

import re

import pytest

from app.kernel.principal import ANONYMOUS, SYSTEM
from app.server.http_timing import Timing
from tests.graph import GraphClient
from tests.server.doors import Door

METRIC = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+);dur=(\d+(?:\.\d+)?)")
"""A name and how long it took, as the header's grammar has them."""
WARM = 'mutation { it: cartCreate(input: { channelId: "junk" }) { userErrors { code } order { id } } }'


def told(door: Door) -> dict[str, float]:
    """What the last answer told, by the names of the stages."""
    metrics = [METRIC.fullmatch(each) for each in door.headers["server-timing"].split(", ")]
    return {metric[1]: float(metric[2]) for metric in metrics if metric}


@pytest.mark.parametrize(
    ("document", "stages"),
    [
        ("{ products { totalCount } }", ["document", "plan", "database", "total"]),
        ("{ products { totalCount } __schema { description } }", ["document", "plan", "database", "total"]),
        ("{ __schema { description } }", ["document", "total"]),
        (WARM, ["document", "plan", "command", "payload", "total"]),
        ('{ sourcingPlan(orderId: "x") { candidates { verdict } } }', ["document", "question", "database", "total"]),
        ("{ nothing }", ["total"]),
    ],
)
async def test_tells_each_stage_to_staff(graph: GraphClient, document: str, stages: list[str]):
    door = Door(graph, by=SYSTEM)
    await door.post(query=document)
    found = told(door)
    assert list(found) == stages
    assert sum(found.values()) - found["total"] <= found["total"] + 0.01
    assert "timing-allow-origin" not in door.headers


async def test_is_told_to_others_in_the_demo_alone(graph: GraphClient):
    door = Door(graph, by=ANONYMOUS)
    await door.post(query="{ products { totalCount } }")
    assert "server-timing" not in door.headers
    demo = Door(graph, by=ANONYMOUS, timing=Timing(to_all=True))
    await demo.post(query="{ products { totalCount } }")
    assert told(demo)["database"] > 0


async def test_may_be_read_by_pages_of_the_origins_that_may_call(graph: GraphClient):
    timing = Timing(to_all=True, origins=("https://a.example", "https://b.example"))
    door = Door(graph, timing=timing)
    await door.post(query="{ products { totalCount } }")
    assert door.headers["timing-allow-origin"] == "https://a.example, https://b.example"
