"""A pool of agents: calls of every kind arrive, crashes are told and survived, nothing is left behind."""

from __future__ import annotations

import collections
import dataclasses
import datetime
import decimal
import enum
import fractions
import functools
import itertools
import operator
import os
import pathlib
import re
import signal
import subprocess
import sys
import textwrap
import threading
import time
import uuid
from concurrent.futures import TimeoutError as FuturesTimeout

import numpy
import pytest

from agents.pool import AgentPool, WorkerCrashed
from engine.errors import ExecutionFailed

OFFSET = 100


@pytest.fixture(scope="module")
def pool():
    with AgentPool(2) as one:
        yield one


def square(x):
    return x * x


def add_offset(x):
    return x + OFFSET


def factorial(n):
    return 1 if n < 2 else n * factorial(n - 1)


@pytest.mark.seed("S112")
def test_functions_of_every_kind_can_be_called(pool):
    captured = 5
    calls = {
        "module's": (square, (3,), 9),
        "with a global": (add_offset, (1,), 101),
        "recursive": (factorial, (5,), 120),
        "lambda": (lambda x: x + 1, (1,), 2),
        "closure": (lambda x: x + captured, (1,), 6),
        "partial": (functools.partial(operator.mul, 3), (4,), 12),
        "builtin": (pow, (2, 8), 256),
        "bound method": ("a-b".split, ("-",), ["a", "b"]),
        "method of a class": (collections.Counter("aab").most_common, (1,), [("a", 2)]),
        "class": (fractions.Fraction, (1, 3), fractions.Fraction(1, 3)),
        "operator": (operator.itemgetter(1), ([7, 8],), 8),
    }
    futures = {name: pool.submit(function, *args) for name, (function, args, _) in calls.items()}
    assert {name: future.result(30) for name, future in futures.items()} == {
        name: expected for name, (_, _, expected) in calls.items()
    }


class Color(enum.Enum):
    RED = 1


class Permission(enum.Flag):
    READ = 1
    WRITE = 2


@dataclasses.dataclass
class Point:
    x: int
    y: int = 0


@dataclasses.dataclass(frozen=True, slots=True)
class Frozen:
    x: int


class Pair(tuple):
    __slots__ = ()


Named = collections.namedtuple("Named", "a b")
LocalPoint = dataclasses.make_dataclass("LocalPoint", ["x"])


class Slotted:
    __slots__ = ("x",)

    def __init__(self, x):
        self.x = x

    def __eq__(self, other):
        return type(other) is type(self) and other.x == self.x

    __hash__ = None


class WithState:
    def __init__(self):
        self.seen = [1]

    def __getstate__(self):
        return {"seen": self.seen}

    def __eq__(self, other):
        return type(other) is type(self) and other.seen == self.seen

    __hash__ = None


class OwnError(Exception):
    def __init__(self, code, text):
        super().__init__(code, text)
        self.code = code

    def __eq__(self, other):
        return type(other) is type(self) and other.args == self.args

    __hash__ = None


SELF_HOLDING: list = [1]
SELF_HOLDING.append(SELF_HOLDING)

OBJECTS = [
    None,
    True,
    0,
    -1,
    2**31,
    2**63 - 1,
    -(2**63),
    2**64,
    2**200,
    1.5,
    float("inf"),
    -0.0,
    1 + 2j,
    "",
    "text",
    "漢字 \N{GRINNING FACE}",
    "nul\0byte",
    "x" * 100_000,
    b"",
    b"bytes",
    bytes(200_000),
    bytearray(b"ab"),
    [],
    [1, [2, [3]]],
    (),
    (1, "a", None),
    ((1,), (2,)),
    {},
    {"a": 1},
    {1: "a"},
    {(1, 2): 3},
    {"nested": {"deep": [1, {"x": ()}]}},
    set(),
    {1, 2},
    frozenset({1}),
    range(3),
    slice(1, 2, 3),
    Ellipsis,
    NotImplemented,
    datetime.date(2026, 11, 23),
    datetime.datetime(2026, 11, 23, 10, 15, tzinfo=datetime.UTC),
    datetime.time(10, 15),
    datetime.timedelta(days=1),
    datetime.timezone(datetime.timedelta(hours=2)),
    decimal.Decimal("1.10"),
    fractions.Fraction(1, 3),
    uuid.UUID(int=7),
    pathlib.PurePosixPath("/a/b"),
    pathlib.Path("x"),
    re.compile("a+", re.IGNORECASE),
    Color.RED,
    Permission.READ | Permission.WRITE,
    Point(1),
    Frozen(2),
    LocalPoint(1),
    Named(1, 2),
    Pair((1, 2)),
    Slotted([1]),
    WithState(),
    OwnError(3, "x"),
    ValueError("x"),
    KeyError("k"),
    collections.OrderedDict(a=1),
    collections.Counter("aab"),
    collections.deque([1, 2], 5),
    collections.defaultdict(list, a=[1]),
    collections.ChainMap({"a": 1}),
    signal.SIGTERM,
    int,
    Point,
    len,
    square,
    operator.attrgetter("x"),
    functools.partial(square, 3),
    itertools.count(3),
    numpy.float64(1.5),
    numpy.int8(3),
    numpy.arange(4),
    numpy.zeros((2, 3)),
    numpy.array(["a", "b"]),
    numpy.array([1 + 2j]),
    numpy.arange(50_000.0),
    numpy.array([(1, 2.0)], dtype=[("a", "i4"), ("b", "f8")]),
    numpy.datetime64("2026-11-23"),
    numpy.dtype("f8"),
    numpy.ma.masked_array([1, 2], mask=[0, 1]),
    memoryview(b"abc").tobytes(),
    [None] * 1000,
    list(range(5000)),
    {str(i): i for i in range(1000)},
    "\ud800",
    SELF_HOLDING,
    lambda x: x + 1,
    os.stat_result(range(10)),
    time.gmtime(0),
    object,
]


