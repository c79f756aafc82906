"""Attempts to messages for a child, and what a child says back to outcomes: pure, no process in sight.

What a child already has is not sent again: functions and Works go once, by number; the snapshot of variables when it is
another one. A value travels as it is where it is a short scalar, else as a packed tuple; see `child`.
"""

from __future__ import annotations

import marshal
from collections.abc import Mapping, Sequence
from typing import Any

from engine.attempt import COMPLETED, Attempt, Outcome, Trouble, Work
from engine.executors.frames import frame
from engine.forms import reference_of
from engine.payload import LARGE, SCALARS, NotPackable, Payload, is_scalar, pack, pack_function

DO = 0
MOST_KNOWN = 10_000
"""Works that a child is made to remember; then it forgets all and is told anew."""


class Functions:
    """Functions of Works in the form in which they are sent, made once for each function, for all children."""

    def __init__(self, *, same_python: bool, folder: str) -> None:
        self._same_python = same_python
        self._folder = folder
        self._forms: dict[int, tuple[Any, str | Payload, int]] = {}

    def form_of(self, work: Work) -> tuple[str | Payload, int]:
        """A reference, or the function by value and its number. Raises NotPackable."""
        function: Any = work.function
        if function is None:
            return work.reference or "", 0
        known = self._forms.get(id(function))
        if known is None or known[0] is not function:
            sealed = type(function) is Payload  # by another machine: it is opened in a child, and nowhere else
            form: str | Payload | None = function if sealed else reference_of(function)
            if form is None or not (sealed or self._same_python or self._is_ours(function)):
                form = pack_function(function, f"the task {work.name}")
            known = self._forms[id(function)] = (function, form, len(self._forms) + 1)
        return known[1], known[2]

    def _is_ours(self, function: Any) -> bool:
        code = getattr(function, "__code__", None)
        return code is not None and code.co_filename.startswith(self._folder)


class Told:
    """What one child has been told."""

    __slots__ = ("functions", "next_variables", "next_work", "variables", "works")

    def __init__(self) -> None:
        self.works: dict[int, tuple[int, Work]] = {}
        self.functions: set[int] = set()
        self.next_work = 0
        self.variables: Mapping[str, Any] | None = None
        self.next_variables = 0


class Batch:
    """Attempts for one child, becoming one message."""

    def __init__(self, told: Told, functions: Functions) -> None:
        self._told = told
        self._functions = functions
        self._parts: list[Any] = []
        self._works: list[tuple[int, dict[str, Any]]] = []
        self._variables: list[tuple[int, dict[str, Any]]] = []
        self._entries: list[tuple[Any, ...]] = []
        self._forget = len(told.works) > MOST_KNOWN
        if self._forget:
            told.works.clear()

    def add(self, serial: int, attempt: Attempt) -> None:
        """Add an attempt. Raises NotPackable, naming the argument, and leaves the batch as it was."""
        parts_before = len(self._parts)
        try:
            number = self._work_number(attempt.work)
            args: list[Any] = []
            kwargs: dict[str, Any] = {}
            sealed = False
            for index, value in enumerate(attempt.args):
                if type(value) in SCALARS and is_scalar(value):
                    args.append(value)
                else:
                    sealed = True
                    args.append(self._packed(value, f"argument {index + 1}"))
            for name, value in attempt.kwargs.items():
                if type(value) in SCALARS and is_scalar(value):
                    kwargs[name] = value
                else:
                    sealed = True
                    kwargs[name] = self._packed(value, f"argument {name}")
            variables = self._variables_number(attempt) if attempt.variables else 0
        except NotPackable:
            del self._parts[parts_before:]
            raise
        extra = _extra_of(attempt, sealed)
        self._entries.append(
            (serial, number, attempt.node, attempt.number, attempt.path, args, kwargs, variables, extra)
        )

    def __len__(self) -> int:
        return len(self._entries)

    def pieces(self) -> list[Any]:
        """The message, to be written."""
        return frame(marshal.dumps((DO, (self._forget, self._works, self._variables, self._entries)), 4), self._parts)

    def _work_number(self, work: Work) -> int:
        known = self._told.works.get(id(work))
        if known is not None and known[1] is work:
            return known[0]
        form, function_number = self._functions.form_of(work)
        fields: dict[str, Any] = {"kind": work.kind, "wants_context": work.wants_context, "name": work.name}
        if isinstance(form, str):
            fields["reference"] = form or None
        else:
            fields["function_number"] = function_number
            if function_number not in self._told.functions:
                self._told.functions.add(function_number)
                fields["sealed"] = self._payload(form)
        if work.kind != "task":
            fields.update(words=work.words, script=work.script, output=work.output, ok_codes=work.ok_codes)
        if work.env:
            fields["env"] = dict(work.env)
        if work.cwd:
            fields["cwd"] = work.cwd
        self._told.next_work += 1
        number = self._told.next_work
        self._told.works[id(work)] = (number, work)
        self._works.append((number, fields))
        return number

    def _variables_number(self, attempt: Attempt) -> int:
        told = self._told
        if attempt.work.wants_context is False:
            return 0
        if told.variables is not attempt.variables:
            values = {name: self._packed(value, f"variable {name}") for name, value in attempt.variables.items()}
            told.next_variables += 1
            told.variables = attempt.variables
            self._variables.append((told.next_variables, values))
        return told.next_variables

    def _packed(self, value: Any, name: str) -> Any:
        if type(value) is list and _holds_payload(value):
            return [self._packed(member, f"{name}[{index}]") for index, member in enumerate(value)]
        done = pack(value, name)
        return self._payload(done) if type(done) is Payload else done

    def _payload(self, payload: Payload) -> tuple[Any, ...]:
        data: Any = payload.data
        if len(data) > LARGE:
            self._parts.append(data)
            data = len(self._parts) - 1
        first = len(self._parts)
        self._parts.extend(payload.buffers)
        numbers = list(range(first, len(self._parts)))
        return (payload.tag, payload.type, payload.preview, payload.magic, data, numbers)


