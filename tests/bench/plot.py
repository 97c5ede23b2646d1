# SPDX-License-Identifier: Apache-2.0
"""The plot, docs/performance.svg: latency against load, ours and theirs; each point is a number in flight."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from xml.sax.saxutils import escape

WIDTH, HEIGHT = 800, 520
LEFT, RIGHT, TOP, BOTTOM = 78, 24, 92, 58
POINT = 4
CHARACTER = 6.4  # width of a digit of the labels, generously
LINE = 12  # their height

# Names, and a colour that stands out against white and against black, with a shape of its own for who sees no colours.
SERIES = {
    "signed": ("OpenExec, signed", "#2f7ed8", "circle"),
    "demo": ("OpenExec, demo", "#159a62", "square"),
    "postgresql": ("PostgreSQL, INSERT", "#a05fd0", "triangle"),
    "redis": ("Redis, SET NX", "#d9622b", "diamond"),
}

Row = dict[str, Any]


@dataclass(frozen=True)
class Box:
    """What a label or a point covers."""

    left: float
    top: float
    right: float
    bottom: float

    def meets(self, other: Box) -> bool:
        is_apart = self.right <= other.left or other.right <= self.left
        return not (is_apart or self.bottom <= other.top or other.bottom <= self.top)


@dataclass(frozen=True)
class Axis:
    """A logarithmic one, of whole halves of decades: 1, 3, 10, 30 ..."""

    low: float
    high: float
    start: float  # in pixels
    end: float

    def at(self, value: float) -> float:
        share = math.log(value / self.low) / math.log(self.high / self.low)
        return self.start + share * (self.end - self.start)

    def ticks(self) -> list[float]:
        steps = (mantissa * 10.0**power for power in range(0, 10) for mantissa in (1, 3))
        return [step for step in steps if self.low <= step * 1.0001 and step <= self.high * 1.0001]


def axis(values: Iterable[float], start: float, end: float) -> Axis:
    """One that all values fit in."""
    known = list(values)
    steps = [mantissa * 10.0**power for power in range(0, 10) for mantissa in (1, 3)]
    low = max((step for step in steps if step <= min(known)), default=steps[0])
    high = min((step for step in steps if step >= max(known)), default=steps[-1])
    return Axis(low, high if high > low else low * 10, start, end)


def tick_text(value: float) -> str:
    for unit, name in ((1e6, "M"), (1e3, "k")):
        if value >= unit:
            return f"{value / unit:g}{name}"
    return f"{value:g}"


def latency_text(us: float) -> str:
    for unit, name in ((1e6, " s"), (1e3, " ms")):
        if us >= unit:
            return f"{us / unit:g}{name}"
    return f"{us:g} µs"


def mark(shape: str, x: float, y: float, colour: str, *, filled: bool) -> str:
    """A point: filled for the median, open for p99."""
    style = f'fill="{colour}"' if filled else f'class="open" stroke="{colour}" stroke-width="1.6"'
    r = POINT
    if shape == "circle":
        return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{r}" {style}/>'
    if shape == "square":
        return f'<rect x="{x - r:.1f}" y="{y - r:.1f}" width="{2 * r}" height="{2 * r}" {style}/>'
    corners = {
        "triangle": ((0, -r - 1), (r + 1, r), (-r - 1, r)),
        "diamond": ((0, -r - 1), (r + 1, 0), (0, r + 1), (-r - 1, 0)),
    }[shape]
    points = " ".join(f"{x + dx:.1f},{y + dy:.1f}" for dx, dy in corners)
    return f'<polygon points="{points}" {style}/>'


def place(x: float, y: float, text: str, taken: list[Box]) -> tuple[float, float] | None:
    """Where a point's label is centred without covering anything; None when there is no such place."""
    width = len(text) * CHARACTER
    aside = POINT + 3 + width / 2
    for dx, dy in ((0, -13), (0, 13), (aside, 0), (-aside, 0), (aside, -10), (-aside, -10), (aside, 10), (-aside, 10)):
        box = Box(x + dx - width / 2, y + dy - LINE / 2, x + dx + width / 2, y + dy + LINE / 2)
        inside = box.left > LEFT and box.right < WIDTH - RIGHT and box.top > TOP and box.bottom < HEIGHT - BOTTOM
        if inside and not any(box.meets(other) for other in taken):
            taken.append(box)
            return x + dx, y + dy
    return None