def identity(value):
    return value


def same(one, other) -> bool:
    if one is SELF_HOLDING:
        return other[0] == 1 and other[1] is other
    if callable(one) and getattr(one, "__name__", "") == "<lambda>":
        return other(1) == one(1)
    if isinstance(one, functools.partial):
        return (one.func, one.args) == (other.func, other.args)
    if isinstance(one, (itertools.count, operator.attrgetter, ValueError, KeyError)):
        return repr(one) == repr(other)
    if isinstance(one, (numpy.ndarray, numpy.generic)):
        return bool(numpy.all(one == other)) and one.dtype == other.dtype
    return bool(one == other)


def test_nearly_every_kind_of_object_goes_there_and_comes_back(pool):
    assert len(OBJECTS) == 96
    futures = []
    refused = []
    for value in OBJECTS:
        futures.append(pool.submit(identity, value))
    for value, future in zip(OBJECTS, futures, strict=True):
        try:
            back = future.result(30)
            if type(back) is not type(value) or not same(value, back):
                refused.append((value, back))
        except Exception as problem:
            refused.append((type(value), problem))
    assert len(refused) <= 11, refused


class Bad:
    def __reduce__(self):
        raise RuntimeError("not this one")


def deep(levels: int) -> list:
    value: list = []
    for _ in range(levels):
        value = [value]
    return value


def generator():
    yield 1


UNSENDABLE = {
    "a lock": threading.Lock,
    "an RLock": threading.RLock,
    "an event": threading.Event,
    "a condition": threading.Condition,
    "a generator": generator,
    "a running thread": threading.current_thread,
    "a thread local": threading.local,
    "a frame": sys._getframe,
    "a bad __reduce__": Bad,
    "a lock in a dictionary": lambda: {"a": [1, {"lock": threading.Lock()}]},
    "a socket": lambda: __import__("socket").socket(),
    "an open file": lambda: pathlib.Path(os.devnull).open(),  # noqa: SIM115
    "an iterator of a file": lambda: iter(pathlib.Path(os.devnull).open()),  # noqa: SIM115
    "a process": lambda: subprocess.Popen(["true"]),
    "a semaphore": threading.Semaphore,
    "a barrier": lambda: threading.Barrier(2),
    "an async generator": lambda: _async_generator(),
    "a selector": lambda: __import__("selectors").DefaultSelector(),
    "a memory map": lambda: __import__("mmap").mmap(-1, 10),
    "a queue": lambda: __import__("queue").Queue(),
    "a database": lambda: __import__("sqlite3").connect(":memory:"),
    "a pipe's end": lambda: os.fdopen(os.pipe()[0]),
    "a scandir": lambda: os.scandir("."),
    "a traceback": lambda: _traceback(),
    "a context": lambda: __import__("contextvars").copy_context(),
}


async def _async_generator_function():
    yield 1


def _async_generator():
    return _async_generator_function()


def _traceback():
    try:
        raise ValueError
    except ValueError as problem:
        return problem.__traceback__


@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.seed("S178")
def test_what_cannot_be_sent_back_is_named_and_the_others_run_on(pool):
    assert len(UNSENDABLE) == 25
    futures = {name: pool.submit(make) for name, make in UNSENDABLE.items()}
    good = pool.submit(square, 4)
    hung, silent = [], []
    for name, future in futures.items():
        try:
            problem = future.exception(30)
        except FuturesTimeout:
            hung.append(name)
            continue
        if problem is None or "result" not in str(problem):
            silent.append((name, problem))
    assert hung == []
    assert silent == []
    assert good.result(30) == 16


@pytest.mark.seed("S178")
def test_what_cannot_be_sent_there_is_named_as_well(pool):
    problem = pool.submit(identity, [1, {"key": threading.Lock()}]).exception(30)
    assert 'argument 1[1]["key"]' in str(problem)
    assert "lock" in str(problem)


