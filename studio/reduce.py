"""What each action means: (state, action) -> (state, effects). Pure, and the only place where the state changes.

Two tables: `_BY_ACTION` for actions by their type, `_BY_COMMAND` for `Asked` by the ids of `keys`. A command that only
the canvas knows (moving, zooming, folding, finding) never comes here. Nothing here looks at a clock, a file or a
screen; what has to be done in the world is returned as effects.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec.structs import replace

from engine.project.model import Node, SubWorkflow, Task
from studio import actions, effects, reduce_edits, reduce_file, reduce_fixes
from studio.actions import Action
from studio.document.catalog import KINDS, Catalog
from studio.document.reader import line_of, node_at, outline, path_of_keys, walk
from studio.effects import Effect
from studio.state import Drawer, Inner, Part, Place, Remembered, StudioState
from studio.theme import THEMES

Step = tuple[StudioState, tuple[Effect, ...]]

MIN_INSPECTOR, MAX_INSPECTOR = 28, 60

TROUBLES = frozenset({"failed", "unknown", "retrying"})


def reduce(state: StudioState, action: Action) -> Step:
    """The state after an action, and what is to be done in the world because of it."""
    rule = _BY_ACTION.get(type(action))
    return rule(state, action) if rule is not None else (state, ())


def _together(state: StudioState, action: actions.Together) -> Step:
    done: list[Effect] = []
    for one in action.actions:
        state, found = reduce(state, one)
        done += found
    return state, tuple(done)


def _asked(state: StudioState, action: actions.Asked) -> Step:
    rule = _BY_COMMAND.get(action.command)
    return rule(state) if rule is not None else (state, ())


# -- projects --------------------------------------------------------------------------------------------------------


def _project_read(state: StudioState, action: actions.ProjectRead) -> Step:
    document, old = action.document, state.document
    leave = _remember(state)
    again = old is not None and old.path == document.path
    view = action.view or Remembered()
    if again:
        state, found = reduce_file.read_again(state, document)
    else:
        state, found = reduce_file.opened(state, document, action.kept)
    fresh = replace(
        state,
        trusted=action.trusted or (again and state.trusted),
        place="editor" if state.place == "welcome" or not again else state.place,
        code=None,
        code_of="",
    )
    if again:
        read = (effects.WatchProject(document.path), effects.ReadCatalog(document.folder))
        return _at(fresh, state.cursor, (*found, *read))
    fresh = replace(
        fresh,
        stack=(),
        run=None,
        nodes={},
        runs=None,
        catalog=Catalog(KINDS),
        drawer=view.drawer,
        inspector=view.inspector,
        zoom=view.zoom,
        focus="canvas",
    )
    wanted = (
        effects.WatchProject(document.path),
        effects.ReadRun(document.folder),
        effects.ReadCatalog(document.folder),
        effects.NoteOpened(document.path, document.name),
    )
    return _at(fresh, view.cursor, (*leave, *wanted, *found))


def _project_broken(state: StudioState, action: actions.ProjectBroken) -> Step:
    same = state.document is not None and action.broken.path in {state.document.path, state.document.folder}
    if same or state.document is None:
        place: Place = "editor" if state.place == "welcome" else state.place
        return replace(state, broken=action.broken, place=place), (effects.WatchProject(action.broken.path),)
    where = f"{action.broken.path.name} cannot be read: {action.broken.message}"
    return state, (effects.Tell(where, "error"),)


def _project_chosen(state: StudioState, action: actions.ProjectChosen) -> Step:
    if state.run is not None and state.run.live:
        return state, (effects.Tell("A run is going on here: cancel it (X), or wait, then open another project"),)
    return state, (effects.LoadProject(action.path),)


def _template_chosen(state: StudioState, action: actions.TemplateChosen) -> Step:
    return state, (effects.MakeProject(action.template, action.folder),)


def _reload(state: StudioState) -> Step:
    path = state.document.path if state.document is not None else state.broken.path if state.broken else None
    return state, (effects.LoadProject(path),) if path is not None else ()


def _recent_read(state: StudioState, action: actions.RecentRead) -> Step:
    return replace(state, recent=action.recent), ()


# -- the cursor ------------------------------------------------------------------------------------------------------


def _at(state: StudioState, path: str | None, before: tuple[Effect, ...] = ()) -> Step:
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
        return _at(state, path)
    if action.by == "edit":
        return state, ()  # the edit that should have made it was refused
    if "/" in path and node_at(workflow, path.rpartition("/")[0]) is not None:
        return _with_code(replace(state, cursor=path))  # a place in a group that no node is behind yet
    return _at(state, path)


def _code_read(state: StudioState, action: actions.CodeRead) -> Step:
    return (replace(state, code=action.code) if action.reference == state.code_of else state), ()


def _catalog_read(state: StudioState, action: actions.CatalogRead) -> Step:
    here = state.document is not None and state.document.folder == action.folder
    return (replace(state, catalog=action.catalog) if here else state), ()


def _node_opened(state: StudioState, action: actions.NodeOpened) -> Step:
    state, found = _at(replace(state, about="node", field=()), action.path)
    return replace(state, inspector=True, focus="inspector"), found


def _open(state: StudioState) -> Step:
    return _node_opened(state, actions.NodeOpened(state.cursor)) if state.cursor else (state, ())


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
    return _at(state, path or None)


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
        return _at(state, found[(found.index(state.cursor) + step) % len(found)])
    return _at(state, found[0 if step > 0 else -1])


# -- going in and out ------------------------------------------------------------------------------------------------


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
    return _at(replace(state, stack=(*state.stack, Inner(action.node, action.workflow))), None)


def _came_out(state: StudioState, action: actions.CameOut) -> Step:
    levels = min(action.levels, len(state.stack))
    if levels < 1:
        return state, ()
    keep = len(state.stack) - levels
    return _at(replace(state, stack=state.stack[:keep]), state.stack[keep].node)


# -- places, drawers, panes ------------------------------------------------------------------------------------------


def _place_chosen(state: StudioState, action: actions.PlaceChosen) -> Step:
    if state.document is None and action.place != "welcome":
        return state, (effects.Tell("Open a project first"),)
    if action.place == "welcome":
        return replace(state, place="welcome", focus="canvas"), (effects.LoadRecent(),)
    done: tuple[Effect, ...] = ()
    if action.place == "runs" and state.document is not None:
        done = (effects.ReadRuns(state.document.folder),)
    if action.place == "agents":
        done = (effects.ReadAgents(),)
    return replace(state, place=action.place, focus="canvas"), done


def _agents_wanted(state: StudioState, action: actions.AgentsWanted) -> Step:
    return state, (effects.ReadAgents(),) if state.place == "agents" else ()


def _agents_read(state: StudioState, action: actions.AgentsRead) -> Step:
    return (state if action.agents == state.agents else replace(state, agents=action.agents)), ()


def _drawer_chosen(state: StudioState, action: actions.DrawerChosen) -> Step:
    drawer = _DRAWERS.get(action.drawer or "")
    if drawer is None or drawer == state.drawer:
        return replace(state, drawer=None, focus="canvas"), ()
    if state.width < 100:
        state = replace(state, inspector=None)  # both lie over the canvas, and one of them is enough
    return replace(state, drawer=drawer, focus=drawer if drawer == "problems" else "canvas"), ()


_DRAWERS: dict[str, Drawer] = {"problems": "problems", "toml": "toml", "changes": "changes", "log": "log"}


def _focus_moved(state: StudioState, action: actions.FocusMoved) -> Step:
    return (state, ()) if action.focus == state.focus else (replace(state, focus=action.focus), ())


def panes(state: StudioState) -> list[str]:
    """The panes that can have the keys now, in the order of Tab."""
    inspector = ["inspector"] if state.inspector_open else []
    return ["canvas", *inspector, *([state.drawer] if state.drawer else [])]


def _pane(state: StudioState, step: int) -> Step:
    here = panes(state)
    focus = {"field": "inspector", "text": "toml"}.get(state.focus, state.focus)
    at = here.index(focus) if focus in here else 0
    return replace(state, focus=here[(at + step) % len(here)]), ()


def _inspector(state: StudioState) -> Step:
    shown = not state.inspector_open
    over = shown and state.width < 100
    return replace(state, inspector=shown, focus="inspector" if over else "canvas"), ()


def _inspector_sized(state: StudioState, action: actions.InspectorSized) -> Step:
    most = max(MIN_INSPECTOR, min(MAX_INSPECTOR, state.width - 20))
    return replace(state, inspector_cells=max(MIN_INSPECTOR, min(action.cells, most))), ()


def _about_project(state: StudioState) -> Step:
    """The inspector tells of the project; asked again, of the node under the cursor."""
    if state.document is None:
        return state, (effects.Tell("Open a project first"),)
    if state.about == "project" and state.inspector_open:
        return replace(state, about="node", focus="canvas", inspector=None if state.docked else False), ()
    return replace(state, about="project", inspector=True, focus="inspector"), ()


def _back(state: StudioState) -> Step:
    """Esc: out of the pane in hand, then out of what lies over or beside the canvas."""
    if state.focus == "inspector" and state.about == "project":
        state = replace(state, about="node")
    if state.focus in {"inspector", "field"} and not state.docked:
        return replace(state, focus="canvas", inspector=False), ()
    if state.focus != "canvas":
        return replace(state, focus="canvas"), ()
    if state.inspector_open and not state.docked:
        return replace(state, inspector=False), ()
    return replace(state, drawer=None), ()


def _close(state: StudioState) -> Step:
    """q: close the nearest thing, and leave where nothing is left to close."""
    if state.place in {"runs", "agents"}:
        return replace(state, place="editor", focus="canvas"), ()
    if state.place == "welcome":
        return (state, (effects.Quit(),)) if state.document is None else (replace(state, place="editor"), ())
    if state.focus != "canvas" or state.drawer is not None or (state.inspector_open and not state.docked):
        return _back(state)
    if state.stack:
        return _came_out(state, actions.CameOut())
    return _quit(state)


def _quit(state: StudioState) -> Step:
    if state.run is not None and state.run.live:
        return state, (effects.Show("quit"),)
    return _leave(state)


def _leave(state: StudioState) -> Step:
    """Leave, once what is not saved is kept."""
    return (state, left) if (left := reduce_file.leave(state)) else _quit_now(state)


def _quit_now(state: StudioState) -> Step:
    return state, (*_remember(state), effects.Quit())


def _remember(state: StudioState) -> tuple[Effect, ...]:
    if state.document is None:
        return ()
    cursor = state.stack[0].node if state.stack else state.cursor
    view = Remembered(cursor, state.drawer, state.inspector, state.zoom)
    return (effects.Remember(state.document.path, view),)


# -- runs ------------------------------------------------------------------------------------------------------------


def _run(state: StudioState, part: Part) -> Step:
    """Run what is on the screen, saved or not: all of it, or the part that the node at the cursor says."""
    document = state.document
    if document is None:
        return state, (effects.Tell("Open a project first"),)
    if state.run is not None and state.run.live:
        return replace(state, place="monitor"), (effects.Tell("It is running already"),)
    if state.broken is not None:
        return replace(state, drawer="problems"), (effects.Tell("The project file cannot be read: mend it first"),)
    if document.errors and (state.draft is None or state.draft.checked):
        many = "1 problem keeps" if document.errors == 1 else f"{document.errors} problems keep"
        return replace(state, drawer="problems", focus="problems"), (effects.Tell(f"{many} it from running", "error"),)
    if not document.project.workflow.nodes:
        return state, (effects.Tell("There are no nodes to run"),)
    if part != "all" and state.cursor is None:
        return state, (effects.Tell("Put the cursor on a node first"),)
    if not state.trusted:
        return replace(state, wanted=part), (effects.AskTrust(),)
    return state, (_start(state, part),)


def _start(state: StudioState, part: Part) -> Effect:
    assert state.document is not None
    node = "/".join((*state.scope, state.cursor)) if part != "all" and state.cursor else ""
    return effects.StartRun(state.document.path, state.document.text if state.dirty else None, part, node)


def _trust_answered(state: StudioState, action: actions.TrustAnswered) -> Step:
    wanted = state.wanted
    state = replace(state, wanted=None)
    document = state.document
    if action.answer == "no" or document is None:
        return state, (effects.Tell("Nothing was run"),) if wanted else ()
    keep = (effects.KeepTrust(document.folder),) if action.answer == "always" else ()
    live = state.run is not None and state.run.live
    start = (_start(state, wanted),) if wanted and not live else ()
    return replace(state, trusted=True), (*keep, *start)


def _change_run(state: StudioState) -> Step:
    """Ask what the edits would mean for the run that goes on."""
    if state.run is None or not state.run.live or state.document is None:
        return state, (effects.Tell("Nothing is running; R runs what is on the screen"),)
    if state.broken is not None:
        return replace(state, drawer="problems"), (effects.Tell("The project file cannot be read: mend it first"),)
    return state, (effects.ForeseeChange(state.document.path, state.document.text),)


def _change_foreseen(state: StudioState, action: actions.ChangeForeseen) -> Step:
    return replace(state, foreseen=action.nodes), (effects.Show("change"),)


def _change_answered(state: StudioState, action: actions.ChangeAnswered) -> Step:
    asked, state = state.foreseen, replace(state, foreseen=())
    if not action.go_on or not asked or state.document is None:
        return state, ()
    return state, (effects.ChangeRun(state.document.path, state.document.text),)


def _run_began(state: StudioState, action: actions.RunBegan) -> Step:
    return replace(state, run=action.run, nodes={}, place="monitor", focus="canvas"), ()


def _run_advanced(state: StudioState, action: actions.RunAdvanced) -> Step:
    nodes = {**state.nodes, **action.nodes} if action.nodes else state.nodes
    return replace(state, run=action.run, nodes=nodes), ()


def _run_ended(state: StudioState, action: actions.RunEnded) -> Step:
    severity = {"completed": "information", "failed": "error"}.get(action.run.state, "warning")
    text = f"The run {action.run.state}" if action.run.state != "canceled" else "The run was canceled"
    return replace(state, run=action.run, runs=None), (effects.Tell(text, severity),)


def _past_run_read(state: StudioState, action: actions.PastRunRead) -> Step:
    if state.run is not None and state.run.live:
        return state, ()
    return replace(state, run=action.run, nodes=action.nodes), ()


def _runs_read(state: StudioState, action: actions.RunsRead) -> Step:
    return replace(state, runs=action.runs), ()


def _run_chosen(state: StudioState, action: actions.RunChosen) -> Step:
    if state.document is None:
        return state, ()
    if state.run is not None and state.run.live and state.run.id != action.run:
        return state, (effects.Tell("A run is going on: the others can be looked at when it is over"),)
    read = (
        ()
        if state.run is not None and state.run.id == action.run
        else (effects.ReadRun(state.document.folder, action.run),)
    )
    return replace(state, place="monitor", focus="canvas"), read


def _pause(state: StudioState) -> Step:
    if state.run is None or not state.run.live:
        return state, (effects.Tell("Nothing is running; R runs all"),)
    return state, (effects.ResumeRun() if state.run.state == "paused" else effects.PauseRun(),)


def _cancel_run(state: StudioState) -> Step:
    live = state.run is not None and state.run.live
    return state, (effects.Show("cancel") if live else effects.Tell("Nothing is running"),)


def _cancel_run_now(state: StudioState) -> Step:
    return state, (effects.CancelRun(),)


# -- the rest --------------------------------------------------------------------------------------------------------


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


def _theme_chosen(state: StudioState, action: actions.ThemeChosen) -> Step:
    return replace(state, theme=action.theme), (effects.KeepLook(action.theme, state.ascii),)


def _next_theme(state: StudioState) -> Step:
    at = THEMES.index(state.theme) if state.theme in THEMES else -1
    return _theme_chosen(state, actions.ThemeChosen(THEMES[(at + 1) % len(THEMES)]))


def _glyphs_chosen(state: StudioState, action: actions.GlyphsChosen) -> Step:
    return replace(state, ascii=action.ascii), (effects.KeepLook(state.theme, action.ascii),)


def _resized(state: StudioState, action: actions.Resized) -> Step:
    state = replace(state, width=action.width, height=action.height)
    lost = state.focus in {"inspector", "field"} and not state.inspector_open
    return (replace(state, focus="canvas") if lost else state), ()


def _told(state: StudioState, action: actions.Told) -> Step:
    return state, (effects.Tell(action.message, action.severity),)


def _editing(rule: Callable[[StudioState, Any], Step]) -> Callable[[StudioState, Any], Step]:
    """A rule for an edit, after which the cursor stands on something, and its code is known."""

    def ruled(state: StudioState, action: Any) -> Step:
        after, found = rule(state, action)
        return _at(after, after.cursor, found) if after.document is not state.document else (after, found)

    return ruled


def _commanding(rule: Callable[[StudioState], Step]) -> Callable[[StudioState], Step]:
    ruled = _editing(lambda state, _: rule(state))
    return lambda state: ruled(state, None)


def _showing(what: str) -> Callable[[StudioState], Step]:
    return lambda state: (state, (effects.Show(what),))


_EDITING_ACTIONS = reduce_edits.BY_ACTION | reduce_file.BY_ACTION | reduce_fixes.BY_ACTION
_EDITING_COMMANDS = reduce_edits.BY_COMMAND | reduce_file.BY_COMMAND | reduce_fixes.BY_COMMAND

_BY_ACTION: dict[type[Action], Callable[[StudioState, Any], Step]] = {
    actions.Asked: _asked,
    actions.CameOut: _came_out,
    actions.CatalogRead: _catalog_read,
    actions.ChangeAnswered: _change_answered,
    actions.ChangeForeseen: _change_foreseen,
    actions.CodeRead: _code_read,
    actions.CursorMoved: _cursor_moved,
    actions.DrawerChosen: _drawer_chosen,
    actions.FindingChosen: _finding_chosen,
    actions.FocusMoved: _focus_moved,
    actions.GlyphsChosen: _glyphs_chosen,
    actions.Copied: lambda state, action: (state, (effects.Copy(action.text, action.what),)),
    actions.InnerRead: _inner_read,
    actions.ModeChanged: lambda state, action: (replace(state, mode=action.mode, mode_keys=action.keys), ()),
    actions.InspectorSized: _inspector_sized,
    actions.NodeOpened: _node_opened,
    actions.PastRunRead: _past_run_read,
    actions.PlaceChosen: _place_chosen,
    actions.ProjectBroken: _project_broken,
    actions.ProjectChosen: _project_chosen,
    actions.ProjectRead: _project_read,
    actions.RecentRead: _recent_read,
    actions.Resized: _resized,
    actions.RunAdvanced: _run_advanced,
    actions.RunBegan: _run_began,
    actions.RunChosen: _run_chosen,
    actions.RunEnded: _run_ended,
    actions.RunsRead: _runs_read,
    actions.AgentsRead: _agents_read,
    actions.AgentsWanted: _agents_wanted,
    actions.AgentDrained: lambda state, action: (state, (effects.DrainAgent(action.name),)),
    actions.AgentEnded: lambda state, action: (state, (effects.StopAgent(action.name),)),
    actions.TemplateChosen: _template_chosen,
    actions.ThemeChosen: _theme_chosen,
    actions.Told: _told,
    actions.Together: _together,
    actions.TrustAnswered: _trust_answered,
    actions.WentIn: _went_in,
    actions.Zoomed: lambda state, action: (replace(state, zoom=action.zoom), ()),
    **{action: _editing(rule) for action, rule in _EDITING_ACTIONS.items()},
}

_BY_COMMAND: dict[str, Callable[[StudioState], Step]] = {
    "place.editor": lambda state: _place_chosen(state, actions.PlaceChosen("editor")),
    "place.monitor": lambda state: _place_chosen(state, actions.PlaceChosen("monitor")),
    "place.runs": lambda state: _place_chosen(state, actions.PlaceChosen("runs")),
    "agent.launch": lambda state: (state, (effects.LaunchAgent(),)),
    "place.agents": lambda state: _place_chosen(state, actions.PlaceChosen("agents")),
    "welcome": lambda state: _place_chosen(state, actions.PlaceChosen("welcome")),
    "pane.next": lambda state: _pane(state, 1),
    "pane.previous": lambda state: _pane(state, -1),
    "problems": lambda state: _drawer_chosen(state, actions.DrawerChosen("problems")),
    "toml": lambda state: _drawer_chosen(state, actions.DrawerChosen("toml")),
    "changes": lambda state: _drawer_chosen(state, actions.DrawerChosen("changes")),
    "log": lambda state: _drawer_chosen(state, actions.DrawerChosen("log")),
    "inspector": _inspector,
    "inspector.leave": _back,
    "project": _about_project,
    "open": _open,
    "cancel": _back,
    "close": _close,
    "quit": _quit,
    "quit.now": _leave,
    "quit.kept": _quit_now,
    "quit.unkept": _showing("unsaved"),
    "reload": _reload,
    "trouble.next": lambda state: _to_trouble(state, 1),
    "trouble.previous": lambda state: _to_trouble(state, -1),
    "surface": lambda state: _came_out(state, actions.CameOut()),
    "run": _showing("run menu"),
    "run.all": lambda state: _run(state, "all"),
    "run.to": lambda state: _run(state, "to"),
    "run.from": lambda state: _run(state, "from"),
    "run.only": lambda state: _run(state, "only"),
    "change.run": _change_run,
    "pause": _pause,
    "cancel.run": _cancel_run,
    "cancel.run.now": _cancel_run_now,
    "code": _code,
    "copy": _copy,
    "help": _showing("help"),
    "palette": _showing("palette"),
    "theme.choose": _showing("themes"),
    "theme.next": _next_theme,
    "glyphs": lambda state: _glyphs_chosen(state, actions.GlyphsChosen(not state.ascii)),
    **{command: _commanding(rule) for command, rule in _EDITING_COMMANDS.items()},
}
