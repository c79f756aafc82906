"""JSON documents for scripts: valid whatever tasks returned."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

DEEPEST = 60
"""Nesting beyond which a value is told as text: parsers of other languages give up at about 100."""


def dumped(document: Any) -> str:
    """`document` as JSON. Infinite numbers become null, bytes and strange keys text, half characters escapes."""
    text = json.dumps(_plain(document, 0), ensure_ascii=False, indent=2, allow_nan=False)
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _plain(value: Any, depth: int) -> Any:
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, int):
        return value if value.bit_length() <= 1024 else f"an integer of {value.bit_length()} bits"
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if depth >= DEEPEST:
        return "..."
    if isinstance(value, Mapping):
        return {_key(key): _plain(part, depth + 1) for key, part in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(part, depth + 1) for part in value]
    if isinstance(value, bytes | bytearray | memoryview):
        from base64 import b64encode

        return b64encode(bytes(value)).decode("ascii")
    isoformat = getattr(value, "isoformat", None)
    return str(isoformat()) if callable(isoformat) else str(value)


def _key(key: object) -> str:
    return key if isinstance(key, str) else str(key)
