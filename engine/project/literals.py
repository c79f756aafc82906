"""What `@task(...)` says in plain literals, taken over into a project's nodes without importing their module.

A node's own key comes first, then what its function's `@task(...)` says, then [defaults]. Literals are read from the
source by the same converters as the project file, so `timeout="30s"` and `retries` mean the same in both.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from msgspec.structs import replace

from engine.project.findings import Notes, Path
from engine.project.functions import Function, Sources
from engine.project.model import Composite, Conditional, Node, Project, Settings, Switch, Task, Workflow
from engine.project.shapes import BAD, fields_of

_IGNORED = ("id", "needs", "max_retries", "delay", "backoff")
"""Words of `@task` that are no settings: the first two belong to one node, the others are short forms of `retry`."""


def with_literals(project: Project, sources: Sources) -> Project:
    """The project with each task node's settings completed by what its function's `@task(...)` says."""
    return _Completed(sources).project(project)


def check_literals(function: Function, place: Path, notes: Notes) -> None:
    """Note what `@task(...)` says and no project file could: it would fail as soon as the module is imported."""
    if function.literals:
        _settings_in(function.literals, place, notes)


class _Completed:
    """One pass over a project; what each function says is read once."""

    def __init__(self, sources: Sources) -> None:
        self._sources = sources
        self._known: dict[str, Mapping[str, Any]] = {}

    def project(self, project: Project) -> Project:
        workflows = {name: self._workflow(one) for name, one in project.workflows.items()}
        run = replace(
            project.run,
            on_success=self._maybe(project.run.on_success),
            on_failure=self._maybe(project.run.on_failure),
        )
        workflow = self._workflow(project.workflow)
        return project if not self._found() else replace(project, workflow=workflow, workflows=workflows, run=run)

    def _found(self) -> bool:
        return any(self._known.values())

    def _workflow(self, workflow: Workflow) -> Workflow:
        return replace(workflow, nodes=self._nodes(workflow.nodes))

    def _nodes(self, nodes: Mapping[str, Node]) -> dict[str, Node]:
        return {name: self._node(node) for name, node in nodes.items()}

    def _maybe(self, node: Node | None) -> Node | None:
        return None if node is None else self._node(node)

    def _node(self, node: Node) -> Node:
        inner = _INNER.get(type(node.body))
        if inner is not None:
            node = replace(node, body=inner(self, node.body))
        elif isinstance(node.body, Task) and isinstance(node.body.task, str):
            node = self._task(node, node.body.task)
        if node.settings.undo is not None:
            node = replace(node, settings=replace(node.settings, undo=self._node(node.settings.undo)))
        return node

    def _task(self, node: Node, reference: str) -> Node:
        if reference not in self._known:
            function = self._sources.function(reference)
            self._known[reference] = {} if function is None else _settings_in(function.literals, (), Notes())
        unsaid = {key: value for key, value in self._known[reference].items() if _is_unsaid(node.settings, key)}
        return replace(node, settings=replace(node.settings, **unsaid)) if unsaid else node

    def composite(self, body: Any) -> Any:
        return replace(body, nodes=self._nodes(body.nodes))

    def conditional(self, body: Any) -> Any:
        return replace(body, then=self._node(body.then), otherwise=self._maybe(body.otherwise))

    def switch(self, body: Any) -> Any:
        return replace(body, cases=self._nodes(body.cases), otherwise=self._maybe(body.otherwise))


def _settings_in(literals: Mapping[str, Any], place: Path, notes: Notes) -> dict[str, Any]:
    """Settings of the model from the literals of one `@task(...)`."""
    known = fields_of(Settings)
    table = {key: value for key, value in literals.items() if key in known}
    if "max_retries" in literals and "retry" not in table:
        table["retry"] = _retry(literals)
    for key in literals:
        if key not in known and key not in _IGNORED:
            near = notes.nearest(key, (*known, *_IGNORED))
            remedy = f"did you mean `{near}`?" if near else "take it out"
            notes.error("bad-literal", place, f"@task(...) of this function has no setting `{key}`", remedy)
    values = {}
    for key, value in table.items():
        found = known[key].convert(list(value) if isinstance(value, tuple) else value, (*place, "@task", key), notes)
        if found is not BAD:
            values[known[key].name] = found
    return values


def _retry(literals: Mapping[str, Any]) -> dict[str, Any]:
    """`max_retries=3, delay=1, backoff=2` as the table that a project file would have."""
    retry: dict[str, Any] = {"max_retries": literals["max_retries"]}
    delay = literals.get("delay")
    if delay is not None and literals.get("backoff"):
        retry |= {"strategy": "exponential", "initial": delay, "multiplier": literals["backoff"]}
    elif delay is not None:
        retry |= {"strategy": "fixed", "delay": delay}
    return retry


def _is_unsaid(settings: Settings, name: str) -> bool:
    return bool(getattr(settings, name) == getattr(_NOTHING, name))


_NOTHING = Settings()

_INNER: Mapping[type, Callable[[_Completed, Any], Any]] = {
    Composite: _Completed.composite,
    Conditional: _Completed.conditional,
    Switch: _Completed.switch,
}
