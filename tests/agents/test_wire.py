"""Every message survives the wire; what is no message is refused with a reason, and nothing hangs or runs."""

from __future__ import annotations

import math
import os
import pickle
import time

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents import protocol, wire
from agents.errors import Malformed, MessageTooLarge

names = st.text("abcXYZ09_-.", min_size=1, max_size=20)
counts = st.integers(0, 1 << 40)
lengths = st.floats(0, 1e6)
tasks = st.builds(protocol.TaskId, names, counts, counts, counts)
task_lists = st.lists(tasks, max_size=4)
texts = st.text(max_size=50)
troubles = st.builds(
    protocol.Trouble,
    texts,
    texts,
    texts,
    st.lists(texts, max_size=3),
    st.none() | st.integers(-5, 300),
    st.none() | names,
)
of_task = (names, counts, counts, counts)

MESSAGES = {
    protocol.Welcome: st.builds(protocol.Welcome, names, counts, lengths, lengths),
    protocol.TaskAssignment: st.builds(
        protocol.TaskAssignment,
        *of_task,
        counts,
        st.binary(max_size=99),
        st.none() | st.binary(max_size=99),
        st.none() | lengths,
    ),
    protocol.Cancel: st.builds(protocol.Cancel, task_lists, lengths),
    protocol.Hold: st.builds(protocol.Hold, task_lists, st.booleans()),
    protocol.Recorded: st.builds(protocol.Recorded, counts),
    protocol.Recall: st.builds(protocol.Recall, task_lists),
    protocol.Drain: st.just(protocol.Drain()),
    protocol.Shutdown: st.builds(protocol.Shutdown, st.booleans(), lengths),
    protocol.Release: st.just(protocol.Release()),
    protocol.NodeRegistration: st.builds(
        protocol.NodeRegistration,
        names,
        st.integers(1, 64),
        names,
        st.lists(names, max_size=3),
        st.dictionaries(names, lengths, max_size=3),
        st.dictionaries(names, names, max_size=3),
        counts,
        st.lists(st.builds(protocol.Holding, tasks, st.booleans()), max_size=3),
    ),
    protocol.Heartbeat: st.builds(protocol.Heartbeat, names, counts, lengths),
    protocol.TaskResult: st.builds(
        protocol.TaskResult,
        *of_task,
        names.map(lambda n: n[:16]),
        st.none() | st.binary(max_size=99),
        lengths,
        st.none() | troubles,
    ),
    protocol.TaskProgress: st.builds(protocol.TaskProgress, *of_task, st.none() | st.floats(0, 1), texts),
    protocol.TaskLines: st.builds(protocol.TaskLines, *of_task, st.just("stdout"), st.lists(texts, max_size=3)),
    protocol.TaskMetric: st.builds(protocol.TaskMetric, *of_task, texts, texts),
    protocol.Returned: st.builds(protocol.Returned, task_lists, texts),
    protocol.StatusUpdate: st.builds(protocol.StatusUpdate, names, names, lengths, lengths),
    protocol.Goodbye: st.builds(protocol.Goodbye, texts),
    protocol.Chunk: st.builds(protocol.Chunk, st.binary(min_size=1, max_size=32), counts, st.integers(0, 1 << 30)),
    protocol.Want: st.builds(protocol.Want, st.binary(min_size=1, max_size=32)),
    protocol.Refused: st.builds(protocol.Refused, names, texts),
}


@pytest.mark.seed("S157", "S158", "S159", "S160", "S161", "S162")
@settings(max_examples=150, deadline=None)
@given(st.lists(st.one_of(*MESSAGES.values()), max_size=6), counts, counts, counts, counts)
def test_every_message_comes_back_as_it_was_sent(messages, sender, to, seq, ack):
    frames = [b"piece"] * sum(isinstance(one, protocol.Chunk) for one in messages)
    parcel = wire.decode(wire.encode(sender, to, seq, ack, messages, frames))
    assert list(parcel.messages) == messages
    assert list(parcel.frames) == frames
    envelope = parcel.envelope
    assert (envelope.sender, envelope.to, envelope.seq, envelope.ack) == (sender, to, seq, ack)


