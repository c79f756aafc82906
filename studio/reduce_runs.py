"""Runs: started, watched, changed, stopped, and looked at again; nothing runs in a folder that nobody trusts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec.structs import replace

from studio import actions, effects
from studio.actions import Action
from studio.effects import Effect
from studio.in_hand import Step
from studio.state import Part, StudioState


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


BY_ACTION: dict[type[Action], Callable[[StudioState, Any], Step]] = {
    actions.ChangeAnswered: _change_answered,
    actions.ChangeForeseen: _change_foreseen,
    actions.PastRunRead: _past_run_read,
    actions.RunAdvanced: _run_advanced,
    actions.RunBegan: _run_began,
    actions.RunChosen: _run_chosen,
    actions.RunEnded: _run_ended,
    actions.RunsRead: _runs_read,
    actions.TrustAnswered: _trust_answered,
}

BY_COMMAND: dict[str, Callable[[StudioState], Step]] = {
    "run": lambda state: (state, (effects.Show("run menu"),)),
    "run.all": lambda state: _run(state, "all"),
    "run.to": lambda state: _run(state, "to"),
    "run.from": lambda state: _run(state, "from"),
    "run.only": lambda state: _run(state, "only"),
    "change.run": _change_run,
    "pause": _pause,
    "cancel.run": _cancel_run,
    "cancel.run.now": _cancel_run_now,
}
