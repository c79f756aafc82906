"""What mends findings: an edit where the project file is wrong, a new function where one is missing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec.structs import replace

from engine.project.findings import Finding
from engine.project.model import Task
from studio import actions, effects
from studio.actions import Action
from studio.document import edits
from studio.document.edits import Edit
from studio.document.mending import edit_for, mendable, missing_function
from studio.document.reader import node_at, path_of_keys, walk
from studio.document.stubs import module_file, stub_of
from studio.effects import Effect
from studio.reduce_edits import edited
from studio.state import StudioState

Step = tuple[StudioState, tuple[Effect, ...]]


def fix_chosen(state: StudioState, action: actions.FixChosen) -> Step:
    """Mend the finding with this number."""
    findings = state.document.findings if state.document is not None else ()
    if not 0 <= action.index < len(findings):
        return state, ()
    return _mended(state, findings[action.index])


def fix_here(state: StudioState) -> Step:
    """Mend what is wrong with the node under the cursor: the first of it that a key can mend."""
    findings = state.document.findings if state.document is not None else ()
    here = [f for f in findings if path_of_keys(tuple(f.path)) == state.cursor] if not state.stack else []
    if not here:
        return state, (effects.Tell("Nothing is wrong with this node"),)
    return _mended(state, next((finding for finding in here if mendable(finding)), here[0]))


def fix_all(state: StudioState) -> Step:
    """Mend all that can be mended by edits, as one step."""
    draft = state.draft
    if draft is None or state.document is None:
        return state, ()
    made: dict[tuple[Any, ...], Edit] = {}
    for finding in state.document.findings:
        edit = edit_for(draft, finding)
        if edit is not None:
            # Of two remarks on one list the second would write the first one's back.
            made.setdefault(tuple(key for key in finding.path if isinstance(key, str)), edit)
    if not made:
        return state, (effects.Tell("No problem here has just one remedy: each says what can be done"),)
    count = "1 problem" if len(made) == 1 else f"{len(made)} problems"
    state, found = edited(state, actions.Edited(edits.Several(edits=tuple(made.values()), said=f"fix {count}")))
    return state, (*found, effects.Tell(f"Fixed {count}; u takes it back"))


def _mended(state: StudioState, finding: Finding) -> Step:
    if state.draft is None:
        return state, ()
    reference = missing_function(finding)
    if reference is not None:
        return write_function(state, reference, path_of_keys(tuple(finding.path)))
    edit = edit_for(state.draft, finding)
    if edit is None:
        return state, (effects.Tell(f"{finding.message}: {finding.remedy}", "warning"),)
    return edited(state, actions.Edited(edit))


def write_function(state: StudioState, reference: str, path: str | None, *, then_open: bool = False) -> Step:
    """Write the function that a node names into its module, behind what is there."""
    document, workflow = state.document, state.workflow
    if document is None or workflow is None:
        return state, ()
    node = node_at(workflow, path) if path is not None else None
    if node is None:
        tasks = (node for _, node in walk(workflow.nodes) if isinstance(node.body, Task))
        node = next((node for node in tasks if getattr(node.body, "task", "") == reference), None)
    if node is None or module_file(document.folder, reference) is None:
        return state, (effects.Tell(f"{reference} names no place in this folder where a function could go", "warning"),)
    stub = stub_of(node, reference)
    return state, (effects.WriteFunction(document.folder, reference, stub, then_open),)


def can_write(state: StudioState, reference: str) -> bool:
    """Whether a function that nobody found could be written: the check misses it, so no installed package has it."""
    findings = state.document.findings if state.document is not None else ()
    return any(missing_function(finding) == reference for finding in findings)


def function_written(state: StudioState, action: actions.FunctionWritten) -> Step:
    """The function is there: show it, and the editor if it was asked for."""
    place = f"{action.file.name}:{action.line}"
    told = effects.Tell(f"Wrote {action.reference.partition(':')[2]} to {place}; e opens it")
    opened = (effects.OpenEditor(action.file, action.line),) if action.then_open else (told,)
    read: tuple[Effect, ...] = ()
    if state.code_of == action.reference:
        state = replace(state, code=None)
        read = (effects.ReadCode(action.folder, action.reference),)
    return state, (*read, *opened)


BY_ACTION: dict[type[Action], Callable[[StudioState, Any], Step]] = {
    actions.FixChosen: fix_chosen,
    actions.FunctionWritten: function_written,
}

BY_COMMAND: dict[str, Callable[[StudioState], Step]] = {"fix": fix_here, "problem.all": fix_all}
