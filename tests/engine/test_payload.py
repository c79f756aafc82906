"""What becomes bytes comes back as it was, or is refused with the name of the object that resists."""

from __future__ import annotations

import ast
import math
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine import plain
from engine.forms import CLOUDPICKLE, DILL, DILL_RECURSE, PICKLE, PLAIN, magic_number, reference_of
from engine.payload import (
    NotOpenable,
    NotPackable,
    Payload,
    open_payload,
    open_plain,
    open_sealed,
    pack,
    pack_function,
    record_of,
)
from engine.preview import WIDTH, preview_of
from tests.engine import kinds

ROOT = Path(__file__).resolve().parents[2]

scalars = st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats() | st.text() | st.binary()
plain_data = st.recursive(scalars, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=30)


def same(a: Any, b: Any) -> bool:
    """Equal, of the same types all the way down, NaN equal to itself."""
    if type(a) is not type(b):
        return False
    if isinstance(a, list):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict):
        return list(a) == list(b) and all(same(a[key], b[key]) for key in a)
    if isinstance(a, float):
        return (math.isnan(a) and math.isnan(b)) or (a == b and math.copysign(1, a) == math.copysign(1, b))
    return bool(a == b)


# -- plain data -------------------------------------------------------------------------------------------------------


@given(plain_data)
def test_plain_data_comes_back_with_its_types(value: Any) -> None:
    assert plain.is_plain(value)
    assert same(plain.decode(plain.encode(value)), value)


@given(plain_data)
def test_both_codecs_write_the_same_bytes_and_read_each_others(value: Any) -> None:
    ours = plain.encode_here(value)
    assert ours == msgspec.msgpack.encode(value)
    assert same(plain.decode_here(ours), value)


@given(st.binary(max_size=60))
def test_our_codec_refuses_what_is_not_its_own_and_never_hangs(data: bytes) -> None:
    try:
        value = plain.decode_here(data)
    except plain.NotPlain:
        return
    assert plain.is_plain(value) or isinstance(value, (dict, list))


@pytest.mark.parametrize(
    "data",
    [b"", b"\xdd\xff\xff\xff\xff", b"\xc6\xff\xff\xff\xff", b"\x91" * 100_000, b"\xc1", b"\x00\x00", b"\x81\x90\x00"],
    ids=["nothing", "4 G items", "4 GB", "deep", "reserved", "too long", "list as key"],
)
def test_hostile_bytes_are_refused_at_once(data: bytes) -> None:
    began = time.monotonic()
    with pytest.raises(plain.NotPlain):
        plain.decode_here(data)
    assert time.monotonic() - began < 5.0


def cycle() -> Any:
    made: list[Any] = []
    made.append(made)
    return made


def diamonds() -> Any:
    made: list[Any] = []
    for _ in range(100):
        made = [made, made]
    return made


class Text(str):
    pass