def test_the_strategies_above_cover_every_message():
    assert set(MESSAGES) == set(protocol.MESSAGES)


@pytest.mark.seed("S157", "S158", "S159", "S160", "S161", "S162")
@settings(max_examples=100, deadline=None)
@given(st.one_of(*MESSAGES.values()))
def test_fields_that_a_newer_side_adds_are_ignored(message):
    longer = [*msgspec.msgpack.decode(msgspec.msgpack.encode(message)), "a field of the future", {"and": "another"}]
    frames = [msgspec.msgpack.encode([protocol.VERSION, 1, 2, 0, 0, [longer], "a seventh item"])]
    if isinstance(message, protocol.Chunk):
        frames.append(b"")
    assert wire.decode(frames).messages == [message]


@pytest.mark.seed("S157", "S158", "S159", "S160", "S161", "S162")
def test_an_unknown_message_is_named_and_its_neighbours_still_arrive():
    beat = protocol.Heartbeat("a", 2, 0.5)
    head = msgspec.msgpack.encode([protocol.VERSION, 1, 2, 3, 4, [[99, "new"], beat, ["word"]]])
    parcel = wire.decode([head])
    assert parcel.messages == [protocol.Unknown("99"), beat, protocol.Unknown("word")]
    assert parcel.envelope.seq == 3


@pytest.mark.seed("S157", "S158", "S159", "S160", "S161", "S162")
def test_another_version_is_refused_and_both_versions_are_named():
    with pytest.raises(Malformed, match="protocol version 7, and this side speaks 1") as caught:
        wire.decode([msgspec.msgpack.encode([7, {"quite": "different"}])])
    assert isinstance(caught.value.answer, protocol.Refused)
    assert caught.value.answer.code == "version"


def head(*messages):
    return [msgspec.msgpack.encode([protocol.VERSION, 1, 2, 0, 0, list(messages)])]


