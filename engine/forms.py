"""The forms a value can have as bytes, and what decides between them: who would find a class by its name elsewhere.

Shared by `payload` and the ways in `pickling`; imported by children, so nothing but builtins is loaded here.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False  # as type checkers see it; importing typing takes a child long
if TYPE_CHECKING:
    from typing import Any, Optional

PLAIN = 1
PICKLE = 2
DILL = 3
DILL_RECURSE = 4
CLOUDPICKLE = 5
OPAQUE = 0
"""Nothing but a preview: the value stayed in the process that made it."""

BY_VALUE = frozenset({DILL, DILL_RECURSE, CLOUDPICKLE})
TAG_NAMES = {PLAIN: "msgpack", PICKLE: "pickle", DILL: "dill", DILL_RECURSE: "dill", CLOUDPICKLE: "cloudpickle"}


def magic_number() -> int:
    """What marks the compiled code of this Python."""
    import _frozen_importlib_external

    return int.from_bytes(_frozen_importlib_external.MAGIC_NUMBER[:2], "little")


def python_of(magic: int) -> str:
    """Which Python has this magic number, as text: `Python 3.11`."""
    for version, first in ((14, 3600), (13, 3550), (12, 3500), (11, 3450), (10, 3430), (9, 3420)):
        if magic >= first:
            return f"Python 3.{version}"
    return f"a Python with the magic number {magic}"


def reference_of(function: Any) -> Optional[str]:
    """`module:name` if any process of the project can import the function by it, else None."""
    if not is_reachable(function):
        return None
    return f"{function.__module__}:{function.__qualname__}"


def is_reachable(thing: Any) -> bool:
    """Whether a class or function is found elsewhere by its qualified name."""
    try:
        module = sys.modules.get(thing.__module__)
        name = thing.__qualname__
    except AttributeError:
        return False
    if module is None or thing.__module__ in ("__main__", "__mp_main__") or getattr(module, "__spec__", None) is None:
        return False
    found: Any = module
    for step in name.split("."):
        found = getattr(found, step, None)
    return found is thing
