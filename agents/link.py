"""One conversation between two sessions over a wire that loses, doubles, delays and reorders.

ZeroMQ keeps the order while a connection lasts and silently drops what was under way when it breaks. So every parcel
that has to arrive carries a number (`seq`, from 1), the other side says up to which one it has all of them (`ack`, in
every parcel, also in those without messages), and what was not acknowledged is sent again. The receiver hands messages
out in the sender's order, each once.

    send, bulk, value -> urgent | bulk lane -> flush -> parcels -> ~~~ -> receive -> messages in order
                                                  ^------------- ack -----------'

Two lanes: what is urgent goes first; large values and the messages that name them go in the bulk lane, in their order,
as far as the window of unacknowledged bytes allows. So a cancel never waits behind two gigabytes, and those never sit
in memory twice: a chunk is cut from its value when its turn comes.

Resending: the oldest parcels, when nothing was acknowledged for `RESEND` seconds (doubling up to `RESEND_MOST`) and the
other side was heard in between. A silent side is not fed; its first sign of life starts it again. There is no timer for
batching: `flush` sends what there is, and its callers call it when they have nothing else to do.

Sans-IO: no clock, no socket; `now` is monotonic seconds. A restarted side has a new session number, and a new Link.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Any

from agents import protocol, wire
from agents.errors import MessageTooLarge
from agents.protocol import Chunk, Message
from agents.wire import Parcel

WINDOW = 8 << 20  # unacknowledged bytes, beyond which bulk waits
PARCELS = 1024  # unacknowledged parcels, beyond which everything waits
HELD = 256  # parcels ahead of a missing one that are kept, as long as they are within a window of bytes
ACK_BYTES = 2 << 20  # received bytes after which an acknowledgement is sent by itself
ACK_PARCELS = 64
RESEND = 0.4
RESEND_MOST = 4.0
BATCH = 256  # messages of one parcel


class _Sent:
    __slots__ = ("at", "frames", "seq", "size")

    def __init__(self, seq: int, frames: list[Any], size: int, at: float) -> None:
        self.seq = seq
        self.frames = frames
        self.size = size
        self.at = at


class Link:
    """Both directions between session `me` and session `peer`. `limits` are those of the wire."""

    def __init__(self, me: int, peer: int, limits: wire.Limits = wire.Limits.default) -> None:
        self.me = me
        self.peer = peer
        self.limits = limits
        self._urgent: deque[Message] = deque()
        self._bulk: deque[Message | tuple[Chunk, Any]] = deque()
        self._unacked: deque[_Sent] = deque()
        self._unacked_bytes = 0
        self._next = 1  # the number of the next parcel sent
        self._got = 0  # all of the other side's parcels up to this one are here
        self._ahead: dict[int, Parcel] = {}
        self._ahead_bytes = 0
        self._owed_bytes = 0
        self._owed_parcels = 0
        self._wait = RESEND
        self._heard = False
        self.resent = 0
        self.doubles = 0

    def send(self, message: Message) -> None:
        """Put a message in the urgent lane."""
        self._urgent.append(message)

    def send_all(self, messages: Sequence[Message]) -> None:
        self._urgent.extend(messages)

    def bulk(self, message: Message) -> None:
        """Put a message behind the large values that were given before it."""
        self._bulk.append(message)

    def value(self, name: bytes, data: Any) -> None:
        """Queue a large value: bytes, a memoryview of bytes, or a mapped file."""
        total = len(data)
        if total > protocol.VALUE_LIMIT:
            raise MessageTooLarge(total, protocol.VALUE_LIMIT, "value")
        piece = min(protocol.CHUNK, self.limits.frame)
        view = data if isinstance(data, memoryview) or total <= piece else memoryview(data)
        for offset in range(0, total, piece) or (0,):
            self._bulk.append((Chunk(name, offset, total), view))

    @property
    def idle(self) -> bool:
        """Whether everything sent has arrived and nothing waits."""
        return not (self._urgent or self._bulk or self._unacked)

    @property
    def behind(self) -> int:
        """Parcels that are not acknowledged."""
        return len(self._unacked)

    # ------------------------------------------------------------ receiving

    def receive(self, parcel: Parcel) -> list[tuple[Any, Any]]:
        """Take a parcel of this conversation; give (message, frame or None) in order, each once."""
        envelope = parcel.envelope
        self._heard = True
        self._acknowledged(envelope.ack)
        seq = envelope.seq
        if seq == 0:
            return _pairs(parcel)
        if seq != self._got + 1:
            if seq <= self._got or seq in self._ahead:
                self.doubles += 1
            elif seq <= self._got + HELD and (size := _bytes(parcel)) + self._ahead_bytes <= WINDOW:
                self._ahead[seq] = parcel
                self._ahead_bytes += size
            self._owed_parcels += 1
            return []
        self._count(parcel)
        self._got = seq
        found = _pairs(parcel)
        while self._ahead and (later := self._ahead.pop(self._got + 1, None)) is not None:
            self._got += 1
            self._ahead_bytes -= _bytes(later)
            self._count(later)
            found += _pairs(later)
        return found

    def _count(self, parcel: Parcel) -> None:
        self._owed_parcels += 1
        if parcel.frames:
            self._owed_bytes += _bytes(parcel)

    def _acknowledged(self, ack: int) -> None:
        unacked = self._unacked
        if not unacked or ack >= self._next or unacked[0].seq > ack:
            return
        while unacked and unacked[0].seq <= ack:
            self._unacked_bytes -= unacked.popleft().size
        self._wait = RESEND

    # ------------------------------------------------------------ sending

    def flush(self, now: float) -> list[list[Any]]:
        """The parcels to send now: what waits, as far as the windows allow, and an acknowledgement if one is owed."""
        parcels: list[list[Any]] = []
        while self._urgent and len(self._unacked) < PARCELS:
            parcels.append(self._pack(self._take(self._urgent), (), now))
        while self._bulk and len(self._unacked) < PARCELS and self._unacked_bytes < WINDOW:
            parcels.append(self._bulk_parcel(now))
        if not parcels and (self._owed_bytes >= ACK_BYTES or self._owed_parcels >= ACK_PARCELS):
            parcels.append(self.bare(()))
        return parcels

    def _take(self, lane: deque[Any]) -> list[Message]:
        messages: list[Message] = []
        room = wire.PARCEL
        while lane and len(messages) < BATCH and type(lane[0]) is not tuple:
            size = _size(lane[0])
            if messages and size > room:
                break
            room -= size
            messages.append(lane.popleft())
        return messages

    def _bulk_parcel(self, now: float) -> list[Any]:
        first = self._bulk[0]
        if not isinstance(first, tuple):
            return self._pack(self._take(self._bulk), (), now)
        self._bulk.popleft()
        chunk, data = first
        end = min(chunk.offset + min(protocol.CHUNK, self.limits.frame), chunk.total)
        frame = data if chunk.offset == 0 and end == chunk.total else data[chunk.offset : end]
        return self._pack([chunk], (frame,), now)

    def _pack(self, messages: Sequence[Message], frames: Sequence[Any], now: float) -> list[Any]:
        seq = self._next
        parcel = wire.encode(self.me, self.peer, seq, self._got, messages, frames, self.limits)
        self._next = seq + 1
        size = sum([len(frame) for frame in frames]) + len(parcel[0])
        self._unacked.append(_Sent(seq, parcel, size, now))
        self._unacked_bytes += size
        self._owed_bytes = self._owed_parcels = 0
        return parcel

    def bare(self, messages: Sequence[Message]) -> list[Any]:
        """A parcel that need not arrive, such as a heartbeat; it carries an acknowledgement like every other."""
        self._owed_bytes = self._owed_parcels = 0
        return wire.encode(self.me, self.peer, 0, self._got, messages, (), self.limits)

    def resend(self, now: float) -> list[list[Any]]:
        """Parcels that were not acknowledged in time, to be sent again; none to a side that says nothing."""
        if not self._unacked or not self._heard:
            return []
        late = now - self._wait
        parcels = []
        size = 0
        for sent in self._unacked:
            if sent.at > late or size > WINDOW:
                break
            sent.at = now
            size += sent.size
            parcels.append(sent.frames)
        if parcels:
            self._heard = False
            self._wait = min(self._wait * 2, RESEND_MOST)
            self.resent += len(parcels)
        return parcels

    def due(self) -> float | None:
        """When `resend` may have something, None if nothing is on its way."""
        return self._unacked[0].at + self._wait if self._unacked else None

    def unsent(self) -> tuple[list[Message], list[Any]]:
        """Messages that never left, for who has to give up this conversation: (urgent, bulk)."""
        return list(self._urgent), [one for one in self._bulk if not isinstance(one, tuple)]


def _size(message: Any) -> int:
    """About how many bytes a message takes; only those that carry values count."""
    kind = type(message)
    if kind is protocol.TaskAssignment:
        return len(message.inputs) + len(message.serialized_task or b"") + 64
    if kind is protocol.TaskResult:
        return len(message.serialized_result or b"") + len(message.extras or b"") + 64
    if kind is protocol.TaskLines:
        return sum(map(len, message.lines)) * 4 + 64
    return 256


def _pairs(parcel: Parcel) -> list[tuple[Any, Any]]:
    frames = iter(parcel.frames)
    return [(message, next(frames) if type(message) is Chunk else None) for message in parcel.messages]


def _bytes(parcel: Parcel) -> int:
    return sum([len(frame) for frame in parcel.frames])
