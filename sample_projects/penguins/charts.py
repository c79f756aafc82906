"""Charts as SVG files, drawn with nothing but text: readable on light and on dark paper."""

from html import escape
from math import floor, log10
from pathlib import Path

from table import SPECIES

COLORS = {"Adelie": "#f28c28", "Chinstrap": "#9b5de5", "Gentoo": "#118a8a", "all": "#7a8091"}
WIDTH, HEIGHT = 720, 440
LEFT, RIGHT, TOP, BOTTOM = 64, 20, 46, 52

STYLE = """
  text { font: 13px system-ui, "Segoe UI", "DejaVu Sans", sans-serif; fill: #3b4252; }
  .label { font-weight: 600; }
  .grid { stroke: #d9dee8; stroke-width: 1; }
  .dot { fill-opacity: 0.62; stroke-opacity: 0.9; stroke-width: 0.6; }
  .halo { stroke: #ffffff; stroke-width: 5.5; stroke-linecap: round; stroke-opacity: 0.85; }
  .line { stroke-width: 2.6; stroke-linecap: round; }
  .bar { fill-opacity: 0.85; }
  @media (prefers-color-scheme: dark) {
    text { fill: #c9d1e0; }
    .grid { stroke: #313847; }
    .halo { stroke: #151922; }
  }
"""


def scatter(rows, lines, path, x_label, y_label):
    """A dot for each penguin, a line for each species, and a dashed one for all together. Returns the file's path."""
    x, y = lines["x"], lines["y"]
    across = Axis([row[x] for row in rows], LEFT, WIDTH - RIGHT)
    up = Axis([row[y] for row in rows], HEIGHT - BOTTOM, TOP)
    parts = [*frame(across, up, x_label, y_label), *legend([name for name in SPECIES if name in lines["lines"]])]
    for row in rows:
        color = COLORS[row["species"]]
        where = f'cx="{across(row[x]):.1f}" cy="{up(row[y]):.1f}"'
        parts.append(f'<circle class="dot" {where} r="4" fill="{color}" stroke="{color}"/>')
    for name, line in lines["lines"].items():
        ends = [(across(at), up(line["slope"] * at + line["intercept"])) for at in (line["from"], line["to"])]
        where = 'x1="{:.1f}" y1="{:.1f}" x2="{:.1f}" y2="{:.1f}"'.format(*ends[0], *ends[1])
        dashes = ' stroke-dasharray="7 6"' if name == "all" else ""
        parts.append(f'<line class="halo" {where}/>')
        parts.append(f'<line class="line" {where} stroke="{COLORS[name]}"{dashes}/>')
    return save(path, f"{y_label} by {x_label}", HEIGHT, parts)


def histograms(rows, path, column, label, bins=28):
    """How one measure is spread in each species: a small histogram for each, one above the other on one scale."""
    present = [name for name in SPECIES if any(row["species"] == name for row in rows)]
    axis = Axis([row[column] for row in rows], LEFT, WIDTH - RIGHT)
    step = (axis.high - axis.low) / bins
    counts = {name: [0] * bins for name in present}
    for row in rows:
        counts[row["species"]][min(int((row[column] - axis.low) / step), bins - 1)] += 1
    tallest = max(max(bars) for bars in counts.values())
    room = 104
    height = TOP - 20 + room * len(present) + BOTTOM
    parts = vertical_grid(axis, TOP - 20, height - BOTTOM, label)
    wide = (axis.end - axis.start) / bins
    for place, name in enumerate(present, start=1):
        floor_y = TOP - 20 + room * place
        for number, count in enumerate(counts[name]):
            tall = count / tallest * (room - 14)
            if count:
                parts.append(
                    f'<rect class="bar" x="{axis.start + number * wide + 1:.1f}" y="{floor_y - tall:.1f}"'
                    f' width="{wide - 2:.1f}" height="{tall:.1f}" rx="1.5" fill="{COLORS[name]}"/>'
                )
        parts.append(f'<line class="grid" x1="{LEFT}" y1="{floor_y}" x2="{WIDTH - RIGHT}" y2="{floor_y}"/>')
        parts.append(text(WIDTH - RIGHT, floor_y - room + 30, name, "end", "label", COLORS[name]))
        parts.append(text(WIDTH - RIGHT, floor_y - room + 48, f"{sum(counts[name])} penguins", "end"))
    return save(path, f"{label} of each species", height, parts)


class Axis:
    """Where a value lies on the page: a scale from `start` to `end` (pixels) with round numbers on it."""

    def __init__(self, values, start, end, steps=6):
        low, high = min(values), max(values)
        rough = ((high - low) or 1) / steps
        power = 10.0 ** floor(log10(rough))
        self.step = next(power * factor for factor in (1, 2, 2.5, 5, 10) if power * factor >= rough)
        self.low = floor(low / self.step) * self.step
        self.high = -floor(-high / self.step) * self.step
        if self.high <= self.low:
            self.high = self.low + self.step
        self.start, self.end = start, end

    def __call__(self, value):
        return self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start)

    def ticks(self):
        return [self.low + number * self.step for number in range(round((self.high - self.low) / self.step) + 1)]


def frame(across, up, x_label, y_label):
    parts = vertical_grid(across, TOP, HEIGHT - BOTTOM, x_label)
    for tick in up.ticks():
        level = up(tick)
        parts.append(f'<line class="grid" x1="{LEFT}" y1="{level:.1f}" x2="{WIDTH - RIGHT}" y2="{level:.1f}"/>')
        parts.append(text(LEFT - 10, level + 4.5, f"{tick:g}", "end"))
    parts.append(text(LEFT, TOP - 22, y_label, "start", "label"))
    return parts


def vertical_grid(axis, top, bottom, label):
    parts = []
    for tick in axis.ticks():
        parts.append(f'<line class="grid" x1="{axis(tick):.1f}" y1="{top}" x2="{axis(tick):.1f}" y2="{bottom}"/>')
        parts.append(text(axis(tick), bottom + 20, f"{tick:g}", "middle"))
    parts.append(text(axis.end, bottom + 42, label, "end", "label"))
    return parts


def legend(names):
    parts = []
    for place, name in enumerate(reversed(names)):
        left = WIDTH - RIGHT - 92 * (place + 1)
        parts.append(f'<circle cx="{left}" cy="{TOP - 26}" r="5" fill="{COLORS[name]}"/>')
        parts.append(text(left + 11, TOP - 21.5, name))
    return parts


def text(x, y, words, anchor="start", kind="", color=""):
    fill = f' style="fill: {color}"' if color else ""
    named = f' class="{kind}"' if kind else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{named}{fill}>{escape(words)}</text>'


def save(path, title, height, parts):
    body = "\n".join(parts)
    drawing = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img">\n'
        f"<title>{escape(title)}</title>\n<style>{STYLE}</style>\n{body}\n</svg>\n"
    )
    file = Path(path)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(drawing, encoding="utf-8")
    print(f"drew {path}")
    return path
