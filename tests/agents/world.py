"""A world without sockets: a coordinator, its agents, and a wire that does to parcels what a test tells it.

Time stands still until somebody moves it. Agents "run" an attempt when the world says so; a result is the attempt's node
number doubled, so that a mixed-up one shows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from agents import protocol, wire
from agents.coordinator import Coordinator
from agents.jobs import Job, TaskBody
from agents.orders import Orders
from agents.turns import Ended, FleetChanged, Given, Said, Turn
from agents.worker import Worker


class Agent:
    """One agent process: its worker, what it is running, and its spool, which outlives it."""

    def __init__(self, world: World, name: str, slots: int) -> None:
        self.world = world
        self.name = name
        self.slots = slots
        self.spool: dict[protocol.TaskId, protocol.TaskResult] = {}
        self.begun: Counter[protocol.TaskId] = Counter()
        self.held: list[tuple[protocol.TaskId, bool]] = []
        self.taken_while_draining: list[protocol.TaskId] = []
        self.stopped: str | None = None
        self.start()

    def start(self) -> None:
        self.running: dict[protocol.TaskId, protocol.TaskAssignment] = {}
        self.waiting: dict[protocol.TaskId, protocol.TaskAssignment] = {}  # for a slot
        self.store: dict[bytes, bytearray] = {}
        self.worker = Worker(
            protocol.NodeRegistration(self.name, self.slots, capabilities=["linux"], resources={"gpu": 1.0}),
            self.world.new_session(),
            self.world.now,
            shelf=self._take,
            has=lambda name: name in self.store and len(self.store[name]) == self.totals[name],
            spooled=list(self.spool.values()),
            linger=self.world.linger,
        )
        self.totals: dict[bytes, int] = {}
        self.drained = False  # before the present turn
        self.stopped = None

    def _take(self, chunk: protocol.Chunk, frame: bytes) -> None:
        if chunk.offset == 0:
            self.store[chunk.name] = bytearray()
        self.totals[chunk.name] = chunk.total
        self.store[chunk.name] += frame

    def obey(self, orders: Orders) -> None:
        self.world.to_engine += [(self.name, frames) for frames in orders.sends]
        for assignment in orders.start:
            if self.drained:
                self.taken_while_draining.append(assignment.task_id)
            self.waiting[assignment.task_id] = assignment
        for result in orders.keep:
            self.spool[result.task_id] = result
        for result in orders.forget:
            self.spool.pop(result.task_id, None)
        for task, _ in orders.cancel:
            if self.running.pop(task, None) is not None or self.waiting.pop(task, None) is not None:
                self.obey(self.worker.ended(protocol.TaskResult(*task, kind="canceled"), self.world.now))
        self.held += orders.hold
        if orders.stop is not None:
            self.stopped = orders.stop
        while self.waiting and len(self.running) < self.slots:
            task, assignment = next(iter(self.waiting.items()))
            del self.waiting[task]
            self.running[task] = assignment
            self.begun[task] += 1
            self.worker.begun(task.run, task.node, task.attempt)
        self.drained = self.worker.draining

    def finish_one(self, which: int = 0) -> None:
        """Let one running attempt complete."""
        task = list(self.running)[which % len(self.running)]
        self.world.ran.append((self.name, task))
        del self.running[task]
        value = str(task.node * 2).encode()
        self.obey(self.worker.ended(protocol.TaskResult(*task, "completed", value, 0.01), self.world.now))

    def kill(self) -> None:
        """SIGKILL: attempts and memory are gone, the spool stays; a new process starts."""
        self.start()


class World:
    """Everything together. `to_engine` and `to_agents` hold what is on its way."""

    def __init__(self, agents: int = 2, slots: int = 2, **settings: object) -> None:
        self.now = 100.0
        self.linger = 600.0
        self.settings = settings
        self.sessions = 0
        self.generation = 0
        self.to_engine: list[tuple[str, list[object]]] = []
        self.to_agents: list[tuple[str, int, list[object]]] = []
        self.ended: list[Ended] = []
        self.said: list[Said] = []
        self.given: list[tuple[str, tuple[int, int]]] = []
        self.changes: list[FleetChanged] = []
        self.ran: list[tuple[str, protocol.TaskId]] = []
        self.shelf: dict[bytes, bytearray] = {}
        self.bodies: dict[int, TaskBody] = {}
        self.engine_life = 0
        self.start_engine()
        self.agents = {f"a{i}": Agent(self, f"a{i}", slots) for i in range(agents)}

    def new_session(self) -> int:
        self.sessions += 1
        return self.sessions

    def start_engine(self) -> None:
        self.generation += 1
        self.engine_life += 1
        self.coordinator = Coordinator(
            "run", self.new_session(), generation=self.generation, shelf=self._take, **self.settings
        )

    def _take(self, agent: str, chunk: protocol.Chunk, frame: bytes) -> None:
        self.shelf.setdefault(chunk.name, bytearray()).extend(frame)

    def body(self, number: int = 1, data: bytes = b"def f") -> TaskBody:
        return self.bodies.setdefault(number, TaskBody(number, data))

    def job(self, node: int, **how: object) -> Job:
        return Job(node, 1, self.body(), b"inputs", **how)

    def submit(self, *nodes: int, **how: object) -> list[Job]:
        jobs = [self.job(node, **how) for node in nodes]
        self.learn(self.coordinator.submit(jobs, self.now))
        return jobs

    def learn(self, turn: Turn) -> None:
        self.to_agents += [(agent, self.engine_life, frames) for agent, frames in turn.sends]
        for news in turn.news:
            if isinstance(news, Ended):
                self.ended.append(news)
            elif isinstance(news, Said):
                self.said.append(news)
            elif isinstance(news, Given):
                self.given += [(news.agent, job.key) for job in news.jobs]
            else:
                self.changes.append(news)

    # -- the wire

    def deliver_to_engine(self, which: int = 0) -> None:
        agent, frames = self.to_engine.pop(which % len(self.to_engine))
        self.learn(self.coordinator.heard(agent, wire.decode(frames), self.now))

    def deliver_to_agent(self, which: int = 0) -> None:
        name, _, frames = self.to_agents.pop(which % len(self.to_agents))
        agent = self.agents[name]
        agent.obey(agent.worker.heard(wire.decode(frames), self.now))

    def settle(self, *, unless: Callable[[str], bool] = lambda agent: False, limit: int = 100_000) -> None:
        """Deliver until nothing is on its way; parcels of and for agents in `unless` are lost."""
        for _ in range(limit):
            self.to_engine = [one for one in self.to_engine if not unless(one[0])]
            self.to_agents = [one for one in self.to_agents if not unless(one[0])]
            if self.to_engine:
                self.deliver_to_engine()
            elif self.to_agents:
                self.deliver_to_agent()
            else:
                return
        raise AssertionError("the conversation does not end")

    def tick(self, seconds: float, *, unless: Callable[[str], bool] = lambda agent: False, step: float = 0.2) -> None:
        """Let time pass in steps, everybody looking at the clock, parcels delivered."""
        until = self.now + seconds
        while self.now < until - 1e-9:
            self.now += min(step, until - self.now)
            self.learn(self.coordinator.ticked(self.now))
            for agent in self.agents.values():
                if not unless(agent.name):
                    agent.obey(agent.worker.ticked(self.now))
            self.settle(unless=unless)

    def meet(self) -> None:
        """Everybody registers."""
        self.tick(0.4)

    def work(self) -> None:
        """Let everything that runs complete, again and again, until nothing runs."""
        for _ in range(10_000):
            busy = [agent for agent in self.agents.values() if agent.running]
            if not busy:
                return
            for agent in busy:
                agent.finish_one()
            self.settle()

    def outcome(self, node: int) -> list[str]:
        return [one.kind for one in self.ended if one.job.node == node]
