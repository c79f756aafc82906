"""Every error says what happened, to what, and can be written down."""

from __future__ import annotations

import json

import pytest

from engine.errors import (
    Canceled,
    CustomError,
    CycleDetected,
    ExecutionFailed,
    InvalidTransition,
    NetworkError,
    NodeNotFound,
    NotReady,
    SystemFailure,
    ValidationFailed,
    WorkflowError,
    WorkflowTimeout,
)

EXAMPLES = [
    WorkflowError("something", node_id="a"),
    NodeNotFound("loda", ["load", "clean"]),
    ExecutionFailed("load: KeyError: 'x'", node_id="load", error_type="KeyError", traceback="Traceback ..."),
    ValidationFailed("cannot run", ["finding one"]),
    CycleDetected(["a", "b", "a"]),
    WorkflowTimeout(30.0, 31.5, node_id="slow"),
    NotReady("not now"),
    InvalidTransition("ready", "completed", node_id="a"),
    NetworkError("no answer"),
    SystemFailure("no space", errno=28),
    Canceled("by you"),
]


@pytest.mark.seed("S28", "S29", "S30", "S31", "S32", "S33", "S34", "S35", "S36", "S37")
@pytest.mark.parametrize("error", EXAMPLES, ids=lambda error: type(error).__name__)
def test_an_error_becomes_plain_data_with_its_type_message_and_node(error: WorkflowError) -> None:
    told = json.loads(json.dumps(error.to_dict()))
    assert told["type"] == type(error).__name__
    assert told["message"] == str(error) != ""
    assert told["node_id"] == error.node_id
    assert told["retryable"] is error.retryable


@pytest.mark.seed("S29")
def test_a_missing_node_names_what_comes_near() -> None:
    error = NodeNotFound("laod", ["load", "clean"])
    assert error.near == ["load"]
    assert "did you mean load" in str(error)


@pytest.mark.seed("S32")
def test_a_timeout_carries_its_limit_and_hides_no_builtin() -> None:
    error = WorkflowTimeout(2.0, 2.5)
    assert (error.limit, error.elapsed) == (2.0, 2.5)
    assert not isinstance(error, TimeoutError)


@pytest.mark.seed("S36")
def test_a_long_cycle_is_named_in_part_and_kept_whole() -> None:
    error = CycleDetected([f"n{i}" for i in range(100)] + ["n0"])
    assert len(error.cycle) == 101
    assert len(str(error)) < 200


@pytest.mark.seed("S38")
def test_errors_of_users_register_a_code_once() -> None:
    class QuotaSpent(CustomError, code="quota-test"):
        """No quota left."""

    assert CustomError.registry["quota-test"] is QuotaSpent
    assert QuotaSpent("no more").to_dict()["code"] == "quota-test"
    with pytest.raises(ValueError, match="is taken by QuotaSpent"):
        type("Other", (CustomError,), {}, code="quota-test")
    del CustomError.registry["quota-test"]


@pytest.mark.seed("S37")
def test_canceled_is_not_the_one_of_asyncio() -> None:
    import asyncio

    assert not issubclass(Canceled, asyncio.CancelledError)
