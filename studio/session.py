"""The one mutable thing of the studio: the state, `dispatch`, and the hands that perform effects.

`dispatch` runs in the thread of the screen, and nowhere else. What takes time (reading, starting, waiting for the
engine) is done by threads of the session, which answer by `post`: an action handed over to the screen's thread. What
needs a screen (dialogs, the clipboard, the editor) is handed to the shell that was given. A run goes on in the
engine's own thread; `frame` looks at it, as often as the shell likes.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Collection
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import structs

from engine.errors import WorkflowError
from studio import actions, config, effects, recovery
from studio.actions import Action
from studio.document.reader import Broken, read
from studio.effects import Effect
from studio.file_watch import Watch
from studio.log_book import LogBook
from studio.lull import Lull
from studio.reduce import reduce
from studio.state import StudioState

if TYPE_CHECKING:
    from studio.run_link import RunLink

PAUSE = 0.15
"""Seconds without an edit after which the draft is checked."""
KEEP_AFTER = 0.7
"""Seconds without an edit after which the draft is kept against a crash."""
LARGE = 400_000
"""Bytes of a project file up to which it is read before the first paint."""

Post = Callable[[Action], None]
"""Hands an action to the screen's thread; may be called from any thread, returns at once."""


class Session:
    """`shell` performs the effects that need a screen; `changed` is told of every new state."""

    def __init__(
        self,
        state: StudioState,
        *,
        post: Post,
        shell: Callable[[Effect], None],
        changed: Callable[[StudioState], None],
    ) -> None:
        self.state = state
        self.book = LogBook()
        self.link: RunLink | None = None
        self._post = post
        self._shell = shell
        self._changed = changed
        self._once: set[Path] = set()
        self._jobs: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._reader: threading.Thread | None = None
        self._watch: Watch | None = None
        self._told = 0.0
        self._starting = False
        self._waiting: tuple[Effect, ...] = ()
        self._checks = Lull(PAUSE, self._check, "checks")
        self._keeps = Lull(KEEP_AFTER, self._keep, "drafts")
        self._keeping = threading.Lock()
        self._dropped = 0
        self._warned = False
        self._closed = threading.Event()

    # -- the loop ----------------------------------------------------------------------------------------------------

    def dispatch(self, action: Action) -> None:
        """Take an action: the new state is shown, then its effects are performed."""
        before = self.state
        self.state, found = reduce(before, action)
        if self.state is not before:
            self._changed(self.state)
        for effect in found:
            self.perform(effect)

    def begin(self, path: Path) -> None:
        """Read a project before anything is on the screen, so that the first paint shows it; a large one comes later."""
        try:
            large = (path / "project.toml" if path.is_dir() else path).stat().st_size > LARGE
        except OSError:
            large = False
        if large:
            self._waiting = (effects.LoadProject(path),)
            return
        self.state, self._waiting = reduce(self.state, opened_at(path, self._once))

    def sized(self, width: int, height: int) -> None:
        """Know the size of the terminal before anything is painted."""
        self.state, _ = reduce(self.state, actions.Resized(width, height))

    def begun(self) -> None:
        """The screen is there: do what had to wait for it."""
        waiting, self._waiting = self._waiting, ()
        for effect in waiting:
            self.perform(effect)
        self._aside(self._warm_up)

    def _warm_up(self) -> None:
        """Import what the first edit needs, once the first paint and the first keys have had their time."""
        if self._closed.wait(1.0):
            return
        import tomlkit  # noqa: F401

        from studio.document.links import links_of

        if self.state.draft is not None:
            links_of(self.state.draft)

    def perform(self, effect: Effect) -> None:
        """Do what an effect names, or hand it to the shell."""
        hand = _HANDS.get(type(effect))
        if hand is not None:
            hand(self, effect)
        else:
            self._shell(effect)

    def frame(self) -> None:
        """Look at the run that goes on, and tell what changed since the last frame."""
        link = self.link
        if link is None:
            return
        over = link.over
        run, nodes = link.look()
        now = time.monotonic()
        if over:
            self.link = None
            link.leave()
            if run.live:  # the engine could not go on: what it says last is not how it stands
                run = structs.replace(run, state="failed", error=self._problem_of(link))
                self.dispatch(actions.Told(run.error, "error"))
            self.dispatch(actions.RunAdvanced(run, nodes))
            self.dispatch(actions.RunEnded(run))
        elif nodes or run.state != getattr(self.state.run, "state", "") or now - self._told >= 0.25:
            self._told = now
            self.dispatch(actions.RunAdvanced(run, nodes))

    def _problem_of(self, link: RunLink) -> str:
        problem = link.handle.problem
        if problem is not None and not isinstance(problem, WorkflowError | OSError):
            return f"This is ours: {report_of(problem)}"
        return first_of(link.problem or "the engine ended without ending the run")

    def close(self) -> None:
        """Let everything go: the run of this studio is canceled, threads end."""
        self._closed.set()
        self._checks.forget()
        self._checks.stop()
        self._keeps.stop()
        if self._watch is not None:
            self._watch.stop()
        self._jobs.put(None)
        link, self.link = self.link, None
        if link is not None:
            link.leave()
            self._try(link.cancel)
            link.handle.run.wait(10)

    # -- threads -----------------------------------------------------------------------------------------------------

    def _later(self, job: Callable[[], None]) -> None:
        """Do a job after those before it, in the thread that reads."""
        if self._reader is None:
            self._reader = threading.Thread(target=self._read, name="flowloom-reader", daemon=True)
            self._reader.start()
        self._jobs.put(job)

    def _read(self) -> None:
        while (job := self._jobs.get()) is not None:
            self._try(job)

    def _aside(self, job: Callable[[], None]) -> None:
        """Do a job at once, in a thread of its own: what may have to wait for the engine."""
        threading.Thread(target=self._try, args=(job,), name="flowloom-aside", daemon=True).start()

    def _try(self, job: Callable[[], None]) -> None:
        try:
            job()
        except WorkflowError as problem:
            self._post(actions.Told(first_of(str(problem)), "error"))
        except OSError as problem:
            self._post(actions.Told(f"{problem.filename or 'a file'}: {problem.strerror or problem}", "error"))
        except Exception as problem:
            self._post(actions.Told(f"This is ours: {report_of(problem)}", "error"))

    # -- hands: files ------------------------------------------------------------------------------------------------

    def _load_recent(self, _: effects.LoadRecent) -> None:
        self._later(lambda: self._post(actions.RecentRead(config.read_kept().recent)))

    def _load_project(self, effect: effects.LoadProject) -> None:
        def job() -> None:
            self._post(opened_at(effect.path, self._once))

        self._later(job)

    def _save_project(self, effect: effects.SaveProject) -> None:
        def job() -> None:
            from engine.project.source import ChangedOnDisk, save
            from engine.project.toml import parse

            finding, _ = parse(effect.text)
            if finding is not None:  # whatever happened, no file is replaced by one that cannot be read
                raise ValueError(f"the draft cannot be read any more: line {finding.line}, {finding.message}")
            try:
                stamp = save(effect.path, effect.text, expected=effect.stamp)
            except ChangedOnDisk:
                self._post(opened_at(effect.path, self._once))
            except ValueError as problem:  # half a character, say, that came in by a paste
                self._post(actions.Told(f"Not saved: {problem}", "error"))
            else:
                self._post(actions.Saved(effect.path, effect.text, stamp))

        self._later(job)

    def _check_draft(self, effect: effects.CheckDraft) -> None:
        self._checks.put(effect)

    def _check(self, effect: effects.CheckDraft) -> None:
        def job() -> None:
            from engine.project.checks import check_text

            project, found = check_text(effect.text, file=effect.path)
            if project is not None:
                other = None if project == effect.project else project
                self._post(actions.DraftChecked(effect.number, other, tuple(found)))

        self._try(job)

    def _keep_recovery(self, effect: effects.KeepRecovery) -> None:
        if effect.at_once:
            self._keeps.forget()
            self._keep((effect, self._dropped))
        else:
            self._keeps.put((effect, self._dropped))

    def _keep(self, wanted: tuple[effects.KeepRecovery, int]) -> None:
        effect, dropped = wanted
        with self._keeping:
            if dropped != self._dropped:
                return  # it was saved meanwhile
            try:
                recovery.keep(effect.path, effect.text, effect.base, time.time())
            except (OSError, ValueError) as problem:
                if not self._warned:
                    self._warned = True
                    what = f"The draft cannot be kept against a crash ({problem}): save often"
                    self._post(actions.Told(what, "warning"))

    def _drop_recovery(self, effect: effects.DropRecovery) -> None:
        self._keeps.forget()
        self._dropped += 1

        def job() -> None:
            with self._keeping:
                recovery.drop(effect.path, before=effect.before)

        self._later(job)

    def _leave_draft(self, effect: effects.LeaveDraft) -> None:
        self._keeps.forget()
        try:
            with self._keeping:
                recovery.keep(effect.path, effect.text, effect.base, time.time())
        except (OSError, ValueError):
            self.dispatch(actions.Asked("quit.unkept"))
        else:
            self.dispatch(actions.Asked("quit.kept"))

    def _note_opened(self, effect: effects.NoteOpened) -> None:
        self._later(lambda: _nothing(config.keep(config.opened(effect.path, effect.name))))

    def _watch_project(self, effect: effects.WatchProject) -> None:
        if self._watch is not None and self._watch.path == effect.path:
            return
        if self._watch is not None:
            self._watch.stop()
        self._watch = Watch(effect.path, lambda: self._load_project(effects.LoadProject(effect.path)))
        self._watch.start()

    def _make_project(self, effect: effects.MakeProject) -> None:
        def job() -> None:
            path = new_project(effect.template, effect.folder)
            self._post(actions.ProjectChosen(path))

        self._later(job)

    def _read_inner(self, effect: effects.ReadInner) -> None:
        def job() -> None:
            found = read(effect.path)
            if isinstance(found, Broken):
                self._post(actions.Told(f"{effect.path.name} cannot be read: {found.message}", "error"))
            else:
                self._post(actions.InnerRead(effect.scope, effect.node, found.project.workflow))

        self._later(job)

    def _read_code(self, effect: effects.ReadCode) -> None:
        def job() -> None:
            from studio.document.code import source_of

            self._post(actions.CodeRead(effect.reference, source_of(effect.folder, effect.reference)))

        self._later(job)

    def _read_catalog(self, effect: effects.ReadCatalog) -> None:
        before = self.state.catalog

        def job() -> None:
            from studio.document.catalog import read_catalog

            found = read_catalog(effect.folder, before)
            if found is not before:
                self._post(actions.CatalogRead(effect.folder, found))

        self._later(job)

    def _write_function(self, effect: effects.WriteFunction) -> None:
        def job() -> None:
            file, line = write_function(effect.folder, effect.reference, effect.source)
            self._post(actions.FunctionWritten(effect.folder, effect.reference, file, line, effect.then_open))

        self._later(job)

    def _read_agents(self, _: effects.ReadAgents) -> None:
        def job() -> None:
            from studio.run_link import agents_now

            self._post(actions.AgentsRead(agents_now(self.link)))

        self._later(job)

    def _launch_agent(self, _: effects.LaunchAgent) -> None:
        def job() -> None:
            from engine.executors.lookup import standing_fleet

            name = standing_fleet().launch()
            self._post(actions.Told(f"{name} is up; nodes whose executor is agents run there"))
            self._post(actions.AgentsWanted())

        self._aside(job)

    def _drain_agent(self, effect: effects.DrainAgent) -> None:
        def job() -> None:
            from studio.run_link import fleet_of

            fleet_of(self.link, effect.name).drain(effect.name)
            self._post(actions.Told(f"{effect.name} finishes what it has and takes nothing new"))
            self._post(actions.AgentsWanted())

        self._aside(job)

    def _stop_agent(self, effect: effects.StopAgent) -> None:
        def job() -> None:
            from studio.run_link import fleet_of

            fleet_of(self.link, effect.name).stop(effect.name)
            self._post(actions.Told(f"{effect.name} has ended"))
            self._post(actions.AgentsWanted())

        self._aside(job)

    def _read_runs(self, effect: effects.ReadRuns) -> None:
        def job() -> None:
            from studio.run_link import runs_in

            self._post(actions.RunsRead(runs_in(effect.folder)))

        self._later(job)

    def _read_run(self, effect: effects.ReadRun) -> None:
        def job() -> None:
            from studio.run_link import read_past

            book = LogBook()
            found = read_past(effect.folder, effect.run, book)
            if found is not None and self.link is None:
                self.book.take(book)
                self._post(actions.PastRunRead(*found))

        self._later(job)

    def _keep_trust(self, effect: effects.KeepTrust) -> None:
        self._later(lambda: keep_trust(effect.folder))

    def _remember(self, effect: effects.Remember) -> None:
        config.keep(config.looked_at(effect.folder, effect.view))

    def _keep_look(self, effect: effects.KeepLook) -> None:
        self._later(lambda: _nothing(config.keep(config.looks_like(effect.theme, effect.ascii))))

    # -- hands: runs -------------------------------------------------------------------------------------------------

    def _start_run(self, effect: effects.StartRun) -> None:
        if self._starting or self.link is not None:
            return
        self._starting = True
        if self.state.document is not None:
            self._once.add(self.state.document.folder)

        def job() -> None:
            try:
                from engine.start import start_run
                from studio.run_link import RunLink, run_now

                node, part = effect.node, effect.part
                parts = {"to": "to", "from": "from_", "only": "only"}
                asked = {parts[part]: node} if part in parts else {}
                handle = start_run(effect.path, text=effect.text, **asked)  # type: ignore[arg-type]
                self.book.clear()
                self.link = RunLink(handle, self.book)
                self._post(actions.RunBegan(run_now(handle.state, handle.id)))
            finally:
                self._starting = False

        self._aside(job)

    def _foresee_change(self, effect: effects.ForeseeChange) -> None:
        link = self.link
        if link is not None:
            self._aside(lambda: self._post(actions.ChangeForeseen(link.foresee(effect.path, effect.text))))

    def _change_run(self, effect: effects.ChangeRun) -> None:
        link = self.link
        if link is not None:
            self._aside(lambda: self._post(actions.Told(link.change(effect.path, effect.text))))

    def _pause_run(self, _: effects.PauseRun) -> None:
        if self.link is not None:
            self._aside(self.link.pause)

    def _resume_run(self, _: effects.ResumeRun) -> None:
        if self.link is not None:
            self._aside(self.link.resume)

    def _cancel_run(self, _: effects.CancelRun) -> None:
        if self.link is not None:
            self._aside(self.link.cancel)


