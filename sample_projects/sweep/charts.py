"""The sweep as a picture: a square for each simulation, and the line that the loops found."""

from itertools import pairwise
from pathlib import Path

CELL, LEFT, TOP = 78, 96, 58
PALE, DEEP = (232, 239, 250), (190, 40, 60)


def heatmap(rates, thresholds, r0, coverage, path):
    """Columns are r0, rows are coverage, colour and number are the share ever infected. Returns the file's path."""
    width, height = LEFT + CELL * len(r0) + 24, TOP + CELL * len(coverage) + 56
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img">',
        "<title>Share of the population ever infected</title>",
        '<style>text { font: 14px system-ui, "DejaVu Sans", sans-serif; fill: #30384a; } .b { font-weight: 600; }</style>',
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
        f'<text class="b" x="{LEFT}" y="28">share ever infected, %</text>',
    ]
    for column, number in enumerate(r0):
        left = LEFT + CELL * column
        parts.append(
            f'<text x="{left + CELL / 2}" y="{TOP + CELL * len(coverage) + 22}" text-anchor="middle">{number:g}</text>'
        )
        for row, share in enumerate(coverage):
            rate = rates[column * len(coverage) + row]
            top = TOP + CELL * (len(coverage) - 1 - row)
            ink = "#ffffff" if rate > 0.45 else "#30384a"
            parts.append(
                f'<rect x="{left + 2}" y="{top + 2}" width="{CELL - 4}" height="{CELL - 4}" rx="8" fill="{shade(rate)}"/>'
            )
            parts.append(label(left + CELL / 2, top + CELL / 2 + 5, f"{100 * rate:.0f}", ink))
            if column == 0:
                parts.append(f'<text x="{LEFT - 12}" y="{top + CELL / 2 + 5}" text-anchor="end">{share:.0%}</text>')
    for column, found in enumerate(thresholds):
        level = TOP + CELL * (len(coverage) - 0.5 - position((found["low"] + found["high"]) / 2, coverage))
        left = LEFT + CELL * column
        parts.append(
            f'<line x1="{left + 4}" y1="{level:.1f}" x2="{left + CELL - 4}" y2="{level:.1f}" stroke="#1f2430"'
            ' stroke-width="3" stroke-linecap="round" stroke-dasharray="1 7"/>'
        )
    parts.append(f'<text class="b" x="{width - 24}" y="{height - 10}" text-anchor="end">r0</text>')
    parts.append(f'<text class="b" x="{LEFT - 12}" y="{TOP - 12}" text-anchor="end">coverage</text>')
    file = Path(path)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("\n".join([*parts, "</svg>", ""]), encoding="utf-8")
    print(f"drew {path}")
    return path


def label(x, y, words, ink):
    return f'<text x="{x}" y="{y}" text-anchor="middle" style="fill: {ink}">{words}</text>'


def shade(rate):
    return "#" + "".join(
        f"{round(pale + (deep - pale) * min(1, rate)):02x}" for pale, deep in zip(PALE, DEEP, strict=True)
    )


def position(value, scale):
    """Where `value` lies among the evenly drawn numbers of `scale`: 0 is the first of them, 1 the second."""
    for place, (low, high) in enumerate(pairwise(scale)):
        if value <= high:
            return place + (value - low) / (high - low)
    return len(scale) - 0.55
