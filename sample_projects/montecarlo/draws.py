"""Answers from random numbers. Every batch has a seed of its own, so it gives the same wherever and whenever it runs."""

import random
from math import erf, exp, log, pi, sqrt
from statistics import fmean, stdev


def seeds(batches, seed):
    source = random.Random(seed)
    return [source.getrandbits(48) for _ in range(batches)]


def inside(seed, draws):
    """How many of `draws` points of the unit square lie in the quarter circle."""
    draw = random.Random(seed).random
    return sum(draw() ** 2 + draw() ** 2 <= 1 for _ in range(draws))


def payoff(seed, draws, option):
    """The mean discounted payoff of a European call over `draws` futures of its price."""
    source = random.Random(seed)
    spread = option["volatility"] * sqrt(option["years"])
    drift = (option["rate"] - option["volatility"] ** 2 / 2) * option["years"]
    total = 0.0
    for _ in range(draws):
        price = option["spot"] * exp(drift + spread * source.gauss(0, 1))
        total += max(price - option["strike"], 0.0)
    return exp(-option["rate"] * option["years"]) * total / draws


def answer(inside, payoffs, draws, option):
    """Both answers with their standard errors, beside what is known exactly."""
    shares = [4 * count / draws for count in inside]
    figures = {
        "pi": {"found": fmean(shares), "error": standard_error(shares), "exact": pi},
        "option": {"found": fmean(payoffs), "error": standard_error(payoffs), "exact": black_scholes(**option)},
        "batches": len(inside) + len(payoffs),
    }
    for name in ("pi", "option"):
        print("{0}: {found:.4f} ± {error:.4f}, exactly {exact:.4f}".format(name, **figures[name]))
    return figures


def standard_error(values):
    return stdev(values) / sqrt(len(values))


def black_scholes(spot, strike, rate, volatility, years):
    """The price of a European call, in closed form."""
    spread = volatility * sqrt(years)
    up = (log(spot / strike) + (rate + volatility**2 / 2) * years) / spread
    return spot * normal(up) - strike * exp(-rate * years) * normal(up - spread)


def normal(x):
    return (1 + erf(x / sqrt(2))) / 2
