"""`perform` calls node code the same way everywhere: whatever it does, an Outcome comes back."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Sequence
from functools import partial, wraps
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.attempt import CANCELED, COMPLETED, FAILED, Attempt, LogLines, MetricSet, News, Outcome, Progress, Work
from engine.call import wants_context
from engine.context import NodeView, Place, TaskCanceled, Variables
from engine.payload import Payload, pack
from engine.performer import perform


def attempt_of(function: Any, *args: Any, work: Work | None = None, **kwargs: Any) -> Attempt:
    return Attempt(3, 2, work or Work(function=function), args, kwargs, "load", {"threshold": 5})


class Listener:
    """A place whose news are kept."""

    def __init__(self, folder: Path | None = None) -> None:
        self.news: list[News] = []
        scratch = str(folder / "scratch") if folder else ""
        self.place = Place(run="R-7", scratch=scratch, tell=self.tell, settles=True, folder=str(folder or ""))

    def tell(self, news: Sequence[News]) -> None:
        self.news.extend(news)


# -- calling ----------------------------------------------------------------------------------------------------------


def test_a_plain_call_gives_the_value_and_names_the_attempt() -> None:
    outcome = perform(attempt_of(lambda a, b: a - b, 7, b=2))
    assert (outcome.node, outcome.number, outcome.kind, outcome.value) == (3, 2, COMPLETED, 5)
    assert outcome.error is None
    assert outcome.writes is None
    assert outcome.seconds >= 0.0


@given(st.lists(st.integers()), st.dictionaries(st.text(min_size=1), st.integers()))
def test_arguments_arrive_as_they_were_given(args: list[int], kwargs: dict[str, int]) -> None:
    def echo(*a: int, **k: int) -> Any:
        return a, k

    attempt = Attempt(0, 1, Work(function=echo), args, kwargs, "n", {})
    assert perform(attempt).value == (tuple(args), kwargs)


def test_a_function_is_found_by_its_reference() -> None:
    attempt = attempt_of(None, "a/b", work=Work(reference="posixpath:basename"))
    assert perform(attempt).value == "b"


def test_an_async_function_is_awaited() -> None:
    async def later(value: int) -> int:
        await asyncio.sleep(0)
        return value

    assert perform(attempt_of(later, 5)).value == 5


def test_the_same_attempt_can_be_performed_again() -> None:
    attempt = attempt_of(lambda ctx, x: x, x=1)
    assert perform(attempt).value == 1
    assert perform(attempt).value == 1
    assert attempt.kwargs == {"x": 1}


class Asking:
    def __call__(self, ctx: Any) -> None: ...

    def method(self, ctx: Any) -> None: ...


def decorated(function: Any) -> Any:
    @wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    return wrapper


@pytest.mark.parametrize(
    ("function", "wants"),
    [
        (lambda ctx: 1, True),
        (lambda *, ctx: 1, True),
        (lambda a, ctx=None: 1, True),
        (lambda context: 1, False),
        (lambda *ctx: 1, False),
        (Asking(), True),
        (Asking().method, True),
        (decorated(lambda ctx: 1), True),
        (partial(lambda a, ctx: 1, 2), True),
        (len, False),
        (dict, False),
    ],
    ids=[
        "yes",
        "keyword",
        "default",
        "other name",
        "star",
        "callable",
        "method",
        "decorated",
        "partial",
        "builtin",
        "class",
    ],
)
def test_who_has_a_parameter_ctx_gets_a_context(function: Any, wants: bool) -> None:
    assert wants_context(function) is wants


# -- failing ----------------------------------------------------------------------------------------------------------


class Custom(KeyError):
    pass


class Ugly(Exception):
    def __str__(self) -> str:
        raise SystemExit("even this")


def raises(problem: BaseException) -> Any:
    def task() -> None:
        raise problem

    return task


@pytest.mark.parametrize(
    "problem",
    [
        ValueError("x"),
        Custom("k"),
        SystemExit(2),
        KeyboardInterrupt(),
        GeneratorExit(),
        MemoryError(),
        Ugly(),
        StopIteration(5),
    ],
    ids=lambda problem: type(problem).__name__,
)
def test_whatever_is_raised_becomes_a_failed_outcome(problem: BaseException) -> None:
    outcome = perform(attempt_of(raises(problem)))
    assert outcome.kind == FAILED
    assert outcome.value is None
    assert outcome.error is not None
    assert outcome.error.type.endswith(type(problem).__name__)


def test_names_of_base_classes_are_told_for_retry_rules() -> None:
    error = perform(attempt_of(raises(Custom("k")))).error
    assert error is not None
    assert error.lineage == ("KeyError", "LookupError", "Exception", "BaseException")


def test_the_exit_code_of_sys_exit_is_told() -> None:
    for code, told in ((3, 3), (None, 0), ("text", 1)):
        error = perform(attempt_of(raises(SystemExit(code)))).error
        assert error is not None
        assert error.exit_code == told


def test_causes_are_printed_and_our_frames_are_not() -> None:
    def inner() -> None:
        raise LookupError("first")

    def outer() -> None:
        try:
            inner()
        except LookupError as problem:
            raise ValueError("second") from problem

    error = perform(attempt_of(outer)).error
    assert error is not None
    assert "LookupError: first" in error.traceback
    assert "direct cause" in error.traceback
    assert "engine/performer" not in error.traceback


def test_a_deep_recursion_is_a_failure_with_a_short_traceback() -> None:
    def down(n: int) -> int:
        return down(n + 1)

    error = perform(attempt_of(down, 0)).error
    assert error is not None
    assert error.type == "RecursionError"
    assert len(error.traceback) < 25_000


def test_text_that_is_no_unicode_is_made_so() -> None:
    error = perform(attempt_of(raises(ValueError("\ud800")))).error
    assert error is not None
    error.message.encode("utf-8")
    error.traceback.encode("utf-8")


def test_a_canceled_task_is_canceled_and_not_failed() -> None:
    assert perform(attempt_of(raises(TaskCanceled()))).kind == CANCELED


@pytest.mark.parametrize(
    ("reference", "words"),
    [
        ("no_such_module:f", "no_such_module"),
        ("posixpath:basenam", "did you mean basename"),
        ("posixpath:sep", "a function is needed"),
        ("posixpath:join.deeper", "has no 'join.deeper'"),
    ],
)
def test_a_function_that_cannot_be_had_is_named_and_not_tried_again(reference: str, words: str) -> None:
    error = perform(attempt_of(None, work=Work(reference=reference))).error
    assert error is not None
    assert words in error.message
    assert not error.retryable


# -- sealed arguments and fields --------------------------------------------------------------------------------------


def echo(*args: Any, **kwargs: Any) -> Any:
    return args, kwargs


def test_sealed_arguments_are_opened_also_inside_lists() -> None:
    attempt = attempt_of(echo, pack((1, 2)), rows=[pack([1]), 2, [pack({3})]])
    attempt.sealed = True
    assert perform(attempt).value == (((1, 2),), {"rows": [[1], 2, [{3}]]})


class Thing:
    def __init__(self) -> None:
        self.name = "attribute"
        self.items = ["first", "second"]


@pytest.mark.parametrize(
    ("value", "steps", "taken"),
    [
        ({"a": {"b": 1}}, ("a", "b"), 1),
        ({"items": 5}, ("items",), 5),
        ([10, [20, 30]], (1, 0), 20),
        (Thing(), ("name",), "attribute"),
        (Thing(), ("items", 1), "second"),
        ({"any key": 1}, ("any key",), 1),
    ],
    ids=["keys", "key before attribute", "indices", "attribute", "both", "any key"],
)
def test_fields_are_keys_then_attributes_then_indices(value: Any, steps: tuple[Any, ...], taken: Any) -> None:
    attempt = attempt_of(lambda x: x, x=value)
    attempt.parts = {"x": steps}
    assert perform(attempt).value == taken


@pytest.mark.parametrize("steps", [("missing",), (5,), ("a", "b")])
def test_a_missing_field_names_the_argument(steps: tuple[Any, ...]) -> None:
    attempt = attempt_of(lambda x: x, x={"a": 1})
    attempt.parts = {"x": steps}
    outcome = perform(attempt)
    assert outcome.error is not None
    assert "argument 'x'" in outcome.error.message


# -- the context ------------------------------------------------------------------------------------------------------


@pytest.mark.seed("S7")
def test_variables_are_typed_like_a_downcast() -> None:
    variables = Variables({"n": 5, "name": "x"})
    assert variables.get("n", int) == 5
    assert variables.get("n", str) is None
    assert variables.get("n", str, "default") == "default"
    assert variables.get("missing", int, 7) == 7
    assert variables.require("name", str) == "x"
    with pytest.raises(TypeError, match="'n' is an int, and a str is needed"):
        variables.require("n", str)
    with pytest.raises(KeyError, match="missing"):
        variables.require("missing")


@given(st.dictionaries(st.text(), st.integers()), st.lists(st.dictionaries(st.text(), st.integers())))
def test_variables_are_a_snapshot_with_what_was_written_on_top(
    before: dict[str, int], written: list[dict[str, int]]
) -> None:
    variables = Variables(before)
    model = dict(before)
    for values in written:
        variables.update(values)
        model.update(values)
    assert variables.snapshot() == model
    assert dict(before) == before
    assert variables.writes == {key: model[key] for values in written for key in values}
    assert sorted(variables) == sorted(model)
    assert len(variables) == len(model)


@pytest.mark.seed("S7")
def test_variables_can_be_written_by_many_threads() -> None:
    variables = Variables({})

    def write(name: str) -> None:
        for n in range(500):
            variables.set(f"{name}-{n}", n)
            variables.snapshot()

    threads = [threading.Thread(target=write, args=(str(n),)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(variables) == 2000


def test_names_of_variables_are_text() -> None:
    with pytest.raises(TypeError, match="names of variables are text"):
        Variables({}).set(5, 1)  # type: ignore[arg-type]


def test_writes_come_with_a_completed_outcome_and_never_with_a_failed_one() -> None:
    def task(ctx: Any, fail: bool) -> None:
        ctx.variables.set("seen", ctx.variables.get("threshold") + 1)
        if fail:
            raise ValueError

    assert perform(attempt_of(task, fail=False)).writes == {"seen": 6}
    assert perform(attempt_of(task, fail=True)).writes is None


def test_sealed_variables_are_opened_for_the_task() -> None:
    attempt = attempt_of(lambda ctx: ctx.variables.get("rows"))
    attempt.variables = {"rows": pack([1, (2,)])}
    assert isinstance(attempt.variables["rows"], Payload)
    assert perform(attempt).value == [1, (2,)]


def test_progress_and_metrics_are_told_while_the_task_runs() -> None:
    listener = Listener()

    def task(ctx: Any) -> list[str]:
        ctx.report(0.5, "half")
        ctx.set_metric("rows", 344)
        return [type(piece).__name__ for piece in listener.news]

    outcome = perform(attempt_of(task), listener.place)
    assert outcome.value == ["Progress", "MetricSet"]
    assert [(piece.fraction, piece.text) for piece in listener.news if isinstance(piece, Progress)] == [(0.5, "half")]
    assert [(piece.name, piece.text) for piece in listener.news if isinstance(piece, MetricSet)] == [("rows", "344")]
    assert outcome.metrics == {"rows": "344"}
    assert all((piece.node, piece.number) == (3, 2) for piece in listener.news)


def test_a_flood_of_progress_is_thinned_and_the_last_word_is_told() -> None:
    listener = Listener()

    def task(ctx: Any) -> None:
        for n in range(20_000):
            ctx.report(n / 10_000, str(n))
            ctx.set_metric("n", n)

    outcome = perform(attempt_of(task), listener.place)
    assert len(listener.news) < 5_000
    assert [piece.text for piece in listener.news if isinstance(piece, Progress)][-1] == "19999"
    assert [piece.text for piece in listener.news if isinstance(piece, MetricSet)][-1] == "19999"
    assert max(piece.fraction or 0 for piece in listener.news if isinstance(piece, Progress)) == 1.0
    assert outcome.metrics == {"n": "19999"}


def test_metrics_of_a_failed_attempt_are_kept() -> None:
    def task(ctx: Any) -> None:
        ctx.set_metric("rows", "1")
        raise ValueError

    assert perform(attempt_of(task)).metrics == {"rows": "1"}


@pytest.mark.seed("S8")
def test_records_of_the_logger_carry_run_and_node(caplog: pytest.LogCaptureFixture) -> None:
    listener = Listener()

    def task(ctx: Any) -> None:
        ctx.logger.info("found %d rows", 5)
        ctx.logger.warning("two\nlines", extra={"mine": 1})

    with caplog.at_level(logging.INFO):
        perform(attempt_of(task), listener.place)
    assert [(record.run, record.node, record.message) for record in caplog.records] == [  # type: ignore[attr-defined]
        ("R-7", "load", "found 5 rows"),
        ("R-7", "load", "two\nlines"),
    ]
    lines = [line for piece in listener.news if isinstance(piece, LogLines) for line in piece.lines]
    assert lines == ["INFO found 5 rows", "WARNING two", "WARNING lines"]


@pytest.mark.seed("S40")
@pytest.mark.parametrize("level", ["debug", "info", "warning", "error", "critical"])
def test_every_level_of_the_logger_reaches_the_log(level: str) -> None:
    listener = Listener()
    perform(attempt_of(lambda ctx: getattr(ctx.logger, level)("said")), listener.place)
    assert [piece.lines for piece in listener.news if isinstance(piece, LogLines)] == [[f"{level.upper()} said"]]


@pytest.mark.seed("S253", "S254")
def test_a_node_sees_itself_and_can_change_nothing() -> None:
    attempt = attempt_of(lambda ctx: ctx.node)
    attempt.about = {"level": 1, "upstream": ["a"], "downstream": ["b", "c"], "metrics": {"failures": 2}}
    node = perform(attempt).value
    assert isinstance(node, NodeView)
    assert (node.id, node.attempt, node.state, node.level) == ("load", 2, "running", 1)
    assert (node.upstream, node.downstream, node.metrics) == (("a",), ("b", "c"), {"failures": 2})
    with pytest.raises(AttributeError, match="read-only"):
        node.level = 5
    assert attempt.about["metrics"] == {"failures": 2}


@pytest.mark.parametrize("fail", [False, True])
def test_the_scratch_folder_is_empty_and_goes_with_the_attempt(tmp_path: Path, fail: bool) -> None:
    listener = Listener(tmp_path)
    seen: list[Path] = []

    def task(ctx: Any) -> None:
        seen.append(ctx.scratch)
        assert list(ctx.scratch.iterdir()) == []
        (ctx.scratch / "locked").mkdir()
        (ctx.scratch / "locked" / "file").write_text("x")
        (ctx.scratch / "locked").chmod(0o500)
        if fail:
            raise ValueError

    perform(attempt_of(task), listener.place)
    assert seen[0].parent == tmp_path / "scratch"
    assert not seen[0].exists()


def test_a_task_that_wants_no_scratch_folder_leaves_no_trace(tmp_path: Path) -> None:
    perform(attempt_of(lambda ctx: 1), Listener(tmp_path).place)
    assert list(tmp_path.iterdir()) == []


def test_a_checkpoint_asks_the_place() -> None:
    listener = Listener()
    asked: list[Outcome | Attempt] = []

    def pause_point(attempt: Attempt) -> None:
        asked.append(attempt)
        if len(asked) == 3:
            raise TaskCanceled

    listener.place.pause_point = pause_point

    def task(ctx: Any) -> None:
        while True:
            ctx.checkpoint()

    assert perform(attempt_of(task), listener.place).kind == CANCELED
    assert len(asked) == 3
