"""Another version of a project, for a run that goes on with it: how its plan is made, now and from the journal.

A journal keeps of a revision what it keeps of the project a run began with: the text. From it the same plan is made
again, onto the same numbers, long after the file has changed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from engine.capacity import Capacity
from engine.differences import Differences, differences
from engine.errors import SystemFailure, ValidationFailed
from engine.plan import Plan
from engine.planner import NOTHING, plan_project
from engine.project.model import Project
from engine.project.toml import read


class Revision:
    """A project and how it is planned: as the run was begun, with the params that were given then."""

    def __init__(
        self,
        project: Project,
        *,
        given: Mapping[str, Any] = NOTHING,
        executor: str | None = None,
        default_executor: str = "processes",
        jobs: int | None = None,
        keep_going: bool = False,
        environment: Mapping[str, str] = NOTHING,
        files: Mapping[str, Project] = NOTHING,
        capacity: Capacity | None = None,
        kinds: Mapping[str, str] | None = None,
        ranking: Callable[[Plan], None] | None = None,
        record: Mapping[str, Any] = NOTHING,
    ) -> None:
        self.project = project
        self.record = record
        self._ranking = ranking
        self._sketch: Plan | None = None
        self._sketched_onto: Plan | None = None
        self._size = 0, 0
        self.executors: tuple[str, ...] = ()
        self.said: object = None  # the forecast at the moment at which a run took it up
        self._options: dict[str, Any] = {
            "params": {name: value for name, value in given.items() if name in project.workflow.params},
            "executor": executor,
            "default_executor": default_executor,
            "jobs": jobs,
            "keep_going": keep_going,
            "environment": environment,
            "files": files,
            "capacity": capacity,
            "kinds": kinds,
        }

    def sketched(self, plan: Plan) -> Plan:
        """`onto`, for looking at: whoever asks next, and `onto` itself, may get the same one."""
        size = len(plan.names), len(plan.gone)
        if self._sketch is None or self._sketched_onto is not plan or self._size != size:
            self._sketch, self._sketched_onto, self._size = self._made(plan), plan, size
        return self._sketch

    def onto(self, plan: Plan) -> Plan:
        """Its plan, in which the nodes of `plan` keep their numbers. Raises ValidationFailed, CycleDetected."""
        made = self.sketched(plan)
        self._sketch = self._sketched_onto = None
        return made

    def _made(self, plan: Plan) -> Plan:
        made = plan_project(self.project, onto=plan, **self._options)
        if self._ranking is not None:
            self._ranking(made)
        self.executors = made.executors
        return made

    def differences(self, old: Plan, new: Plan) -> Differences:
        """What nodes of both plans do differently."""
        return differences(old, new)


def recorded(record: Mapping[str, Any]) -> Revision:
    """A revision, or the project a run began with, from what its journal keeps. Raises SystemFailure."""
    reading = read(str(record.get("text") or ""), str(record.get("project") or "workflow"))
    if reading.project is None:
        raise SystemFailure(
            "the journal's copy of the project cannot be read: the run is of another version, or damaged"
        )
    files: dict[str, Project] = {}
    for name, inner in dict(record.get("files") or {}).items():
        found = read(inner, name).project
        if found is not None:
            files[name] = found
    return Revision(
        reading.project,
        given=dict(record.get("params") or {}),
        executor=record.get("executor"),
        keep_going=bool(record.get("keep_going")),
        files=files,
        record=record,
    )


def recorded_plan(record: Mapping[str, Any]) -> Plan:
    """The plan that a recorded run began with. Raises SystemFailure."""
    revision = recorded(record)
    try:
        return plan_project(revision.project, **revision._options)
    except ValidationFailed as problem:
        raise SystemFailure(f"the journal's copy of the project cannot be planned: {problem}") from problem
