"""What each edit does: (draft, edit) -> the operations on its text that make it, or the reason why not.

`apply` gives the new draft and the edit that takes it back, byte for byte. A rule never writes text: it says which
tables get which values, and which tables come, go or move (`sheet`). Every rule begins with what it refuses, so that
nothing is half done.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from studio.document import copying, edge_rules, edits, grouping, node_rules, project_rules
from studio.document.draft import Draft
from studio.document.edge_rules import check_edge, targets_of
from studio.document.edits import Edit, EditRefused
from studio.document.extraction import extract
from studio.document.inlining import inline
from studio.document.links import carry
from studio.document.revert import Revert, difference, reverted


def apply(draft: Draft, edit: Edit) -> tuple[Draft, Edit]:
    """The draft after an edit, and the edit that takes it back. Raises EditRefused, and then nothing has happened."""
    if draft.typed is not None and not isinstance(edit, edits.SetText | Revert):
        line = f"line {draft.typed.line} of the TOML" if draft.typed.line else "the TOML"
        raise EditRefused("what you typed into the TOML cannot be read yet", f"mend {line}, or undo")
    new = _RULES[type(edit)](draft, edit)
    carry(draft, new)
    return new, difference(draft, new, edit.title)


def allowed(draft: Draft, edit: Edit) -> str | None:
    """Why an edit would be refused; None if it would not."""
    try:
        if isinstance(edit, edits.Connect):
            check_edge(draft, edit)
        else:
            apply(draft, edit)
    except EditRefused as refusal:
        return refusal.what
    return None


def _several(draft: Draft, edit: edits.Several) -> Draft:
    for one in edit.edits:
        new = _RULES[type(one)](draft, one)
        carry(draft, new)
        draft = new
    return draft


_RULES: Mapping[type[Edit], Callable[[Draft, Any], Draft]] = {
    **node_rules.RULES,
    **edge_rules.RULES,
    **copying.RULES,
    **grouping.RULES,
    **project_rules.RULES,
    edits.ExtractWorkflow: extract,
    edits.InlineWorkflow: inline,
    Revert: reverted,
    edits.Several: _several,
}

__all__ = ["allowed", "apply", "targets_of"]
