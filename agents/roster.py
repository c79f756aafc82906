"""Who has registered, and how each of them is doing, judged by when it was heard.

    heard  ----------------------------->  available, busy (every slot leased), draining
    silent for half of heartbeat_timeout   suspected: gets nothing new
    silent for heartbeat_timeout           offline
    process gone, or said goodbye          failed or offline

Moments are this side's monotonic clock. If this process itself did not run for a while, nobody else is to blame.
"""

from __future__ import annotations

from collections.abc import Callable

from agents.errors import AgentUnavailable
from agents.fleet import AgentInfo, AgentStatus
from agents.peer import Peer
from agents.turns import FleetChanged

# After which part of `heartbeat_timeout` a silent agent in this state is something else.
_LIMITS = {AgentStatus.AVAILABLE: 0.5, AgentStatus.DRAINING: 0.5, AgentStatus.SUSPECTED: 1.0}
_AWAY = frozenset({AgentStatus.SUSPECTED, AgentStatus.OFFLINE, AgentStatus.FAILED})


class Roster:
    """Agents by name. `tell` hears of every change; `takers` are those that get new work."""

    def __init__(self, heartbeat: float, heartbeat_timeout: float, tell: Callable[[FleetChanged], None]) -> None:
        self.peers: dict[str, Peer] = {}
        self.takers: list[Peer] = []
        self._heartbeat = heartbeat
        self._timeout = heartbeat_timeout
        self._tell = tell
        self._looked: float | None = None

    def infos(self) -> list[AgentInfo]:
        return [peer.info for peer in self.peers.values()]

    def known(self, agent: str) -> Peer:
        """The agent of that name. Raises AgentUnavailable if there is none."""
        peer = self.peers.get(agent)
        if peer is None:
            raise AgentUnavailable(agent, "no agent of that name has registered")
        return peer

    def forget(self, agent: str) -> None:
        self.peers.pop(agent, None)
        self._find_takers()

    def set(self, peer: Peer, state: AgentStatus, reason: str, *, always: bool = False) -> None:
        """An agent is in this state now; told if that is new, or `always`."""
        info = peer.info
        if info.state is state and not always:
            return
        info.state = state
        info.reason = "" if state is AgentStatus.AVAILABLE else reason
        self._find_takers()
        self._tell(FleetChanged(info.id, state, reason))

    def heard(self, peer: Peer, now: float) -> bool:
        """An agent lives. Whether it had been thought away."""
        peer.info.last_heartbeat = now
        if peer.info.state not in _AWAY:
            return False
        self.set(peer, AgentStatus.DRAINING if peer.parted else AgentStatus.AVAILABLE, "heard again")
        return True

    def watch(self, peer: Peer, now: float) -> float:
        """Judge an agent by its silence; the seconds that it lasts."""
        info = peer.info
        silent = now - info.last_heartbeat
        if info.state in (AgentStatus.AVAILABLE, AgentStatus.DRAINING) and silent > self._timeout / 2:
            peer.parted = info.state is AgentStatus.DRAINING
            self.set(peer, AgentStatus.SUSPECTED, f"silent for {silent:.1f} s")
        if info.state is AgentStatus.SUSPECTED and silent > self._timeout:
            self.set(peer, AgentStatus.OFFLINE, f"silent for {silent:.1f} s")
        return silent

    def woke(self, now: float) -> None:
        """Called at every look at the clock: what this process has slept does not count as silence of others."""
        last, self._looked = self._looked, now
        if last is not None and (gap := now - last) > max(self._timeout / 2, self._heartbeat * 2):
            for peer in self.peers.values():
                peer.info.last_heartbeat += gap

    def due(self) -> list[float]:
        """When somebody's silence will mean something."""
        return [
            peer.info.last_heartbeat + limit * self._timeout + 0.005
            for peer in self.peers.values()
            if (limit := _LIMITS.get(peer.info.state)) is not None
        ]

    def _find_takers(self) -> None:
        self.takers = [peer for peer in self.peers.values() if peer.info.state is AgentStatus.AVAILABLE]