def grid(across: Axis, up: Axis) -> list[str]:
    out = []
    for value in across.ticks():
        x = across.at(value)
        out.append(f'<line class="grid" x1="{x:.1f}" y1="{TOP}" x2="{x:.1f}" y2="{HEIGHT - BOTTOM}"/>')
        out.append(f'<text x="{x:.1f}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle">{tick_text(value)}</text>')
    for value in up.ticks():
        y = up.at(value)
        out.append(f'<line class="grid" x1="{LEFT}" y1="{y:.1f}" x2="{WIDTH - RIGHT}" y2="{y:.1f}"/>')
        out.append(f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{latency_text(value)}</text>')
    middle = (LEFT + WIDTH - RIGHT) / 2
    out.append(f'<text x="{middle:.1f}" y="{HEIGHT - 14}" text-anchor="middle">durable requests a second</text>')
    y = (TOP + HEIGHT - BOTTOM) / 2
    out.append(f'<text transform="translate(16 {y:.1f}) rotate(-90)" text-anchor="middle">latency</text>')
    return out


def legend(names: list[str]) -> list[str]:
    out = []
    for i, name in enumerate(names):
        title, colour, shape = SERIES[name]
        x = LEFT + 8 + i * (WIDTH - LEFT - RIGHT) / len(SERIES)
        out.append(mark(shape, x, 48, colour, filled=True))
        out.append(f'<text x="{x + 12:.1f}" y="52">{escape(title)}</text>')
    note = "Filled, solid: p50. Open, dashed: p99. The numbers: requests in flight."
    out.append(f'<text x="{LEFT}" y="76" class="note">{note}</text>')
    return out


def svg(result: dict[str, Any]) -> str:
    """The whole picture; without figures to show, its frame."""
    rows = [*result.get("ours", []), *result.get("peers", [])]
    series = {name: [row for row in rows if row["name"] == name] for name in SERIES}
    series = {name: sorted(rows, key=lambda row: int(row["in_flight"])) for name, rows in series.items() if rows}
    shown = [row for rows in series.values() for row in rows]
    across = axis([row["per_second"] for row in shown] or [1000, 100_000], LEFT, WIDTH - RIGHT)
    up = axis([row[key] for row in shown for key in ("p50_us", "p99_us")] or [100, 10_000], HEIGHT - BOTTOM, TOP)
    body = grid(across, up) + legend(list(series))
    taken: list[Box] = []
    labels = []
    for name, rows in series.items():
        _, colour, shape = SERIES[name]
        for key, dash in (("p50_us", ""), ("p99_us", ' stroke-dasharray="5 4"')):
            points = [(across.at(row["per_second"]), up.at(row[key])) for row in rows]
            line = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
            body.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="1.6"{dash}/>')
            body += [mark(shape, x, y, colour, filled=key == "p50_us") for x, y in points]
            taken += [Box(x - POINT - 1, y - POINT - 1, x + POINT + 1, y + POINT + 1) for x, y in points]
            labels += [(x, y, str(row["in_flight"]), colour) for (x, y), row in zip(points, rows, strict=True)]
    for x, y, text, colour in labels:
        centre = place(x, y, text, taken)
        if centre is not None:
            body.append(
                f'<text x="{centre[0]:.1f}" y="{centre[1] + 4:.1f}" text-anchor="middle" '
                f'class="label" style="fill: {colour}">{text}</text>'
            )
    names = ", ".join(SERIES[name][0] for name in series)
    return "\n".join([*head(names), *body, "</svg>", ""])


def head(names: str) -> list[str]:
    return [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" '
        'role="img" aria-labelledby="title desc">',
        '<title id="title">Latency against load</title>',
        f'<desc id="desc">p50 and p99 latency against durable requests a second, both logarithmic: {escape(names)}. '
        "The figures are in the table of performance.md.</desc>",
        "<style>",
        "text { font: 12px system-ui, 'DejaVu Sans', sans-serif; fill: #333 }",
        ".heading { font-size: 16px; font-weight: 600 }",
        ".note { font-size: 11px }",
        ".label { font-size: 11px; font-weight: 600; paint-order: stroke; stroke: #fff; stroke-width: 3px }",
        ".grid { stroke: #888; stroke-opacity: 0.3 }",
        ".back, .open { fill: #fff }",
        "@media (prefers-color-scheme: dark) {",
        "  text { fill: #ddd }",
        "  .back, .open { fill: #14171a }",
        "  .label { stroke: #14171a }",
        "}",
        "</style>",
        f'<rect class="back" width="{WIDTH}" height="{HEIGHT}"/>',
        f'<text x="{LEFT}" y="26" class="heading">Latency against load, each request durable before its answer</text>',
    ]