_HANDS: dict[type[Effect], Callable[[Session, Any], None]] = {
    effects.CancelRun: Session._cancel_run,
    effects.ChangeRun: Session._change_run,
    effects.CheckDraft: Session._check_draft,
    effects.DropRecovery: Session._drop_recovery,
    effects.ForeseeChange: Session._foresee_change,
    effects.KeepLook: Session._keep_look,
    effects.KeepRecovery: Session._keep_recovery,
    effects.KeepTrust: Session._keep_trust,
    effects.LeaveDraft: Session._leave_draft,
    effects.LoadProject: Session._load_project,
    effects.LoadRecent: Session._load_recent,
    effects.NoteOpened: Session._note_opened,
    effects.MakeProject: Session._make_project,
    effects.PauseRun: Session._pause_run,
    effects.ReadCatalog: Session._read_catalog,
    effects.ReadCode: Session._read_code,
    effects.ReadInner: Session._read_inner,
    effects.ReadRun: Session._read_run,
    effects.ReadRuns: Session._read_runs,
    effects.ReadAgents: Session._read_agents,
    effects.LaunchAgent: Session._launch_agent,
    effects.DrainAgent: Session._drain_agent,
    effects.StopAgent: Session._stop_agent,
    effects.Remember: Session._remember,
    effects.ResumeRun: Session._resume_run,
    effects.SaveProject: Session._save_project,
    effects.StartRun: Session._start_run,
    effects.WatchProject: Session._watch_project,
    effects.WriteFunction: Session._write_function,
}


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


