"""What following counts of itself, in plain numbers: taken by whoever wants to know, at next to no cost."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from app.kernel import clock


@dataclass
class Counts:
    """How much was told since the process began, and how late."""

    deliveries: int = 0
    conflated: int = 0
    too_slow: int = 0
    cursors_expired: int = 0
    catch_ups: int = 0
    gaps: int = 0
    latest_seconds: float = 0.0
    """Between an event and its telling, the longest since somebody took it."""

    def told(self, occurred_at: datetime) -> None:
        """Note that an event of then is told now."""
        seconds = (clock.now() - occurred_at).total_seconds()
        if seconds > self.latest_seconds:  # noqa: PLR1730 — the call would cost more than all the rest.
            self.latest_seconds = seconds

    def take_latest(self) -> float | None:
        """The longest since it was taken before; None where nothing was told."""
        taken, self.latest_seconds = self.latest_seconds, 0.0
        return taken or None


counts = Counts()
"""Those of this process."""
