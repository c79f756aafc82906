"""Sums of squares, in parts."""


def part(first, last):
    return sum(number * number for number in range(first, last + 1))


def add(left, right):
    return left + right


def check(total, last):
    """The sum, after it was compared with the formula."""
    expected = last * (last + 1) * (2 * last + 1) // 6
    if total != expected:
        raise ValueError(f"the parts add up to {total}, the formula says {expected}")
    return total
