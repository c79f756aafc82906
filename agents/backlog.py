"""Attempts that no agent has, and who gets how much of them.

Free slots first, one attempt each, by the strategy. Beyond that every agent may hold a window: as many attempts as last
`AHEAD` seconds by the usual time of their body (none before that is known), so that short tasks travel by the dozen and
long ones are never stuck behind others. A batch that is not full is held while an agent has plenty to do; there is no
timer.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence

from agents.fleet import NOTHING, AgentInfo, Balance, Requirements, why_nobody
from agents.jobs import Job
from agents.peer import Peer

AHEAD = 0.02  # seconds of work that may wait at an agent
WINDOW = 1024  # attempts leased to one agent at most, beyond its slots
BATCH = 256
LOW_WATER = 8  # attempts at an agent below which a batch need not be full
USUAL_LEAST = 40e-6  # seconds that even the shortest attempt takes on its way through an agent

Lease = Callable[[Peer, list[Job]], None]


class Backlog:
    """Queues by what the attempts require. `waiting` counts the attempts in them that are not over."""

    def __init__(self, balance: Balance) -> None:
        self.waiting = 0
        self._balance = balance
        self._queues: dict[Requirements, deque[Job]] = {NOTHING: deque()}

    def add(self, jobs: Sequence[Job]) -> None:
        """Let attempts wait."""
        if len(self._queues) == 1 and all(job.requires is NOTHING for job in jobs):
            self._queues[NOTHING].extend(jobs)
        else:
            for job in jobs:
                self._queue(job.requires).append(job)
        self.waiting += len(jobs)

    def add_first(self, job: Job) -> None:
        """Let an attempt wait that was under way already."""
        self._queue(job.requires).appendleft(job)
        self.waiting += 1

    def _queue(self, wanted: Requirements) -> deque[Job]:
        queue = self._queues.get(wanted)
        if queue is None:
            queue = self._queues[wanted] = deque()
        return queue

    def ended(self) -> None:
        """One of those that wait is over; it is skipped when its turn comes."""
        self.waiting -= 1

    def reasons(self, agents: Iterable[AgentInfo]) -> list[tuple[Job, str]]:
        """What waits, each with the reason."""
        infos = list(agents)
        found = []
        for wanted, queue in self._queues.items():
            reason = why_nobody(infos, wanted) if queue else ""
            found += [(job, reason) for job in queue if not job.over]
        return found

    def share(self, peers: Mapping[str, Peer], takers: Sequence[Peer], lease: Lease) -> None:
        """Lease what waits to those who take work, as far as they have room."""
        for wanted, queue in self._queues.items():
            if not queue:
                continue
            able = takers if wanted is NOTHING else [one for one in takers if fits(one.info, wanted)]
            if able:
                self._fill_slots(peers, able, wanted, queue, lease)
                if queue and not wanted.resources:
                    self._fill_windows(able, queue, lease)

    def _fill_slots(
        self, peers: Mapping[str, Peer], able: Sequence[Peer], wanted: Requirements, queue: deque[Job], lease: Lease
    ) -> None:
        """One attempt to every free slot, by the strategy."""
        free = [peer for peer in able if peer.info.running < peer.info.slots]
        while free and queue:
            peer = free[0] if len(free) == 1 else peers[self._balance.pick([one.info for one in free]).id]
            if (job := self._next(queue)) is None:
                return
            lease(peer, [job])
            if peer.info.running >= peer.info.slots or (wanted.resources and not peer.info.can_now(wanted)):
                free.remove(peer)

    def _fill_windows(self, able: Sequence[Peer], queue: deque[Job], lease: Lease) -> None:
        """Short attempts ahead of free slots, in batches."""
        slots = sum([peer.info.slots for peer in able])
        for peer in able:
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
                if jobs := self._take(queue, min(room, BATCH, -(-waiting * info.slots // slots))):
                    lease(peer, jobs)

    def _take(self, queue: deque[Job], most: int) -> list[Job]:
        many = min(most, len(queue))
        jobs = [job for _ in range(many) if not (job := queue.popleft()).over]
        self.waiting -= len(jobs)
        return jobs

    def _next(self, queue: deque[Job]) -> Job | None:
        while queue:
            job = queue.popleft()
            if not job.over:
                self.waiting -= 1
                return job
        return None


def fits(info: AgentInfo, wanted: Requirements) -> bool:
    """Whether this agent could do it now, slots apart."""
    return info.has(wanted) and info.can_now(wanted)
