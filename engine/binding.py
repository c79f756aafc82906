"""Arguments of an attempt: constants, fields of results, `${...}`, filled in when the attempt is made.

Most nodes take whole results and need nothing from here. For the others the plan holds one `Filling`: a recipe made once,
when the plan was made, and followed for each attempt. Fields are read here from plain data only; where a result is
opaque (a `Payload` that this process must not open), the steps travel with the attempt and are taken where it runs.
"""

from __future__ import annotations


class BindingFailed(Exception):
    """An argument cannot be filled in: the message says which, from what, and why."""