def opened_at(path: Path, once: Collection[Path] = ()) -> actions.ProjectRead | actions.ProjectBroken:
    """What lies at a path, with what is known of it. Reads files and nothing else."""
    from studio.document.samples import own_place

    found = read(own_place(path))
    if isinstance(found, Broken):
        return actions.ProjectBroken(found)
    trusted = found.folder in once or is_trusted(found.folder)
    kept = recovery.find(found.path, found.text)
    return actions.ProjectRead(found, trusted, config.read_kept().views.get(str(found.path)), kept)


def is_trusted(folder: Path) -> bool:
    """Whether a person said that code of this folder may run."""
    from engine.project.trust import is_trusted as known

    return known(folder)


def keep_trust(folder: Path) -> None:
    """Remember that code of this folder may run."""
    from engine.project.trust import trust

    trust(folder)


def new_project(template: str, folder: Path) -> Path:
    """Make a project from a template. Raises SystemFailure where that cannot be."""
    from studio.document.samples import make_project

    path = make_project(template, folder)
    keep_trust(path)
    return path


def write_function(folder: Path, reference: str, stub: str) -> tuple[Path, int]:
    """Put a new function behind all that its module holds; the file and the line at which it begins.

    What is there is never changed: a module that has the name already, or that somebody saves meanwhile, is left alone.
    Raises SystemFailure where the system refuses.
    """
    from engine.errors import SystemFailure
    from engine.project.source import read_source, save
    from studio.document.stubs import defines, module_file, with_stub

    file = module_file(folder, reference)
    if file is None:
        raise SystemFailure(f"{reference} names no file in {folder}")
    name = reference.partition(":")[2]
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        text, line = with_stub("", stub)
        save(file, text, expected="")
        return file, line
    source = read_source(file)
    if defines(source.text, name):
        raise SystemFailure(f"{file.name} has a {name} already; nothing was written")
    text, line = with_stub(source.text, stub)
    save(file, text, expected=source.stamp)
    return file, line


def _nothing(_: object) -> None:
    return None
