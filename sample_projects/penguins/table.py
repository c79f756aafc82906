"""The table itself: read it, see that it is sound, keep the rows that can be used."""

import csv
from collections import Counter
from pathlib import Path

MEASURES = {
    "bill_length_mm": (30.0, 65.0),
    "bill_depth_mm": (12.0, 23.0),
    "flipper_length_mm": (165.0, 240.0),
    "body_mass_g": (2500.0, 6500.0),
}
SPECIES = ("Adelie", "Chinstrap", "Gentoo")
ISLANDS = ("Biscoe", "Dream", "Torgersen")


def load(path):
    """Read the CSV file into a list of rows: measures as numbers, and None for what was not measured."""
    with Path(path).open(encoding="utf-8", newline="") as file:
        rows = [{name: None if text == "NA" else text for name, text in row.items()} for row in csv.DictReader(file)]
    for row in rows:
        for name in MEASURES:
            row[name] = None if row[name] is None else float(row[name])
        row["year"] = int(row["year"])
    print(f"read {len(rows)} rows from {path}")
    return rows


def validate(rows):
    """Look for what cannot be: raises ValueError that names the rows, returns what is missing where all is well."""
    troubles = []
    for number, row in enumerate(rows, start=2):  # line 1 of the file is the header
        if row["species"] not in SPECIES:
            troubles.append(f"line {number}: unknown species {row['species']!r}")
        if row["island"] not in ISLANDS:
            troubles.append(f"line {number}: unknown island {row['island']!r}")
        for name, (low, high) in MEASURES.items():
            if row[name] is not None and not low <= row[name] <= high:
                troubles.append(f"line {number}: {name} is {row[name]:g}, outside {low:g} to {high:g}")
    if troubles:
        raise ValueError(f"{len(troubles)} bad values; " + "; ".join(troubles[:5]))
    missing = Counter(name for row in rows for name, value in row.items() if value is None)
    for name, count in missing.items():
        print(f"{name}: {count} of {len(rows)} missing")
    return {"rows": len(rows), "missing": dict(missing)}


def clean(rows, island="all"):
    """Keep the rows with all four measures, of one island if it is named; tells how many are kept and dropped."""
    here = [row for row in rows if island in ("all", row["island"])]
    complete = [row for row in here if all(row[name] is not None for name in MEASURES)]
    print(f"kept {len(complete)} of {len(here)} penguins ({island})")
    return {"rows": complete, "kept": len(complete), "dropped": len(here) - len(complete)}