NAN = math.nan
WRONG = {
    "nothing": [],
    "an empty frame": [b""],
    "random bytes": [os.urandom(64)],
    "HTTP": [b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"],
    "a TLS hello": [bytes.fromhex("16030100c8010000c40303") + os.urandom(40)],
    "a pickle": [pickle.dumps(["x"])],
    "an array a million deep": [b"\x91" * 1_000_000],
    "an array of 4 G items": [b"\xdd\xff\xff\xff\xff"],
    "a map of 4 G items": [b"\xdf\xff\xff\xff\xff"],
    "a string of 4 GiB": [b"\xdb\xff\xff\xff\xff"],
    "messages that are no list": [msgspec.msgpack.encode([1, 1, 2, 0, 0, "x"])],
    "negative numbers": [msgspec.msgpack.encode([1, -1, 2, 0, 0, []])],
    "a number for a name": head([21, 5, 0, 0.0]),
    "NaN for a load": head([21, "a", 0, NAN]),
    "NaN for a time": head([22, "r", 1, 1, 1, "completed", None, NAN]),
    "endless time": head([22, "r", 1, 1, 1, "completed", None, math.inf]),
    "negative time": head([22, "r", 1, 1, 1, "completed", None, -1.0]),
    "a name of 1 MB": head([20, "x" * 1_000_000, 1]),
    "an empty name": head([20, "", 1]),
    "a name with ESC": head([20, "a\x1b[31m", 1]),
    "a name with a bidi override": head([20, "a\u202eb", 1]),
    "no slots": head([20, "a", 0]),
    "a million slots": head([20, "a", 1_000_000]),
    "a label with a newline": head([20, "a", 1, "", ["x\ny"]]),
    "too few fields": head([22, "r"]),
    "a chunk without its frame": head([40, b"n", 0, 10]),
    "a frame without a chunk": [*head(), b"stray"],
    "a value over the limit": [*head([40, b"n", 0, 1 << 50]), b""],
    "too many frames": [*head(), *[b""] * 200_000],
    "a frame over the limit": [b"\x00" * (wire.FRAME_LIMIT + 1)],
    "too many messages": head(*[[7]] * (wire.MESSAGES_LIMIT + 1)),
    "invalid UTF-8": [msgspec.msgpack.encode([1, 1, 2, 0, 0, [[21, "?", 0, 0.0]]]).replace(b"\xa1?", b"\xa1\xff")],
}


@pytest.mark.parametrize("frames", WRONG.values(), ids=WRONG)
def test_what_is_no_parcel_is_refused_at_once(frames):
    began = time.process_time()
    with pytest.raises(Malformed):
        wire.decode(frames)
    assert time.process_time() - began < 1.0, "refusing must not be work"


@pytest.mark.parametrize("fraction", [float("nan"), float("inf"), -1e300, 1.5])
def test_progress_beyond_the_end_is_refused(fraction):
    with pytest.raises(Malformed):
        wire.decode(wire.encode(1, 2, 1, 0, [protocol.TaskProgress("r", 0, 1, 1, fraction)]))


@settings(max_examples=300, deadline=None)
@given(st.lists(st.binary(max_size=200), max_size=4))
def test_no_bytes_whatever_do_more_than_being_refused(frames):
    try:
        parcel = wire.decode(frames)
    except Malformed:
        return
    assert parcel.envelope.version == protocol.VERSION


@settings(max_examples=200, deadline=None)
@given(st.one_of(*MESSAGES.values()), st.data())
def test_a_parcel_with_bytes_changed_is_read_as_some_parcel_or_refused(message, data):
    frames = [b"x"] if isinstance(message, protocol.Chunk) else []
    whole = bytearray(wire.encode(1, 2, 3, 4, [message], frames)[0])
    place = data.draw(st.integers(0, len(whole) - 1))
    whole[place] = data.draw(st.integers(0, 255))
    try:
        wire.decode([bytes(whole), *frames])
    except Malformed:
        pass


@pytest.mark.seed("S164", "S177")
def test_the_sender_refuses_what_is_too_large_and_names_it():
    limits = wire.Limits(frame=1000, frames=3)
    big = protocol.TaskAssignment("r", 1, 1, 1, 1, serialized_task=b"x" * 2000)
    with pytest.raises(MessageTooLarge, match=r"TaskAssignment has 2,0\d\d bytes, and the limit is 1,000") as caught:
        wire.encode(1, 2, 1, 0, [big], (), limits)
    assert caught.value.size > 2000
    chunk = protocol.Chunk(b"n", 0, 5000)
    with pytest.raises(MessageTooLarge, match="frame"):
        wire.encode(1, 2, 1, 0, [chunk], [b"x" * 1001], limits)
    with pytest.raises(MessageTooLarge, match="4 frames"):
        wire.encode(1, 2, 1, 0, [chunk] * 3, [b"x"] * 3, limits)


@pytest.mark.seed("S177")
def test_the_receiver_refuses_what_is_too_large_as_well():
    limits = wire.Limits(frame=1000, frames=3)
    with pytest.raises(Malformed, match="1,001 bytes"):
        wire.decode([b"x" * 1001], limits)
    with pytest.raises(Malformed, match="4 frames"):
        wire.decode([b"x"] * 4, limits)


@pytest.mark.seed("S163", "S166")
def test_a_task_is_named_by_run_node_attempt_and_lease():
    assignment = protocol.TaskAssignment("20261123-101500-k3f", 12, 2, 3, work=1)
    result = protocol.TaskResult("20261123-101500-k3f", 12, 2, 3, "completed")
    assert str(assignment.task_id) == "20261123-101500-k3f/12#2@3"
    assert result.task_id == assignment.task_id


@pytest.mark.seed("S165", "S167", "S169")
def test_results_and_assignments_speak_as_the_design_does():
    ok = protocol.TaskResult("r", 1, 1, 1, "completed", b"\x01", 0.25)
    assert ok.success
    assert ok.error_message is None
    assert ok.execution_time == 0.25
    bad = protocol.TaskResult("r", 1, 1, 1, "failed", error=protocol.Trouble("KeyError", "'x'", "Traceback ..."))
    assert not bad.success
    assert bad.error_message == "KeyError: 'x'\nTraceback ..."
    assert protocol.TaskAssignment("r", 1, 1, 1, 1).timeout is None
    assert protocol.TaskAssignment("r", 1, 1, 1, 1, timeout=2.5).timeout == 2.5
