"""Lengths of time as people write them: "90s" to 90.0 and back. Nothing else in the project knows the units."""

from __future__ import annotations

import math
import re
from itertools import pairwise

_UNITS = {"d": 86400.0, "h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001, "us": 0.000001}
_PART = re.compile(r"(\d{1,15}(?:\.\d{1,15})?)\s*(ms|us|d|h|m|s)", re.ASCII)
_WHOLE = re.compile(rf"\s*(?:{_PART.pattern}\s*)+", re.ASCII)

EXAMPLES = '90, "90s", "5m", "1h30m" or "250ms"'


def parse_duration(text: str) -> float | None:
    """Seconds of "90s", "5m", "1h30m", "250ms", "1.5h"; None if `text` is no length of time.

    Units go from large to small and none comes twice, so that "5s 5s" or "1m1h" are mistakes, not sums.
    """
    if len(text) > 100 or _WHOLE.fullmatch(text) is None:
        return None
    parts = _PART.findall(text)
    sizes = [_UNITS[unit] for _, unit in parts]
    if any(small >= large for large, small in pairwise(sizes)):
        return None
    return math.fsum(float(number) * size for (number, _), size in zip(parts, sizes, strict=True))


_SPOKEN = (
    (re.compile(r"milliseconds?|millis|msecs?", re.IGNORECASE), "ms"),
    (re.compile(r"seconds?|secs?", re.IGNORECASE), "s"),
    (re.compile(r"minutes?|mins?", re.IGNORECASE), "m"),
    (re.compile(r"hours?|hrs?", re.IGNORECASE), "h"),
    (re.compile(r"days?", re.IGNORECASE), "d"),
    (re.compile(r"\s*(?:and|,)\s*|\s+", re.IGNORECASE), ""),
)


def meant_duration(text: str) -> str | None:
    """What "5 min" or "2 hours and 30 minutes" should have been; None if no length of time can be seen in it."""
    if len(text) > 100:
        return None
    for spoken, unit in _SPOKEN:
        text = spoken.sub(unit, text)
    text = text.lower()
    return text if parse_duration(text) is not None else None


def format_duration(seconds: float) -> str | float | int:
    """What a person would have written for `seconds`: "90s", "1h30m"; the number itself where no text is exact."""
    if not math.isfinite(seconds) or seconds < 0:
        return seconds
    text = _spelled(seconds)
    if parse_duration(text) == seconds:
        return text
    return int(seconds) if seconds == int(seconds) else seconds


def _spelled(seconds: float) -> str:
    if seconds == 0:
        return "0s"
    if seconds < 1:
        return f"{seconds * 1000:.12g}ms"
    if seconds != int(seconds) or seconds <= 90:
        return f"{seconds:.15g}s"
    days, rest = divmod(int(seconds), 86400)
    hours, rest = divmod(rest, 3600)
    minutes, whole = divmod(rest, 60)
    parts = ((days, "d"), (hours, "h"), (minutes, "m"), (whole, "s"))
    return "".join(f"{number}{unit}" for number, unit in parts if number)
