"""Attempts and outcomes to bytes for the wire, and back: both ends of it.

On the engine's side an attempt becomes a body (what its `Work` says, once per Work) and inputs (what this try adds); on
the agent's side they become a Work and an Attempt again, whose values stay sealed: only a child opens them. An outcome
goes back the same way. Short scalars are themselves; everything else is a `Payload`, an extension of msgpack here.

Parts of a payload that are longer than `protocol.INLINE` do not travel inside: they get a name, and the name travels.

What an agent says is not believed: an outcome is read with types checked, and whatever does not fit is a failure of
that attempt. Nothing here opens a payload.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct
from msgspec.msgpack import Ext

from agents import protocol
from agents.errors import SerializationError
from engine import attempt as words
from engine.attempt import Attempt, Outcome, Trouble, Work
from engine.executors.packing import Functions
from engine.payload import SCALARS, Payload, is_scalar, pack

PAYLOAD = 1
LONGEST_PREVIEW = 4096
KINDS = frozenset({words.COMPLETED, words.FAILED, words.TIMED_OUT, words.CANCELED, words.CRASHED, words.LOST})
_decode = msgspec.msgpack.Decoder().decode


class _Sealed(Struct, frozen=True, array_like=True):
    """A payload on the wire; a part is its bytes, or [name, length]."""

    tag: int
    type: str
    preview: str
    magic: int
    parts: list[bytes | tuple[bytes, int]]


_sealed = msgspec.msgpack.Decoder(_Sealed)
_seal = msgspec.msgpack.Encoder()


class Missing(SerializationError):
    """A large part was named that is not here."""


class Packer:
    """Payloads to bytes. Large parts are put aside under names; `taken()` gives those since the last call."""

    def __init__(self, prefix: bytes) -> None:
        self._prefix = prefix
        self._count = 0
        self._names: dict[int, tuple[Any, bytes]] = {}
        self._aside: dict[bytes, Any] = {}
        self.encode: Callable[[Any], bytes] = msgspec.msgpack.Encoder(enc_hook=self._hook).encode

    def taken(self) -> dict[bytes, Any]:
        """The large parts of what was encoded since the last call, by name."""
        aside, self._aside = self._aside, {}
        return aside

    def _hook(self, value: Any) -> Ext:
        if type(value) is not Payload:
            raise NotImplementedError
        parts: list[Any] = [self._part(part) for part in (value.data, *value.buffers)]
        return Ext(PAYLOAD, _seal.encode(_Sealed(value.tag, value.type, value.preview, value.magic, parts)))

    def _part(self, part: Any) -> Any:
        size = part.nbytes if isinstance(part, memoryview) else len(part)
        if size <= protocol.INLINE:
            return part if isinstance(part, bytes) else bytes(part)
        name = self.name_of(part)
        self._aside[name] = part if isinstance(part, bytes) else memoryview(part).cast("B")
        return (name, size)

    def name_of(self, part: Any) -> bytes:
        """The name of a large part: the same object keeps it, so that it travels once to each agent."""
        known = self._names.get(id(part))
        if known is None:
            if len(self._names) >= 64:
                self._names.clear()  # the objects themselves are held here, and should not be for ever
            self._count += 1
            known = self._names[id(part)] = (part, b"%s%d" % (self._prefix, self._count))
        return known[1]


class Unpacker:
    """Bytes to scalars and sealed payloads. `find(name)` gives a large part; it raises KeyError if there is none."""

    def __init__(self, find: Callable[[bytes], Any]) -> None:
        self._find = find
        self.decode: Callable[[Any], Any] = msgspec.msgpack.Decoder(ext_hook=self._hook).decode

    def _hook(self, code: int, data: memoryview) -> Payload:
        if code != PAYLOAD:
            raise msgspec.ValidationError(f"an extension of kind {code}")
        found = _sealed.decode(data)
        parts = [part if type(part) is bytes else self._fetch(*part) for part in found.parts]
        if not parts:
            raise msgspec.ValidationError("a value without bytes")
        return Payload(found.tag, parts[0], parts[1:], found.type[:256], found.preview[:LONGEST_PREVIEW], found.magic)

    def _fetch(self, name: bytes, size: int) -> Any:
        try:
            part = self._find(name)
        except KeyError:
            raise Missing(f"a part of {size:,} bytes did not arrive") from None
        if len(part) != size:
            raise Missing(f"a part of {size:,} bytes arrived with {len(part):,}")
        return part


# ---------------------------------------------------------------- the engine's side


def body_of(work: Work, functions: Functions) -> bytes:
    """What all attempts of a Work share, in one piece. Raises NotPackable if its function cannot travel."""
    form, _ = functions.form_of(work)
    fields: dict[str, Any] = {"kind": work.kind, "name": work.name}
    sealed = None
    if isinstance(form, str):
        fields["reference"] = form or None
    else:
        sealed = form.to_bytes()
    if work.kind != "task":
        fields.update(words=list(work.words), script=work.script, output=work.output, ok_codes=list(work.ok_codes))
    if work.env:
        fields["env"] = work.env
    if work.cwd:
        fields["cwd"] = work.cwd
    if work.wants_context is not None:
        fields["wants_context"] = work.wants_context
    return _seal.encode([sealed, fields])


class Inputs:
    """Encodes what an attempt adds to its Work. One per engine; remembers the last snapshot of variables."""

    def __init__(self, packer: Packer) -> None:
        self._packer = packer
        self._variables: tuple[Mapping[str, Any], Payload | None] | None = None

    def encode(self, attempt: Attempt) -> tuple[bytes, dict[bytes, Any] | None]:
        """The bytes, and the large parts they name. Raises NotPackable, naming the argument."""
        args = (
            [_ready(value, "argument", index + 1) for index, value in enumerate(attempt.args)] if attempt.args else ()
        )
        kwargs = {name: _ready(value, "argument", name) for name, value in attempt.kwargs.items()}
        variables = self._variables_of(attempt) if attempt.variables else None
        extra = _extra_of(attempt) if attempt._extra else None
        data = self._packer.encode((attempt.path, args, kwargs, variables, extra))
        return data, self._packer.taken() or None

    def _variables_of(self, attempt: Attempt) -> Payload | None:
        if attempt.work.wants_context is False:
            return None
        known = self._variables
        if known is None or known[0] is not attempt.variables:
            ready = {name: _ready(value, "variable", name) for name, value in attempt.variables.items()}
            known = self._variables = (attempt.variables, Payload(0, self._packer.encode(ready)))
        return known[1]


def _ready(value: Any, what: str, name: Any) -> Any:
    """A value as it is if it is a short scalar, else sealed; lists keep the payloads they hold."""
    kind = type(value)
    if kind is Payload or (kind in SCALARS and is_scalar(value)):
        return value
    if kind is list and _holds_payload(value):
        return [_ready(member, what, f"{name}[{index}]") for index, member in enumerate(value)]
    return pack(value, f"{what} {name}")


def _holds_payload(members: Sequence[Any]) -> bool:
    return any(type(one) is Payload or (type(one) is list and _holds_payload(one)) for one in members)


def _extra_of(attempt: Attempt) -> dict[str, Any] | None:
    extra: dict[str, Any] = {}
    if attempt.parts:
        extra["parts"] = {name: list(steps) for name, steps in attempt.parts.items()}
    if attempt.words:
        extra["words"] = list(attempt.words)
    if attempt.env:
        extra["env"] = dict(attempt.env)
    if attempt.cwd:
        extra["cwd"] = attempt.cwd
    if attempt.about:
        extra["about"] = _simple(attempt.about)
    return extra or None


def _simple(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _simple(member) for key, member in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_simple(member) for member in value]
    return value if type(value) in SCALARS else str(value)


def outcome_of(result: protocol.TaskResult, unpacker: Unpacker) -> Outcome:
    """The outcome that an agent tells of. What it says that is none becomes a failure of the attempt."""
    try:
        return _outcome_of(result, unpacker)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ValueError, TypeError, Missing) as problem:
        trouble = Trouble("MalformedResult", f"the agent sent a result that cannot be read: {problem}")
        return Outcome(result.node, result.number, words.FAILED, None, result.execution_time, trouble)


def _outcome_of(result: protocol.TaskResult, unpacker: Unpacker) -> Outcome:
    kind = result.kind if result.kind in KINDS else words.FAILED
    value = None
    if result.serialized_result is not None and kind == words.COMPLETED:
        value = unpacker.decode(result.serialized_result)
        if type(value) is not Payload and not (type(value) in SCALARS and is_scalar(value)):
            raise ValueError(f"a {type(value).__name__} where a value has to be sealed")
    error = None
    if (said := result.error) is not None:
        error = Trouble(
            said.type,
            said.message,
            traceback=said.traceback,
            lineage=said.lineage,
            exit_code=said.exit_code,
            signal=said.signal,
            retryable=said.retryable,
        )
    outcome = Outcome(result.node, result.number, kind, value, result.execution_time, error)
    if result.extras is not None:
        writes, metrics = unpacker.decode(result.extras)
        if writes:
            outcome.writes = {str(name): _scalar_or_payload(value) for name, value in _table(writes).items()}
        if metrics:
            outcome.metrics = {str(name): str(text) for name, text in _table(metrics).items()}
    return outcome


def _table(said: Any) -> dict[Any, Any]:
    if type(said) is not dict:
        raise ValueError(f"a {type(said).__name__} where names with values have to be")
    return said


def _scalar_or_payload(value: Any) -> Any:
    if type(value) is Payload or (type(value) in SCALARS and is_scalar(value)):
        return value
    raise ValueError(f"a {type(value).__name__} where a value has to be sealed")


# ---------------------------------------------------------------- the agent's side


def work_of(body: Any, timeout: float | None) -> Work:
    """The Work that a body describes; its function stays sealed."""
    sealed, fields = _decode(body)
    name = fields.pop("name", None)
    work = Work(timeout=timeout, **fields)
    if name:
        work.name = name
    if sealed is not None:
        work.function = Payload.from_bytes(sealed)  # type: ignore[assignment]
    return work


class Attempts:
    """Makes attempts of assignments. One per agent and session; Works and the last variables are kept."""

    def __init__(self, unpacker: Unpacker) -> None:
        self._unpacker = unpacker
        self._works: dict[tuple[int, float | None], Work] = {}
        self._variables: tuple[bytes, dict[str, Any]] = (b"", {})

    def forget(self) -> None:
        """Another engine: its bodies are other ones."""
        self._works.clear()

    def make(self, task: protocol.TaskAssignment, body: Any) -> Attempt:
        """The attempt of an assignment; `body` is the one that its `work` numbers."""
        key = (task.work, task.timeout)
        work = self._works.get(key)
        if work is None:
            work = self._works[key] = work_of(body, task.timeout)
        path, args, kwargs, variables, extra = self._unpacker.decode(task.inputs)
        snapshot: dict[str, Any] = {}
        if variables is not None:
            if self._variables[0] != variables.data:
                self._variables = (variables.data, self._unpacker.decode(variables.data))
            snapshot = self._variables[1]
        attempt = Attempt(task.node, task.number, work, args, kwargs, path, snapshot)
        if extra:
            for name, value in extra.items():
                setattr(attempt, name, value)
            if attempt.parts:
                attempt.parts = {name: tuple(steps) for name, steps in attempt.parts.items()}
        if any(type(one) not in SCALARS for one in args) or any(type(one) not in SCALARS for one in kwargs.values()):
            attempt.sealed = True
        return attempt


def result_of(outcome: Outcome, run: str, packer: Packer) -> tuple[protocol.TaskResult, dict[bytes, Any]]:
    """The message that tells of an outcome, and its large parts by name."""
    value = extras = None
    if outcome.value is not None:
        value = packer.encode(outcome.value)
    if outcome._extra and (outcome.writes or outcome.metrics):
        extras = packer.encode((outcome.writes, outcome.metrics))
    error = None
    if (said := outcome.error) is not None:
        error = protocol.Trouble(
            _cut(said.type, 1024),
            _cut(said.message, 16 << 10),
            _cut(said.traceback, 48 << 10),
            [_cut(name, 1024) for name in said.lineage[:32]],
            said.exit_code,
            said.signal,
            said.retryable,
        )
    aside = packer.taken()
    message = protocol.TaskResult(
        run,
        outcome.node,
        outcome.number,
        outcome.epoch,
        outcome.kind,
        value,
        outcome.seconds,
        error,
        list(aside),
        extras,
    )
    return message, aside


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[:most]}... ({len(text) - most:,} more characters)"
