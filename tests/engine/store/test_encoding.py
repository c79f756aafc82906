"""Events survive their journey through the journal's bytes, whatever tasks return."""

from __future__ import annotations

from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.attempt import Trouble
from engine.machine import events as e
from engine.payload import PICKLE, Payload
from engine.store import encoding
from engine.store.encoding import Unwritable, decode_events, encode_events

seconds = st.floats(0, 1e9)
nodes = st.integers(0, 1_000_000)
scalars = st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False) | st.text()
troubles = st.builds(
    Trouble,
    st.text(min_size=1),
    st.text(),
    traceback=st.text(),
    lineage=st.lists(st.text()),
    exit_code=st.none() | st.integers(-255, 255),
    signal=st.none() | st.text(),
    retryable=st.booleans(),
)
any_event = st.one_of(
    st.builds(e.RunStarted, seconds, seconds),
    st.builds(e.Started, seconds, nodes, st.integers(1, 9)),
    st.builds(e.Completed, seconds, nodes, seconds, scalars),
    st.builds(e.AttemptFailed, seconds, nodes, seconds, troubles),
    st.builds(e.AttemptTimedOut, seconds, nodes, seconds, troubles),
    st.builds(e.RetryPlanned, seconds, nodes, seconds),
    st.builds(e.Skipped, seconds, nodes, st.text(), nodes),
    st.builds(e.NodeCanceled, seconds, nodes, seconds, st.text()),
    st.builds(e.VariablesChanged, seconds, nodes, st.dictionaries(st.text(), scalars)),
    st.builds(e.RunPaused, seconds, st.text()),
    st.builds(e.RunEnded, seconds, st.sampled_from(["completed", "failed", "canceled"]), st.text(), nodes),
)


@given(st.lists(any_event))
def test_a_batch_comes_back_as_it_was(batch: list[e.Event]) -> None:
    assert decode_events(encode_events(batch)) == batch


def test_every_kind_of_event_has_a_tag_of_its_own_that_the_journal_can_read() -> None:
    kinds = e.AnyEvent.__args__
    assert len({kind.__struct_config__.tag for kind in kinds}) == len(kinds)
    assert set(kinds) == set(e.Event.__subclasses__())


def test_a_value_that_msgpack_cannot_hold_costs_only_itself() -> None:
    batch = [e.Completed(0.0, 0, 0.1, 1), e.Completed(0.0, 1, 0.1, 10**400), e.Completed(0.0, 2, 0.1, object())]
    first, second, third = decode_events(encode_events(batch))
    assert first == batch[0]
    assert second.value == Unwritable("an integer of 1329 bits")  # type: ignore[attr-defined]
    assert third.value == Unwritable("a value of type object")  # type: ignore[attr-defined]


def test_half_a_surrogate_pair_in_a_message_is_written_as_marks() -> None:
    batch = [e.AttemptFailed(0.0, 0, 0.1, Trouble("UnicodeError", "bad \udc80")), e.Completed(1.0, 1, 0.0, "\ud800")]
    first, second = decode_events(encode_events(batch))
    assert first.error.message == "bad \\udc80"  # type: ignore[attr-defined]
    assert second.value == "\\ud800"  # type: ignore[attr-defined]


def test_the_form_that_was_fixed_when_a_value_came_is_what_is_written() -> None:
    changing = [1]
    live = e.Live(changing, "one")
    changing.append(2)
    variables = MappingProxyType({"flag": True})
    first, second = decode_events(
        encode_events([e.Completed(0.0, 0, 0.1, live), e.VariablesChanged(0.0, 0, variables)])
    )
    assert first.value == "one"  # type: ignore[attr-defined]
    assert second.values == {"flag": True}  # type: ignore[attr-defined]


def test_a_value_that_only_the_projects_python_can_open_stays_closed() -> None:
    payload = Payload(PICKLE, b"\x80\x05never opened", (b"large part",), type="tasks.Row", preview="Row(1)")
    (found,) = decode_events(encode_events([e.Completed(0.0, 0, 0.1, payload)]))
    assert found.value == payload  # type: ignore[attr-defined]
    assert (found.value.type, found.value.preview) == ("tasks.Row", "Row(1)")  # type: ignore[attr-defined]


def test_of_a_value_too_large_for_a_journal_its_type_and_preview_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoding, "LARGEST_VALUE", 1000)
    huge = Payload(PICKLE, b"x" * 2_000_000, type="numpy.ndarray", preview="array of 2,000,000")
    (found,) = decode_events(encode_events([e.Completed(0.0, 0, 0.1, huge)]))
    assert found.value.size == 0  # type: ignore[attr-defined]
    assert found.value.type == "numpy.ndarray"  # type: ignore[attr-defined]
    assert found.value.preview == "2 MiB, too large for the journal: array of 2,000,000"  # type: ignore[attr-defined]
