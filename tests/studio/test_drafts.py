"""A project in hand: edits, saving, changes from outside, drafts that survive; without a screen."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from msgspec.structs import replace

from studio import actions, effects, recovery
from studio.actions import Action, Asked, Edited
from studio.document import edits
from studio.document.reader import Broken, Document, read
from studio.reduce import reduce
from studio.state import Foreseen, KeptDraft, RunNow, StudioState
from tests.studio.projects import SMALL, project_in


def document(folder: Path, text: str = SMALL) -> Document:
    found = read(project_in(folder, text))
    assert isinstance(found, Document)
    return found


@pytest.fixture
def opened(tmp_path: Path) -> StudioState:
    return reduce(StudioState(), actions.ProjectRead(document(tmp_path)))[0]


def after(state: StudioState, *found: Action) -> StudioState:
    for action in found:
        state, _ = reduce(state, action)
    return state


def wanted(state: StudioState, action: Action) -> tuple[effects.Effect, ...]:
    return reduce(state, action)[1]


def kinds(found: tuple[effects.Effect, ...]) -> set[type[effects.Effect]]:
    return {type(effect) for effect in found}


ADD = Edited(edits.AddNode("plot", {"task": "tasks:plot"}, "report"))
SLOWER = Edited(edits.SetField("load", ("timeout",), "5m"), key="load.timeout")


def test_an_edit_shows_at_once_is_checked_and_kept_and_the_cursor_stands_on_what_is_new(opened: StudioState) -> None:
    state, done = reduce(opened, ADD)
    assert state.cursor == "plot"
    assert state.dirty
    assert state.document is not None
    assert "plot" in state.document.project.workflow.nodes
    assert {effects.CheckDraft, effects.KeepRecovery} <= kinds(done)


def test_undo_and_redo_go_over_everything_and_say_what_they_did(opened: StudioState) -> None:
    state = after(opened, ADD, Edited(edits.RenameNode("load", "get")), Asked("undo"), Asked("undo"))
    assert state.document is not None
    assert opened.document is not None
    assert state.document.text == opened.document.text
    assert not state.dirty
    assert after(state, Asked("redo")).cursor == "plot"
    param = after(opened, Edited(edits.SetParam("n", 1)))
    assert effects.Tell("Undone: set param n") in wanted(param, Asked("undo"))
    assert "get" in after(state, Asked("redo"), Asked("redo")).document.project.workflow.nodes  # type: ignore[union-attr]


def test_what_is_edited_inside_a_sub_workflow_of_the_file_shows_there(tmp_path: Path) -> None:
    text = SMALL + '[nodes.inner]\nworkflow = "deep"\n[workflows.deep.nodes.one]\nshell = "true"\n'
    state = after(StudioState(), actions.ProjectRead(document(tmp_path, text)), actions.WentIn("inner"))
    assert state.editing == "deep"
    state = after(state, Edited(edits.AddNode("two", {"shell": "true", "needs": ["one"]}, "one", workflow="deep")))
    assert state.workflow is not None
    assert list(state.workflow.nodes) == ["one", "two"]
    assert state.cursor == "two"
    assert "two" not in after(state, Asked("undo")).workflow.nodes  # type: ignore[union-attr]
    out = after(state, actions.CameOut(), Asked("undo"))
    assert out.workflow is not None
    assert out.cursor == "inner"
    assert not out.dirty


def test_a_word_typed_into_one_field_is_one_step(opened: StudioState) -> None:
    typed = [Edited(edits.SetField("load", ("description",), "word"[:n]), key="load.description") for n in (1, 2, 3, 4)]
    state = after(opened, *typed)
    assert len(state.history.back) == 1
    assert not after(state, Asked("undo")).dirty


def test_an_edit_that_cannot_be_made_is_told_with_its_remedy_and_changes_nothing(opened: StudioState) -> None:
    state, done = reduce(opened, Edited(edits.Connect("report", "load")))
    assert state is opened
    [told] = done
    assert isinstance(told, effects.Tell)
    assert "load -> clean -> report -> load" in told.message


def test_the_cursor_goes_to_what_came_before_a_deleted_node_and_along_with_a_new_name(opened: StudioState) -> None:
    state = after(opened, actions.CursorMoved("clean"), Edited(edits.DeleteNodes(("clean",))))
    assert state.cursor == "load"
    state = after(opened, actions.CursorMoved("clean"), Edited(edits.RenameNode("clean", "tidy")))
    assert state.cursor == "tidy"


def test_saving_writes_the_text_of_the_draft_over_the_file_that_was_read(opened: StudioState) -> None:
    state = after(opened, ADD)
    assert opened.document is not None
    assert state.draft is not None
    path, stamp = opened.document.path, opened.document.stamp
    assert wanted(state, Asked("save")) == (effects.SaveProject(path, state.draft.text, stamp),)
    state, done = reduce(state, actions.Saved(path, state.draft.text, "new stamp"))
    assert not state.dirty
    assert state.draft is not None
    assert state.draft.stamp == "new stamp"
    assert effects.DropRecovery(path) in done
    assert after(state, Asked("undo")).dirty


def test_an_edit_made_while_the_file_is_written_stays_unsaved(opened: StudioState) -> None:
    state = after(opened, ADD)
    assert state.draft is not None
    saved = actions.Saved(state.draft.saved.path, state.draft.text, "new stamp")
    assert after(state, SLOWER, saved).dirty


def test_text_that_cannot_be_read_yet_keeps_the_last_good_picture_and_is_not_saved(opened: StudioState) -> None:
    state = after(opened, Edited(edits.SetText(SMALL + "[nodes.x\n"), key="toml"))
    assert state.broken is not None
    assert state.document is not None
    assert state.document.project == opened.document.project  # type: ignore[union-attr]
    assert effects.SaveProject not in kinds(wanted(state, Asked("save")))
    state, done = reduce(state, ADD)
    assert "cannot be read yet" in done[0].message  # type: ignore[attr-defined]
    mended = after(state, Edited(edits.SetText(SMALL + "[nodes.x]\nshell = 'true'\n"), key="toml"))
    assert mended.broken is None
    assert "x" in mended.document.project.workflow.nodes  # type: ignore[union-attr]
    assert after(mended, Asked("undo")).document.text == SMALL  # type: ignore[union-attr]


def test_what_is_on_the_screen_runs_saved_or_not(opened: StudioState) -> None:
    trusted = replace(opened, trusted=True)
    assert opened.document is not None
    assert wanted(trusted, Asked("run.all")) == (effects.StartRun(opened.document.path, None),)
    edited = after(trusted, Edited(edits.AddNode("more", {"shell": "true"})))
    [start] = wanted(edited, Asked("run.all"))
    assert isinstance(start, effects.StartRun)
    assert start.text is not None
    assert "[nodes.more]" in start.text


@pytest.mark.parametrize("part", ["to", "from", "only"])
def test_a_part_runs_by_the_node_at_the_cursor(opened: StudioState, part: str) -> None:
    assert opened.document is not None
    at = after(replace(opened, trusted=True), actions.CursorMoved("clean"))
    assert wanted(at, Asked(f"run.{part}")) == (effects.StartRun(opened.document.path, None, part, "clean"),)  # type: ignore[arg-type]
    asked = after(replace(at, trusted=False), Asked(f"run.{part}"))
    [start] = wanted(asked, actions.TrustAnswered("once"))
    assert isinstance(start, effects.StartRun)
    assert (start.part, start.node) == (part, "clean")


def test_edits_reach_the_run_in_hand_after_it_was_said_what_that_means(opened: StudioState) -> None:
    assert kinds(wanted(opened, Asked("change.run"))) == {effects.Tell}
    live = after(replace(opened, run=RunNow("r", "running")), ADD)
    assert live.document is not None
    path, text = live.document.path, live.document.text
    assert wanted(live, Asked("change.run")) == (effects.ForeseeChange(path, text),)
    told, done = reduce(live, actions.ChangeForeseen((Foreseen("plot", "has yet to run", "it is new"),)))
    assert done == (effects.Show("change"),)
    assert wanted(told, actions.ChangeAnswered(True)) == (effects.ChangeRun(path, text),)
    assert wanted(told, actions.ChangeAnswered(False)) == ()


# -- the file changes ------------------------------------------------------------------------------------------------


def test_a_file_that_changed_is_taken_over_where_nothing_was_edited_and_undo_knows_it(
    opened: StudioState, tmp_path: Path
) -> None:
    theirs = SMALL.replace('"data.csv"', '"other.csv"')
    state = after(opened, actions.ProjectRead(document(tmp_path, theirs)))
    assert not state.dirty
    assert state.document is not None
    assert state.document.text == theirs
    assert after(state, Asked("undo")).document.text == SMALL  # type: ignore[union-attr]


def test_a_file_that_changed_is_joined_with_the_draft_and_saved_over_the_new_file(
    opened: StudioState, tmp_path: Path
) -> None:
    theirs = document(tmp_path, SMALL.replace('"data.csv" }', '"other.csv" }   # theirs'))
    state, done = reduce(after(opened, ADD), actions.ProjectRead(theirs))
    assert state.dirty
    assert state.document is not None
    assert "plot" in state.document.text
    assert '"other.csv" }   # theirs' in state.document.text
    assert any(isinstance(effect, effects.Tell) and "both changes are kept" in effect.message for effect in done)
    [save] = wanted(state, Asked("save"))
    assert isinstance(save, effects.SaveProject)
    assert save.stamp == theirs.stamp


def test_where_both_changed_the_same_value_the_person_chooses(opened: StudioState, tmp_path: Path) -> None:
    theirs = document(tmp_path, SMALL.replace('path = "data.csv"', 'path = "theirs.csv"'))
    mine = after(opened, Edited(edits.SetField("load", ("args", "path"), "mine.csv")))
    state, done = reduce(mine, actions.ProjectRead(theirs))
    assert effects.Show("merge") in done
    assert state.merge is not None
    [clash] = state.merge.clashes
    assert (clash.mine, clash.theirs) == ("mine.csv", "theirs.csv")
    assert "mine.csv" in after(state, actions.MergeAnswered({clash.keys: "mine"})).document.text  # type: ignore[union-attr]
    taken = after(state, actions.MergeAnswered({clash.keys: "theirs"}))
    assert not taken.dirty
    later = after(state, actions.MergeAnswered(None))
    assert later.merge is None
    [save] = wanted(later, Asked("save"))
    assert save.stamp == opened.document.stamp  # type: ignore[attr-defined, union-attr] # it will be refused, and ask again


def test_a_file_that_cannot_be_read_any_more_leaves_the_draft_alone(opened: StudioState) -> None:
    assert opened.document is not None
    broken = Broken(opened.document.path, "expected ]", "add it", 3)
    state = after(opened, ADD, actions.ProjectBroken(broken))
    assert state.broken is broken
    assert state.dirty
    assert after(state, SLOWER).broken is broken
    assert after(state, actions.ProjectRead(opened.document)).broken is None
    [save] = wanted(state, Asked("save.over"))
    assert isinstance(save, effects.SaveProject)
    assert save.stamp is None
    assert after(state, actions.Saved(save.path, save.text, "new")).broken is None


# -- nothing is lost -------------------------------------------------------------------------------------------------


def test_leaving_keeps_an_unsaved_draft_without_a_question_and_asks_only_where_it_cannot(opened: StudioState) -> None:
    assert effects.Quit() in wanted(opened, Asked("quit"))
    state = after(opened, ADD)
    assert kinds(wanted(state, Asked("quit"))) == {effects.LeaveDraft}
    assert effects.Quit() in wanted(state, Asked("quit.kept"))
    assert wanted(state, Asked("quit.unkept")) == (effects.Show("unsaved"),)


def test_a_kept_draft_is_offered_and_taken_up_as_a_step_that_undo_takes_back(tmp_path: Path) -> None:
    file = document(tmp_path)
    kept = KeptDraft(SMALL + '[nodes.more]\nshell = "true"\n', SMALL, 1.0)
    state, done = reduce(StudioState(), actions.ProjectRead(file, kept=kept))
    assert effects.Show("recover") in done
    assert not state.dirty
    taken = after(state, actions.Recovered(take=True))
    assert taken.document is not None
    assert taken.document.text == kept.text
    assert not after(taken, Asked("undo")).dirty
    assert effects.DropRecovery(file.path) in wanted(state, actions.Recovered(take=False))


def test_a_kept_draft_is_joined_with_a_file_that_changed_since(tmp_path: Path) -> None:
    now = SMALL.replace('"data.csv"', '"other.csv"')
    kept = KeptDraft(SMALL + '[nodes.more]\nshell = "true"\n', SMALL, 1.0)
    state = after(StudioState(), actions.ProjectRead(document(tmp_path, now), kept=kept), actions.Recovered(take=True))
    assert state.document is not None
    assert state.document.text == now + '[nodes.more]\nshell = "true"\n'


@pytest.fixture
def user_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path / "state"


def test_drafts_are_kept_for_the_user_only_and_found_again_by_the_file_they_are_of(
    user_state: Path, tmp_path: Path
) -> None:
    file = tmp_path / "project.toml"
    recovery.keep(file, "mine\n", "base\n", 5.0)
    [place] = recovery.folder().iterdir()
    assert user_state in place.parents
    assert place.stat().st_mode & 0o077 == 0
    assert recovery.find(file, "base\n") == KeptDraft("mine\n", "base\n", 5.0)
    assert recovery.find(file, "mine\n") is None
    assert recovery.find(tmp_path / "other.toml", "") is None
    recovery.drop(file)
    assert recovery.find(file, "base\n") is None


def test_a_draft_that_a_living_studio_has_in_hand_is_not_offered_nor_deleted(user_state: Path, tmp_path: Path) -> None:
    file = tmp_path / "project.toml"
    recovery.keep(file, "mine\n", "base\n", 5.0)
    [place] = recovery.folder().iterdir()
    place.rename(place.with_name(place.name.replace(f"-{os.getpid()}.", f"-{os.getppid()}.")))
    assert recovery.find(file, "base\n") is None
    recovery.drop(file, before=True)
    assert len(list(recovery.folder().iterdir())) == 1


def test_a_damaged_draft_is_passed_over(user_state: Path, tmp_path: Path) -> None:
    file = tmp_path / "project.toml"
    recovery.keep(file, "mine\n", "base\n", 5.0)
    [place] = recovery.folder().iterdir()
    place.write_bytes(b"\x00{")
    assert recovery.find(file, "base\n") is None


def test_opening_another_project_keeps_the_draft_of_the_one_in_hand(opened: StudioState, tmp_path: Path) -> None:
    state = after(opened, ADD)
    assert state.draft is not None
    other = document(tmp_path / "other")
    [kept] = [e for e in wanted(state, actions.ProjectRead(other)) if isinstance(e, effects.KeepRecovery)]
    assert kept.at_once
    assert kept.path == state.draft.saved.path
    assert replace(kept, at_once=False) in wanted(after(opened, SLOWER, Asked("undo")), ADD)
