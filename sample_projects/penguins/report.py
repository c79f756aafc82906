"""What people read at the end: a few figures as text, and one HTML page that needs nothing beside it."""

from html import escape
from pathlib import Path

PAGE = Path(__file__).with_name("report_page.html")
MEASURES = {
    "bill_length_mm": ("bill length", "mm", 1),
    "bill_depth_mm": ("bill depth", "mm", 1),
    "flipper_length_mm": ("flipper length", "mm", 1),
    "body_mass_g": ("body mass", "g", 0),
}
CAPTIONS = (  # what the charts of the whole table show; a part of it may show something else
    "A millimetre of flipper goes with some fifty grams of penguin. Dashed: all species together.",
    "All together say that longer bills are shallower. Each species says the opposite: they differ in more than size.",
    "Gentoos are a class of their own; Adelies and Chinstraps weigh the same.",
)


def summarize(read, kept, species, mass, bills, certainty, path):
    """The figures of the run as plain data, and the same as a small text file."""
    figures = {
        "read": read,
        "kept": kept,
        "penguins": {one["species"]: one["count"] for one in species},
        "mean_mass_g": {
            one["species"]: round(one["measures"]["body_mass_g"]["mean"], 1) for one in species if one["count"]
        },
        "grams_per_flipper_mm": round(mass["lines"]["all"]["slope"], 2),
        "grams_per_flipper_mm_95": [round(certainty["low"], 2), round(certainty["high"], 2)],
        "r2": round(mass["lines"]["all"]["r2"], 3),
        "bill_slopes": {name: round(line["slope"], 3) for name, line in bills["lines"].items()},
    }
    low, high = figures["grams_per_flipper_mm_95"]
    lines = [f"{kept} of {read} penguins"]
    lines += [
        f"  {name:<10} {count:>4}   mean mass {figures['mean_mass_g'][name]:>7.1f} g"
        for name, count in figures["penguins"].items()
        if count
    ]
    lines.append(f"body mass  {figures['grams_per_flipper_mm']:+.2f} g per mm of flipper, 95 % in {low} to {high}")
    lines.append(f"           R2 = {figures['r2']}")
    slopes = ", ".join(f"{name} {slope:+.3f}" for name, slope in figures["bill_slopes"].items())
    lines.append(f"bill depth per mm of bill length: {slopes}")
    write(path, "\n".join(lines) + "\n")
    print("\n".join(lines))
    return figures


def write_html(figures, species, quality, dropped, checksum, charts, path, island="all"):
    """The page: headline figures, charts drawn into it, the species side by side, and where the data came from."""
    present = [one for one in species if one["count"]]
    low, high = figures["grams_per_flipper_mm_95"]
    tiles = [
        (f"{figures['kept']}", f"penguins of {figures['read']} in the table"),
        (f"{figures['grams_per_flipper_mm']:.1f} g", f"per millimetre of flipper, 95 % in {low:.1f} to {high:.1f}"),
        (f"{figures['r2']:.0%}", "of the variation in mass explained by flippers alone"),
    ]
    missing = ", ".join(f"{name} {count}" for name, count in quality["missing"].items()) or "nothing"
    captions = CAPTIONS if island == "all" else (f"Penguins of {island} only.",) * len(CAPTIONS)
    drawings = zip(charts, captions, strict=True)
    page = PAGE.read_text(encoding="utf-8")
    for mark, part in {
        "TILES": "\n".join(f"<div><b>{escape(big)}</b><span>{escape(small)}</span></div>" for big, small in tiles),
        "CHARTS": "\n".join(
            f"<figure>{Path(chart).read_text(encoding='utf-8')}<figcaption>{escape(words)}</figcaption></figure>"
            for chart, words in drawings
        ),
        "TABLE": side_by_side(present),
        "SCOPE": "three islands" if island == "all" else f"the island {escape(island)}",
        "QUALITY": escape(f"Missing in the table: {missing}. Dropped for a missing measure: {dropped}."),
        "CHECKSUM": escape(str(checksum).strip()),
    }.items():
        page = page.replace(f"<!-- {mark} -->", part)
    write(path, page)
    print(f"wrote {path}")
    return path


def side_by_side(species):
    """A table with a row for each measure and a column for each species: mean, and standard deviation beside it."""
    heads = "".join(
        f'<th class="{one["species"].lower()}">{one["species"]}'
        f"<small>{one['count']} on {escape(', '.join(one['islands']))}</small></th>"
        for one in species
    )
    rows = []
    for name, (words, unit, digits) in MEASURES.items():
        pairs = [(one["measures"][name]["mean"], one["measures"][name]["sd"]) for one in species]
        cells = "".join(f"<td>{mean:.{digits}f}<small>± {sd:.{digits}f}</small></td>" for mean, sd in pairs)
        rows.append(f"<tr><th>{words}<small>{unit}</small></th>{cells}</tr>")
    for sex in ("female", "male"):
        means = [one["mass_by_sex"][sex] for one in species]
        cells = "".join(f"<td>{'–' if mean is None else f'{mean:.0f}'}</td>" for mean in means)
        rows.append(f"<tr><th>mass, {sex}<small>g</small></th>{cells}</tr>")
    return f"<table><thead><tr><th></th>{heads}</tr></thead><tbody>{''.join(rows)}</tbody></table>"


def write(path, text):
    file = Path(path)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
