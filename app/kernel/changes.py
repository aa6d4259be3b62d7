"""Changes: editing a row that somebody read earlier, and saying which of its columns really changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from app.kernel.refusal import VersionConflict

if TYPE_CHECKING:
    from collections.abc import Mapping

    from app.kernel.tables import Row


def expect_version(row: Row, expected: int | None) -> None:
    """Refuse where the caller read another version of `row` than the present one; None expects nothing."""
    if expected is not None and row.version != expected:
        raise VersionConflict(field="expected_version", version=row.version)


def changed(row: Row, given: Mapping[str, Any], *, whole: Mapping[str, Any] | None = None) -> tuple[str, ...]:
    """Set the columns of `row` that differ, and name them.

    Of what is `given`, None leaves a column as it is; what is `whole` (an address, say) is set as it stands.
    """
    wanted = {name: value for name, value in given.items() if value is not None} | dict(whole or {})
    differing = {name: value for name, value in wanted.items() if getattr(row, name) != value}
    for name, value in differing.items():
        setattr(row, name, value)
    return tuple(differing)
