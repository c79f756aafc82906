"""One agent as its coordinator deals with it: the conversation, what is leased to it, what it has been sent already."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from agents import protocol
from agents.fleet import AgentInfo
from agents.jobs import Job, Key, TaskBody
from agents.link import Link
from agents.protocol import TaskAssignment


class Peer:
    """One agent's conversation, in one session, and its leases. `run` is whose attempts they are."""

    __slots__ = (
        "bodies",
        "info",
        "leases",
        "link",
        "moved",
        "parted",
        "recorded",
        "run",
        "session",
        "stale",
        "taken",
        "unsettled",
        "values",
    )

    def __init__(self, run: str, info: AgentInfo, session: int, link: Link, now: float) -> None:
        self.run = run
        self.info = info
        self.session = session
        self.link = link
        self.leases: dict[Key, Job] = {}
        self.bodies: set[int] = set()  # numbers of those it has
        self.values: set[bytes] = set()  # names of those it has
        self.stale: list[protocol.TaskId] = []  # leases that ended while it was silent
        self.moved = now  # when it last brought a result, or got work while idle
        self.taken = 0  # results of this session
        self.recorded = 0  # of those, how many may be told to it as safe, and were not yet
        self.unsettled: deque[int] = deque()
        self.parted = False

    def task_id(self, job: Job) -> protocol.TaskId:
        return protocol.TaskId(self.run, job.node, job.number, job.epoch)

    def take(self, jobs: Sequence[Job], now: float) -> None:
        """It has these attempts from now on."""
        info = self.info
        agent = info.id
        leases = self.leases
        if not leases:
            self.moved = now
        for job in jobs:
            leases[job.node, job.number] = job
            job.agent = agent
            if job.requires.resources:
                info.spend(job.requires)
        info.running += len(jobs)
        info.given += len(jobs)

    def drop(self, job: Job) -> None:
        """It does not have this attempt any more."""
        del self.leases[job.node, job.number]
        job.agent = ""
        info = self.info
        info.running -= 1
        if job.requires.resources:
            info.spend(job.requires, -1)

    def tell(self, jobs: Sequence[Job]) -> None:
        """Send it attempts: what it has not got yet of their bodies and large values goes before."""
        run, bodies, send = self.run, self.bodies, self.link.send
        for job in jobs:
            body = job.body
            if job.values or body.number not in bodies:
                self._tell_with(job, body)
            else:
                usual = body.usual or 0.0
                send(
                    TaskAssignment(
                        run, job.node, job.number, job.epoch, body.number, job.inputs, None, job.timeout, usual
                    )
                )

    def _tell_with(self, job: Job, body: TaskBody) -> None:
        new = body.number not in self.bodies
        large = len(body.data) > protocol.INLINE
        name = b""
        if new and large:
            name = body.name
            self._give(name, body.data)
        for value, data in (job.values or {}).items():
            self._give(value, data)
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
            self.link.bulk(message)
        else:
            self.bodies.add(body.number)
            self.link.send(message)

    def _give(self, name: bytes, data: object) -> None:
        if name not in self.values:
            self.values.add(name)
            self.link.value(name, data)

    def give_again(self, name: bytes) -> None:
        """It wants a large value that it has lost: sent if one of its attempts needs it."""
        for job in self.leases.values():
            if job.values and name in job.values:
                self.link.value(name, job.values[name])
                return
            if name == job.body.name:
                self.link.value(name, job.body.data)
                return

    def settle(self, mark: int) -> None:
        """Results up to this mark are recorded."""
        unsettled = self.unsettled
        while unsettled and unsettled[0] <= mark:
            unsettled.popleft()
            self.recorded += 1

    def tell_recorded(self) -> None:
        """Tell it how many of its results are safe."""
        self.link.send(protocol.Recorded(self.taken - len(self.unsettled)))
        self.recorded = 0
