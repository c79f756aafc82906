"""What lies under the cursor: the node, its code, the troubles and the workflows it goes through.

Wherever the state changes, the cursor stands on something and the source of its task is asked for: see `at`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec.structs import replace

from engine.project.model import Node, SubWorkflow, Task
from studio import actions, effects, reduce_fixes
from studio.actions import Action
from studio.document.reader import line_of, node_at, outline, path_of_keys, walk
from studio.effects import Effect
from studio.in_hand import Step
from studio.state import Inner, StudioState

TROUBLES = frozenset({"failed", "unknown", "retrying"})


def at(state: StudioState, path: str | None, before: tuple[Effect, ...] = ()) -> Step:
    """The cursor on a node; on the first one where there is none of that path."""
    workflow = state.workflow
    if workflow is None:
        return replace(state, cursor=None), before
    if path is None or node_at(workflow, path) is None:
        path = next(iter(workflow.nodes), None)
    state = replace(state, cursor=path)
    return _with_code(state, before)


def _with_code(state: StudioState, before: tuple[Effect, ...] = ()) -> Step:
    """Ask for the source of the node's task, once."""
    task = _task_of(state.node)
    if task is None or state.document is None or task == state.code_of:
        return state, before
    return replace(state, code=None, code_of=task), (*before, effects.ReadCode(state.document.folder, task))


def _task_of(node: Node | None) -> str | None:
    body = node.body if node is not None else None
    return body.task if isinstance(body, Task) and isinstance(body.task, str) else None


def _cursor_moved(state: StudioState, action: actions.CursorMoved) -> Step:
    if action.path == state.cursor:
        return state, ()
    workflow, path = state.workflow, action.path
    state = replace(state, about="node")
    if workflow is None or path is None or node_at(workflow, path) is not None:
        return at(state, path)
    if action.by == "edit":
        return state, ()  # the edit that should have made it was refused
    if "/" in path and node_at(workflow, path.rpartition("/")[0]) is not None:
        return _with_code(replace(state, cursor=path))  # a place in a group that no node is behind yet
    return at(state, path)


def _code_read(state: StudioState, action: actions.CodeRead) -> Step:
    return (replace(state, code=action.code) if action.reference == state.code_of else state), ()


def _node_opened(state: StudioState, action: actions.NodeOpened) -> Step:
    state, found = at(replace(state, about="node", field=()), action.path)
    return replace(state, inspector=True, focus="inspector"), found


def _open(state: StudioState) -> Step:
    return _node_opened(state, actions.NodeOpened(state.cursor)) if state.cursor else (state, ())


def _code(state: StudioState) -> Step:
    """The code of the node in the person's editor; its table in the project file where it has no code of its own."""
    if state.broken is not None:
        return state, (effects.OpenEditor(state.broken.path, state.broken.line or 1),)
    if state.document is None:
        return state, ()
    in_file = state.focus in {"toml", "problems"}
    task = _task_of(state.node)
    if not in_file and state.code is None and task is not None and reduce_fixes.can_write(state, task):
        return reduce_fixes.write_function(state, task, state.cursor, then_open=True)
    if in_file or state.code is None:
        line = line_of(outline(state.document.text), state.cursor or "") or 1
        return state, (effects.OpenEditor(state.document.path, line),)
    return state, (effects.OpenEditor(state.code.file, state.code.line),)


def _copy(state: StudioState) -> Step:
    now = state.node_now
    if now is not None and now.error:
        return state, (effects.Copy(now.trouble or now.error, "the error"),)
    return state, (effects.Copy(state.cursor, "the node's name"),) if state.cursor else ()


def _finding_chosen(state: StudioState, action: actions.FindingChosen) -> Step:
    findings = state.document.findings if state.document is not None else ()
    if state.broken is not None:
        return _code(state)
    if not 0 <= action.index < len(findings):
        return state, ()
    keys = tuple(str(key) for key in findings[action.index].path)
    path = path_of_keys(keys)
    if path is None:
        return replace(state, drawer="toml", focus="toml", line=findings[action.index].line or 1), ()
    focus = "inspector" if state.inspector_open else "canvas"
    state = replace(state, stack=(), focus=focus, about="node", field=_field_of(keys))
    while path and state.workflow is not None and node_at(state.workflow, path) is None:
        path = path.rpartition("/")[0]
    return at(state, path or None)


def _field_of(keys: tuple[str, ...]) -> tuple[str, ...]:
    """The keys inside of the node's own table."""
    from studio.document.mending import node_depth

    return keys[node_depth(keys) :]


def troubles(state: StudioState) -> list[str]:
    """The nodes with a finding or a failure, in the order of the file."""
    if state.workflow is None:
        return []
    marked = {path_of_keys(tuple(finding.path)) for finding in state.document.findings} if state.document else set()
    nodes = state.shown_nodes
    return [
        path
        for path, _ in walk(state.workflow.nodes)
        if (path in marked and not state.stack) or (path in nodes and nodes[path].state in TROUBLES)
    ]


def _to_trouble(state: StudioState, step: int) -> Step:
    found = troubles(state)
    if not found:
        return state, (effects.Tell("No problems and no failures here"),)
    if state.cursor in found:
        return at(state, found[(found.index(state.cursor) + step) % len(found)])
    return at(state, found[0 if step > 0 else -1])


def _went_in(state: StudioState, action: actions.WentIn) -> Step:
    node = node_at(state.workflow, action.path) if state.workflow is not None else None
    if node is None or not isinstance(node.body, SubWorkflow) or state.document is None:
        return state, ()
    name = node.body.workflow
    own = state.document.project.workflows.get(name)
    if own is None:
        return state, (effects.ReadInner(state.document.folder / name, state.scope, action.path),)
    return _inner_read(state, actions.InnerRead(state.scope, action.path, own))


def _inner_read(state: StudioState, action: actions.InnerRead) -> Step:
    if action.scope != state.scope:
        return state, ()
    return at(replace(state, stack=(*state.stack, Inner(action.node, action.workflow))), None)


def came_out(state: StudioState, action: actions.CameOut) -> Step:
    """Out of so many sub-workflows, back on the node that each was gone into by."""
    levels = min(action.levels, len(state.stack))
    if levels < 1:
        return state, ()
    keep = len(state.stack) - levels
    return at(replace(state, stack=state.stack[:keep]), state.stack[keep].node)


BY_ACTION: dict[type[Action], Callable[[StudioState, Any], Step]] = {
    actions.CameOut: came_out,
    actions.CodeRead: _code_read,
    actions.Copied: lambda state, action: (state, (effects.Copy(action.text, action.what),)),
    actions.CursorMoved: _cursor_moved,
    actions.FindingChosen: _finding_chosen,
    actions.InnerRead: _inner_read,
    actions.NodeOpened: _node_opened,
    actions.WentIn: _went_in,
}

BY_COMMAND: dict[str, Callable[[StudioState], Step]] = {
    "open": _open,
    "code": _code,
    "copy": _copy,
    "trouble.next": lambda state: _to_trouble(state, 1),
    "trouble.previous": lambda state: _to_trouble(state, -1),
    "surface": lambda state: came_out(state, actions.CameOut()),
}
