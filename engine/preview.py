"""A short text that shows a value to a person, made where the value was produced.

No code of the value runs: only builtin types are spelled out, of others the type and, where it is a plain attribute, the
shape is told. The text is one line, at most `WIDTH` characters, and holds no control character.
"""

from __future__ import annotations

TYPE_CHECKING = False  # as type checkers see it; importing typing takes a child long
if TYPE_CHECKING:
    from typing import Any


WIDTH = 160
_MEMBERS = 6
_DEPTH = 3
_BRACKETS: dict[type, tuple[str, str]] = {list: ("[", "]"), tuple: ("(", ")"), set: ("{", "}"), frozenset: ("{", "}")}
_SPELLED = (int, float, complex, bool, type(None), type(...), range)


def preview_of(value: Any) -> str:
    """One line about `value`: `[{'species': 'Adelie', 'mass': 3750}, ... 343 more]`."""
    try:
        return _cut(_spell(value, 0), WIDTH)
    except Exception:
        return f"<{type_name(value)}>"


def type_name(value: Any) -> str:
    """The name of the value's type as a person would write it: `int`, `numpy.ndarray`, `Row` (of a script)."""
    kind = type(value)
    module = type.__getattribute__(kind, "__module__")
    name = type.__getattribute__(kind, "__qualname__").replace("<locals>.", "")
    return name if module in ("builtins", "__main__", "__mp_main__") else f"{module}.{name}"


def _spell(value: Any, depth: int) -> str:
    kind = type(value)
    if kind is str:
        return _spell_text(value)
    if kind is int and value.bit_length() > 256:
        return f"<int of {value.bit_length()} bits>"
    if kind in _SPELLED:
        return repr(value)
    if kind is bytes or kind is bytearray:
        return f"<{len(value)} bytes>" if len(value) > 24 else repr(value)
    if kind is list or kind is tuple or kind is set or kind is frozenset:
        return _spell_members(value, kind, depth)
    if kind is dict:
        return _spell_dict(value, depth)
    return _name_only(value)


def _spell_text(value: str) -> str:
    short = repr(value[:100])
    return short if len(value) <= 100 else f"{short}... ({len(value)} characters)"


def _spell_members(value: Any, kind: type, depth: int) -> str:
    opening, closing = _BRACKETS[kind]
    if depth >= _DEPTH:
        return f"{opening}... {len(value)} ...{closing}" if value else opening + closing
    shown: list[str] = []
    for member in value:
        if len(shown) == _MEMBERS:
            shown.append(f"... {len(value) - _MEMBERS} more")
            break
        shown.append(_spell(member, depth + 1))
    return f"{opening}{', '.join(shown)}{closing}"


def _spell_dict(value: Any, depth: int) -> str:
    if depth >= _DEPTH:
        return f"{{... {len(value)} ...}}" if value else "{}"
    shown: list[str] = []
    for key, member in value.items():
        if len(shown) == _MEMBERS:
            shown.append(f"... {len(value) - _MEMBERS} more")
            break
        shown.append(f"{_spell(key, depth + 1)}: {_spell(member, depth + 1)}")
    return f"{{{', '.join(shown)}}}"


def _name_only(value: Any) -> str:
    name = type_name(value)
    if type(value).__module__.split(".")[0] in ("numpy", "pandas", "polars", "torch", "xarray", "scipy"):
        shape = getattr(value, "shape", None)
        if type(shape) is tuple and all(type(size) is int for size in shape):
            return f"<{name} {' x '.join(map(str, shape)) or 'scalar'}>"
    return f"<{name}>"


def _cut(text: str, width: int) -> str:
    text = "".join(c if c.isprintable() else "?" for c in text[: width + 1])
    return text if len(text) <= width else text[: width - 3] + "..."
