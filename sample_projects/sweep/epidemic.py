"""The SIR model of an epidemic, solved step by step with the classical Runge-Kutta method.

Shares of the population: `s` susceptible, `i` infected; who was vaccinated or has recovered plays no further part.
Time is counted in days, and an infection lasts a week on average.
"""

from pathlib import Path

RECOVERY = 1 / 7
SEED = 1e-6  # the share that is infected when it begins
STEP = 0.25


def attack_rate(r0, coverage, days):
    """The share of the population that was ever infected after `days`."""
    susceptible = 1 - coverage
    left, _, _ = simulate(r0, susceptible, days)
    return susceptible - left


def halve(bracket, r0, days):
    """One step of a bisection for the coverage at which infections no longer grow."""
    middle = (bracket["low"] + bracket["high"]) / 2
    _, infected, peak = simulate(r0, 1 - middle, days)
    grows = peak > SEED * (1 + 1e-9)
    low, high = (middle, bracket["high"]) if grows else (bracket["low"], middle)
    return {"low": low, "high": high, "gap": high - low, "infected": infected}


def compare(thresholds, r0, path):
    """What the loops found beside what theory says: an epidemic cannot grow where coverage exceeds 1 - 1 / r0."""
    found = [(one["low"] + one["high"]) / 2 for one in thresholds]
    rows = [
        {"r0": number, "found": round(share, 4), "theory": round(1 - 1 / number, 4)}
        for number, share in zip(r0, found, strict=True)
    ]
    lines = ["   r0   found  theory", *(f"{row['r0']:5.1f}  {row['found']:.4f}  {row['theory']:.4f}" for row in rows)]
    file = Path(path)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print("\n".join(lines))
    return {"rows": rows, "largest_error": max(abs(row["found"] - row["theory"]) for row in rows)}


def simulate(r0, susceptible, days):
    """(susceptible at the end, infected at the end, most infected at once)."""
    rate = r0 * RECOVERY
    s, i = susceptible, SEED
    peak = i
    for _ in range(round(days / STEP)):
        s1, i1 = slope(s, i, rate)
        s2, i2 = slope(s + STEP / 2 * s1, i + STEP / 2 * i1, rate)
        s3, i3 = slope(s + STEP / 2 * s2, i + STEP / 2 * i2, rate)
        s4, i4 = slope(s + STEP * s3, i + STEP * i3, rate)
        s += STEP / 6 * (s1 + 2 * s2 + 2 * s3 + s4)
        i += STEP / 6 * (i1 + 2 * i2 + 2 * i3 + i4)
        peak = max(peak, i)
    return s, i, peak


def slope(s, i, rate):
    infections = rate * s * i
    return -infections, infections - RECOVERY * i
