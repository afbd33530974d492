"""A plot in plain SVG: latency above, orders on their way below, both over time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from bench.record import Life, Record, percentiles

WIDTH, PANEL, LEFT, TOP, GAP = 900, 220, 70, 40, 60
COLOURS = {"p50": "#2a6f97", "p99": "#c1121f", "open": "#4f772d"}
Points = Sequence[tuple[float, float]]


def svg(record: Record, title: str) -> str:
    """The plot as a document of its own."""
    begin = min((life.placed for life in record.lives.values()), default=0.0)
    latency = _latency(record, begin)
    backlog = _backlog(record, begin)
    height = TOP + 2 * PANEL + 2 * GAP
    end = max((x for points in (*latency.values(), backlog) for x, _ in points), default=1.0)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" '
        'font-family="sans-serif" font-size="12">',
        f'<rect width="{WIDTH}" height="{height}" fill="white"/>',
        f'<text x="{LEFT}" y="22" font-size="15">{_text(title)}</text>',
        *_panel(TOP, "placed → shipped, ms", latency, end),
        *_panel(TOP + PANEL + GAP, "orders on their way", {"open": backlog}, end),
        f'<text x="{LEFT}" y="{height - 12}">seconds since the first order</text>',
        "</svg>",
    ]
    return "\n".join(parts)


def _latency(record: Record, begin: float) -> dict[str, Points]:
    lives: dict[int, list[Life]] = defaultdict(list)
    for life in record.lives.values():
        lives[int(life.placed - begin)].append(life)
    shares = {"p50": 0.5, "p99": 0.99}
    return {
        name: [(at, 1000 * percentiles(some, [share])[0]) for at, some in sorted(lives.items())]
        for name, share in shares.items()
    }


def _backlog(record: Record, begin: float) -> Points:
    change: dict[int, int] = defaultdict(int)
    for life in record.lives.values():
        change[int(life.placed - begin)] += 1
        if life.end:
            change[int(life.done - begin)] -= 1
    points, open_ = [], 0
    for second in sorted(change):
        open_ += change[second]
        points.append((float(second), float(open_)))
    return points


def _panel(top: int, title: str, lines: dict[str, Points], end: float) -> list[str]:
    highest = max((y for points in lines.values() for _, y in points), default=0.0) or 1.0
    width = WIDTH - LEFT - 20

    def place(x: float, y: float) -> str:
        return f"{LEFT + x / (end or 1) * width:.1f},{top + PANEL - y / highest * PANEL:.1f}"

    parts = [
        f'<text x="{LEFT}" y="{top - 6}" fill="#555">{_text(title)}</text>',
        f'<rect x="{LEFT}" y="{top}" width="{width}" height="{PANEL}" fill="none" stroke="#ccc"/>',
    ]
    for share in (0.0, 0.5, 1.0):
        y = top + PANEL - share * PANEL
        parts.append(
            f'<text x="{LEFT - 8}" y="{y + 4}" text-anchor="end">{share * highest:,.0f}</text>'
        )
        x = LEFT + share * width
        parts.append(
            f'<text x="{x}" y="{top + PANEL + 16}" text-anchor="middle">{share * end:,.0f}</text>'
        )
    for n, (name, points) in enumerate(lines.items()):
        drawn = " ".join(place(x, y) for x, y in points)
        colour = COLOURS[name]
        parts.append(
            f'<polyline points="{drawn}" fill="none" stroke="{colour}" stroke-width="1.5"/>'
        )
        parts.append(
            f'<text x="{WIDTH - 60}" y="{top + 16 + 16 * n}" fill="{colour}">{name}</text>'
        )
    return parts


def _text(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;")
