"""One species in figures."""

from statistics import fmean, median, stdev

from table import MEASURES


def describe(rows, species):
    """Count, mean, spread and median of each measure of one species, and the mean mass of each sex."""
    mine = [row for row in rows if row["species"] == species]
    print(f"{species}: {len(mine)} penguins")
    return {
        "species": species,
        "count": len(mine),
        "islands": sorted({row["island"] for row in mine}),
        "measures": {name: figures([row[name] for row in mine]) for name in MEASURES},
        "mass_by_sex": {
            sex: figures([row["body_mass_g"] for row in mine if row["sex"] == sex])["mean"]
            for sex in ("female", "male")
        },
    }


def figures(values):
    """Mean, standard deviation, median and range; all None where there is nothing to count."""
    if not values:
        return dict.fromkeys(("mean", "sd", "median", "low", "high"))
    return {
        "mean": fmean(values),
        "sd": stdev(values) if len(values) > 1 else 0.0,
        "median": median(values),
        "low": min(values),
        "high": max(values),
    }
