"""The steps of this workflow: plain functions. What one returns is what the next gets as an argument."""

import random
import statistics
from pathlib import Path


def draw(count, seed, ctx):
    """Some numbers. A parameter named `ctx` is given by Flowloom: it reports progress, logs, and more."""
    source = random.Random(seed)
    numbers = []
    for done in range(count):
        numbers.append(source.gauss(100, 15))
        if done % 50 == 0:
            ctx.report(done / count, f"{done} of {count}")
    print(f"drew {count} numbers")  # what a task prints is its log
    return numbers


def middle(numbers):
    return {"mean": statistics.fmean(numbers), "median": statistics.median(numbers)}


def spread(numbers):
    return statistics.stdev(numbers)


def report(mean, median, spread, path):
    text = f"mean {mean:.2f}, median {median:.2f}, standard deviation {spread:.2f}"
    file = Path(path)
    file.parent.mkdir(exist_ok=True)
    file.write_text(text + "\n", encoding="utf-8")
    return text
