"""State machines in SQL: what may be done with a row now, from the same table of transitions that commands obey."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from sqlalchemy import ARRAY, ColumnElement, Text, case, literal_column

from app.kernel.choice import Choice

Status = TypeVar("Status", bound=Choice)
Action = TypeVar("Action", bound=Choice)


def allowed_in(
    status: ColumnElement[Status], transitions: Mapping[Status, frozenset[Action]]
) -> ColumnElement[list[str]]:
    """The actions that `transitions` allows in `status`, in the order in which their choice names them.

    The names are the program's own, so they stand in the statement as they are and need no parameters.
    """
    branches = [
        (status == literal_column(f"'{state.value}'"), _names(actions)) for state, actions in transitions.items()
    ]
    return case(*branches, else_=_names(frozenset()))


def _names(actions: frozenset[Action]) -> ColumnElement[list[str]]:
    """An array of the names of `actions`."""
    known = type(next(iter(actions))) if actions else ()
    names = ", ".join(f"'{action.value}'" for action in known if action in actions)
    return literal_column(f"ARRAY[{names}]::text[]", cast("Any", ARRAY(Text)))
