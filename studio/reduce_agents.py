"""Agents: who is up, while a person looks at them, and what is asked of one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec.structs import replace

from studio import actions, effects
from studio.actions import Action
from studio.in_hand import Step
from studio.state import StudioState


def _agents_wanted(state: StudioState, action: actions.AgentsWanted) -> Step:
    return state, (effects.ReadAgents(),) if state.place == "agents" else ()


def _agents_read(state: StudioState, action: actions.AgentsRead) -> Step:
    return (state if action.agents == state.agents else replace(state, agents=action.agents)), ()


BY_ACTION: dict[type[Action], Callable[[StudioState, Any], Step]] = {
    actions.AgentDrained: lambda state, action: (state, (effects.DrainAgent(action.name),)),
    actions.AgentEnded: lambda state, action: (state, (effects.StopAgent(action.name),)),
    actions.AgentsRead: _agents_read,
    actions.AgentsWanted: _agents_wanted,
}

BY_COMMAND: dict[str, Callable[[StudioState], Step]] = {
    "agent.launch": lambda state: (state, (effects.LaunchAgent(),)),
}
