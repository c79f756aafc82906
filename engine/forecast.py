"""What a change of its graph would do to a run: for each node, said beforehand. Nothing happens to the run.

`forecast(state, revision)` asks the rules that carry the change out, so what it says is what happens, if the run stands
still in between.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from engine.errors import NodeNotFound
from engine.machine.events import Revision
from engine.machine.fates import Fates, begun, carry_over, fates, has_attempt, seeds
from engine.machine.moves import is_contained
from engine.machine.state import (
    CANCELED,
    COMPLETED,
    FAILED,
    FAILING,
    LEAVING,
    NODE_STATES,
    READY,
    RUNNING,
    SKIPPED,
    TEMPLATE,
    NodeState,
    RunState,
)
from engine.plan import Plan


class Fate(Enum):
    """What a change means for a node."""

    RUNS = "has yet to run"
    GOES_ON = "goes on"
    KEEPS = "keeps its result"
    STAYS = "stays as it is"
    RERUNS = "runs again"
    LEAVES = "is removed"
    STAYS_OUT = "will not run"


@dataclass(frozen=True, slots=True)
class NodeForecast:
    """One node. `state` is where it stands now (None if it is new); `cancels`: its running attempt is ended first."""

    id: str
    fate: Fate
    reason: str
    state: NodeState | None
    cancels: bool

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        state = None if self.state is None else self.state.value
        return {"fate": self.fate.value, "reason": self.reason, "state": state, "cancels": self.cancels}


class Forecast(Mapping[str, NodeForecast]):
    """What becomes of each node, by path, in the order of the new version; what leaves comes last."""

    def __init__(self, nodes: Mapping[str, NodeForecast]) -> None:
        self._nodes = dict(nodes)

    def __getitem__(self, path: str) -> NodeForecast:
        if path not in self._nodes:
            raise NodeNotFound(path, self._nodes)
        return self._nodes[path]

    def __iter__(self) -> Iterator[str]:
        return iter(self._nodes)

    def __len__(self) -> int:
        return len(self._nodes)

    def of(self, fate: Fate) -> list[str]:
        """Paths of the nodes that have this fate."""
        return [path for path, node in self._nodes.items() if node.fate is fate]

    @property
    def cancels(self) -> list[str]:
        """Paths of the nodes whose running attempts are ended."""
        return [path for path, node in self._nodes.items() if node.cancels]

    @property
    def is_quiet(self) -> bool:
        """Whether no work is lost: nothing runs again, is ended or leaves."""
        return not self.cancels and not self.of(Fate.RERUNS) and not self.of(Fate.LEAVES)

    def to_dict(self) -> dict[str, Any]:
        """Plain data, by path."""
        return {path: node.to_dict() for path, node in self._nodes.items()}

    def __repr__(self) -> str:
        said = ", ".join(f"{path} {node.fate.value}" for path, node in self._nodes.items())
        return f"<Forecast: {said}>"


def forecast(state: RunState, revision: Revision) -> Forecast:
    """What would become of each node. Raises ValidationFailed, CycleDetected for a version that cannot be planned."""
    plan = revision.sketched(state.plan)
    carry_over(state, plan)
    changed, reshaped = seeds(state, plan, revision)
    found = fates(state, plan, changed, reshaped)
    blamed = _still_failing(state, found)
    told = {}
    for node in _in_order(state, plan, found):
        told[plan.names[node]] = _node_forecast(state, plan, found, node, changed, blamed)
    return Forecast(told)


def _in_order(state: RunState, plan: Plan, found: Fates) -> Iterator[int]:
    """The nodes that people know: those of the new version, with what was born in them, then those that leave."""
    unseen = plan.templates | plan.hidden
    inside: dict[int, list[int]] = {}
    for child, frame in plan.parents.items():
        if child in plan.detached:
            continue
        inside.setdefault(frame, []).append(child)
    todo = list(reversed(plan.order or ()))
    while todo:
        node = todo.pop()
        if node not in unseen and node not in found.gone:
            yield node
            todo.extend(reversed(inside.get(node, ())))
    yield from sorted(found.gone - state.plan.hidden)


def _node_forecast(
    state: RunState, plan: Plan, found: Fates, node: int, changed: Mapping[int, str], blamed: int
) -> NodeForecast:
    code = state.states[node] if node < len(state.states) else TEMPLATE
    now = None if code == TEMPLATE else NODE_STATES[code]
    leaves = node in found.gone
    cancels = (leaves or node in found.again) and code != TEMPLATE and has_attempt(state, node)
    reason = found.again.get(node, "") or changed.get(node, "")
    if leaves:
        fate = Fate.LEAVES
    elif node in found.again or code in (READY, TEMPLATE, LEAVING) or not begun(state, node):
        fate = Fate.RERUNS if node in found.again else Fate.RUNS
        if code == TEMPLATE:
            reason = "it is new"
        if blamed >= 0 and not cancels:
            fate, reason = Fate.STAYS_OUT, f"{plan.names[blamed]} failed"
    elif code == RUNNING or node in state.held:
        fate = Fate.GOES_ON
    else:
        fate = Fate.KEEPS if code == COMPLETED else Fate.STAYS
        reason = state.reasons.get(node, "") if code in (FAILED, SKIPPED, CANCELED) else ""
    return NodeForecast(plan.names[node], fate, reason, now, cancels)


def _still_failing(state: RunState, found: Fates) -> int:
    """The node because of which the run starts nothing more, also with the change; -1 if it goes on."""
    if state.phase != FAILING or state.is_over:
        return -1
    left = [node for node in state.fallen if node not in found.again and node not in found.gone]
    left = [node for node in left if not is_contained(state, node)]
    return min(left, key=lambda node: (state.ended[node], node), default=-1)
