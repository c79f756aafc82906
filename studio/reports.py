"""What went wrong, in the words that fit a notice; and a file with all of it where the fault is ours."""

from __future__ import annotations

import time

from studio import config


def report_of(problem: BaseException) -> str:
    """Write down what went wrong inside of us, and say where."""
    import traceback

    text = "".join(traceback.format_exception(problem))
    file = config.state_file().parent / "reports" / f"studio-{time.strftime('%Y%m%d-%H%M%S')}.txt"
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8", errors="replace")
    except OSError:
        return first_of(f"{type(problem).__name__}: {problem}")
    return f"{type(problem).__name__}; please report it with {file}"


def first_of(text: str) -> str:
    """The first lines of a message, as long as a person reads in passing."""
    return " ".join(text.split())[:300]
