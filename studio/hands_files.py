"""Hands for files: projects read, saved, made and watched, the code beside them, and what is kept between two days."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from studio import actions, config, effects
from studio.document.reader import Broken, read
from studio.effects import Effect
from studio.file_watch import Watch
from studio.jobs import Jobs, Post
from studio.project_files import keep_trust, new_project, opened_at, write_function
from studio.state import StudioState


class FileHands:
    """`state` tells what is on the screen; `once` are the folders that may run until the studio is left."""

    def __init__(self, jobs: Jobs, post: Post, state: Callable[[], StudioState], once: set[Path]) -> None:
        self._jobs = jobs
        self._post = post
        self._state = state
        self._once = once
        self._watch: Watch | None = None
        self.hands: dict[type[Effect], Callable[[Any], None]] = {
            effects.KeepLook: self._keep_look,
            effects.KeepTrust: self._keep_trust,
            effects.LoadProject: self._load_project,
            effects.LoadRecent: self._load_recent,
            effects.MakeProject: self._make_project,
            effects.NoteOpened: self._note_opened,
            effects.ReadCatalog: self._read_catalog,
            effects.ReadCode: self._read_code,
            effects.ReadInner: self._read_inner,
            effects.Remember: self._remember,
            effects.SaveProject: self._save_project,
            effects.WatchProject: self._watch_project,
            effects.WriteFunction: self._write_function,
        }
        """Which effects are performed here, and how."""

    def close(self) -> None:
        """Watch nothing any more."""
        if self._watch is not None:
            self._watch.stop()

    def _load_recent(self, _: effects.LoadRecent) -> None:
        self._jobs.later(lambda: self._post(actions.RecentRead(config.read_kept().recent)))

    def _load_project(self, effect: effects.LoadProject) -> None:
        def job() -> None:
            self._post(opened_at(effect.path, self._once))

        self._jobs.later(job)

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

        self._jobs.later(job)

    def _note_opened(self, effect: effects.NoteOpened) -> None:
        self._jobs.later(lambda: _nothing(config.keep(config.opened(effect.path, effect.name))))

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

        self._jobs.later(job)

    def _read_inner(self, effect: effects.ReadInner) -> None:
        def job() -> None:
            found = read(effect.path)
            if isinstance(found, Broken):
                self._post(actions.Told(f"{effect.path.name} cannot be read: {found.message}", "error"))
            else:
                self._post(actions.InnerRead(effect.scope, effect.node, found.project.workflow))

        self._jobs.later(job)

    def _read_code(self, effect: effects.ReadCode) -> None:
        def job() -> None:
            from studio.document.code import source_of

            self._post(actions.CodeRead(effect.reference, source_of(effect.folder, effect.reference)))

        self._jobs.later(job)

    def _read_catalog(self, effect: effects.ReadCatalog) -> None:
        before = self._state().catalog

        def job() -> None:
            from studio.document.catalog import read_catalog

            found = read_catalog(effect.folder, before)
            if found is not before:
                self._post(actions.CatalogRead(effect.folder, found))

        self._jobs.later(job)

    def _write_function(self, effect: effects.WriteFunction) -> None:
        def job() -> None:
            file, line = write_function(effect.folder, effect.reference, effect.source)
            self._post(actions.FunctionWritten(effect.folder, effect.reference, file, line, effect.then_open))

        self._jobs.later(job)

    def _keep_trust(self, effect: effects.KeepTrust) -> None:
        self._jobs.later(lambda: keep_trust(effect.folder))

    def _remember(self, effect: effects.Remember) -> None:
        config.keep(config.looked_at(effect.folder, effect.view))

    def _keep_look(self, effect: effects.KeepLook) -> None:
        self._jobs.later(lambda: _nothing(config.keep(config.looks_like(effect.theme, effect.ascii))))


def _nothing(_: object) -> None:
    return None
