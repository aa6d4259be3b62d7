"""Paging as Relay's Cursor Connections Specification has it, with `nodes` and `totalCount` beside the edges."""

from __future__ import annotations

import strawberry

PAGE_ARGUMENTS = {
    "first": (int | None, "How many to give from the start of the list; 20 if neither `first` nor `last` is given."),
    "after": (str | None, "Give only what follows the edge with this cursor."),
    "last": (int | None, "How many to give from the end of the list."),
    "before": (str | None, "Give only what precedes the edge with this cursor."),
}
"""The arguments of every connection, with their types and descriptions."""


@strawberry.type(description="Where a page stands in its list.")
class PageInfo:
    """Where a page stands in its list."""

    has_next_page: bool = strawberry.field(description="Whether anything follows this page.")
    has_previous_page: bool = strawberry.field(description="Whether anything precedes this page.")
    start_cursor: str | None = strawberry.field(description="The first edge's cursor; null where the page is empty.")
    end_cursor: str | None = strawberry.field(description="The last edge's cursor; null where the page is empty.")