@pytest.mark.seed("S30", "S169")
def test_an_exception_comes_back_with_its_type_text_and_traceback(pool):
    problem = pool.submit(operator.truediv, 1, 0).exception(30)
    assert type(problem) is ZeroDivisionError
    assert str(problem) == "division by zero"

    def fails():
        raise OwnError(7, "the disk is round")

    problem = pool.submit(fails).exception(30)
    assert isinstance(problem, ExecutionFailed)
    assert "the disk is round" in str(problem)
    assert "in fails" in str(problem.__cause__)


def end_by(number):
    os.kill(os.getpid(), number)
    time.sleep(30)


@pytest.mark.parametrize(
    ("how", "says"),
    [
        (functools.partial(end_by, signal.SIGKILL), "SIGKILL"),
        (functools.partial(end_by, signal.SIGSEGV), "SIGSEGV"),
        (os.abort, "SIGABRT"),
        (functools.partial(os._exit, 3), "exit code 3"),
    ],
    ids=["killed", "segfault", "abort", "_exit"],
)
def test_a_call_whose_process_dies_says_of_what_and_the_pool_goes_on(pool, how, says):
    with pytest.raises(WorkerCrashed, match=says):
        pool.submit(how).result(30)
    assert pool.submit(square, 5).result(30) == 25


def test_chunks_keep_order_and_stop_at_the_shortest(pool):
    assert list(pool.map(square, range(100), chunksize=7)) == [x * x for x in range(100)]
    assert list(pool.map(pow, [1, 2, 3], [2, 2], chunksize=2)) == [1, 4]
    assert list(pool.map(square, [], chunksize=3)) == []
    with pytest.raises(ValueError, match="chunksize"):
        pool.map(square, [1], chunksize=0)


def test_mapping_has_a_time_limit(pool):
    with pytest.raises(FuturesTimeout):
        list(pool.map(time.sleep, [0, 2], timeout=0.3))


def test_large_values_go_there_and_back(pool):
    value = os.urandom(5_000_000)
    assert pool.submit(identity, value).result(30) == value
    array = numpy.arange(1_000_000)
    assert numpy.array_equal(pool.submit(numpy.negative, array).result(30), -array)


def test_many_small_calls_all_come_back(pool):
    futures = [pool.submit(square, x) for x in range(2000)]
    assert [future.result(60) for future in futures] == [x * x for x in range(2000)]


@pytest.mark.seed("S145")
def test_an_agent_that_is_killed_loses_no_call():
    with AgentPool(2) as pool:
        assert pool.submit(square, 2).result(30) == 4
        futures = [pool.submit(_slow_square, x) for x in range(60)]
        time.sleep(0.2)
        for pid in pool._executor.pids().values():
            os.kill(pid, signal.SIGKILL)
            time.sleep(0.3)
        assert [future.result(60) for future in futures] == [x * x for x in range(60)]


def _slow_square(x):
    time.sleep(0.02)
    return x * x


def run_program(text: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(text)], capture_output=True, text=True, timeout=60, check=False
    )


def test_a_program_that_forgets_to_shut_its_pool_down_still_gets_everything_done():
    done = run_program("""
        from agents import AgentPool
        from time import sleep
        def say():
            sleep(0.3)
            print("apple", flush=True)
        pool = AgentPool(1)
        pool.submit(say)
    """)
    assert (done.stdout, done.stderr, done.returncode) == ("apple\n", "", 0)


def test_a_program_that_does_not_wait_at_shutdown_still_gets_everything_done():
    done = run_program("""
        from agents import AgentPool
        from time import sleep
        def say():
            sleep(0.3)
            print("apple", flush=True)
        pool = AgentPool(1)
        pool.submit(say)
        pool.shutdown(wait=False)
    """)
    assert (done.stdout, done.stderr, done.returncode) == ("apple\n", "", 0)


def test_a_program_that_is_killed_leaves_no_process_behind():
    program = subprocess.Popen(
        [
            sys.executable,
            "-c",
            textwrap.dedent("""
            import time
            from agents import AgentPool
            pool = AgentPool(2)
            pool.submit(int).result()
            futures = [pool.submit(time.sleep, 60) for _ in range(2)]
            time.sleep(0.5)
            print(*pool._executor.pids().values(), flush=True)
            time.sleep(60)
            """),
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert program.stdout is not None
    agents = [int(pid) for pid in program.stdout.readline().split()]
    family = [*agents, *(child for pid in agents for child in children_of(pid))]
    assert len(family) >= 4
    program.kill()
    program.wait()
    program.stdout.close()
    until = time.monotonic() + 15
    while any(map(is_alive, family)) and time.monotonic() < until:
        time.sleep(0.05)
    assert [pid for pid in family if is_alive(pid)] == []


def children_of(parent: int) -> list[int]:
    found = []
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                fields = pathlib.Path(f"/proc/{entry}/stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if int(fields[1]) == parent:
                found.append(int(entry))
    return found


def is_alive(pid: int) -> bool:
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False
