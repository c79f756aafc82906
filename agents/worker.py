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
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from agents import protocol, wire
from agents.link import Link
from agents.orders import Orders
from agents.protocol import Holding, Message, TaskAssignment, TaskResult
from agents.results import Results
from agents.sayings import Key, Sayings
from agents.wire import Parcel

REGISTER_EVERY = 0.3
CUT_OFF = 4  # heartbeats without a word after which the agent registers again


class Worker:
    """What an agent knows. `session` has to be larger for every later process of this agent; `description` says who it is.

    `shelf(chunk, frame)` takes pieces of large values as they come; `has(name)` says whether a large value is whole and
    here. `spooled` are results of an earlier process that nobody took.
    """

    def __init__(
        self,
        description: protocol.NodeRegistration,
        session: int,
        now: float,
        *,
        shelf: Callable[[protocol.Chunk, Any], None] | None = None,
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
        self._results = Results(spooled)
        self._sayings = Sayings(now)
        self._wanting: dict[Key, TaskAssignment] = {}
        self._spooling = False
        self._heard_at = now
        self._registered_at = -1e9
        self._beat_at = -1e9
        self._shutdown = False
        self._orders = Orders()
        self._heard: dict[type, Callable[[Any, float], None]] = {
            TaskAssignment: self._on_assignment,
            protocol.Cancel: self._on_cancel,
            protocol.Hold: self._on_hold,
            protocol.Recorded: self._on_recorded,
            protocol.Recall: self._on_recall,
            protocol.Drain: self._on_drain,
            protocol.Shutdown: self._on_shutdown,
            protocol.Release: self._on_release,
            protocol.Welcome: self._on_welcome_again,
            protocol.Want: self._on_want,
            protocol.Refused: self._on_refused,
            protocol.Unknown: self._on_unknown,
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
                self._say_bare(protocol.Refused("direction", f"{type(message).__name__} is not for an agent"))

    def _other_engine(self, parcel: Parcel, now: float) -> None:
        """A session without a conversation here: a welcome may begin one, a refusal makes this agent register."""
        sender = parcel.envelope.sender
        for message in parcel.messages:
            if type(message) is protocol.Welcome:
                if (reason := self._why_not(message, now)) is not None:
                    self.refused += 1
                    link = Link(self.session, sender, self.limits)
                    self._orders.sends.append(link.bare([protocol.Refused("held", reason)]))
                else:
                    self._adopted_by(message, sender, parcel, now)
                return
            if type(message) is protocol.Refused and message.code == "unregistered":
                self._registered_at = -1e9  # somebody new is there, who does not know this agent

    def _why_not(self, welcome: protocol.Welcome, now: float) -> str | None:
        """Why this engine may not have the agent, None if it may."""
        if not self.engine or (self._link is None and not self.leases and not self._results.kept):
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

    def _adopted_by(self, welcome: protocol.Welcome, sender: int, parcel: Parcel, now: float) -> None:
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
        if not same:
            for key, assignment in list(self.leases.items()):
                self._orders.cancel.append((assignment.task_id, 0.0))
                self._canceled.add(key)
        for key in list(self._wanting):
            self._give_back(key)
        self._results.belong_to(self.engine)
        for result in self._results.kept:
            self._deliver(link, result)
        self._spooling = False
        self._beat_at = -1e9
        if self.draining:  # the wish may have come after the registration that is being answered here
            self._say_draining()
        self._take(link, parcel, now)

    def _on_welcome_again(self, message: protocol.Welcome, now: float) -> None:
        """The welcome itself, now as a message of its conversation, or an echo of it: nothing is left to do."""

    # ------------------------------------------------------------ leases

    def _on_assignment(self, task: TaskAssignment, now: float) -> None:
        if task.serialized_task is not None:
            self.bodies[task.work] = task.serialized_task
        if self._results.knows(task.run, task.epoch):
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
            self._send(protocol.Returned([task.task_id], "this agent drains"))
            return
        if not task.task_value and task.work not in self.bodies:
            self._send(protocol.Returned([task.task_id], "the body of the task did not come with it"))
            return
        self.leases[key] = task
        self._begun.discard(key)
        self._canceled.discard(key)
        named = task.values or task.task_value
        if named and (missing := [name for name in self._names(task) if not self._has(name)]):
            self._wanting[key] = task
            for name in missing:
                self._send(protocol.Want(name))
            return
        self._orders.start.append(task)

    @staticmethod
    def _names(task: TaskAssignment) -> list[bytes]:
        return [*task.values, task.task_value] if task.task_value else task.values

    def _came(self, chunk: protocol.Chunk, now: float) -> None:
        """A large value may be whole now, and an attempt may have waited for it."""
        if self._wanting and self._has(chunk.name):
            for key, task in list(self._wanting.items()):
                if all(map(self._has, self._names(task))):
                    del self._wanting[key]
                    self._orders.start.append(task)

    def begun(self, run: str, node: int, number: int) -> None:
        """An attempt has left the queue: it cannot be given back any more."""
        self._begun.add((run, node, number))

    def _on_cancel(self, message: protocol.Cancel, now: float) -> None:
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

    def _on_hold(self, message: protocol.Hold, now: float) -> None:
        for task in message.tasks:
            lease = self.leases.get((task.run, task.node, task.attempt))
            if lease is not None and lease.epoch == task.epoch:
                self._orders.hold.append((task, message.on))

    def _on_recall(self, message: protocol.Recall, now: float) -> None:
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
            self._send(protocol.Returned(given))

    def _give_back(self, key: Key) -> None:
        task = self._wanting.pop(key)
        self.leases.pop(key, None)
        self._send(protocol.Returned([task.task_id], "its large values did not arrive"))

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
        if self._sayings:
            self._tell_sayings(now)  # what an attempt said comes before its end
        del self.leases[key]
        if self._begun:
            self._begun.discard(key)
        if self._canceled:
            self._canceled.discard(key)
        if self._spooling:
            self._orders.keep.append(result)
        mine = self._link is None or result.run == self.engine
        self._results.add(result, to_keep=mine)
        if mine and self._link is not None:
            self._deliver(self._link, result)

    def _deliver(self, link: Link, result: TaskResult) -> None:
        for name in result.values:
            if (data := self.values.get(name)) is not None:
                link.value(name, data)
        # Results are counted in the order in which they arrive, so all of them take the same lane.
        link.bulk(result)

    def _on_recorded(self, message: protocol.Recorded, now: float) -> None:
        self._orders.forget += self._results.recorded(message.count)

    def _on_want(self, message: protocol.Want, now: float) -> None:
        if self._link is not None and (data := self.values.get(message.name)) is not None:
            self._link.value(message.name, data)

    # ------------------------------------------------------------ news of attempts that go on

    def said(self, message: protocol.TaskProgress | protocol.TaskLines | protocol.TaskMetric, now: float) -> Orders:
        """Progress, lines or a metric. Progress is thinned, lines are gathered; a metric travels at once."""
        key = (message.run, message.node, message.number)
        lease = self.leases.get(key)
        if lease is None or lease.epoch != message.epoch:
            return self._finish(now)
        if isinstance(message, protocol.TaskMetric):
            self._send(message)
        else:
            self._sayings.add(key, message)
        due = self._sayings.due
        if due is not None and now >= due:
            self._tell_sayings(now)
        return self._finish(now)

    def _tell_sayings(self, now: float) -> None:
        """In the lane of the results, so that what an attempt said comes before its end."""
        for message in self._sayings.take(self.leases, now):
            if self._link is not None:
                self._link.bulk(message)

    # ------------------------------------------------------------ coming and going

    def _on_drain(self, message: protocol.Drain, now: float) -> None:
        self.drain(now)

    def drain(self, now: float) -> None:
        """Take nothing new; end when nothing is left, if asked to shut down."""
        if not self.draining:
            self.draining = True
            self._say_draining()

    def _say_draining(self) -> None:
        self._send(protocol.StatusUpdate(self.description.id, "draining", self.load()))

    def _on_shutdown(self, message: protocol.Shutdown, now: float) -> None:
        self._shutdown = True
        self.drain(now)
        if not message.drain:
            self._orders.cancel += [(task.task_id, message.grace) for task in self.leases.values()]

    def stop(self, now: float, grace: float = 5.0, drain: bool = False) -> Orders:
        """End by this agent's own wish: cancel what runs (unless `drain`), deliver, say goodbye."""
        self._on_shutdown(protocol.Shutdown(drain, grace), now)
        return self._finish(now)

    def _on_release(self, message: protocol.Release, now: float) -> None:
        self._orders.cancel += [(task.task_id, 0.0) for task in self.leases.values()]
        self._orders.forget += self._results.let_go()
        self.leases.clear()
        self._begun.clear()
        self._wanting.clear()
        self.engine = ""
        self._link = None
        self._engine_session = 0
        self._registered_at = now

    def _on_refused(self, message: protocol.Refused, now: float) -> None:
        if message.code == "unregistered":
            self._registered_at = -1e9
        elif message.code in ("identity", "version"):
            self._orders.stop = message.text

    def _on_unknown(self, message: protocol.Unknown, now: float) -> None:
        text = f"message {message.tag} is not known to protocol version {protocol.VERSION}"
        self._say_bare(protocol.Refused("unknown", text))

    # ------------------------------------------------------------ time

    def ticked(self, now: float) -> Orders:
        """Time passed: heartbeats, resends, registering, the end of `linger`."""
        silent = now - self._heard_at
        if self._sayings:
            self._tell_sayings(now)
        if self._link is None or silent > CUT_OFF * self.heartbeat:
            self._spool_all()
            if now - self._registered_at >= REGISTER_EVERY:
                self._register(now)
        if self._link is not None:
            self._orders.sends += self._link.resend(now)
            if now - self._beat_at >= self.heartbeat:
                self._beat_at = now
                self._say_bare(protocol.Heartbeat(self.description.id, self.free(), self.load()))
        if silent > self.linger:
            self._orders.cancel += [(task.task_id, 0.0) for task in self.leases.values()]
            self._orders.stop = f"no engine for {silent:.0f} s"
        return self._finish(now)

    def _spool_all(self) -> None:
        if not self._spooling:
            self._spooling = True
            self._orders.keep += list(self._results.kept)

    def _register(self, now: float) -> None:
        self._registered_at = now
        message = msgspec.structs.replace(
            self.description,
            holding=[
                *(Holding(task.task_id) for task in self.leases.values()),
                *(Holding(result.task_id, True) for result in list(self._results.kept)[:10_000]),
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
        if (due := self._sayings.due) is not None:
            times.append(due)
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
        return not self._results.kept

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
            if (
                self._shutdown
                and not self.leases
                and not self._results.kept
                and self._link.idle
                and orders.stop is None
            ):
                self._say_bare(protocol.Goodbye("asked to end"))
                orders.stop = "asked to end"
        elif self._shutdown and not self.leases and orders.stop is None:
            orders.stop = "asked to end"
        self._orders = Orders()
        return orders
