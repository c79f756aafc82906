"""Projects: chosen, made, read, unreadable, and left, with what is remembered of how each was looked at."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec.structs import replace

from studio import actions, effects, reduce_file
from studio.actions import Action
from studio.document.catalog import KINDS, Catalog
from studio.effects import Effect
from studio.in_hand import Step
from studio.reduce_cursor import at
from studio.state import Place, Remembered, StudioState


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
        return at(fresh, state.cursor, (*found, *read))
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
    return at(fresh, view.cursor, (*leave, *wanted, *found))


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


def _catalog_read(state: StudioState, action: actions.CatalogRead) -> Step:
    here = state.document is not None and state.document.folder == action.folder
    return (replace(state, catalog=action.catalog) if here else state), ()


def quit_asked(state: StudioState) -> Step:
    """Leave; where a run goes on, ask first, for it would be canceled."""
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


BY_ACTION: dict[type[Action], Callable[[StudioState, Any], Step]] = {
    actions.CatalogRead: _catalog_read,
    actions.ProjectBroken: _project_broken,
    actions.ProjectChosen: _project_chosen,
    actions.ProjectRead: _project_read,
    actions.RecentRead: _recent_read,
    actions.TemplateChosen: _template_chosen,
}

BY_COMMAND: dict[str, Callable[[StudioState], Step]] = {
    "reload": _reload,
    "quit": quit_asked,
    "quit.now": _leave,
    "quit.kept": _quit_now,
    "quit.unkept": lambda state: (state, (effects.Show("unsaved"),)),
}
