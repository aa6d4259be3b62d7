"""Pictures of what was measured, as SVG that is readable on light and dark pages: bars, and lines on two log axes."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape

COLOURS = {
    "lading": "#0d9488",
    "limit": "#8b98a9",
    "stock_strawberry": "#ef4444",
    "postgraphile": "#3b82f6",
    "graphql_ws": "#3b82f6",
}
STYLE = """<style>
.paper{fill:#ffffff}.ink{fill:#0f172a}.soft{fill:#475569}.grid{stroke:#dbe2ea;stroke-width:1}
@media (prefers-color-scheme:dark){.paper{fill:#0d1117}.ink{fill:#f1f5f9}.soft{fill:#b6c2d1}.grid{stroke:#334155}}
</style>"""
WIDTH, ROW, GROUP, LEFT, BARS = 820, 24, 44, 210, 470
PANEL_WIDTH, PANEL_HEIGHT, PANEL_LEFT, PANEL_TOP, PANEL_GAP = 190, 130, 52, 34, 24
STEPS = (1, 2, 5)
"""Where a log axis has its lines within each power of ten, as far as there is room."""
TICKS_MAX = 5
SPAN_MIN = 10
"""A log axis reaches from one value to so many times it at least."""


@dataclass(frozen=True)
class Bar:
    """One bar: the key and title of a server, how long it is beside the longest, and what stands at its end."""

    key: str
    title: str
    share: float
    label: str


@dataclass(frozen=True)
class Panel:
    """One small chart: its title, and for each server the points of its line."""

    title: str
    lines: Mapping[str, Sequence[tuple[float, float]]]


def framed(parts: list[str], height: int) -> str:
    """A whole picture."""
    frame = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}"'
    paper = f'{STYLE}\n<rect class="paper" width="100%" height="100%" rx="8"/>'
    return "\n".join([f'{frame} font-family="sans-serif" font-size="13">{paper}', *parts, "</svg>", ""])


def text(place: tuple[float, float], said: str, look: str = 'class="ink"') -> str:
    """Words at a place."""
    return f'<text x="{place[0]:g}" y="{place[1]:g}" {look}>{escape(said)}</text>'


def bars(groups: Mapping[str, Sequence[Bar]]) -> str:
    """Bars in groups."""
    parts: list[str] = []
    top = 16
    for title, group in groups.items():
        parts.append(text((16, top + 16), title, 'class="ink" font-weight="600"'))
        top += GROUP - ROW + 8
        for bar in group:
            parts += _bar(bar, top)
            top += ROW
        top += 16
    return framed(parts, top)


def _bar(bar: Bar, top: int) -> Iterator[str]:
    width = max(2, round(BARS * bar.share))
    yield text((LEFT - 10, top + 14), bar.title, 'class="soft" text-anchor="end"')
    yield f'<rect x="{LEFT}" y="{top}" width="{width}" height="{ROW - 6}" rx="3" fill="{COLOURS[bar.key]}"/>'
    yield text((LEFT + width + 8, top + 14), bar.label)


def charts(rows: Mapping[str, Sequence[Panel]], titles: Mapping[str, str]) -> str:
    """Rows of panels with a title each, below what each colour means."""
    parts = list(_legend(titles))
    top = 52
    for title, panels in rows.items():
        parts.append(text((16, top), title, 'class="ink" font-weight="600"'))
        for place, panel in enumerate(panels):
            left = PANEL_LEFT + 16 + place * (PANEL_WIDTH + PANEL_LEFT + PANEL_GAP)
            parts += _panel(panel, left, top + PANEL_TOP)
        top += PANEL_TOP + PANEL_HEIGHT + 54
    return framed(parts, top)


def _legend(titles: Mapping[str, str]) -> Iterator[str]:
    left = 16
    for key, title in titles.items():
        yield f'<rect x="{left}" y="16" width="14" height="4" rx="2" fill="{COLOURS[key]}"/>'
        yield text((left + 20, 23), title)
        left += 40 + 7 * len(title)


def _panel(panel: Panel, left: float, top: float) -> Iterator[str]:
    """One panel: its axes, and its lines over them."""
    points = [point for line in panel.lines.values() for point in line]
    across, up = Axis.over([x for x, _ in points], PANEL_WIDTH), Axis.over([y for _, y in points], PANEL_HEIGHT)
    bottom = top + PANEL_HEIGHT
    yield text((left, top - 8), panel.title, 'class="soft" font-size="11"')
    for value in up.ticks():
        y = bottom - up.place(value)
        yield f'<line class="grid" x1="{left}" y1="{y:.1f}" x2="{left + PANEL_WIDTH}" y2="{y:.1f}"/>'
        yield text((left - 6, y + 4), short(value), 'class="soft" font-size="10" text-anchor="end"')
    for value in sorted({x for x, _ in points}):
        x = left + across.place(value)
        yield text((x, bottom + 16), short(value), 'class="soft" font-size="10" text-anchor="middle"')
    for key, line in panel.lines.items():
        places = [(left + across.place(x), bottom - up.place(y)) for x, y in line]
        told = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
        yield f'<polyline points="{told}" fill="none" stroke="{COLOURS[key]}" stroke-width="2"/>'
        yield from (f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{COLOURS[key]}"/>' for x, y in places)


@dataclass(frozen=True)
class Axis:
    """A log axis of a length, from one value to another."""

    low: float
    high: float
    length: float

    @classmethod
    def over(cls, values: Sequence[float], length: float) -> Axis:
        """The axis that all values stand on. It spans a power of ten, or small differences would look large."""
        found = [value for value in values if value > 0] or [1.0]
        low, high = min(found) / 1.2, max(found) * 1.2
        wider = math.sqrt(max(1.0, SPAN_MIN * low / high))
        return cls(low / wider, high * wider, length)

    def place(self, value: float) -> float:
        """How far along the axis a value stands."""
        share = math.log(max(value, self.low) / self.low) / math.log(self.high / self.low)
        return self.length * share

    def ticks(self) -> list[float]:
        """Round values along the axis, not more than there is room for."""
        powers = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
        told = [step * 10.0**power for power in powers for step in STEPS]
        seen = [value for value in told if self.low <= value <= self.high]
        tens = [value for value in seen if math.isclose(value, 10 ** round(math.log10(value)))]
        if len(seen) <= TICKS_MAX:
            return seen
        return tens if len(tens) > 1 else seen[:: math.ceil(len(seen) / TICKS_MAX)]


def short(value: float) -> str:
    """A number in as few signs as will do."""
    for size, sign in ((1_000_000, "M"), (1_000, "k")):
        if value >= size:
            return f"{value / size:g}{sign}"
    return f"{value:g}"
