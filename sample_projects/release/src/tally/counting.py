"""Counting, apart from where the lines come from."""

from collections import Counter


def tally(lines, top=None):
    """Pairs of (line, how often), the most frequent first, equals in alphabetical order; empty lines do not count."""
    counted = Counter(line.strip() for line in lines if line.strip())
    return sorted(counted.items(), key=lambda pair: (-pair[1], pair[0]))[:top]
