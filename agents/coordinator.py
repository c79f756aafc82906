"""The engine's end of the conversation with all agents: who has which attempt, and what to do when one falls silent.

    submit, cancel, heard, disconnected, ticked  (all with `now`)  ->  Turn(sends, news)

An attempt is *leased*: one agent has it, under an epoch that grows with every lease. The first result for the present
epoch counts; any other (late, doubled, from another agent, for a task never sent) is refused and counted in `refused`.

Who is heard and who is silent is the business of `roster`; who has what of `ledger`; who gets how much of `backlog`.

Leases end when an agent has been silent for `lease` seconds (at least for `heartbeat_timeout`, see `roster`), and at
once when its process is gone or it said goodbye. Each attempt then goes back to the queue, `reassign` times, and is
reported as lost after that; one marked `once` is never given away a second time.

An agent that comes back finds its conversation as it was, is told to cancel what others have by now, and goes on. One
whose process started anew registers with a new session: what it does not hold any more is given to others. A
coordinator that comes back after a crash has a higher `generation`; agents register with it and say what they hold, and
attempts that it `expect`s are adopted with the epoch that they have. Epochs carry the generation in their upper bits.

What waits behind a slow task is recalled when another agent has nothing to do. Nothing here looks into a value.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from agents import protocol, wire
from agents.backlog import Backlog, fits
from agents.fleet import NOTHING, AgentInfo, AgentStatus, Balance, LoadBalancingStrategy, Requirements
from agents.jobs import Job, Key
from agents.ledger import Ledger
from agents.link import Link
from agents.peer import Peer
from agents.protocol import TaskResult
from agents.roster import Roster
from agents.turns import Ended, FleetChanged, Given, Said, Turn
from agents.wire import Parcel

STUCK = 0.25  # seconds without a result after which queued attempts may be recalled
RECORDED_EVERY = 256


class Coordinator:
    """Decides which agent runs what. `session` has to be new for every process; those of an agent have to grow.

    `engine` names who holds the agents (a run, a pool), `generation` counts its lives. Seconds throughout. `heartbeat`
    is how often agents are to speak, `heartbeat_timeout` when a silent one counts as offline, `lease` when its attempts
    are given to others (default: then), `reassign` how often one attempt may be. `shelf(agent, chunk, frame)` takes the
    pieces of large results. With `holds_acks`, agents keep results until `settle` is called, as a journal would.
    """

    def __init__(
        self,
        engine: str,
        session: int,
        *,
        generation: int = 1,
        heartbeat: float = 0.4,
        heartbeat_timeout: float = 1.6,
        lease: float | None = None,
        linger: float = 600.0,
        reassign: int = 3,
        strategy: LoadBalancingStrategy = LoadBalancingStrategy.CAPACITY,
        draw: Callable[[], float] | None = None,
        shelf: Callable[[str, protocol.Chunk, Any], None] | None = None,
        holds_acks: bool = False,
        workplace: Mapping[str, str] | None = None,
        limits: wire.Limits = wire.Limits.default,
    ) -> None:
        self.engine = engine
        self.run = engine
        self.session = session
        self.generation = generation
        self.heartbeat = heartbeat
        self.heartbeat_timeout = heartbeat_timeout
        self.lease = max(lease or 0.0, heartbeat_timeout)
        self.linger = linger
        self.holds_acks = holds_acks
        self.workplace = dict(workplace or {})
        self.limits = limits
        self.malformed = 0
        self.taken = 0  # results taken, over all agents: the mark for `settle`
        self._shelf = shelf
        self._turn = Turn()
        self._balance = Balance(strategy, draw)
        self._backlog = Backlog(self._balance)
        self._roster = Roster(heartbeat, heartbeat_timeout, self._tell)
        self._ledger = Ledger(engine, generation, reassign, self._backlog, self._tell)
        self._dirty: dict[str, Peer] = {}
        self._beat = 0.0
        self._heard: dict[type, Callable[[Peer, Any, float], None]] = {
            TaskResult: self._on_result,
            protocol.Heartbeat: self._on_heartbeat,
            protocol.TaskProgress: self._on_said,
            protocol.TaskLines: self._on_said,
            protocol.TaskMetric: self._on_said,
            protocol.Returned: self._on_returned,
            protocol.StatusUpdate: self._on_status,
            protocol.Goodbye: self._on_goodbye,
            protocol.Want: self._on_want,
            protocol.NodeRegistration: self._on_registration_again,
            protocol.Refused: self._on_refused,
            protocol.Unknown: self._on_unknown,
        }

    # ------------------------------------------------------------ what the fleet looks like

    @property
    def jobs(self) -> dict[Key, Job]:
        """Every attempt that is not over."""
        return self._ledger.jobs

    @property
    def refused(self) -> int:
        """Results that did not count."""
        return self._ledger.refused

    @property
    def nodes(self) -> dict[str, AgentInfo]:
        """Every agent that has registered, by id: a copy, so that any thread may look."""
        return {name: peer.info for name, peer in self._roster.peers.items()}

    @property
    def task_assignments(self) -> dict[str, str]:
        """Which agent has which task now, by its full id."""
        return {
            str(protocol.TaskId(self.run, job.node, job.number, job.epoch)): job.agent
            for job in list(self.jobs.values())
            if job.agent
        }

    @property
    def load_balancing_strategy(self) -> LoadBalancingStrategy:
        return self._balance.strategy

    @load_balancing_strategy.setter
    def load_balancing_strategy(self, strategy: LoadBalancingStrategy) -> None:
        self._balance.strategy = strategy

    def select_agent(self, requirements: Requirements = NOTHING) -> AgentInfo | None:
        """Who would get an attempt with these requirements now; None if it would have to wait."""
        free = [peer.info for peer in self._roster.takers if peer.info.free and fits(peer.info, requirements)]
        return self._balance.pick(free) if free else None

    def waiting(self) -> list[tuple[Job, str]]:
        """Attempts that no agent has, each with the reason."""
        return self._backlog.reasons(self._roster.infos())

    def slots(self) -> int:
        """Slots of all agents that take work."""
        return sum([peer.info.slots for peer in self._roster.takers])

    # ------------------------------------------------------------ what the engine asks

    def submit(self, jobs: Iterable[Job], now: float) -> Turn:
        """Have these attempts done."""
        self._ledger.submit(jobs)
        return self._finish(now)

    def expect(self, jobs: Iterable[Job], now: float, wait: float) -> Turn:
        """Attempts of an earlier life: whoever still holds one goes on with it; the others are submitted after `wait`."""
        self._ledger.expect(jobs, now + wait)
        return self._finish(now)

    def cancel(self, tasks: Iterable[Key], grace: float, now: float) -> Turn:
        """End these attempts. Those that wait here end at once, others when their agent says so or is lost."""
        leased: list[Job] = []
        for key in tasks:
            job = self.jobs.get(key)
            if job is None:
                continue
            job.canceled = True
            if job.agent:
                leased.append(job)
            else:
                self._ledger.cancel_waiting(job)
        for peer, ids in self._by_agent(leased):
            self._send(peer, protocol.Cancel(ids, grace))
        return self._finish(now)

    def hold(self, tasks: Iterable[Key], on: bool, now: float) -> Turn:
        """Suspend these attempts where they are (`on`), or let them go on."""
        leased = [job for key in tasks if (job := self.jobs.get(key)) is not None and job.agent]
        for peer, ids in self._by_agent(leased):
            self._send(peer, protocol.Hold(ids, on))
        return self._finish(now)

    def _by_agent(self, jobs: Iterable[Job]) -> list[tuple[Peer, list[protocol.TaskId]]]:
        found: dict[str, list[protocol.TaskId]] = {}
        for job in jobs:
            found.setdefault(job.agent, []).append(self._roster.peers[job.agent].task_id(job))
        return [(self._roster.peers[agent], ids) for agent, ids in found.items()]

    def drain(self, agent: str, now: float) -> Turn:
        """Let an agent finish what it has and give it nothing more. Raises AgentUnavailable if there is none."""
        peer = self._roster.known(agent)
        self._send(peer, protocol.Drain())
        self._roster.set(peer, AgentStatus.DRAINING, "asked to drain")
        return self._finish(now)

    def shutdown(self, agent: str, now: float, *, drain: bool = True, grace: float = 5.0) -> Turn:
        """End an agent's process, after its attempts if `drain`. Raises AgentUnavailable if there is none."""
        peer = self._roster.known(agent)
        self._send(peer, protocol.Shutdown(drain, grace))
        self._roster.set(peer, AgentStatus.DRAINING, "asked to shut down")
        return self._finish(now)

    def release(self, now: float) -> Turn:
        """Let go of every agent: this engine is done."""
        for peer in self._roster.peers.values():
            self._send(peer, protocol.Release())
        return self._finish(now)

    def settle(self, now: float, upto: int | None = None) -> Turn:
        """All results up to mark `upto` (a former value of `taken`; None: all so far) are recorded: agents may forget."""
        mark = self.taken if upto is None else upto
        for peer in self._roster.peers.values():
            peer.settle(mark)
            self._tell_recorded(peer)
        return self._finish(now)

    # ------------------------------------------------------------ what the wire brings

    def heard(self, agent: str, parcel: Parcel, now: float) -> Turn:
        """Take a parcel from an agent. `agent` is who its key says it is, whatever the parcel claims."""
        envelope = parcel.envelope
        peer = self._roster.peers.get(agent)
        if peer is None or peer.session != envelope.sender:
            self._stranger(agent, peer, parcel, now)
            return self._finish(now)
        if envelope.to not in (self.session, 0):
            return self._finish(now)  # meant for an engine that is gone
        self._alive(peer, now)
        handlers = self._heard
        for message, frame in peer.link.receive(parcel):
            if frame is not None:
                if self._shelf is not None:
                    self._shelf(agent, message, frame)
            elif (handler := handlers.get(type(message))) is not None:
                handler(peer, message, now)
            else:
                self._refuse(peer, "direction", f"{type(message).__name__} is not for an engine")
        self._dirty[agent] = peer
        return self._finish(now)

    def unreadable(self, agent: str, answer: Any, now: float) -> Turn:
        """What an agent sent was no parcel; it is told, if there is a conversation and something to say."""
        self.malformed += 1
        peer = self._roster.peers.get(agent)
        if isinstance(answer, protocol.Refused):
            link = peer.link if peer is not None else Link(self.session, 0, self.limits)
            self._turn.sends.append((agent, link.bare([answer])))
        return self._finish(now)

    def disconnected(self, agent: str, reason: str, now: float) -> Turn:
        """An agent's process is known to be gone: no need to wait for its silence."""
        if (peer := self._roster.peers.get(agent)) is not None and peer.info.state is not AgentStatus.FAILED:
            self._roster.set(peer, AgentStatus.FAILED, reason)
            self._ledger.end_all(peer, reason)
        return self._finish(now)

    def revoked(self, agent: str, now: float) -> Turn:
        """An agent's key is not welcome any more: what it has goes to others, what it says is not heard."""
        turn = self.disconnected(agent, "its key was revoked", now)
        self._roster.forget(agent)
        return turn

    def ticked(self, now: float) -> Turn:
        """Time passed: silent agents, resends, acknowledgements, attempts stuck behind others."""
        self._roster.woke(now)
        for peer in self._roster.peers.values():
            self._watch(peer, now)
            for frames in peer.link.resend(now):
                self._turn.sends.append((peer.info.id, frames))
        self._ledger.overdue(now)
        if now - self._beat >= self.heartbeat:
            self._beat = now
            for peer in self._roster.peers.values():
                self._tell_recorded(peer)
                if peer.info.state is not AgentStatus.FAILED:
                    self._turn.sends.append((peer.info.id, peer.link.bare(())))
            if not self._backlog.waiting:
                self._recall(now)
        return self._finish(now)

    def due(self, now: float) -> float:
        """Seconds until `ticked` wants to be called."""
        times = [self._beat + self.heartbeat, *self._roster.due()]
        times += [at for peer in self._roster.peers.values() if (at := peer.link.due()) is not None]
        return max(0.01, min(times) - now)

    # ------------------------------------------------------------ registration

    def _stranger(self, agent: str, peer: Peer | None, parcel: Parcel, now: float) -> None:
        """A session that has no conversation here: only a registration begins one."""
        session = parcel.envelope.sender
        if peer is not None and session < peer.session:
            return  # an echo of an earlier life of this agent
        for message in parcel.messages:
            if type(message) is protocol.NodeRegistration:
                self.register_agent(agent, message, session, now)
                return
        if parcel.envelope.to in (0, self.session) or peer is None:
            text = "register first: this engine does not know the session"
            bare = Link(self.session, session, self.limits).bare([protocol.Refused("unregistered", text)])
            self._turn.sends.append((agent, bare))

    def register_agent(self, agent: str, message: protocol.NodeRegistration, session: int, now: float) -> None:
        """Begin a conversation: leases that the agent still holds go on, its others go to somebody else."""
        link = Link(self.session, session, self.limits)
        if message.id != agent:
            text = f"the key belongs to {agent!r}, and not to {message.id!r}"
            self._turn.sends.append((agent, link.bare([protocol.Refused("identity", text)])))
            return
        old = self._roster.peers.get(agent)
        info = old.info if old is not None else AgentInfo(agent)
        _describe(info, message, now)
        peer = self._roster.peers[agent] = Peer(self.run, info, session, link, now)
        kept, foreign = self._ledger.sort_held(old, agent, message.holding)
        if old is not None:
            for job in [job for key, job in old.leases.items() if key not in kept]:
                self._ledger.lose(old, job, "its agent started anew")
        info.running = 0
        info.spent = {}
        peer.take(list(kept.values()), now)
        if kept:
            self._tell(Given(agent, list(kept.values())))
        link.send(self._welcome())
        if foreign:
            link.send(protocol.Cancel(foreign, 0.0))
        state = AgentStatus.DRAINING if message.draining else AgentStatus.AVAILABLE
        self._roster.set(peer, state, "registered" if old is None else "registered again", always=True)
        self._dirty[agent] = peer

    def _welcome(self) -> protocol.Welcome:
        return protocol.Welcome(self.engine, self.generation, self.heartbeat, self.linger, self.workplace)

    def _on_registration_again(self, peer: Peer, message: protocol.NodeRegistration, now: float) -> None:
        """The agent has not heard its welcome yet."""
        self._turn.sends.append((peer.info.id, peer.link.bare([self._welcome()])))

    # ------------------------------------------------------------ what agents say

    def record_heartbeat(self, agent: str, now: float) -> None:
        """An agent lives. Raises AgentUnavailable for one that never registered."""
        self._alive(self._roster.known(agent), now)

    def _alive(self, peer: Peer, now: float) -> None:
        if self._roster.heard(peer, now) and peer.stale:
            self._send(peer, protocol.Cancel(peer.stale, 0.0))
            peer.stale = []

    def _on_heartbeat(self, peer: Peer, message: protocol.Heartbeat, now: float) -> None:
        peer.info.loaded(message.load_factor)

    def _on_status(self, peer: Peer, message: protocol.StatusUpdate, now: float) -> None:
        peer.info.loaded(message.load_factor)
        if message.status == AgentStatus.DRAINING.value:
            peer.parted = True
            self._roster.set(peer, AgentStatus.DRAINING, "drains by its own wish")

    def _on_result(self, peer: Peer, message: TaskResult, now: float) -> None:
        peer.moved = now
        peer.taken += 1
        self.taken += 1
        if self.holds_acks:
            peer.unsettled.append(self.taken)
        else:
            peer.recorded += 1
        self._ledger.complete(peer, message)

    def _on_said(self, peer: Peer, message: Any, now: float) -> None:
        key = (message.node, message.number)
        job = peer.leases.get(key)
        if job is not None and job.epoch == message.epoch:
            peer.moved = now
            self._tell(Said(job, message))

    def _on_returned(self, peer: Peer, message: protocol.Returned, now: float) -> None:
        self._ledger.returned(peer, message.tasks)

    def _on_goodbye(self, peer: Peer, message: protocol.Goodbye, now: float) -> None:
        self._roster.set(peer, AgentStatus.OFFLINE, message.reason or "it has ended")
        self._ledger.end_all(peer, "its agent has ended")

    def _on_want(self, peer: Peer, message: protocol.Want, now: float) -> None:
        """A large value is not there (any more)."""
        peer.give_again(message.name)

    def _on_refused(self, peer: Peer, message: protocol.Refused, now: float) -> None:
        self._tell(FleetChanged(peer.info.id, peer.info.status, f"{message.code}: {message.text}"))

    def _on_unknown(self, peer: Peer, message: protocol.Unknown, now: float) -> None:
        self._refuse(peer, "unknown", f"message {message.tag} is not known to protocol version {protocol.VERSION}")

    def _refuse(self, peer: Peer, code: str, text: str) -> None:
        self._turn.sends.append((peer.info.id, peer.link.bare([protocol.Refused(code, text)])))

    # ------------------------------------------------------------ leases

    def assign(self, job: Job, agent: str, now: float) -> None:
        """Lease an attempt to an agent and tell it."""
        self._lease(self._roster.known(agent), [job], now)

    def _lease(self, peer: Peer, jobs: list[Job], now: float) -> None:
        self._ledger.lease(peer, jobs, now)
        self._tell(Given(peer.info.id, jobs))
        self._dirty[peer.info.id] = peer

    def _recall(self, now: float) -> None:
        """What waits behind a slow attempt is asked back, if somebody else has nothing to do."""
        if not any(peer.info.free for peer in self._roster.takers):
            return
        for peer in self._roster.peers.values():
            info = peer.info
            if info.running <= info.slots or now - peer.moved < STUCK:
                continue
            behind = list(peer.leases.values())[info.slots :]
            self._send(peer, protocol.Recall([peer.task_id(job) for job in behind]))
            peer.moved = now

    # ------------------------------------------------------------ time

    def _watch(self, peer: Peer, now: float) -> None:
        silent = self._roster.watch(peer, now)
        if peer.info.state is AgentStatus.OFFLINE and peer.leases and silent > self.lease:
            self._ledger.end_all(peer, f"silent for {silent:.1f} s")

    # ------------------------------------------------------------ small things

    def _tell(self, news: Ended | Said | Given | FleetChanged) -> None:
        self._turn.news.append(news)

    def _send(self, peer: Peer, message: protocol.Message) -> None:
        peer.link.send(message)
        self._dirty[peer.info.id] = peer

    def _tell_recorded(self, peer: Peer) -> None:
        if peer.recorded:
            peer.tell_recorded()
            self._dirty[peer.info.id] = peer

    def _finish(self, now: float) -> Turn:
        if self._backlog.waiting:
            self._backlog.share(
                self._roster.peers, self._roster.takers, lambda peer, jobs: self._lease(peer, jobs, now)
            )
        if self._dirty:
            sends = self._turn.sends
            for agent, peer in self._dirty.items():
                if peer.recorded >= RECORDED_EVERY:
                    peer.tell_recorded()
                for frames in peer.link.flush(now):
                    sends.append((agent, frames))
            self._dirty.clear()
        turn, self._turn = self._turn, Turn()
        return turn


def _describe(info: AgentInfo, message: protocol.NodeRegistration, now: float) -> None:
    info.address = message.address
    info.slots = message.slots
    info.capabilities = frozenset(message.capabilities)
    info.resources = dict(message.resources)
    info.versions = dict(message.versions)
    info.pid = message.pid
    info.last_heartbeat = now
