"""What each action means, without a screen."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from studio import actions, effects
from studio.actions import Action, Asked
from studio.document.code import Code
from studio.document.reader import Broken, Document, read
from studio.reduce import _BY_ACTION, _BY_COMMAND, reduce
from studio.reduce_cursor import troubles
from studio.reduce_places import panes
from studio.state import NodeNow, Recent, RunNow, StudioState
from tests.studio.projects import SMALL, project_in

RUN = RunNow("20261123-101500-k3f", "running", 1.0, 0.5, 3, {"running": 1, "ready": 2})
INNER = SMALL + '[nodes.inner]\nworkflow = "deep"\nneeds = ["report"]\n[workflows.deep.nodes.one]\nshell = "true"\n'
WRONG = SMALL.replace('needs = ["clean"]', 'needs = ["lod"]')


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


def kinds(found: tuple[effects.Effect, ...]) -> list[type[effects.Effect]]:
    return [type(effect) for effect in found]


# -- projects


def test_a_project_that_was_read_is_shown_watched_and_its_last_run_is_asked_for(tmp_path: Path) -> None:
    state, done = reduce(StudioState(), actions.ProjectRead(document(tmp_path)))
    assert state.place == "editor"
    assert state.cursor == "load"
    asked = {effects.WatchProject, effects.ReadRun, effects.ReadCode, effects.ReadCatalog, effects.NoteOpened}
    assert asked == set(kinds(done))


def test_opening_asks_for_no_run(tmp_path: Path) -> None:
    _, done = reduce(StudioState(), actions.ProjectRead(document(tmp_path), trusted=True))
    assert effects.StartRun not in kinds(done)


def test_a_project_read_again_keeps_the_cursor_and_the_run(opened: StudioState, tmp_path: Path) -> None:
    state = after(opened, actions.CursorMoved("report"), actions.RunBegan(RUN))
    again = after(state, actions.ProjectRead(document(tmp_path, SMALL + '[nodes.more]\nshell = "true"\n')))
    assert (again.cursor, again.run, again.place) == ("report", RUN, "monitor")


def test_the_cursor_goes_to_the_first_node_where_its_own_is_gone(opened: StudioState, tmp_path: Path) -> None:
    state = after(opened, actions.CursorMoved("report"))
    short = SMALL[: SMALL.index("[nodes.report]")]
    assert after(state, actions.ProjectRead(document(tmp_path, short))).cursor == "load"


def test_a_broken_file_keeps_the_last_good_picture(opened: StudioState) -> None:
    assert opened.document is not None
    state = after(opened, actions.ProjectBroken(Broken(opened.document.path, "expected `]`", "add it", 3)))
    assert state.document is opened.document
    assert state.broken is not None
    assert state.workflow is opened.workflow


def test_mending_the_file_takes_the_banner_away(opened: StudioState, tmp_path: Path) -> None:
    assert opened.document is not None
    state = after(opened, actions.ProjectBroken(Broken(opened.document.path, "no", "mend")))
    assert after(state, actions.ProjectRead(document(tmp_path))).broken is None


def test_another_project_that_cannot_be_read_is_told_and_leaves_this_one(opened: StudioState, tmp_path: Path) -> None:
    state, done = reduce(opened, actions.ProjectBroken(Broken(tmp_path / "other.toml", "no", "mend")))
    assert state is opened
    assert kinds(done) == [effects.Tell]


def test_no_other_project_is_opened_while_a_run_goes_on(opened: StudioState, tmp_path: Path) -> None:
    running = after(opened, actions.RunBegan(RUN))
    assert kinds(wanted(running, actions.ProjectChosen(tmp_path))) == [effects.Tell]
    assert kinds(wanted(opened, actions.ProjectChosen(tmp_path))) == [effects.LoadProject]


def test_the_view_of_last_time_comes_back(tmp_path: Path) -> None:
    from studio.state import Remembered

    view = Remembered(cursor="clean", drawer="toml", inspector=True)
    state = after(StudioState(), actions.ProjectRead(document(tmp_path), view=view))
    assert (state.cursor, state.drawer, state.inspector_open) == ("clean", "toml", True)


# -- running


def test_the_first_run_of_an_untrusted_project_asks_and_starts_nothing(opened: StudioState) -> None:
    state, done = reduce(opened, Asked("run.all"))
    assert kinds(done) == [effects.AskTrust]
    assert state.wanted


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("no", [effects.Tell]),
        ("once", [effects.StartRun]),
        ("always", [effects.KeepTrust, effects.StartRun]),
    ],
)
def test_the_answer_to_the_trust_question_decides(
    opened: StudioState, answer: str, expected: list[type[effects.Effect]]
) -> None:
    asking = after(opened, Asked("run.all"))
    assert kinds(wanted(asking, actions.TrustAnswered(answer))) == expected


def test_a_trusted_project_runs_at_once(opened: StudioState) -> None:
    assert kinds(wanted(replace(opened, trusted=True), Asked("run.all"))) == [effects.StartRun]


def test_a_project_with_errors_shows_them_instead_of_running(tmp_path: Path) -> None:
    state = after(StudioState(), actions.ProjectRead(document(tmp_path, WRONG), trusted=True))
    shown, done = reduce(state, Asked("run.all"))
    assert shown.drawer == "problems"
    assert effects.StartRun not in kinds(done)


def test_a_broken_file_does_not_run(opened: StudioState) -> None:
    assert opened.document is not None
    broken = after(replace(opened, trusted=True), actions.ProjectBroken(Broken(opened.document.path, "no", "mend")))
    assert effects.StartRun not in kinds(wanted(broken, Asked("run.all")))


def test_a_second_run_is_not_started_beside_the_first(opened: StudioState) -> None:
    running = after(replace(opened, trusted=True), actions.RunBegan(RUN))
    assert effects.StartRun not in kinds(wanted(running, Asked("run.all")))


def test_a_run_shows_itself_and_its_nodes_follow(opened: StudioState) -> None:
    one = NodeNow("running")
    state = after(opened, actions.RunBegan(RUN), actions.RunAdvanced(RUN, {"load": one}))
    state = after(state, actions.RunAdvanced(RUN, {"clean": NodeNow("failed")}))
    assert state.place == "monitor"
    assert state.nodes["load"] is one
    assert state.nodes["clean"].state == "failed"


def test_the_states_of_a_run_stay_when_it_is_over(opened: StudioState) -> None:
    over = replace(RUN, state="failed")
    state = after(opened, actions.RunBegan(RUN), actions.RunAdvanced(RUN, {"load": NodeNow("failed")}))
    state, done = reduce(state, actions.RunEnded(over))
    assert state.nodes["load"].state == "failed"
    assert done == (effects.Tell("The run failed", "error"),)


def test_a_past_run_does_not_hide_one_that_goes_on(opened: StudioState) -> None:
    state = after(opened, actions.RunBegan(RUN))
    assert after(state, actions.PastRunRead(replace(RUN, id="old", state="completed"), {})) is state


def test_pause_means_go_on_where_the_run_is_paused(opened: StudioState) -> None:
    running = after(opened, actions.RunBegan(RUN))
    assert kinds(wanted(running, Asked("pause"))) == [effects.PauseRun]
    paused = after(running, actions.RunAdvanced(replace(RUN, state="paused"), {}))
    assert kinds(wanted(paused, Asked("pause"))) == [effects.ResumeRun]


def test_canceling_asks_first(opened: StudioState) -> None:
    running = after(opened, actions.RunBegan(RUN))
    assert wanted(running, Asked("cancel.run")) == (effects.Show("cancel"),)
    assert kinds(wanted(running, Asked("cancel.run.now"))) == [effects.CancelRun]


def test_leaving_while_a_run_goes_on_asks_first(opened: StudioState) -> None:
    running = after(opened, actions.RunBegan(RUN))
    assert wanted(running, Asked("quit")) == (effects.Show("quit"),)
    assert effects.Quit in kinds(wanted(opened, Asked("quit")))
    assert effects.Remember in kinds(wanted(opened, Asked("quit")))


# -- the cursor, drawers, panes


def test_the_code_of_a_task_is_asked_for_once(opened: StudioState) -> None:
    state, done = reduce(opened, actions.CursorMoved("clean"))
    assert kinds(done) == [effects.ReadCode]
    assert wanted(state, actions.CursorMoved("clean")) == ()
    code = Code(Path("tasks.py"), 1, "def clean(): ...")
    assert after(state, actions.CodeRead("tasks:clean", code)).code is code


def test_code_that_comes_late_for_another_node_is_dropped(opened: StudioState) -> None:
    state = after(opened, actions.CursorMoved("clean"))
    assert after(state, actions.CodeRead("tasks:load", Code(Path("tasks.py"), 1, ""))).code is None


def test_a_finding_leads_to_its_node(tmp_path: Path) -> None:
    state = after(StudioState(), actions.ProjectRead(document(tmp_path, WRONG)))
    state = after(state, Asked("problems"))
    assert state.focus == "problems"
    gone = after(state, actions.FindingChosen(0))
    assert (gone.cursor, gone.focus) == ("report", "canvas")


def test_trouble_is_what_has_a_finding_or_failed_in_the_order_of_the_file(tmp_path: Path) -> None:
    state = after(StudioState(), actions.ProjectRead(document(tmp_path, WRONG)))
    state = replace(state, nodes={"clean": NodeNow("failed"), "load": NodeNow("completed")})
    assert troubles(state) == ["clean", "report"]
    first = after(state, Asked("trouble.next"))
    assert first.cursor == "clean"
    assert after(first, Asked("trouble.next")).cursor == "report"
    assert after(first, Asked("trouble.previous")).cursor == "report"


@pytest.mark.parametrize("drawer", ["problems", "toml", "log"])
def test_the_key_of_a_drawer_opens_and_closes_it(opened: StudioState, drawer: str) -> None:
    state = after(opened, Asked(drawer))
    assert state.drawer == drawer
    assert after(state, Asked(drawer)).drawer is None


def test_one_drawer_is_open_at_a_time(opened: StudioState) -> None:
    assert after(opened, Asked("toml"), Asked("log")).drawer == "log"


def test_tab_goes_round_the_panes_there_are(opened: StudioState) -> None:
    state = after(replace(opened, width=200), Asked("toml"))
    assert panes(state) == ["canvas", "inspector", "toml"]
    seen = []
    for _ in range(3):
        state = after(state, Asked("pane.next"))
        seen.append(state.focus)
    assert seen == ["inspector", "toml", "canvas"]


def test_escape_goes_back_step_by_step(opened: StudioState) -> None:
    state = after(opened, Asked("problems"), actions.NodeOpened("load"))
    assert (state.focus, state.inspector_open) == ("inspector", True)
    state = after(state, Asked("cancel"))
    assert (state.focus, state.inspector_open) == ("canvas", False)
    assert after(state, Asked("cancel")).drawer is None


def test_the_inspector_is_docked_where_there_is_room(opened: StudioState) -> None:
    assert not after(opened, actions.Resized(120, 40)).inspector_open
    assert after(opened, actions.Resized(160, 50)).inspector_open
    assert not after(opened, actions.Resized(160, 50), Asked("inspector")).inspector_open


def test_one_goes_into_a_sub_workflow_and_comes_out_at_its_node(tmp_path: Path) -> None:
    state = after(StudioState(), actions.ProjectRead(document(tmp_path, INNER)))
    inside = after(state, actions.WentIn("inner"))
    assert (inside.scope, inside.cursor) == (("inner",), "one")
    out = after(inside, actions.CameOut())
    assert (out.scope, out.cursor) == ((), "inner")
    assert after(out, actions.CameOut()) == out


def test_a_sub_workflow_in_a_file_of_its_own_is_read_first(tmp_path: Path) -> None:
    text = SMALL + '[nodes.inner]\nworkflow = "monthly.toml"\n'
    (tmp_path / "monthly.toml").write_text('[nodes.one]\nshell = "true"\n', encoding="utf-8")
    state = after(StudioState(), actions.ProjectRead(document(tmp_path, text)))
    same, done = reduce(state, actions.WentIn("inner"))
    assert same is state
    assert done == (effects.ReadInner(tmp_path / "monthly.toml", (), "inner"),)
    inner = read(tmp_path / "monthly.toml")
    assert isinstance(inner, Document)
    assert after(state, actions.InnerRead((), "inner", inner.project.workflow)).scope == ("inner",)


def test_states_inside_a_sub_workflow_are_those_below_its_path(tmp_path: Path) -> None:
    state = after(StudioState(), actions.ProjectRead(document(tmp_path, INNER)), actions.WentIn("inner"))
    state = replace(state, nodes={"inner": NodeNow("running"), "inner/one": NodeNow("failed")})
    assert set(state.shown_nodes) == {"one"}
    assert state.node_now is not None
    assert state.node_now.state == "failed"


# -- the rest


def test_code_opens_at_its_line_and_the_file_where_there_is_no_code(opened: StudioState, tmp_path: Path) -> None:
    code = Code(tmp_path / "tasks.py", 11, "def clean(): ...")
    state = after(opened, actions.CursorMoved("clean"), actions.CodeRead("tasks:clean", code))
    assert wanted(state, Asked("code")) == (effects.OpenEditor(code.file, 11),)
    in_file = after(state, Asked("toml"), actions.FocusMoved("toml"))
    line = SMALL.splitlines().index("[nodes.clean]") + 1
    assert wanted(in_file, Asked("code")) == (effects.OpenEditor(tmp_path / "project.toml", line),)


def test_copy_takes_the_error_of_a_failed_node_and_else_its_name(opened: StudioState) -> None:
    assert wanted(opened, Asked("copy")) == (effects.Copy("load", "the node's name"),)
    failed = replace(opened, nodes={"load": NodeNow("failed", error="KeyError: 'r2'", trouble="Traceback ...")})
    assert wanted(failed, Asked("copy")) == (effects.Copy("Traceback ...", "the error"),)


def test_themes_go_round_and_are_kept(opened: StudioState) -> None:
    state, done = reduce(opened, Asked("theme.next"))
    assert state.theme == "loom-light"
    assert done == (effects.KeepLook("loom-light", False),)
    assert after(state, Asked("theme.next"), Asked("theme.next")).theme == "loom-dark"


ACTIONS = st.sampled_from(
    [
        *(Asked(command) for command in _BY_COMMAND),
        *(actions.CursorMoved(path) for path in ("load", "clean", "nowhere", None)),
        *(actions.PlaceChosen(place) for place in ("welcome", "editor", "monitor", "runs", "agents")),
        actions.NodeOpened("clean"),
        actions.WentIn("inner"),
        actions.CameOut(3),
        actions.DrawerChosen("nothing"),
        actions.FindingChosen(7),
        actions.TrustAnswered("once"),
        actions.TrustAnswered("no"),
        actions.RunBegan(RUN),
        actions.RunAdvanced(RUN, {"load": NodeNow("failed", error="no")}),
        actions.RunEnded(replace(RUN, state="completed")),
        actions.RunChosen("old"),
        actions.RunsRead((RUN,)),
        actions.RecentRead((Recent(Path("/x"), "x", 0.0),)),
        actions.Resized(1, 1),
        actions.Resized(200, 60),
        actions.Told("hello"),
        actions.ProjectBroken(Broken(Path("/nowhere"), "no", "mend")),
    ]
)


@given(st.lists(ACTIONS, max_size=25))
def test_no_order_of_actions_breaks_what_always_holds(
    tmp_path_factory: pytest.TempPathFactory, found: list[Action]
) -> None:
    state = after(StudioState(), actions.ProjectRead(_inner_document(tmp_path_factory)))
    for action in found:
        state, done = reduce(state, action)
        if any(isinstance(effect, effects.StartRun) for effect in done):
            assert state.trusted
            assert state.run is None or not state.run.live
        assert state.focus in {*panes(state), "canvas"} or state.place in {"welcome", "runs", "agents"}
        if state.workflow is not None and state.workflow.nodes and state.cursor is not None:
            assert state.node is not None


_KEPT: list[Document] = []


def _inner_document(factory: pytest.TempPathFactory) -> Document:
    if not _KEPT:
        _KEPT.append(document(factory.mktemp("inner"), INNER))
    return _KEPT[0]


def _nobody(_: object) -> None:
    return None


def test_every_action_and_effect_has_its_rule() -> None:
    from studio.app import _HANDS as SHELL
    from studio.session import Session

    def leaves(base: type) -> set[type]:
        return {kind for kind in base.__subclasses__() if kind.__module__.startswith("studio.")}

    session = Session(StudioState(), post=_nobody, shell=_nobody, changed=_nobody).hands
    assert leaves(Action) == set(_BY_ACTION)
    assert leaves(effects.Effect) == set(SHELL) | set(session)
    assert not set(SHELL) & set(session)