def _holds_payload(members: Sequence[Any]) -> bool:
    return any(type(member) is Payload or (type(member) is list and _holds_payload(member)) for member in members)


def _extra_of(attempt: Attempt, sealed: bool) -> dict[str, Any] | None:
    found = attempt._extra
    if not found and not sealed:
        return None
    extra = {name: value for name, value in (found or {}).items() if name != "epoch" and value is not None}
    extra["sealed"] = sealed
    if extra.get("words"):
        extra["words"] = list(extra["words"])
    if extra.get("env"):
        extra["env"] = dict(extra["env"])
    if "about" in extra:
        extra["about"] = _simple(extra["about"])
    return extra


def _simple(value: Any) -> Any:
    """What `ctx.node` tells, as data that any Python can read."""
    if isinstance(value, Mapping):
        return {str(key): _simple(member) for key, member in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_simple(member) for member in value]
    return value if type(value) in SCALARS else str(value)


# -- back -------------------------------------------------------------------------------------------------------------


def value_of(value: Any, parts: Sequence[bytes]) -> Any:
    """A value in a child's message: a list is a payload, anything else a scalar. Raises TypeError, IndexError."""
    if type(value) is not list:
        return value
    tag, kind, preview, magic, data, first, count = value
    if type(data) is int:
        data = parts[data]
    return Payload(int(tag), data, parts[first : first + count], str(kind), str(preview), int(magic))


def quick_outcome(attempt: Attempt, seconds: float, value: Any) -> Outcome:
    """The outcome in a quick answer: completed, with a scalar."""
    outcome = Outcome(attempt.node, attempt.number, COMPLETED, value, seconds)
    if attempt._extra is not None and attempt.epoch:
        outcome.epoch = attempt.epoch
    return outcome


def outcome_of(attempt: Attempt, message: Sequence[Any], parts: Sequence[bytes]) -> Outcome:
    """The outcome in a child's DONE message. Raises ValueError, TypeError, IndexError if it is none."""
    _, _, kind, seconds, value, error, writes, metrics, _, _ = message
    trouble = None
    if error is not None:
        type_, text, traceback, lineage, exit_code, signal, retryable = error
        trouble = Trouble(
            str(type_),
            str(text),
            traceback=str(traceback),
            lineage=[str(name) for name in lineage],
            exit_code=exit_code,
            signal=signal,
            retryable=bool(retryable),
        )
    outcome = Outcome(attempt.node, attempt.number, str(kind), value_of(value, parts), float(seconds), trouble)
    if writes:
        outcome.writes = {str(name): value_of(written, parts) for name, written in writes.items()}
    if metrics:
        outcome.metrics = {str(name): str(text) for name, text in metrics.items()}
    if attempt._extra is not None and attempt.epoch:
        outcome.epoch = attempt.epoch
    return outcome
