"""Attempts on agents: the engine's Executor contract over a coordinator and a socket.

Where nothing else is named, agents are started on this machine, tied to this process, and end with it; one that dies is
started again. They get their keys on standard input and speak through a Unix socket in a folder of ours.

`start` encodes and sends in the caller's thread; the socket's thread brings results, and turns the run's loop with them
(`lend`), so that what a result frees leaves without waking another thread. What the loop starts meanwhile is gathered and
leaves together. One lock guards the coordinator; frames leave and news are reported outside of it.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import tempfile
import threading
import time
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from agents import wire
from agents.backlog import BATCH
from agents.coordinator import Coordinator
from agents.crew import Crew
from agents.errors import AgentUnavailable, Malformed
from agents.fleet import ALIVE, AgentInfo, AgentStatus, LoadBalancingStrategy, Requirements
from agents.homes import Home, living, user_keys
from agents.inbox import Inbox
from agents.jobs import Job, TaskBody
from agents.keys import Allowed, load_keys
from agents.packing import Inputs, Packer, body_of
from agents.turns import Ended, FleetChanged, Given, Said, Turn
from engine.attempt import FAILED, Attempt, News, Outcome, Placed, Trouble, Work
from engine.errors import NotReady
from engine.executors.contract import AgentLoad, Report, Workplace
from engine.executors.contract import Turn as LoopTurn
from engine.executors.packing import Functions
from engine.payload import NotPackable

Key = tuple[int, int]
AGENTS = 2  # agents started on this machine, sharing the slots
PATIENCE = 0.01  # seconds that it may take until the run hears who has got an attempt
MOST_WAITING = 2048
STOP_GRACE = 5.0  # seconds that what an agent runs has, when a person ends the agent


class AgentsExecutor:
    """Runs attempts on agents. `agents` is how many are started here (default: two, or one for a single slot).

    `holds_acks` makes agents keep every result until `settle` says that it was recorded. An engine that comes back after
    a crash has a higher `generation` of the same run, and `expect`s what ran before.
    """

    def __init__(
        self,
        *,
        agents: int | None = None,
        strategy: LoadBalancingStrategy = LoadBalancingStrategy.CAPACITY,
        heartbeat_timeout: float = 1.6,
        reassign: int = 3,
        holds_acks: bool = False,
        generation: int = 1,
        labels: Sequence[str] = (),
        resources: dict[str, float] | None = None,
    ) -> None:
        self._count = agents
        self._strategy = strategy
        self._heartbeat_timeout = heartbeat_timeout
        self._reassign = reassign
        self._holds_acks = holds_acks
        self._generation = generation
        self._labels = list(labels)
        self._resources = dict(resources or {})
        self._lock = threading.Lock()
        self._coordinator: Coordinator | None = None
        self._hub: Any = None
        self._crew: Crew | None = None
        self._bodies: dict[int, tuple[Work, TaskBody, Requirements]] = {}
        self._epochs: dict[Key, int] = {}  # of attempts that came with one of their own
        self._closing = False
        self._folder = ""
        self._standing: dict[Home, int] = {}
        self._idle = threading.Event()
        self._turning = 0  # the thread that turns the run's loop
        self._gathered: list[Attempt] = []  # what the loop started meanwhile
        self._unheard: list[News] = []  # what the run is told at the next turn
        self._unheard_until = 0.0
        self._wait = 0.0
        self.changes: deque[FleetChanged] = deque(maxlen=1000)

    # ------------------------------------------------------------ the contract

    def open(self, workplace: Workplace, report: Report) -> None:
        """Listen, and start agents. Raises SystemFailure or NetworkError where that cannot be done."""
        from agents.gate import new_keys
        from agents.sockets import Hub, remove_socket_file

        self._workplace = workplace
        self._report = report
        self._turn: LoopTurn = report
        self._slots = max(1, workplace.slots)
        self._functions = Functions(same_python=True, folder=str(Path(workplace.folder).absolute()))
        self._packer = Packer(b"e")
        self._inputs = Inputs(self._packer)
        self._inbox = Inbox(Path(workplace.state))
        self._allowed = Allowed()
        run = workplace.run or f"pool-{secrets.token_hex(4)}"
        self._standing = self._hold_standing(run) if self._count is None else {}
        self._keys = user_keys(new_keys) if self._standing else new_keys()
        self._coordinator = Coordinator(
            run,
            time.time_ns() // 1000,
            generation=self._generation,
            heartbeat_timeout=self._heartbeat_timeout,
            heartbeat=self._heartbeat_timeout / 4,
            reassign=self._reassign,
            strategy=self._strategy,
            draw=secrets.SystemRandom().random,
            shelf=self._inbox.put,
            holds_acks=self._holds_acks,
            workplace={"folder": str(workplace.folder), "python": workplace.python or ""},
        )
        self._hub = Hub(self._keys, self._allowed, self._on_frames, self._on_time)
        try:
            self._folder = tempfile.mkdtemp(prefix="flowloom-")
            self._endpoint = self._hub.bind(f"ipc://{self._folder}/engine.sock")
            self._hub.start("flowloom-agents")
            for home in self._standing:
                self._allowed.add(home.name, load_keys(home.key).public)
                remove_socket_file(f"ipc://{home.socket}")
                self._hub.bind(f"ipc://{home.socket}")
            if not self._standing:
                self._start_local()
        except BaseException:
            self.close(0.0)
            raise

    def lend(self, leave: Report, turn: LoopTurn) -> None:
        """Let the socket's thread turn the run's loop."""
        self._turn = turn

    def capacity(self) -> int:
        """The slots; more when attempts are so short that they should wait at the agents instead of here."""
        coordinator = self._open()
        usual = self._inbox.usual
        slots = max(self._slots, coordinator.slots())
        if usual is None or usual > 0.01:
            return slots
        return slots + min(MOST_WAITING, max(BATCH, int(0.02 * slots / max(usual, 40e-6))))

    def start(self, attempts: Sequence[Attempt]) -> None:
        """Hand these to agents, or keep them here until one has room."""
        if threading.get_ident() == self._turning:
            self._gathered += attempts
        elif (turn := self._submit(attempts)) is not None:
            self._perform(turn)

    def _submit(self, attempts: Sequence[Attempt]) -> Turn | None:
        coordinator = self._open()
        jobs: list[Job] = []
        failed: list[News] = []
        now = time.monotonic()
        with self._lock:
            for attempt in attempts:
                try:
                    jobs.append(self._job_of(attempt))
                except NotPackable as problem:
                    failed.append(_failed(attempt, Trouble("NotPackable", str(problem), retryable=False)))
                except Exception as problem:  # a value's own `__reduce__` may raise anything
                    from engine.failures import trouble_of

                    failed.append(_failed(attempt, trouble_of(problem)))
            turn = coordinator.submit(jobs, now) if jobs else None
        if failed:
            self._report(failed)
        return turn

    def cancel(self, attempts: Sequence[Key], grace: float = 5.0) -> None:
        """End these attempts: ask, wait `grace` seconds, kill."""
        coordinator = self._open()
        if threading.get_ident() == self._turning:
            self._start_gathered()
        with self._lock:
            turn = coordinator.cancel(attempts, grace, time.monotonic())
        self._perform(turn)

    def suspend(self, attempts: Sequence[Key]) -> None:
        """Hold these where they are."""
        self._hold(attempts, True)

    def resume(self, attempts: Sequence[Key]) -> None:
        """Let suspended attempts go on."""
        self._hold(attempts, False)

    def _hold(self, attempts: Sequence[Key], on: bool) -> None:
        coordinator = self._open()
        with self._lock:
            turn = coordinator.hold(attempts, on, time.monotonic())
        self._perform(turn)

    def close(self, grace: float = 5.0) -> None:
        """Cancel what still runs, end the agents, free everything. May be called twice."""
        coordinator = self._coordinator
        if coordinator is None or self._closing:
            return
        self._turn = self._report
        self._idle.clear()
        with self._lock:
            running = list(coordinator.jobs)
        if running and self._hub is not None:
            self.cancel(running, grace)
            until = time.monotonic() + grace + 2.0
            while coordinator.jobs and time.monotonic() < until and self._someone_lives():
                self._idle.wait(0.05)
        self._closing = True
        if self._crew is not None:
            self._crew.stop_hiring()
        with self._lock:
            left = list(coordinator.jobs.values())
            coordinator.jobs.clear()
            if self._standing:
                self._send_all(coordinator.settle(time.monotonic()))
                self._send_all(coordinator.release(time.monotonic()))
            for name in self._crew.names() if self._crew is not None else ():
                with contextlib.suppress(AgentUnavailable):
                    self._send_all(coordinator.shutdown(name, time.monotonic(), drain=False, grace=0.0))
        if left:
            trouble = Trouble("Canceled", "canceled; its agent was ended")
            self._report([Outcome(job.node, job.number, "canceled", error=trouble) for job in left])
        if self._crew is not None:
            self._crew.close()
        if self._hub is not None:
            self._hub.close(linger=0.2)
        if self._folder:
            shutil.rmtree(self._folder, ignore_errors=True)
        for descriptor in self._standing.values():
            os.close(descriptor)
        self._standing = {}

    # ------------------------------------------------------------ beyond the contract

    @property
    def coordinator(self) -> Coordinator:
        """Who has what; read it, and ask this executor to change things."""
        return self._open()

    def agents(self) -> dict[str, AgentInfo]:
        """Every agent that has registered, by name."""
        return self._open().nodes

    def pids(self) -> dict[str, int]:
        """The processes of the agents that were started here."""
        return self._crew.pids() if self._crew is not None else {}

    def settle(self, upto: int | None = None) -> None:
        """What was reported (up to a former value of `coordinator.taken`) is recorded: agents may forget it."""
        with self._lock:
            turn = self._open().settle(time.monotonic(), upto)
        self._perform(turn)

    def expect(self, attempts: Sequence[Attempt], wait: float) -> None:
        """Attempts of an earlier life of this engine: agents that still have them go on; after `wait` they are given anew."""
        coordinator = self._open()
        with self._lock:
            turn = coordinator.expect([self._job_of(attempt) for attempt in attempts], time.monotonic(), wait)
        self._perform(turn)

    def drain(self, agent: str) -> None:
        """Let an agent finish and give it nothing more."""
        with self._lock:
            turn = self._open().drain(agent, time.monotonic())
        self._perform(turn)

    def stop(self, agent: str) -> None:
        """End an agent: what it runs is canceled, and it says goodbye."""
        with self._lock:
            turn = self._open().shutdown(agent, time.monotonic(), drain=False, grace=STOP_GRACE)
        self._perform(turn)

    def loads(self) -> list[AgentLoad]:
        """How each agent of this run does."""
        now = time.monotonic()
        coordinator = self._coordinator
        return [_load_of(info, now, coordinator.run) for info in coordinator.nodes.values()] if coordinator else []

    # ------------------------------------------------------------ to the wire

    def _job_of(self, attempt: Attempt) -> Job:
        work = attempt.work
        known = self._bodies.get(id(work))
        if known is None or known[0] is not work:
            body = TaskBody(len(self._bodies) + 1, body_of(work, self._functions))
            known = self._bodies[id(work)] = (work, body, Requirements.of(work.requires))
        inputs, values = self._inputs.encode(attempt)
        if attempt.epoch:
            self._epochs[attempt.node, attempt.number] = attempt.epoch
        return Job(
            attempt.node,
            attempt.number,
            known[1],
            inputs,
            values=values,
            timeout=work.timeout,
            requires=known[2],
            once=work.once,
        )

    def _send_all(self, turn: Turn) -> None:
        hub = self._hub
        for agent, frames in turn.sends:
            hub.send(agent, frames)

    def _perform(self, turn: Turn, *, and_turn: bool = False) -> None:
        """Send, and report; with `and_turn`, also do what the run wants done about it."""
        if turn.sends:
            self._send_all(turn)
        if turn.news:
            news = self._news(turn)
            if news and and_turn:
                self._turn_loop(news)
            elif news:
                self._report(news)
            if self._coordinator is not None and not self._coordinator.jobs:
                self._idle.set()

    def _turn_loop(self, news: Sequence[News]) -> None:
        """In the socket's thread: have the run hear these, and start what it wants started."""
        if self._unheard:
            news, self._unheard = [*self._unheard, *news], []
        self._turning = threading.get_ident()
        try:
            own = self._turn(news)
        finally:
            self._turning = 0
        if own is not None:
            self._gathered.append(own)
        self._start_gathered()

    def _start_gathered(self) -> None:
        """Who has got what waits a moment for the next result, which mostly comes sooner than another turn would pay."""
        attempts, self._gathered = self._gathered, []
        if attempts and (turn := self._submit(attempts)) is not None:
            self._send_all(turn)
            self._unheard += self._news(turn)
            self._unheard_until = time.monotonic() + PATIENCE

    def _news(self, turn: Turn) -> list[News]:
        return [piece for one in turn.news if (piece := self._news_of(one)) is not None]

    def _news_of(self, one: Ended | Said | Given | FleetChanged) -> News | None:
        if type(one) is Ended:
            return self._outcome_of(one)
        if type(one) is Given:
            return Placed(one.agent, [job.key for job in one.jobs])
        if type(one) is FleetChanged:
            self.changes.append(one)
            return None
        assert type(one) is Said
        return self._inbox.said_of(one)

    def _outcome_of(self, one: Ended) -> Outcome:
        outcome = self._inbox.outcome_of(one)
        if self._epochs and (epoch := self._epochs.pop(one.job.key, 0)):
            outcome.epoch = epoch
        return outcome

    # ------------------------------------------------------------ from the wire

    def _on_frames(self, agent: str, frames: list[Any]) -> None:
        coordinator = self._coordinator
        assert coordinator is not None
        now = time.monotonic()
        try:
            parcel = wire.decode(frames)
            with self._lock:
                turn = coordinator.heard(agent, parcel, now)
        except Malformed as problem:
            with self._lock:
                turn = self._distrust(agent, problem, now)
        self._perform(turn, and_turn=True)

    def _distrust(self, agent: str, problem: Malformed, now: float) -> Turn:
        """Something unreadable came from a known key: said, counted, and at last no longer listened to."""
        assert self._coordinator is not None
        if self._inbox.is_hopeless(agent):
            self._allowed.revoke(agent)
            return self._coordinator.revoked(agent, now)
        return self._coordinator.unreadable(agent, problem.answer, now)

    def _on_time(self) -> float:
        coordinator = self._coordinator
        assert coordinator is not None
        now = time.monotonic()
        if self._unheard and now >= self._unheard_until:
            self._turn_loop(())
        if now >= self._wait:
            self._look(coordinator, now)
        if self._unheard:
            return max(0.0, min(self._wait, self._unheard_until) - now)
        return self._wait - now

    def _look(self, coordinator: Coordinator, now: float) -> None:
        """What the coordinator wants done by the clock."""
        if self._standing:
            self._look_at_keys(now)
        with self._lock:
            turn = coordinator.ticked(now)
            due = coordinator.due(now)
        self._wait = now + due
        self._perform(turn, and_turn=True)

    # ------------------------------------------------------------ agents of this machine

    @staticmethod
    def _hold_standing(run: str) -> dict[Home, int]:
        """Agents of this machine that live without a run, as far as no other engine holds them."""
        held = {home: home.hold(run) for home in living()}
        return {home: descriptor for home, descriptor in held.items() if descriptor is not None}

    def _look_at_keys(self, now: float) -> None:
        """A key that was revoked a moment ago is shut out, connected or not."""
        for home in self._standing:
            if home.is_revoked and self._allowed.revoke(home.name):
                with self._lock:
                    turn = self._open().revoked(home.name, now)
                self._perform(turn)

    def _start_local(self) -> None:
        crew = self._crew = Crew(
            self._workplace,
            self._endpoint,
            self._keys.public,
            self._allowed,
            self._died,
            self._give_up,
            labels=self._labels,
            resources=self._resources,
        )
        crew.start(self._count if self._count is not None else AGENTS, self._slots)

    def _someone_lives(self) -> bool:
        return self._crew is None or self._crew.lives()

    def _died(self, agent: str, how: str) -> bool:
        """A local agent's process has ended: its leases end. Whether it had registered."""
        coordinator = self._open()
        with self._lock:
            registered = agent in coordinator.nodes
            turn = coordinator.disconnected(agent, how, time.monotonic())
        self._perform(turn)
        return registered

    def _give_up(self, reason: str) -> None:
        """No agent can be started here: what waits would wait for ever."""
        coordinator = self._open()
        with self._lock:
            if any(info.state is AgentStatus.AVAILABLE for info in coordinator.nodes.values()):
                return
            jobs = list(coordinator.jobs.values())
            coordinator.jobs.clear()
        self._report([Outcome(job.node, job.number, FAILED, error=Trouble("AgentUnavailable", reason)) for job in jobs])

    def _open(self) -> Coordinator:
        if self._coordinator is None:
            raise NotReady("the executor was not opened")
        return self._coordinator


def _failed(attempt: Attempt, trouble: Trouble) -> Outcome:
    return Outcome(attempt.node, attempt.number, FAILED, error=trouble)


def _load_of(info: AgentInfo, now: float, run: str) -> AgentLoad:
    living = info.status in ALIVE
    return AgentLoad(
        name=info.id,
        state=info.status.value,
        slots=info.slots,
        running=info.running,
        load=round(info.load_factor, 2),
        heard=round(max(0.0, now - info.last_heartbeat), 1) if living else None,
        labels=tuple(sorted(info.capabilities)),
        engine=run if living else "",
        reason=info.reason,
    )
