"""A kind of node for Flowloom: `kind = "shout"`, `text = "hello"`, perhaps `times = 3`.

A kind is a function. Its parameters are the keys of the node; inputs, args and `${...}` reach it as they reach a task, and a
parameter `ctx` gets the context.
"""

from __future__ import annotations

from typing import Any


def shout(ctx: Any, text: str, times: int = 1) -> str:
    """Say something loudly, a few times."""
    ctx.logger.info("about to shout %d times", times)
    return " ".join([text.upper() + "!"] * times)
