"""Leases: every attempt that is not over, who has it under which epoch, and what the end of a lease means.

Epochs grow with every lease and carry the engine's generation in their upper bits, so that a lease of an earlier life is
told from one of this life by its number alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from agents import protocol
from agents.backlog import Backlog
from agents.jobs import Job, Key
from agents.peer import Peer
from agents.protocol import TaskResult
from agents.turns import Ended

GENERATION_BITS = 32


class Ledger:
    """The attempts of one run. `tell` hears how each ended, `backlog` gets those that wait (again).

    `reassign` is how often an attempt may be given away after its agent was lost. `refused` counts results that did not
    count: late, doubled, from another agent, for a task never sent.
    """

    def __init__(
        self, run: str, generation: int, reassign: int, backlog: Backlog, tell: Callable[[Ended], None]
    ) -> None:
        self.jobs: dict[Key, Job] = {}
        self.refused = 0
        self._run = run
        self._first = generation << GENERATION_BITS
        self._epoch = self._first
        self._reassign = reassign
        self._backlog = backlog
        self._tell = tell
        self._expected: dict[Key, tuple[Job, float]] = {}

    def submit(self, jobs: Iterable[Job]) -> None:
        """New attempts: they wait."""
        added = list(jobs)
        self.jobs.update([((job.node, job.number), job) for job in added])
        self._backlog.add(added)

    def expect(self, jobs: Iterable[Job], until: float) -> None:
        """Attempts of an earlier life, which an agent may still hold; from `until` on they wait like others."""
        for job in jobs:
            self.jobs[job.key] = job
            self._expected[job.key] = (job, until)

    def overdue(self, now: float) -> None:
        """Nobody had these: they wait for an agent, but for those that must not be given to a second one."""
        for key, (job, until) in list(self._expected.items()):
            if now >= until:
                del self._expected[key]
                if job.once:
                    self._end(job, "lost", None, "no agent that came back had it, and its fate is unknown", "nobody")
                else:
                    self._backlog.add([job])

    def lease(self, peer: Peer, jobs: Sequence[Job], now: float) -> None:
        """Let an agent have attempts, each under a new epoch, and tell it."""
        epoch = self._epoch
        for job in jobs:
            epoch += 1
            job.epoch = epoch
        self._epoch = epoch
        peer.take(jobs, now)
        peer.tell(jobs)

    def sort_held(
        self, old: Peer | None, agent: str, holding: Iterable[protocol.Holding]
    ) -> tuple[dict[Key, Job], list[protocol.TaskId]]:
        """Of what a registering agent holds: leases that are its own or are adopted now, and those to be canceled."""
        kept: dict[Key, Job] = {}
        foreign = []
        for held in holding:
            task = held.task
            key = (task.node, task.attempt)
            job = self.jobs.get(key) if task.run == self._run else None
            if job is not None and not job.over and self._adopts(old, agent, job, task.epoch):
                kept[key] = job
            elif not held.done:
                foreign.append(task)
        return kept, foreign

    def _adopts(self, old: Peer | None, agent: str, job: Job, epoch: int) -> bool:
        if old is not None and job.agent == agent and job.epoch == epoch:
            return True
        if job.key in self._expected and epoch < self._first:
            del self._expected[job.key]
            job.epoch = epoch
            return True
        return False

    # ------------------------------------------------------------ the end of a lease

    def complete(self, peer: Peer, message: TaskResult) -> None:
        """A result is in: it counts if it is the first one of the present lease, and is refused otherwise."""
        key = (message.node, message.number)
        job = peer.leases.get(key)
        if job is None or job.epoch != message.epoch or self.jobs.get(key) is not job or message.run != self._run:
            self.refused += 1
            return
        job.body.took(message.execution_time)
        peer.drop(job)
        job.over = True
        del self.jobs[key]
        self._tell(Ended(job, message.kind, message, "", peer.info.id))

    def returned(self, peer: Peer, tasks: Iterable[protocol.TaskId]) -> None:
        """An agent gives leases back that it did not begin; the last one is the first to go elsewhere."""
        for task in reversed(list(tasks)):
            job = peer.leases.get((task.node, task.attempt))
            if job is None or job.epoch != task.epoch:
                continue
            peer.drop(job)
            if job.canceled:
                self._end(job, "canceled", None, "canceled before it began", peer.info.id)
            else:
                self._backlog.add_first(job)

    def end_all(self, peer: Peer, reason: str) -> None:
        """All leases of an agent end; it will be told to let go if it is ever heard again."""
        for job in list(peer.leases.values()):
            peer.stale.append(peer.task_id(job))
            self.lose(peer, job, reason)

    def lose(self, peer: Peer, job: Job, reason: str) -> None:
        """A lease ended without a result: again elsewhere, or that was it."""
        peer.drop(job)
        job.losses += 1
        agent = peer.info.id
        if job.canceled:
            self._end(job, "canceled", None, f"canceled; {agent} did not confirm it: {reason}", agent)
        elif job.once:
            self._end(job, "lost", None, f"{agent} had it, and its fate is unknown: {reason}", agent)
        elif job.losses > self._reassign:
            said = f"{job.losses} agents were lost with it, the last one {agent}: {reason}"
            self._end(job, "lost", None, said, agent)
        else:
            self._backlog.add_first(job)

    def cancel_waiting(self, job: Job) -> None:
        """An attempt that nobody has is canceled: over at once."""
        if self._expected.pop(job.key, None) is None:
            self._backlog.ended()
        self._end(job, "canceled", None, "canceled before it began")

    def _end(self, job: Job, kind: str, result: TaskResult | None, reason: str = "", agent: str = "") -> None:
        job.over = True
        self.jobs.pop((job.node, job.number), None)
        self._tell(Ended(job, kind, result, reason, agent))
