"""The agent's end of the conversation: accept what is leased, say what came of it, keep it until that is recorded.

    heard(parcel), ended, said, ticked  (all with `now`)  ->  Orders(sends, start, cancel, hold, keep, forget, stop)

The agent's shell carries out the orders: it starts attempts in child processes, kills them, writes the spool, ends the
process. Nothing here runs or opens anything.

- **One engine at a time.** Who registered this agent holds it, until it lets go (`Release`), or has been silent for
  `linger` seconds. Another engine is told who holds it. The same engine with a higher generation is that one come back:
  it adopts what runs here, and gets every result that was not recorded.
- **Each lease runs once.** A lease that is known is not started again, whatever the wire doubles; a newer epoch of the
  same attempt replaces an older one, which is canceled. Ids of finished leases are remembered for a while.
- **Results are kept** until `Recorded` counts them. `keep` and `forget` let the shell spool them while the engine is
  away; a spool that was found at the start is delivered like a result of today.
- **Cut off** means: nothing heard for a while. Attempts go on and results wait. After `linger` seconds everything is
  killed and the agent ends.
- Short news (progress) is thinned: per attempt the newest each `NEWS_EVERY` seconds; lines are gathered as long.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from agents import wire
from agents.link import Link
from agents.wire import Holding, Message, Parcel, TaskAssignment, TaskId, TaskResult

NEWS_EVERY = 0.1
REGISTER_EVERY = 0.3
CUT_OFF = 4  # heartbeats without a word after which the agent registers again
REMEMBERED = 65536  # finished leases whose doubles are recognized
Key = tuple[str, int, int]  # run, node, attempt


class Orders:
    """What follows from one input, for the shell to carry out in this order.

    `sends` are parcels; `start` assignments to begin; `cancel` (lease, grace); `hold` (lease, on); `keep` results to
    spool and `forget` leases whose results need no spool any more; `stop` a reason to end the process, or None.
    """

    __slots__ = ("cancel", "forget", "hold", "keep", "sends", "start", "stop")

    def __init__(self) -> None:
        self.sends: list[list[Any]] = []
        self.start: list[TaskAssignment] = []
        self.cancel: list[tuple[TaskId, float]] = []
        self.hold: list[tuple[TaskId, bool]] = []
        self.keep: list[TaskResult] = []
        self.forget: list[TaskId] = []
        self.stop: str | None = None


class Worker:
    """What an agent knows. `session` has to be larger for every later process of this agent; `description` says who it is.

    `shelf(chunk, frame)` takes pieces of large values as they come; `has(name)` says whether a large value is whole and
    here. `spooled` are results of an earlier process that nobody took.
    """

    def __init__(
        self,
        description: wire.NodeRegistration,
        session: int,
        now: float,
        *,
        shelf: Callable[[wire.Chunk, Any], None] | None = None,
        has: Callable[[bytes], bool] | None = None,
        spooled: Sequence[TaskResult] = (),
        linger: float = 600.0,
        limits: wire.Limits = wire.Limits.default,
    ) -> None:
        self.description = description
        self.session = session
        self.limits = limits
        self.engine = description.engine
        self.generation = description.generation
        self.heartbeat = 0.5
        self.linger = linger
        self.workplace: Mapping[str, str] = {}
        self.draining = False
        self.leases: dict[Key, TaskAssignment] = {}
        self.bodies: dict[int, bytes] = {}
        self.refused = 0
        self._shelf = shelf
        self._has = has or (lambda name: True)
        self._link: Link | None = None
        self._engine_session = 0
        self._begun: set[Key] = set()
        self._canceled: set[Key] = set()
        self._kept: deque[TaskResult] = deque(spooled)  # in the order in which they are delivered to this engine
        self._others: list[TaskResult] = []  # results of engines that have not come back
        self._finished: deque[TaskId] = deque((one.task_id for one in spooled), maxlen=REMEMBERED)
        self._known: set[TaskId] = set(self._finished)
        self._wanting: dict[Key, TaskAssignment] = {}
        self._recorded = 0
        self._spooling = False
        self._heard_at = now
        self._registered_at = -1e9
        self._beat_at = -1e9
        self._progress: dict[Key, wire.TaskProgress] = {}
        self._lines: dict[tuple[Key, str], list[str]] = {}
        self._news_at = now
        self._shutdown = False
        self._orders = Orders()
        self._heard: dict[type, Callable[[Any, float], None]] = {
            TaskAssignment: self._on_assignment,
            wire.Cancel: self._on_cancel,
            wire.Hold: self._on_hold,
            wire.Recorded: self._on_recorded,
            wire.Recall: self._on_recall,
            wire.Drain: self._on_drain,
            wire.Shutdown: self._on_shutdown,
            wire.Release: self._on_release,
            wire.Welcome: self._on_welcome_again,
            wire.Want: self._on_want,
            wire.Refused: self._on_refused,
            wire.Unknown: self._on_unknown,
        }
        self.values: Mapping[bytes, Any] = {}  # large results that are on their way, by name; the shell's

    # ------------------------------------------------------------ what the wire brings

    def heard(self, parcel: Parcel, now: float) -> Orders:
        """Take a parcel from an engine."""
        envelope = parcel.envelope
        if envelope.to != self.session:
            return self._finish(now)
        if self._link is None or envelope.sender != self._engine_session:
            self._other_engine(parcel, now)
        else:
            self._take(self._link, parcel, now)
        return self._finish(now)

    def _take(self, link: Link, parcel: Parcel, now: float) -> None:
        self._heard_at = now
        handlers = self._heard
        for message, frame in link.receive(parcel):
            if frame is not None:
                if self._shelf is not None:
                    self._shelf(message, frame)
                    self._came(message, now)
            elif (handler := handlers.get(type(message))) is not None:
                handler(message, now)
            else:
                self._say_bare(wire.Refused("direction", f"{type(message).__name__} is not for an agent"))

    def _other_engine(self, parcel: Parcel, now: float) -> None:
        """A session without a conversation here: a welcome may begin one, a refusal makes this agent register."""
        sender = parcel.envelope.sender
        for message in parcel.messages:
            if type(message) is wire.Welcome:
                if (reason := self._why_not(message, now)) is not None:
                    self.refused += 1
                    link = Link(self.session, sender, self.limits)
                    self._orders.sends.append(link.bare([wire.Refused("held", reason)]))
                else:
                    self._adopted_by(message, sender, parcel, now)
                return
            if type(message) is wire.Refused and message.code == "unregistered":
                self._registered_at = -1e9  # somebody new is there, who does not know this agent

    def _why_not(self, welcome: wire.Welcome, now: float) -> str | None:
        """Why this engine may not have the agent, None if it may."""
        if not self.engine or (self._link is None and not self.leases and not self._kept):
            return None
        if welcome.engine == self.engine:
            if welcome.generation < self.generation:
                return (
                    f"generation {self.generation} of {self.engine} holds this agent, and {welcome.generation} is older"
                )
            return None
        if not self.leases and now - self._heard_at > max(CUT_OFF * self.heartbeat, 2.0):
            return None
        if now - self._heard_at > self.linger:
            return None
        return f"{self.engine} holds this agent; it was heard {now - self._heard_at:.0f} s ago"

    def _adopted_by(self, welcome: wire.Welcome, sender: int, parcel: Parcel, now: float) -> None:
        same = welcome.engine == self.engine
        self.engine = welcome.engine
        self.generation = welcome.generation
        self.heartbeat = max(0.01, welcome.heartbeat)
        self.linger = welcome.linger
        self.workplace = welcome.workplace
        self._engine_session = sender
        self._heard_at = now
        link = self._link = Link(self.session, sender, self.limits)
        self.bodies.clear()
        self._recorded = 0
        if not same:
            for key, assignment in list(self.leases.items()):
                self._orders.cancel.append((assignment.task_id, 0.0))
                self._canceled.add(key)
        for key in list(self._wanting):
            self._give_back(key)
        everything = [*self._kept, *self._others]
        self._others = [one for one in everything if one.run != self.engine]
        self._kept = deque(one for one in everything if one.run == self.engine)
        for result in self._kept:
            self._deliver(link, result)
        self._spooling = False
        self._beat_at = -1e9
        self._take(link, parcel, now)

    def _on_welcome_again(self, message: wire.Welcome, now: float) -> None:
        """The welcome itself, now as a message of its conversation, or an echo of it: nothing is left to do."""

    # ------------------------------------------------------------ leases

    def _on_assignment(self, task: TaskAssignment, now: float) -> None:
        if task.serialized_task is not None:
            self.bodies[task.work] = task.serialized_task
        identity = task.task_id
        if identity in self._known:
            self.refused += 1
            return
        key = (task.run, task.node, task.number)
        present = self.leases.get(key)
        if present is not None:
            if present.epoch >= task.epoch:
                self.refused += 1
                return
            self._orders.cancel.append((present.task_id, 0.0))
        if self.draining:
            self._send(wire.Returned([identity], "this agent drains"))
            return
        if not task.task_value and task.work not in self.bodies:
            self._send(wire.Returned([identity], "the body of the task did not come with it"))
            return
        self.leases[key] = task
        self._begun.discard(key)
        self._canceled.discard(key)
        missing = [name for name in self._names(task) if not self._has(name)]
        if missing:
            self._wanting[key] = task
            for name in missing:
                self._send(wire.Want(name))
            return
        self._orders.start.append(task)

    @staticmethod
    def _names(task: TaskAssignment) -> list[bytes]:
        return [*task.values, task.task_value] if task.task_value else task.values

    def _came(self, chunk: wire.Chunk, now: float) -> None:
        """A large value may be whole now, and an attempt may have waited for it."""
        if self._wanting and self._has(chunk.name):
            for key, task in list(self._wanting.items()):
                if all(map(self._has, self._names(task))):
                    del self._wanting[key]
                    self._orders.start.append(task)

    def begun(self, run: str, node: int, number: int) -> None:
        """An attempt has left the queue: it cannot be given back any more."""
        self._begun.add((run, node, number))

    def _on_cancel(self, message: wire.Cancel, now: float) -> None:
        for task in message.tasks:
            key = (task.run, task.node, task.attempt)
            lease = self.leases.get(key)
            if lease is None or lease.epoch != task.epoch:
                continue
            if self._wanting.pop(key, None) is not None:
                self._end(key, TaskResult(*task, kind="canceled"), now)
            else:
                self._canceled.add(key)
                self._orders.cancel.append((task, message.grace))

    def _on_hold(self, message: wire.Hold, now: float) -> None:
        for task in message.tasks:
            lease = self.leases.get((task.run, task.node, task.attempt))
            if lease is not None and lease.epoch == task.epoch:
                self._orders.hold.append((task, message.on))

    def _on_recall(self, message: wire.Recall, now: float) -> None:
        given = []
        for task in message.tasks:
            key = (task.run, task.node, task.attempt)
            lease = self.leases.get(key)
            if lease is None or lease.epoch != task.epoch or key in self._begun or key in self._canceled:
                continue
            if self._wanting.pop(key, None) is None:
                self._orders.cancel.append((task, 0.0))
            del self.leases[key]
            given.append(task)
        if given:
            self._send(wire.Returned(given))

    def _give_back(self, key: Key) -> None:
        task = self._wanting.pop(key)
        self.leases.pop(key, None)
        self._send(wire.Returned([task.task_id], "its large values did not arrive"))

    # ------------------------------------------------------------ results

    def ended(self, result: TaskResult, now: float) -> Orders:
        """An attempt is over. Its id is the lease's; a result for what is not leased (any more) is dropped."""
        key = (result.run, result.node, result.number)
        lease = self.leases.get(key)
        if lease is None or lease.epoch != result.epoch:
            self.refused += 1
            return self._finish(now)
        self._end(key, result, now)
        return self._finish(now)

    def ended_all(self, results: Sequence[TaskResult], now: float) -> Orders:
        """The same for many at once: they share parcels."""
        leases = self.leases
        for result in results:
            key = (result.run, result.node, result.number)
            lease = leases.get(key)
            if lease is None or lease.epoch != result.epoch:
                self.refused += 1
            else:
                self._end(key, result, now)
        return self._finish(now)

    def _end(self, key: Key, result: TaskResult, now: float) -> None:
        if self._progress or self._lines:
            self._flush_news(now)  # what an attempt said comes before its end
        del self.leases[key]
        if self._begun:
            self._begun.discard(key)
        if self._canceled:
            self._canceled.discard(key)
        identity = result.task_id
        if len(self._finished) == REMEMBERED:
            self._known.discard(self._finished[0])
        self._finished.append(identity)
        self._known.add(identity)
        if self._spooling:
            self._orders.keep.append(result)
        if self._link is None or result.run == self.engine:
            self._kept.append(result)
            if self._link is not None:
                self._deliver(self._link, result)

    def _deliver(self, link: Link, result: TaskResult) -> None:
        for name in result.values:
            if (data := self.values.get(name)) is not None:
                link.value(name, data)
        # Results are counted in the order in which they arrive, so all of them take the same lane.
        link.bulk(result)

    def _on_recorded(self, message: wire.Recorded, now: float) -> None:
        while self._recorded < message.count and self._kept:
            self._recorded += 1
            self._orders.forget.append(self._kept.popleft().task_id)

    def _on_want(self, message: wire.Want, now: float) -> None:
        if self._link is not None and (data := self.values.get(message.name)) is not None:
            self._link.value(message.name, data)

    # ------------------------------------------------------------ news of attempts that go on

    def said(self, message: wire.TaskProgress | wire.TaskLines | wire.TaskMetric, now: float) -> Orders:
        """Progress, lines or a metric. Progress is thinned, lines are gathered; a metric travels at once."""
        key = (message.run, message.node, message.number)
        lease = self.leases.get(key)
        if lease is None or lease.epoch != message.epoch:
            return self._finish(now)
        if isinstance(message, wire.TaskProgress):
            self._progress[key] = message
        elif isinstance(message, wire.TaskLines):
            self._lines.setdefault((key, message.stream), []).extend(message.lines)
        else:
            self._send(message)
        if now - self._news_at >= NEWS_EVERY:
            self._flush_news(now)
        return self._finish(now)

    def _flush_news(self, now: float) -> None:
        self._news_at = now
        for (key, stream), lines in self._lines.items():
            if (lease := self.leases.get(key)) is not None:
                for start in range(0, len(lines), 1024):
                    self._say(wire.TaskLines(*key, lease.epoch, stream, lines[start : start + 1024]))
        self._lines.clear()
        for progress in self._progress.values():
            self._say(progress)
        self._progress.clear()

    def _say(self, message: Message) -> None:
        """News in the lane of the results, so that what an attempt said comes before its end."""
        if self._link is not None:
            self._link.bulk(message)

    # ------------------------------------------------------------ coming and going

    def _on_drain(self, message: wire.Drain, now: float) -> None:
        self.drain(now)

    def drain(self, now: float) -> None:
        """Take nothing new; end when nothing is left, if asked to shut down."""
        if not self.draining:
            self.draining = True
            self._send(wire.StatusUpdate(self.description.id, "draining", self.load()))

    def _on_shutdown(self, message: wire.Shutdown, now: float) -> None:
        self._shutdown = True
        self.drain(now)
        if not message.drain:
            self._orders.cancel += [(task.task_id, message.grace) for task in self.leases.values()]

    def stop(self, now: float, grace: float = 5.0, drain: bool = False) -> Orders:
        """End by this agent's own wish: cancel what runs (unless `drain`), deliver, say goodbye."""
        self._on_shutdown(wire.Shutdown(drain, grace), now)
        return self._finish(now)

    def _on_release(self, message: wire.Release, now: float) -> None:
        self._orders.cancel += [(task.task_id, 0.0) for task in self.leases.values()]
        self._orders.forget += [result.task_id for result in self._kept]
        self._kept.clear()
        self.leases.clear()
        self._begun.clear()
        self._wanting.clear()
        self.engine = ""
        self._link = None
        self._engine_session = 0
        self._registered_at = now

    def _on_refused(self, message: wire.Refused, now: float) -> None:
        if message.code == "unregistered":
            self._registered_at = -1e9
        elif message.code in ("identity", "version"):
            self._orders.stop = message.text

    def _on_unknown(self, message: wire.Unknown, now: float) -> None:
        text = f"message {message.tag} is not known to protocol version {wire.VERSION}"
        self._say_bare(wire.Refused("unknown", text))

    # ------------------------------------------------------------ time

    def ticked(self, now: float) -> Orders:
        """Time passed: heartbeats, resends, registering, the end of `linger`."""
        silent = now - self._heard_at
        if self._progress or self._lines:
            self._flush_news(now)
        if self._link is None or silent > CUT_OFF * self.heartbeat:
            self._spool_all()
            if now - self._registered_at >= REGISTER_EVERY:
                self._register(now)
        if self._link is not None:
            self._orders.sends += self._link.resend(now)
            if now - self._beat_at >= self.heartbeat:
                self._beat_at = now
                self._say_bare(wire.Heartbeat(self.description.id, self.free(), self.load()))
        if silent > self.linger:
            self._orders.cancel += [(task.task_id, 0.0) for task in self.leases.values()]
            self._orders.stop = f"no engine for {silent:.0f} s"
        return self._finish(now)

    def _spool_all(self) -> None:
        if not self._spooling:
            self._spooling = True
            self._orders.keep += list(self._kept)

    def _register(self, now: float) -> None:
        self._registered_at = now
        message = msgspec.structs.replace(
            self.description,
            holding=[
                *(Holding(task.task_id) for task in self.leases.values()),
                *(Holding(result.task_id, True) for result in list(self._kept)[:10_000]),
            ],
            engine=self.engine,
            generation=self.generation,
            draining=self.draining,
        )
        # To whoever is there now: an engine that came back does not answer to the session of the one before.
        self._orders.sends.append(Link(self.session, 0, self.limits).bare([message]))

    def due(self, now: float) -> float:
        """Seconds until `ticked` wants to be called."""
        times = [self._beat_at + self.heartbeat, self._registered_at + REGISTER_EVERY if self._link is None else 1e18]
        if self._progress or self._lines:
            times.append(self._news_at + NEWS_EVERY)
        if self._link is not None and (at := self._link.due()) is not None:
            times.append(at)
        return min(max(0.01, min(times) - now), self.heartbeat)

    # ------------------------------------------------------------ small things

    def load(self) -> float:
        return len(self.leases) / self.description.slots

    def free(self) -> int:
        return max(0, self.description.slots - len(self.leases))

    @property
    def connected(self) -> bool:
        return self._link is not None

    @property
    def delivered(self) -> bool:
        """Whether every result was recorded."""
        return not self._kept

    def _send(self, message: Message) -> None:
        if self._link is not None:
            self._link.send(message)

    def _say_bare(self, message: Message) -> None:
        if self._link is not None:
            self._orders.sends.append(self._link.bare([message]))

    def _finish(self, now: float) -> Orders:
        orders = self._orders
        if self._link is not None:
            orders.sends += self._link.flush(now)
            if self._shutdown and not self.leases and not self._kept and self._link.idle and orders.stop is None:
                self._say_bare(wire.Goodbye("asked to end"))
                orders.stop = "asked to end"
        elif self._shutdown and not self.leases and orders.stop is None:
            orders.stop = "asked to end"
        self._orders = Orders()
        return orders