@pytest.mark.parametrize(
    "value",
    [
        (1,),
        {1},
        {1: 2},
        2**64,
        [Text("x")],
        {Text("k"): 1},
        bytearray(b"x"),
        1j,
        "\ud800",
        True + 0j,
        cycle(),
        diamonds(),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_msgpack_would_change_goes_another_way(value: Any) -> None:
    packed = pack(value)
    assert isinstance(packed, Payload)
    assert packed.tag == PICKLE
    assert type(open_payload(packed)) is type(value)


def test_a_cycle_comes_back_as_a_cycle() -> None:
    packed = pack(cycle())
    assert isinstance(packed, Payload)
    back = open_payload(packed)
    assert back[0] is back


@pytest.mark.parametrize("value", [None, True, 0, -1, 2**63 - 1, 1.5, "", "text", "\u00fc" * 4096])
def test_short_scalars_travel_as_they_are(value: Any) -> None:
    assert pack(value) is value


def test_long_text_becomes_a_payload() -> None:
    packed = pack("x" * 5000)
    assert isinstance(packed, Payload)
    assert open_plain(packed) == "x" * 5000


# -- the ladder -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def arrived(tmp_path_factory: pytest.TempPathFactory) -> tuple[set[str], str]:
    """The kinds that a script packed and another process, which is not that script, opened; and what went wrong."""
    folder = tmp_path_factory.mktemp("kinds")
    script = Path(kinds.__file__ or "")
    path = {"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"}
    receive = f"import sys; sys.path.insert(0, {str(script.parent)!r}); import kinds; kinds.receive({str(folder)!r})"
    told = ""
    for words in ([str(script), str(folder)], ["-c", receive]):
        done = subprocess.run(
            [sys.executable, *words], env=path, cwd=folder, capture_output=True, text=True, check=True
        )
        told += done.stdout
    return set(ast.literal_eval((folder / "good.txt").read_text(encoding="utf-8"))), told


@pytest.mark.parametrize("kind", sorted(kinds.KINDS))
def test_every_kind_of_object_arrives_in_another_process(arrived: tuple[set[str], str], kind: str) -> None:
    good, told = arrived
    assert kind in good, [line for line in told.splitlines() if kind in line]


def test_enough_kinds_are_tried() -> None:
    assert len(kinds.KINDS) >= 96


@pytest.mark.parametrize("kind", sorted(kinds.REFUSED))
@pytest.mark.filterwarnings("ignore:coroutine")
def test_what_belongs_to_its_process_is_refused_within_a_second(kind: str) -> None:
    value = kinds.REFUSED[kind]()
    began = time.monotonic()
    try:
        with pytest.raises(NotPackable) as refused:
            pack({"held": [value]})
    finally:
        if hasattr(value, "close"):
            value.close()
    assert time.monotonic() - began < 5.0
    assert refused.value.where.startswith('result["held"][0]')


def test_numpy_arrays_travel_without_being_copied_into_the_pickle() -> None:
    numpy = pytest.importorskip("numpy")
    array = numpy.arange(100_000.0)
    packed = pack(array)
    assert isinstance(packed, Payload)
    assert packed.tag == PICKLE
    assert len(packed.data) < 1000
    assert packed.size > 800_000
    back = open_payload(packed)
    assert (back == array).all()
    back[0] = 5.0  # writable, as it was


# -- who is to blame --------------------------------------------------------------------------------------------------


class Holder:
    def __init__(self, **fields: Any) -> None:
        self.__dict__.update(fields)


class Slots:
    __slots__ = ("inner",)

    def __init__(self, inner: Any) -> None:
        self.inner = inner


def raising(problem: BaseException) -> Any:
    class Hostile:
        def __reduce_ex__(self, protocol: Any) -> Any:
            raise problem

    return Hostile()


LOCK = threading.Lock()


@pytest.mark.parametrize(
    ("value", "where", "kind"),
    [
        (LOCK, "result", "_thread.lock"),
        ([1, LOCK], "result[1]", "_thread.lock"),
        ((1, (LOCK,)), "result[1][0]", "_thread.lock"),
        ({"rows": [1, 2, 3, Holder(lock=LOCK)]}, 'result["rows"][3].lock', "_thread.lock"),
        (Slots(LOCK), "result.inner", "_thread.lock"),
        (Holder(a=Holder(b=Slots([LOCK]))), "result.a.b.inner[0]", "_thread.lock"),
        ({(1, 2): LOCK}, "result[<tuple>]", "_thread.lock"),
        ({5: LOCK}, "result[5]", "_thread.lock"),
        ([Holder(x=raising(ValueError("no")))], "result[0].x", "raising.Hostile"),
        ([raising(SystemExit(3))], "result[0]", "raising.Hostile"),
        ([raising(RecursionError())], "result[0]", "raising.Hostile"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_the_object_is_named_with_the_way_to_it(value: Any, where: str, kind: str) -> None:
    with pytest.raises(NotPackable) as refused:
        pack(value)
    assert refused.value.where == where
    assert refused.value.kind.endswith(kind)
    assert str(refused.value).startswith(f"{where}: ")


def test_a_value_nested_very_deep_is_refused_quickly() -> None:
    value: Any = []
    for _ in range(100_000):
        value = [value]
    began = time.monotonic()
    with pytest.raises(NotPackable, match="nested too deep"):
        pack(value)
    assert time.monotonic() - began < 5.0


def test_the_way_through_a_wide_value_is_found_quickly() -> None:
    value = {"rows": [{"n": n} for n in range(20_000)]}
    value["rows"][15_000]["guard"] = LOCK  # type: ignore[index]
    began = time.monotonic()
    with pytest.raises(NotPackable) as refused:
        pack(value)
    assert refused.value.where == 'result["rows"][15000]["guard"]'
    assert time.monotonic() - began < 10.0


# -- functions --------------------------------------------------------------------------------------------------------


def test_functions_of_modules_are_named_and_others_are_sent() -> None:
    assert reference_of(json_dumps) == "json:dumps"
    assert reference_of(lambda: 1) is None
    assert reference_of(Holder(a=1)) is None


from json import dumps as json_dumps  # noqa: E402


def test_a_function_by_value_takes_along_what_it_needs() -> None:
    factor = 3

    def times(value: int) -> int:
        with LOCK:
            return value * factor

    sent = pack_function(times)
    assert sent.tag in (DILL, DILL_RECURSE, CLOUDPICKLE)
    assert sent.magic == magic_number()
    assert open_payload(sent)(5) == 15


def test_code_of_another_python_is_refused_before_it_is_loaded() -> None:
    sent = pack_function(lambda: 1)
    other = Payload(sent.tag, b"this would crash", (), "function", "", magic=3495 if magic_number() != 3495 else 3531)
    with pytest.raises(NotOpenable, match=r"Python 3\.1[12].*module of the project"):
        open_payload(other)


# -- payloads as things -----------------------------------------------------------------------------------------------


@given(st.binary(max_size=200), st.lists(st.binary(max_size=50), max_size=3), st.text(max_size=20), st.integers(0, 5))
def test_a_payload_survives_as_one_piece_of_bytes(data: bytes, buffers: list[bytes], text: str, tag: int) -> None:
    text = text.encode("utf-8", "replace").decode("utf-8")
    first = Payload(tag, data, buffers, text, text, 3495)
    second = Payload.from_bytes(first.to_bytes())
    assert (second.tag, second.data, second.buffers) == (first.tag, first.data, tuple(map(bytes, first.buffers)))
    assert (second.type, second.preview, second.magic, second.size) == (text, text, 3495, first.size)
    assert second == first
    assert hash(second) == hash(first)


@settings(max_examples=200)
@given(st.data())
def test_a_damaged_payload_is_refused_or_has_another_digest(data: st.DataObject) -> None:
    blob = bytearray(Payload(PLAIN, plain.encode([1, "two"]), (), "list", "[1, 'two']").to_bytes())
    whole = Payload.from_bytes(bytes(blob))
    at = data.draw(st.integers(0, len(blob) - 1))
    cut = data.draw(st.booleans())
    if cut:
        del blob[at:]
    else:
        blob[at] ^= data.draw(st.integers(1, 255))
    try:
        read = Payload.from_bytes(bytes(blob))
    except NotOpenable:
        return
    same_head = (read.type, read.preview, read.magic) == (whole.type, whole.preview, whole.magic)
    assert read != whole or not same_head


def test_the_engine_opens_plain_data_only() -> None:
    packed = pack((1, 2))
    assert isinstance(packed, Payload)
    with pytest.raises(NotOpenable, match="only where tasks run"):
        open_plain(packed)
    assert open_sealed([1, [packed], "x"]) == [1, [(1, 2)], "x"]


def test_the_record_of_a_live_value_runs_none_of_its_code() -> None:
    assert record_of(5) == 5
    plain_one = record_of({"a": [1]})
    assert isinstance(plain_one, Payload)
    assert open_plain(plain_one) == {"a": [1]}
    opaque = record_of(raising(ValueError()))
    assert isinstance(opaque, Payload)
    assert opaque.data == b""
    with pytest.raises(NotOpenable, match="stayed in the process"):
        open_payload(opaque)


# -- previews ---------------------------------------------------------------------------------------------------------


class Talkative:
    def __repr__(self) -> str:
        raise AssertionError("nobody asked")

    __str__ = __repr__

    def __len__(self) -> int:
        raise AssertionError("nobody asked")

    def __getattr__(self, name: str) -> Any:
        raise AssertionError("nobody asked")


@given(st.recursive(scalars | st.sets(st.integers()) | st.tuples(st.text()), st.lists, max_leaves=50))
def test_previews_are_short_single_lines_without_control_characters(value: Any) -> None:
    text = preview_of(value)
    assert len(text) <= WIDTH
    assert text.isprintable()


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ([1, 2], "[1, 2]"),
        (list(range(100)), "[0, 1, 2, 3, 4, 5, ... 94 more]"),
        ({"a": "\x1b[31m"}, "{'a': '\\x1b[31m'}"),
        (Talkative(), "Talkative>"),
        ([Talkative()], "Talkative>]"),
        (2**5000, "<int of 5001 bits>"),
        (b"x" * 1000, "<1000 bytes>"),
    ],
    ids=["list", "long", "escape", "object", "inside", "int", "bytes"],
)
def test_previews_spell_plain_data_and_name_the_rest(value: Any, text: str) -> None:
    assert preview_of(value).endswith(text)
