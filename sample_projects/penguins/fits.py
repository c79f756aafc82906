"""Straight lines through points by least squares, written out by hand."""

import random
from statistics import fmean

from table import SPECIES


def fit_lines(rows, x, y, min_rows=10):
    """Fit `y = slope * x + intercept` to all penguins together and to each species with at least `min_rows` of them."""
    groups = {"all": rows} | {name: [row for row in rows if row["species"] == name] for name in SPECIES}
    lines = {}
    for name, members in groups.items():
        if len(members) >= min_rows:
            lines[name] = least_squares([row[x] for row in members], [row[y] for row in members])
            print(f"{name}: slope {lines[name]['slope']:.3f}, R2 {lines[name]['r2']:.3f}")
    if not lines:
        raise ValueError(
            f"{len(rows)} penguins are too few for a line: at least {min_rows} are wanted (param min_rows)"
        )
    return {"x": x, "y": y, "lines": lines}


def least_squares(xs, ys):
    """The line with the smallest sum of squared distances, and how much of the variation it explains (R2)."""
    middle_x, middle_y = fmean(xs), fmean(ys)
    along = sum((x - middle_x) ** 2 for x in xs)
    across = sum((y - middle_y) ** 2 for y in ys)
    together = sum((x - middle_x) * (y - middle_y) for x, y in zip(xs, ys, strict=True))
    if along == 0:
        raise ValueError("all points lie above one another: no line fits")
    slope = together / along
    return {
        "slope": slope,
        "intercept": middle_y - slope * middle_x,
        "r2": slope * together / across if across else 1.0,
        "count": len(xs),
        "from": min(xs),
        "to": max(xs),
    }


def bootstrap_slope(rows, x, y, resamples, seed, ctx=None):
    """A 95 % interval for the slope: the middle of the slopes of `resamples` tables drawn with replacement."""
    points = [(row[x], row[y]) for row in rows]
    draw = random.Random(seed)
    slopes = []
    for done in range(1, resamples + 1):
        xs, ys = zip(*draw.choices(points, k=len(points)), strict=True)
        slopes.append(least_squares(xs, ys)["slope"])
        if ctx is not None and done % 50 == 0:
            ctx.report(done / resamples, f"{done} of {resamples} resamples")
    slopes.sort()
    low, high = slopes[int(0.025 * resamples)], slopes[int(0.975 * resamples)]
    print(f"slope between {low:.2f} and {high:.2f}")
    return {"low": low, "high": high, "resamples": resamples}
