"""The engine's end of the conversation with all agents: who has which attempt, and what to do when one falls silent.

    submit, cancel, heard, disconnected, ticked  (all with `now`)  ->  Turn(sends, news)

An attempt is *leased*: one agent has it, under an epoch that grows with every lease. The first result for the present
epoch counts; any other (late, doubled, from another agent, for a task never sent) is refused and counted in `refused`.

    heard  ----------------------------->  available, busy (every slot leased), draining
    silent for half of heartbeat_timeout   suspected: gets nothing new
    silent for heartbeat_timeout           offline
    silent for `lease` (at least that)     its leases end: each attempt goes back to the queue, `reassign` times, and is
                                           then reported as lost; one marked `once` is never given away a second time
    process gone, or said goodbye          failed or offline, leases end at once

An agent that comes back finds its conversation as it was, is told to cancel what others have by now, and goes on. One
whose process started anew registers with a new session: what it does not hold any more is given to others. A
coordinator that comes back after a crash has a higher `generation`; agents register with it and say what they hold, and
attempts that it `expect`s are adopted with the epoch that they have. Epochs carry the generation in their upper bits.

Who gets how much. Free slots first, one attempt each, by the strategy. Beyond that every agent may hold a window: as
many attempts as last `AHEAD` seconds by the usual time of their body (none before that is known), so that short tasks
travel by the dozen and long ones are never stuck behind others. A batch that is not full is held while an agent has
plenty to do; there is no timer. What waits behind a slow task is recalled when another agent has nothing to do.

Nothing here looks into a value. `values` are large ones by name; they travel once per session and agent.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from agents import wire
from agents.errors import AgentUnavailable
from agents.fleet import NOTHING, AgentInfo, AgentStatus, Balance, LoadBalancingStrategy, Requirements, why_nobody
from agents.link import Link
from agents.wire import Parcel, TaskAssignment, TaskResult

AHEAD = 0.02  # seconds of work that may wait at an agent
WINDOW = 384  # attempts leased to one agent at most, beyond its slots
BATCH = 64
LOW_WATER = 8  # attempts at an agent below which a batch need not be full
USUAL_LEAST = 40e-6  # seconds that even the shortest attempt takes on its way through an agent
STUCK = 0.25  # seconds without a result after which queued attempts may be recalled
GENERATION_BITS = 32
# After which part of `heartbeat_timeout` a silent agent in this state is something else.
_LIMITS = {AgentStatus.AVAILABLE: 0.5, AgentStatus.DRAINING: 0.5, AgentStatus.SUSPECTED: 1.0}
RECORDED_EVERY = 256


class TaskBody:
    """What attempts of one node have in common and travels once per agent: `data` is opaque here."""

    __slots__ = ("data", "number", "usual")

    def __init__(self, number: int, data: bytes) -> None:
        self.number = number
        self.data = data
        self.usual: float | None = None  # smoothed seconds of an attempt, None until one has ended


class Job:
    """One attempt, from `submit` until its outcome is known."""

    __slots__ = (
        "agent",
        "at",
        "begun",
        "body",
        "canceled",
        "epoch",
        "inputs",
        "losses",
        "node",
        "number",
        "once",
        "over",
        "requires",
        "timeout",
        "values",
    )

    def __init__(
        self,
        node: int,
        number: int,
        body: TaskBody,
        inputs: bytes = b"",
        *,
        values: Mapping[bytes, Any] | None = None,
        timeout: float | None = None,
        requires: Requirements = NOTHING,
        once: bool = False,
        epoch: int = 0,
    ) -> None:
        self.node = node
        self.number = number
        self.body = body
        self.inputs = inputs
        self.values = values
        self.timeout = timeout
        self.requires = requires
        self.once = once
        self.epoch = epoch
        self.agent = ""  # who has it, "" while it waits
        self.losses = 0
        self.at = 0.0
        self.canceled = False
        self.over = False
        self.begun = False


class Ended:
    """News: an attempt is over. `result` is None where no agent said so: it was lost, or canceled before it was sent."""

    __slots__ = ("agent", "job", "kind", "reason", "result")

    def __init__(
        self, job: Job, kind: str, result: TaskResult | None = None, reason: str = "", agent: str = ""
    ) -> None:
        self.job = job
        self.kind = kind
        self.result = result
        self.reason = reason
        self.agent = agent


class Said:
    """News of an attempt that goes on: progress, lines, a metric."""

    __slots__ = ("job", "message")

    def __init__(self, job: Job, message: Any) -> None:
        self.job = job
        self.message = message


class FleetChanged:
    """News: an agent came, went, or changed its state; `reason` for people."""

    __slots__ = ("agent", "reason", "status")

    def __init__(self, agent: str, status: AgentStatus, reason: str) -> None:
        self.agent = agent
        self.status = status
        self.reason = reason


class Turn:
    """What follows from one input: parcels to send, as (agent, frames), and news for the engine."""

    __slots__ = ("news", "sends")

    def __init__(self) -> None:
        self.sends: list[tuple[str, list[Any]]] = []
        self.news: list[Ended | Said | FleetChanged] = []


class _Peer:
    """One agent's conversation and leases."""

    __slots__ = (
        "bodies",
        "info",
        "leases",
        "link",
        "moved",
        "parted",
        "recorded",
        "session",
        "stale",
        "taken",
        "unsettled",
        "values",
    )

    def __init__(self, info: AgentInfo, session: int, link: Link, now: float) -> None:
        self.info = info
        self.session = session
        self.link = link
        self.leases: dict[tuple[int, int], Job] = {}
        self.bodies: set[int] = set()
        self.values: set[bytes] = set()
        self.stale: list[wire.TaskId] = []  # leases that ended while it was silent
        self.moved = now  # when it last brought a result, or got work while idle
        self.taken = 0  # results of this session
        self.recorded = 0  # of those, how many it was told are safe
        self.unsettled: deque[int] = deque()
        self.parted = False


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
        shelf: Callable[[str, wire.Chunk, Any], None] | None = None,
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
        self.reassign = reassign
        self.holds_acks = holds_acks
        self.workplace = dict(workplace or {})
        self.limits = limits
        self.balance = Balance(strategy, draw)
        self.jobs: dict[tuple[int, int], Job] = {}
        self.refused = 0  # results that did not count
        self.malformed = 0
        self.taken = 0  # results taken, over all agents: the mark for `settle`
        self._epoch = generation << GENERATION_BITS
        self._shelf = shelf
        self._pending: dict[Requirements, deque[Job]] = {NOTHING: deque()}
        self._waiting = 0
        self._expected: dict[tuple[int, int], tuple[Job, float]] = {}
        self._peers: dict[str, _Peer] = {}
        self._takers: list[_Peer] = []
        self._dirty: dict[str, _Peer] = {}
        self._turn = Turn()
        self._ticked: float | None = None
        self._beat = 0.0
        self._heard: dict[type, Callable[[_Peer, Any, float], None]] = {
            TaskResult: self._on_result,
            wire.Heartbeat: self._on_heartbeat,
            wire.TaskProgress: self._on_said,
            wire.TaskLines: self._on_said,
            wire.TaskMetric: self._on_said,
            wire.Returned: self._on_returned,
            wire.StatusUpdate: self._on_status,
            wire.Goodbye: self._on_goodbye,
            wire.Want: self._on_want,
            wire.NodeRegistration: self._on_registration_again,
            wire.Refused: self._on_refused,
            wire.Unknown: self._on_unknown,
        }

    # ------------------------------------------------------------ what the fleet looks like

    @property
    def nodes(self) -> dict[str, AgentInfo]:
        """Every agent that has registered, by id: a copy, so that any thread may look."""
        return {name: peer.info for name, peer in self._peers.items()}

    @property
    def task_assignments(self) -> dict[str, str]:
        """Which agent has which task now, by its full id."""
        return {
            str(wire.TaskId(self.run, job.node, job.number, job.epoch)): job.agent
            for job in list(self.jobs.values())
            if job.agent
        }

    @property
    def load_balancing_strategy(self) -> LoadBalancingStrategy:
        return self.balance.strategy

    @load_balancing_strategy.setter
    def load_balancing_strategy(self, strategy: LoadBalancingStrategy) -> None:
        self.balance.strategy = strategy

    def select_agent(self, requirements: Requirements = NOTHING) -> AgentInfo | None:
        """Who would get an attempt with these requirements now; None if it would have to wait."""
        free = [peer.info for peer in self._takers if peer.info.free and _fits(peer.info, requirements)]
        return self.balance.pick(free) if free else None

    def waiting(self) -> list[tuple[Job, str]]:
        """Attempts that no agent has, each with the reason."""
        infos = [peer.info for peer in self._peers.values()]
        found = []
        for wanted, queue in self._pending.items():
            reason = why_nobody(infos, wanted) if queue else ""
            found += [(job, reason) for job in queue if not job.over]
        return found

    def slots(self) -> int:
        """Slots of all agents that take work."""
        return sum([peer.info.slots for peer in self._takers])

    # ------------------------------------------------------------ what the engine asks

    def submit(self, jobs: Iterable[Job], now: float) -> Turn:
        """Have these attempts done."""
        for job in jobs:
            self.jobs[job.node, job.number] = job
            self._queue(job)
        return self._finish(now)

    def expect(self, jobs: Iterable[Job], now: float, wait: float) -> Turn:
        """Attempts of an earlier life: whoever still holds one goes on with it; the others are submitted after `wait`."""
        for job in jobs:
            self.jobs[job.node, job.number] = job
            self._expected[job.node, job.number] = (job, now + wait)
        return self._finish(now)

    def cancel(self, tasks: Iterable[tuple[int, int]], grace: float, now: float) -> Turn:
        """End these attempts. Those that wait here end at once, others when their agent says so or is lost."""
        asked: dict[str, list[wire.TaskId]] = {}
        for key in tasks:
            job = self.jobs.get(key)
            if job is None:
                continue
            job.canceled = True
            if job.agent:
                asked.setdefault(job.agent, []).append(self._id(job))
            else:
                self._end(job, "canceled", None, "canceled before it began")
        for agent, ids in asked.items():
            self._send(self._peers[agent], wire.Cancel(ids, grace))
        return self._finish(now)

    def hold(self, tasks: Iterable[tuple[int, int]], on: bool, now: float) -> Turn:
        """Suspend these attempts where they are (`on`), or let them go on."""
        asked: dict[str, list[wire.TaskId]] = {}
        for key in tasks:
            if (job := self.jobs.get(key)) is not None and job.agent:
                asked.setdefault(job.agent, []).append(self._id(job))
        for agent, ids in asked.items():
            self._send(self._peers[agent], wire.Hold(ids, on))
        return self._finish(now)

    def drain(self, agent: str, now: float) -> Turn:
        """Let an agent finish what it has and give it nothing more. Raises AgentUnavailable if there is none."""
        peer = self._known(agent)
        self._send(peer, wire.Drain())
        self._set(peer, AgentStatus.DRAINING, "asked to drain")
        return self._finish(now)

    def shutdown(self, agent: str, now: float, *, drain: bool = True, grace: float = 5.0) -> Turn:
        """End an agent's process, after its attempts if `drain`. Raises AgentUnavailable if there is none."""
        peer = self._known(agent)
        self._send(peer, wire.Shutdown(drain, grace))
        self._set(peer, AgentStatus.DRAINING, "asked to shut down")
        return self._finish(now)

    def release(self, now: float) -> Turn:
        """Let go of every agent: this engine is done."""
        for peer in self._peers.values():
            self._send(peer, wire.Release())
        return self._finish(now)

    def settle(self, now: float, upto: int | None = None) -> Turn:
        """All results up to mark `upto` (a former value of `taken`; None: all so far) are recorded: agents may forget."""
        mark = self.taken if upto is None else upto
        for peer in self._peers.values():
            unsettled = peer.unsettled
            while unsettled and unsettled[0] <= mark:
                unsettled.popleft()
                peer.recorded += 1
            self._tell_recorded(peer)
        return self._finish(now)

    # ------------------------------------------------------------ what the wire brings

    def heard(self, agent: str, parcel: Parcel, now: float) -> Turn:
        """Take a parcel from an agent. `agent` is who its key says it is, whatever the parcel claims."""
        envelope = parcel.envelope
        peer = self._peers.get(agent)
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
        peer = self._peers.get(agent)
        if isinstance(answer, wire.Refused):
            link = peer.link if peer is not None else Link(self.session, 0, self.limits)
            self._turn.sends.append((agent, link.bare([answer])))
        return self._finish(now)

    def disconnected(self, agent: str, reason: str, now: float) -> Turn:
        """An agent's process is known to be gone: no need to wait for its silence."""
        if (peer := self._peers.get(agent)) is not None and peer.info.state is not AgentStatus.FAILED:
            self._set(peer, AgentStatus.FAILED, reason)
            self._end_leases(peer, reason, now)
        return self._finish(now)

    def revoked(self, agent: str, now: float) -> Turn:
        """An agent's key is not welcome any more: what it has goes to others, what it says is not heard."""
        turn = self.disconnected(agent, "its key was revoked", now)
        self._peers.pop(agent, None)
        self._find_takers()
        return turn

    def ticked(self, now: float) -> Turn:
        """Time passed: silent agents, resends, acknowledgements, attempts stuck behind others."""
        self._slept(now)
        for peer in self._peers.values():
            self._watch(peer, now)
            for frames in peer.link.resend(now):
                self._turn.sends.append((peer.info.id, frames))
        for key, (job, until) in list(self._expected.items()):
            if now >= until:
                del self._expected[key]
                self._queue(job)
        if now - self._beat >= self.heartbeat:
            self._beat = now
            for peer in self._peers.values():
                self._tell_recorded(peer)
                if peer.info.state is not AgentStatus.FAILED:
                    self._turn.sends.append((peer.info.id, peer.link.bare(())))
            if not self._waiting:
                self._recall(now)
        return self._finish(now)

    def due(self, now: float) -> float:
        """Seconds until `ticked` wants to be called."""
        times = [self._beat + self.heartbeat]
        for peer in self._peers.values():
            limit = _LIMITS.get(peer.info.state)
            if limit is not None:
                times.append(peer.info.last_heartbeat + limit * self.heartbeat_timeout + 0.005)
        times += [at for peer in self._peers.values() if (at := peer.link.due()) is not None]
        return max(0.01, min(times) - now)

    # ------------------------------------------------------------ registration

    def _stranger(self, agent: str, peer: _Peer | None, parcel: Parcel, now: float) -> None:
        """A session that has no conversation here: only a registration begins one."""
        session = parcel.envelope.sender
        if peer is not None and session < peer.session:
            return  # an echo of an earlier life of this agent
        for message in parcel.messages:
            if type(message) is wire.NodeRegistration:
                self.register_agent(agent, message, session, now)
                return
        if parcel.envelope.to in (0, self.session) or peer is None:
            text = "register first: this engine does not know the session"
            bare = Link(self.session, session, self.limits).bare([wire.Refused("unregistered", text)])
            self._turn.sends.append((agent, bare))

    def register_agent(self, agent: str, message: wire.NodeRegistration, session: int, now: float) -> None:
        """Begin a conversation: leases that the agent still holds go on, its others go to somebody else."""
        link = Link(self.session, session, self.limits)
        if message.id != agent:
            text = f"the key belongs to {agent!r}, and not to {message.id!r}"
            self._turn.sends.append((agent, link.bare([wire.Refused("identity", text)])))
            return
        old = self._peers.get(agent)
        info = old.info if old is not None else AgentInfo(agent)
        _describe(info, message, now)
        peer = self._peers[agent] = _Peer(info, session, link, now)
        kept, foreign = self._sort_held(agent, old, message)
        if old is not None:
            for job in [job for key, job in old.leases.items() if key not in kept]:
                self._lose(old, job, "its agent started anew", now)
        info.running = 0
        info.spent = {}
        for key, job in kept.items():
            self._take_lease(peer, key, job, now)
        link.send(self._welcome())
        if foreign:
            link.send(wire.Cancel(foreign, 0.0))
        state = AgentStatus.DRAINING if message.draining else AgentStatus.AVAILABLE
        self._set(peer, state, "registered" if old is None else "registered again", always=True)
        self._dirty[agent] = peer

    def _sort_held(
        self, agent: str, old: _Peer | None, message: wire.NodeRegistration
    ) -> tuple[dict[tuple[int, int], Job], list[wire.TaskId]]:
        """Of what an agent holds: the leases that are its own, or that are adopted now, and those to be canceled."""
        kept: dict[tuple[int, int], Job] = {}
        foreign = []
        for held in message.holding:
            task = held.task
            key = (task.node, task.attempt)
            job = self.jobs.get(key) if task.run == self.run else None
            if job is not None and not job.over and self._adopts(agent, old, job, task.epoch):
                kept[key] = job
            elif not held.done:
                foreign.append(task)
        return kept, foreign

    def _adopts(self, agent: str, old: _Peer | None, job: Job, epoch: int) -> bool:
        key = (job.node, job.number)
        if old is not None and job.agent == agent and job.epoch == epoch:
            return True
        if key in self._expected and epoch < self.generation << GENERATION_BITS:
            del self._expected[key]
            job.epoch = epoch
            return True
        return False

    def _welcome(self) -> wire.Welcome:
        return wire.Welcome(self.engine, self.generation, self.heartbeat, self.linger, self.workplace)

    def _on_registration_again(self, peer: _Peer, message: wire.NodeRegistration, now: float) -> None:
        """The agent has not heard its welcome yet."""
        self._turn.sends.append((peer.info.id, peer.link.bare([self._welcome()])))

    # ------------------------------------------------------------ what agents say

    def record_heartbeat(self, agent: str, now: float) -> None:
        """An agent lives. Raises AgentUnavailable for one that never registered."""
        self._alive(self._known(agent), now)

    def _alive(self, peer: _Peer, now: float) -> None:
        info = peer.info
        info.last_heartbeat = now
        if info.state is AgentStatus.SUSPECTED or info.state is AgentStatus.OFFLINE or info.state is AgentStatus.FAILED:
            self._set(peer, AgentStatus.DRAINING if peer.parted else AgentStatus.AVAILABLE, "heard again")
            if peer.stale:
                self._send(peer, wire.Cancel(peer.stale, 0.0))
                peer.stale = []

    def _on_heartbeat(self, peer: _Peer, message: wire.Heartbeat, now: float) -> None:
        peer.info.loaded(message.load_factor)

    def _on_status(self, peer: _Peer, message: wire.StatusUpdate, now: float) -> None:
        peer.info.loaded(message.load_factor)
        if message.status == AgentStatus.DRAINING.value:
            peer.parted = True
            self._set(peer, AgentStatus.DRAINING, "drains by its own wish")

    def _on_result(self, peer: _Peer, message: TaskResult, now: float) -> None:
        peer.moved = now
        peer.taken += 1
        self.taken += 1
        if self.holds_acks:
            peer.unsettled.append(self.taken)
        else:
            peer.recorded += 1
        self.complete(peer, message)

    def complete(self, peer: _Peer, message: TaskResult) -> None:
        """A result is in: it counts if it is the first one of the present lease, and is refused otherwise."""
        key = (message.node, message.number)
        job = self.jobs.get(key)
        if job is None or job.epoch != message.epoch or peer.leases.get(key) is not job or message.run != self.run:
            self.refused += 1
            return
        body = job.body
        usual = body.usual
        seconds = message.execution_time
        body.usual = seconds if usual is None else usual + 0.25 * (seconds - usual)
        self._drop_lease(peer, key, job)
        self._end(job, message.kind, message, agent=peer.info.id)

    def _on_said(self, peer: _Peer, message: Any, now: float) -> None:
        key = (message.node, message.number)
        job = peer.leases.get(key)
        if job is not None and job.epoch == message.epoch:
            peer.moved = now
            self._turn.news.append(Said(job, message))

    def _on_returned(self, peer: _Peer, message: wire.Returned, now: float) -> None:
        for task in reversed(message.tasks):
            key = (task.node, task.attempt)
            job = peer.leases.get(key)
            if job is None or job.epoch != task.epoch:
                continue
            self._drop_lease(peer, key, job)
            if job.canceled:
                self._end(job, "canceled", None, "canceled before it began", peer.info.id)
            else:
                self._queue(job, first=True)

    def _on_goodbye(self, peer: _Peer, message: wire.Goodbye, now: float) -> None:
        self._set(peer, AgentStatus.OFFLINE, message.reason or "it has ended")
        self._end_leases(peer, "its agent has ended", now)

    def _on_want(self, peer: _Peer, message: wire.Want, now: float) -> None:
        """A large value is not there (any more): it is sent again if one of the agent's attempts needs it."""
        for job in peer.leases.values():
            if job.values and message.name in job.values:
                peer.link.value(message.name, job.values[message.name])
                return
            if message.name == _name_of(job.body):
                peer.link.value(message.name, job.body.data)
                return

    def _on_refused(self, peer: _Peer, message: wire.Refused, now: float) -> None:
        self._turn.news.append(FleetChanged(peer.info.id, peer.info.status, f"{message.code}: {message.text}"))

    def _on_unknown(self, peer: _Peer, message: wire.Unknown, now: float) -> None:
        self._refuse(peer, "unknown", f"message {message.tag} is not known to protocol version {wire.VERSION}")

    def _refuse(self, peer: _Peer, code: str, text: str) -> None:
        self._turn.sends.append((peer.info.id, peer.link.bare([wire.Refused(code, text)])))

    # ------------------------------------------------------------ leases

    def assign(self, job: Job, agent: str, now: float) -> None:
        """Lease an attempt to an agent and tell it."""
        self._lease(self._known(agent), job, now)

    def _lease(self, peer: _Peer, job: Job, now: float) -> None:
        self._epoch += 1
        job.epoch = self._epoch
        self._take_lease(peer, (job.node, job.number), job, now)
        body = job.body
        new = body.number not in peer.bodies
        large = len(body.data) > wire.INLINE
        name = b""
        if new and large:
            name = _name_of(body)
            if name not in peer.values:
                peer.values.add(name)
                peer.link.value(name, body.data)
        if job.values:
            for value, data in job.values.items():
                if value not in peer.values:
                    peer.values.add(value)
                    peer.link.value(value, data)
        message = TaskAssignment(
            self.run,
            job.node,
            job.number,
            job.epoch,
            body.number,
            job.inputs,
            body.data if new and not large else None,
            job.timeout,
            body.usual or 0.0,
            list(job.values) if job.values else [],
            name,
        )
        if job.values or name:
            peer.link.bulk(message)
        else:
            peer.bodies.add(body.number)
            peer.link.send(message)
        self._dirty[peer.info.id] = peer

    def _take_lease(self, peer: _Peer, key: tuple[int, int], job: Job, now: float) -> None:
        info = peer.info
        if not peer.leases:
            peer.moved = now
        peer.leases[key] = job
        job.agent = info.id
        job.at = now
        info.running += 1
        info.given += 1
        if job.requires.resources:
            info.spend(job.requires)

    def _drop_lease(self, peer: _Peer, key: tuple[int, int], job: Job) -> None:
        del peer.leases[key]
        job.agent = ""
        info = peer.info
        info.running -= 1
        if job.requires.resources:
            info.spend(job.requires, -1)

    def _end_leases(self, peer: _Peer, reason: str, now: float) -> None:
        for job in list(peer.leases.values()):
            peer.stale.append(self._id(job))
            self._lose(peer, job, reason, now)

    def _lose(self, peer: _Peer, job: Job, reason: str, now: float) -> None:
        """A lease ended without a result: again elsewhere, or that was it."""
        self._drop_lease(peer, (job.node, job.number), job)
        job.losses += 1
        agent = peer.info.id
        if job.canceled:
            self._end(job, "canceled", None, f"canceled; {agent} did not confirm it: {reason}", agent)
        elif job.once:
            self._end(job, "lost", None, f"{agent} had it, and its fate is unknown: {reason}", agent)
        elif job.losses > self.reassign:
            self._end(
                job, "lost", None, f"{job.losses} agents were lost with it, the last one {agent}: {reason}", agent
            )
        else:
            self._queue(job, first=True)

    def _end(self, job: Job, kind: str, result: TaskResult | None, reason: str = "", agent: str = "") -> None:
        job.over = True
        key = (job.node, job.number)
        self.jobs.pop(key, None)
        if self._expected and self._expected.pop(key, None) is not None:
            agent = agent or "nobody"
        if result is None and not agent:
            self._waiting -= 1  # it ended in the queue, where it is skipped when its turn comes
        self._turn.news.append(Ended(job, kind, result, reason, agent))

    def _id(self, job: Job) -> wire.TaskId:
        return wire.TaskId(self.run, job.node, job.number, job.epoch)

    # ------------------------------------------------------------ who gets what

    def _queue(self, job: Job, first: bool = False) -> None:
        queue = self._pending.get(job.requires)
        if queue is None:
            queue = self._pending[job.requires] = deque()
        if first:
            queue.appendleft(job)
        else:
            queue.append(job)
        self._waiting += 1

    def _fill(self, now: float) -> None:
        for wanted, queue in self._pending.items():
            if not queue:
                continue
            takers = self._takers if wanted is NOTHING else [one for one in self._takers if _fits(one.info, wanted)]
            if takers:
                self._fill_slots(takers, wanted, queue, now)
                if queue and not wanted.resources:
                    self._fill_windows(takers, queue, now)

    def _fill_slots(self, takers: Sequence[_Peer], wanted: Requirements, queue: deque[Job], now: float) -> None:
        """One attempt to every free slot, by the strategy."""
        free = [peer for peer in takers if peer.info.running < peer.info.slots]
        while free and queue:
            if len(free) == 1:
                peer = free[0]
            else:
                peer = self._peers[self.balance.pick([one.info for one in free]).id]
            if (job := self._next(queue)) is None:
                return
            self._lease(peer, job, now)
            if peer.info.running >= peer.info.slots or (wanted.resources and not peer.info.can_now(wanted)):
                free.remove(peer)

    def _fill_windows(self, takers: Sequence[_Peer], queue: deque[Job], now: float) -> None:
        """Short attempts ahead of free slots, in batches."""
        slots = sum([peer.info.slots for peer in takers])
        for peer in takers:
            while queue:
                info = peer.info
                usual = queue[0].body.usual
                if usual is None:
                    return
                window = info.slots + min(int(AHEAD * info.slots / max(usual, USUAL_LEAST)), WINDOW)
                room = window - info.running
                waiting = len(queue)
                if room <= 0 or (waiting < BATCH and info.running > LOW_WATER):
                    break
                for _ in range(min(room, BATCH, -(-waiting * info.slots // slots))):
                    if (job := self._next(queue)) is None:
                        return
                    self._lease(peer, job, now)

    def _next(self, queue: deque[Job]) -> Job | None:
        while queue:
            job = queue.popleft()
            if not job.over:
                self._waiting -= 1
                return job
        return None

    def _recall(self, now: float) -> None:
        """What waits behind a slow attempt is asked back, if somebody else has nothing to do."""
        if not any(peer.info.free for peer in self._takers):
            return
        for peer in self._peers.values():
            info = peer.info
            if info.running <= info.slots or now - peer.moved < STUCK:
                continue
            behind = list(peer.leases.values())[info.slots :]
            self._send(peer, wire.Recall([self._id(job) for job in behind]))
            peer.moved = now

    # ------------------------------------------------------------ time

    def _watch(self, peer: _Peer, now: float) -> None:
        info = peer.info
        silent = now - info.last_heartbeat
        going = info.state is AgentStatus.AVAILABLE or info.state is AgentStatus.DRAINING
        if going and silent > self.heartbeat_timeout / 2:
            peer.parted = info.state is AgentStatus.DRAINING
            self._set(peer, AgentStatus.SUSPECTED, f"silent for {silent:.1f} s")
        if info.state is AgentStatus.SUSPECTED and silent > self.heartbeat_timeout:
            self._set(peer, AgentStatus.OFFLINE, f"silent for {silent:.1f} s")
        if info.state is AgentStatus.OFFLINE and peer.leases and silent > self.lease:
            self._end_leases(peer, f"silent for {silent:.1f} s", now)

    def _slept(self, now: float) -> None:
        """If this process itself did not run for a while (stopped, or the machine slept), nobody is to blame."""
        last, self._ticked = self._ticked, now
        if last is not None and (gap := now - last) > max(self.heartbeat_timeout / 2, self.heartbeat * 2):
            for peer in self._peers.values():
                peer.info.last_heartbeat += gap

    # ------------------------------------------------------------ small things

    def _set(self, peer: _Peer, state: AgentStatus, reason: str, always: bool = False) -> None:
        info = peer.info
        if info.state is state and not always:
            return
        info.state = state
        info.reason = "" if state is AgentStatus.AVAILABLE else reason
        self._find_takers()
        self._turn.news.append(FleetChanged(info.id, state, reason))

    def _find_takers(self) -> None:
        self._takers = [peer for peer in self._peers.values() if peer.info.state is AgentStatus.AVAILABLE]

    def _known(self, agent: str) -> _Peer:
        peer = self._peers.get(agent)
        if peer is None:
            raise AgentUnavailable(agent, "no agent of that name has registered")
        return peer

    def _send(self, peer: _Peer, message: wire.Message) -> None:
        peer.link.send(message)
        self._dirty[peer.info.id] = peer

    def _tell_recorded(self, peer: _Peer) -> None:
        if peer.recorded:
            peer.link.send(wire.Recorded(peer.taken - len(peer.unsettled)))
            peer.recorded = 0
            self._dirty[peer.info.id] = peer

    def _finish(self, now: float) -> Turn:
        if self._waiting:
            self._fill(now)
        if self._dirty:
            sends = self._turn.sends
            for agent, peer in self._dirty.items():
                if peer.recorded >= RECORDED_EVERY:
                    peer.link.send(wire.Recorded(peer.taken - len(peer.unsettled)))
                    peer.recorded = 0
                for frames in peer.link.flush(now):
                    sends.append((agent, frames))
            self._dirty.clear()
        turn, self._turn = self._turn, Turn()
        return turn


def _fits(info: AgentInfo, wanted: Requirements) -> bool:
    return info.has(wanted) and info.can_now(wanted)


def _name_of(body: TaskBody) -> bytes:
    """How a body travels that is too large for an assignment."""
    return b"task %d" % body.number


def _describe(info: AgentInfo, message: wire.NodeRegistration, now: float) -> None:
    info.address = message.address
    info.slots = message.slots
    info.capabilities = frozenset(message.capabilities)
    info.resources = dict(message.resources)
    info.versions = dict(message.versions)
    info.pid = message.pid
    info.last_heartbeat = now
