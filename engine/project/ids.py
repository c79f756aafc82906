"""What a node may be called, and why not.

Letters of any script are welcome; what only looks like another name is not. Ids are compared after NFC and casefold, so
that `Load` and `load`, or two spellings of the same accent, cannot stand side by side on any file system or screen.
"""

from __future__ import annotations

import re
import unicodedata

from engine.project.findings import harmless

MAX_ID_LENGTH = 64

RESERVED = frozenset(
    ("params", "vars", "run", "item", "index", "value", "env", "secret", "file", "nodes", "then", "else", "undo")
)
"""Names that mean something else inside `${...}` or in a path."""

_PLAIN = re.compile(r"[A-Za-z_0-9][A-Za-z0-9_-]{0,63}", re.ASCII)

# Letters of other scripts that are drawn like a Latin one. Few on purpose: those that come up in real names.
_LOOKALIKES = str.maketrans(
    "аеорсухіјѕԁһкмтвнАВЕКМНОРСТХУІЈЅԚԜοανικρτυχεΑΒΕΖΗΙΚΜΝΟΡΤΥΧѵɡⅼı",
    "aeopcyxijsdhkmtbhABEKMHOPCTXYIJSQWoavikptuxeABEZHIKMNOPTYXvgli",
)


def why_bad(name: str) -> tuple[str, str] | None:
    """(what is wrong with `name` as an id, what to do), or None if it is a good one."""
    if _PLAIN.fullmatch(name) is not None:
        if name in RESERVED:
            return "is a reserved word", f"choose another name, such as {name}_1"
        return None
    if not name:
        return "is empty", "give the node a name"
    if len(name) > MAX_ID_LENGTH:
        return f"has {len(name)} characters", f"at most {MAX_ID_LENGTH} are allowed; put the rest into `description`"
    hidden = next((char for char in name if unicodedata.category(char) in ("Cf", "Cc", "Cs", "Co", "Cn")), None)
    if hidden is not None:
        return f"holds an invisible character, {_named(hidden)}", "delete it and type the name again"
    if name[0] == "-":
        return "begins with a hyphen", "begin with a letter, a digit or _"
    odd = next((char for char in name if not _allowed(char)), None)
    if odd is not None:
        advice = name.replace(odd, "_") if len(name) < 40 else None
        known = f", for example {harmless(advice)}" if advice and why_bad(advice) is None else ""
        return f"holds {_named(odd)}", f"use letters, digits, _ and - only{known}"
    if unicodedata.category(name[0])[0] == "M":
        return "begins with a combining mark", "begin with a letter, a digit or _"
    return None


def folded(name: str) -> str:
    """The form in which ids are compared: NFC and casefold."""
    return (
        name.lower() if name.isascii() else unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())
    )


def skeleton(name: str) -> str:
    """What `name` looks like: compatibility forms and letters of other scripts that are drawn alike become one."""
    if name.isascii():
        return name
    return unicodedata.normalize("NFKC", name).translate(_LOOKALIKES)


def mixed_scripts(name: str) -> tuple[str, str] | None:
    """Two scripts that `name` mixes though their letters are easily taken for each other, or None."""
    if name.isascii():
        return None
    scripts = {_script(char) for char in name if char.isalpha()} & {"LATIN", "CYRILLIC", "GREEK"}
    if len(scripts) < 2:
        return None
    first, second = sorted(scripts, reverse=True)[:2]
    return first.capitalize(), second.capitalize()


def _allowed(char: str) -> bool:
    return char in "_-" or unicodedata.category(char) in ("Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Mc", "Nd", "Nl", "No")


def _script(char: str) -> str:
    return unicodedata.name(char, "").split(" ", 1)[0]


def _named(char: str) -> str:
    if char == " ":
        return "a space"
    if char.isprintable() and unicodedata.category(char) != "Cf":
        return f'"{char}"'
    return f"U+{ord(char):04X} ({unicodedata.name(char, 'unnamed').lower()})"
