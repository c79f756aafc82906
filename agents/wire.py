"""Parcels: how messages become frames, how frames are read, and what is refused.

A parcel is what travels at once: frame 0 is an `Envelope` in msgpack, each further frame the bytes of one `Chunk`, in
order. A tag that this side does not know becomes an `Unknown` in the list of messages, so that the sender can be told
instead of the parcel being lost. Another `VERSION` is refused by name before anything else is read.

The sender checks the limits, as ZeroMQ drops what is too large without a word; the receiver checks them again. Which
parcels have arrived is the business of `link`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, ClassVar

import msgspec
from msgspec import Meta, Struct

from agents.errors import Malformed, MessageTooLarge
from agents.protocol import MESSAGES, VERSION, AnyMessage, Chunk, Count, Message, Refused, Unknown

FRAME_LIMIT = 4 << 20  # bytes of one frame
FRAMES_LIMIT = 32  # frames of one parcel, the envelope among them
PARCEL = 1 << 20  # bytes of messages after which a new parcel is begun
MESSAGES_LIMIT = 4096  # messages of one parcel


class Envelope(Struct, frozen=True, array_like=True):
    """What surrounds the messages of one parcel.

    `sender` and `to` are the two sides' session numbers (`to` is 0 while unknown), `seq` counts the parcels that have
    to arrive from 1 and is 0 for those that need not, `ack` is the other side's last one below which none is missing.
    """

    version: int
    sender: Count
    to: Count
    seq: Count
    ack: Count
    messages: Annotated[list[AnyMessage], Meta(max_length=MESSAGES_LIMIT)]


class _Raw(Struct, frozen=True, array_like=True):
    version: int
    sender: Count
    to: Count
    seq: Count
    ack: Count
    messages: Annotated[list[msgspec.Raw], Meta(max_length=MESSAGES_LIMIT)]


class _Version(Struct, frozen=True, array_like=True):
    version: int


class _Tagged(Struct, frozen=True, array_like=True):
    tag: int | str


class Parcel(Struct, frozen=True):
    """A parcel as it was read: the envelope, its messages (`Unknown` among them), and the frames of its chunks."""

    envelope: Envelope
    messages: Sequence[Any]
    frames: Sequence[Any] = ()


# ---------------------------------------------------------------- frames

_encoder = msgspec.msgpack.Encoder()
_envelopes = msgspec.msgpack.Decoder(Envelope)
_raws = msgspec.msgpack.Decoder(_Raw)
_versions = msgspec.msgpack.Decoder(_Version)
_messages: Any = msgspec.msgpack.Decoder(AnyMessage)
_tagged = msgspec.msgpack.Decoder(_Tagged)
KNOWN_TAGS = frozenset(one.__struct_config__.tag for one in MESSAGES)


class Limits(Struct, frozen=True):
    """What one parcel may hold. Tests make them small."""

    frame: int = FRAME_LIMIT
    frames: int = FRAMES_LIMIT

    default: ClassVar[Limits]


Limits.default = Limits()


def encode(
    sender: int,
    to: int,
    seq: int,
    ack: int,
    messages: Sequence[Message],
    frames: Sequence[Any] = (),
    limits: Limits = Limits.default,
) -> list[Any]:
    """The frames of one parcel. Raises MessageTooLarge, naming the largest message, before anything leaves."""
    head = _encoder.encode((VERSION, sender, to, seq, ack, messages))
    if len(head) > limits.frame:
        largest = max(messages, key=lambda one: len(_encoder.encode(one)), default=None)
        raise MessageTooLarge(len(head), limits.frame, f"parcel with a {type(largest).__name__}")
    if not frames:
        return [head]
    if len(frames) >= limits.frames:
        raise MessageTooLarge(len(frames) + 1, limits.frames, "parcel", "frames")
    for frame in frames:
        if len(frame) > limits.frame:
            raise MessageTooLarge(len(frame), limits.frame, "frame")
    return [head, *frames]


def decode(frames: Sequence[Any], limits: Limits = Limits.default) -> Parcel:
    """Read a parcel. Raises Malformed for whatever is none; unknown messages are `Unknown` in the list."""
    if not frames or len(frames) > limits.frames:
        raise Malformed(f"a parcel of {len(frames)} frames, and the limit is {limits.frames}")
    for frame in frames:
        if len(frame) > limits.frame:
            raise Malformed(f"a frame of {len(frame):,} bytes, and the limit is {limits.frame:,}")
    try:
        envelope = _envelopes.decode(frames[0])
        messages: Sequence[Any] = envelope.messages
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        envelope, messages = _with_care(frames[0], error)
    if envelope.version != VERSION:
        raise _other_version(envelope.version)
    chunks = sum([type(one) is Chunk for one in messages])
    if chunks != len(frames) - 1:
        raise Malformed(f"a parcel with {chunks} chunks and {len(frames) - 1} frames for them")
    return Parcel(envelope, messages, frames[1:])


def _other_version(version: int) -> Malformed:
    text = f"protocol version {version}, and this side speaks {VERSION}: install the same Flowloom on both"
    return Malformed(text, Refused("version", text))


def _with_care(head: Any, error: Exception) -> tuple[Envelope, list[Any]]:
    """Read message by message what did not decode as a whole: unknown ones are named, wrong ones refused."""
    try:
        version = _versions.decode(head).version
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Malformed(f"not a parcel: {error}") from None
    if version != VERSION:
        raise _other_version(version)
    try:
        raw = _raws.decode(head)
        messages = [_one(bytes(item)) for item in raw.messages]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as found:
        raise Malformed(f"not a parcel: {found}", Refused("malformed", str(found)[:500])) from None
    return Envelope(raw.version, raw.sender, raw.to, raw.seq, raw.ack, []), messages


def _one(raw: bytes) -> Message | Unknown:
    try:
        message: Message = _messages.decode(raw)
        return message
    except msgspec.ValidationError:
        tag = _tag(raw)
        if tag in KNOWN_TAGS:
            raise
        return Unknown(str(tag)[:64])


def _tag(raw: bytes) -> Any:
    """The first item of a message, whatever follows it."""
    return _tagged.decode(raw).tag
