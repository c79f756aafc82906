"""Nearly a hundred kinds of Python object, as a script of a user makes them: run as `__main__` by test_payload, one by one.

`KINDS[name]` is (make, check): `make()` gives the object; `check(original, arrived)` is True if what arrived is as good.
`REFUSED` are those that must not travel, as a copy would be something else.
"""

import abc
import array
import asyncio
import collections
import contextlib
import dataclasses
import datetime
import decimal
import enum
import fractions
import functools
import io
import ipaddress
import itertools
import logging
import math
import operator
import pathlib
import queue
import random
import re
import string
import sys
import threading
import types
import typing
import uuid
import zoneinfo

OFFSET = 10


def equal(original, arrived):
    return type(arrived) is type(original) and arrived == original


def same_text(original, arrived):
    return repr(arrived) == repr(original)


def calls(*args, **kwargs):
    """They give the same for these arguments."""
    return lambda original, arrived: arrived(*args, **kwargs) == original(*args, **kwargs)


def fields(original, arrived):
    return type(arrived).__name__ == type(original).__name__ and vars(arrived) == vars(original)


def plain_function(x):
    return x + OFFSET


def factorial(n):
    return 1 if n < 2 else n * factorial(n - 1)


def is_even(n):
    return True if n == 0 else is_odd(n - 1)


def is_odd(n):
    return False if n == 0 else is_even(n - 1)


def counter_from(start):
    count = start

    def step():
        nonlocal count
        count += 1
        return count

    return step


def nested_closure(a):
    def middle(b):
        def inner(c):
            return a + b + c + OFFSET

        return inner

    return middle(2)


def recursive_closure():
    def down(n):
        return 0 if n == 0 else n + down(n - 1)

    return down


def with_defaults(a, b=2, *rest, c=3, **more):
    return a, b, rest, c, more


def annotated(a: int, b: "str" = "x") -> list[int]:
    return [a]


def decorated_by(function):
    @functools.wraps(function)
    def wrapper(*args):
        return function(*args) * 2

    return wrapper


@decorated_by
def doubled(x):
    return x


@functools.lru_cache
def cached(x):
    return x * 3


async def coroutine_function(x):
    return x + 1


def generator_function(n):
    yield from range(n)


class Plain:
    kind = "plain"

    def __init__(self, x=1):
        self.x = x

    def method(self, y):
        return self.x + y + OFFSET

    @classmethod
    def make(cls, x):
        return cls(x)

    @staticmethod
    def static(x):
        return x * 2

    @property
    def twice(self):
        return self.x * 2

    def __eq__(self, other):
        return type(other).__name__ == "Plain" and other.x == self.x

    def __hash__(self):
        return hash(self.x)


class Child(Plain):
    def method(self, y):
        return super().method(y) * 2


class Slotted:
    __slots__ = ("a", "b")

    def __init__(self, a, b):
        self.a, self.b = a, b


class Callable_:
    def __call__(self, x):
        return x - OFFSET


class Stateful:
    def __init__(self):
        self.kept, self.dropped = 1, threading.Lock()

    def __getstate__(self):
        return {"kept": self.kept}

    def __setstate__(self, state):
        self.kept, self.dropped = state["kept"], None


class Reducing:
    def __init__(self, x):
        self.x = x

    def __reduce__(self):
        return Reducing, (self.x,)


class Meta(type):
    def __call__(cls, *args):
        made = super().__call__(*args)
        made.stamped = True
        return made


class Made(metaclass=Meta):
    pass


class Abstract(abc.ABC):
    @abc.abstractmethod
    def area(self): ...


class Square(Abstract):
    def __init__(self, side):
        self.side = side

    def area(self):
        return self.side**2


class Descriptor:
    def __get__(self, owner, kind):
        return 42


class Described:
    answer = Descriptor()


class Generic_(typing.Generic[typing.TypeVar("T")]):
    def __init__(self, item):
        self.item = item


class Outer:
    class Inner:
        def __init__(self):
            self.v = 5


class Listed(list):
    pass


class Mapped(dict):
    def __missing__(self, key):
        return "missing"


class Problem(Exception):
    def __init__(self, code, text):
        super().__init__(code, text)
        self.code = code


class Colour(enum.Enum):
    RED = 1
    BLUE = 2


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 2


class Rights(enum.Flag):
    READ = enum.auto()
    WRITE = enum.auto()


@dataclasses.dataclass
class Point:
    x: int
    y: int = 2


@dataclasses.dataclass(frozen=True, order=True)
class Frozen:
    x: int
    tags: tuple = ()


@dataclasses.dataclass
class Tree:
    value: int
    children: list = dataclasses.field(default_factory=list)


Pair = collections.namedtuple("Pair", "left right")


class Typed(typing.NamedTuple):
    name: str
    size: int = 3


class Options(typing.TypedDict, total=False):
    name: str


def loop_list():
    made = [1]
    made.append(made)
    return made


def numpy_array(code):
    def make():
        import numpy as np

        return eval(code, {"np": np})

    return make


def arrays_equal(original, arrived):
    import numpy as np

    return arrived.dtype == original.dtype and np.array_equal(arrived, original)


KINDS = {
    # plain and near
    "None": (lambda: None, equal),
    "int": (lambda: 7, equal),
    "huge int": (lambda: 2**200, equal),
    "float nan": (lambda: math.nan, lambda o, a: math.isnan(a)),
    "complex": (lambda: 1 + 2j, equal),
    "str": (lambda: "gr\u00fc\u00df", equal),
    "lone surrogate": (lambda: "\udc80", equal),
    "bytes": (lambda: b"\x00\xff", equal),
    "bytearray": (lambda: bytearray(b"abc"), equal),
    "memoryview": (lambda: memoryview(b"abc").tobytes(), equal),
    "list": (lambda: [1, [2]], equal),
    "list holding itself": (loop_list, lambda o, a: a[0] == 1 and a[1] is a),
    "tuple": (lambda: (1, (2,)), equal),
    "set": (lambda: {1, 2}, equal),
    "frozenset": (lambda: frozenset({1, 2}), equal),
    "dict of tuples": (lambda: {(1, 2): "x"}, equal),
    "range": (lambda: range(3, 9, 2), equal),
    "slice": (lambda: slice(1, 2), equal),
    "Ellipsis": (lambda: ..., equal),
    "NotImplemented": (lambda: NotImplemented, lambda o, a: a is NotImplemented),
    # standard library
    "datetime": (lambda: datetime.datetime(2026, 11, 23, 10, 15), equal),
    "aware datetime": (lambda: datetime.datetime(2026, 1, 2, tzinfo=zoneinfo.ZoneInfo("UTC")), equal),
    "date": (lambda: datetime.date(2026, 11, 23), equal),
    "timedelta": (lambda: datetime.timedelta(seconds=90), equal),
    "Decimal": (lambda: decimal.Decimal("1.10"), equal),
    "Fraction": (lambda: fractions.Fraction(1, 3), equal),
    "UUID": (lambda: uuid.UUID(int=5), equal),
    "Path": (lambda: pathlib.Path("a/b"), equal),
    "ip address": (lambda: ipaddress.ip_address("10.0.0.1"), equal),
    "compiled pattern": (lambda: re.compile("a+"), equal),
    "deque": (lambda: collections.deque([1, 2], maxlen=3), equal),
    "Counter": (lambda: collections.Counter("aab"), equal),
    "OrderedDict": (lambda: collections.OrderedDict(a=1), equal),
    "defaultdict of a lambda": (lambda: collections.defaultdict(lambda: 9, a=1), lambda o, a: a["b"] == 9),
    "ChainMap": (lambda: collections.ChainMap({"a": 1}), equal),
    "array": (lambda: array.array("d", [1.0, 2.0]), equal),
    "SimpleNamespace": (lambda: types.SimpleNamespace(a=1), equal),
    "mappingproxy": (lambda: types.MappingProxyType({"a": 1}), lambda o, a: dict(a) == dict(o)),
    "StringIO": (lambda: io.StringIO("text"), lambda o, a: a.getvalue() == "text"),
    "BytesIO": (lambda: io.BytesIO(b"text"), lambda o, a: a.getvalue() == b"text"),
    "Random": (lambda: random.Random(5), lambda o, a: a.random() == random.Random(5).random()),
    "Template": (lambda: string.Template("$a"), lambda o, a: a.substitute(a=1) == "1"),
    "Logger": (lambda: logging.getLogger("x"), lambda o, a: a.name == "x"),
    "itertools.count": (lambda: itertools.count(3), lambda o, a: next(a) == 3),
    "iterator of a list": (lambda: iter([1, 2]), lambda o, a: list(a) == [1, 2]),
    "map object": (lambda: map(str, [1]), lambda o, a: list(a) == ["1"]),
    "zip object": (lambda: zip([1], [2], strict=False), lambda o, a: list(a) == [(1, 2)]),
    "builtin function": (lambda: len, lambda o, a: a is len),
    "builtin method": (lambda: [1, 2].index, calls(2)),
    "method descriptor": (lambda: str.upper, calls("a")),
    "operator.itemgetter": (lambda: operator.itemgetter(1), calls([1, 2])),
    "class of the library": (lambda: collections.OrderedDict, lambda o, a: a is o),
    "generic alias": (lambda: list[int], equal),
    "typing alias": (lambda: typing.Callable[[int], str], equal),
    "exception": (lambda: ValueError("a", 1), lambda o, a: a.args == o.args),
    "exception of a script": (lambda: Problem(3, "t"), lambda o, a: a.code == 3),
    "ExceptionGroup": (lambda: ExceptionGroup("g", [ValueError("a")]), lambda o, a: a.message == "g"),
    # functions
    "function of a script": (lambda: plain_function, calls(1)),
    "lambda": (lambda: lambda x: x * OFFSET, calls(2)),
    "recursive function": (lambda: factorial, calls(5)),
    "mutually recursive functions": (lambda: is_even, calls(6)),
    "closure": (lambda: nested_closure(1), calls(3)),
    "recursive closure": (recursive_closure, calls(4)),
    "closure with state": (lambda: counter_from(5), lambda o, a: a() == 6 and a() == 7),
    "function with defaults": (lambda: with_defaults, calls(1, 5, 6, c=7, d=8)),
    "function with annotations": (lambda: annotated, lambda o, a: a.__annotations__ == o.__annotations__),
    "decorated function": (lambda: doubled, calls(4)),
    "lru_cache function": (lambda: cached, calls(4)),
    "partial": (lambda: functools.partial(plain_function, 3), calls()),
    "partial of a lambda": (lambda: functools.partial(lambda a, b: a - b, b=1), calls(4)),
    "async function": (lambda: coroutine_function, lambda o, a: asyncio.run(a(1)) == 2),
    "generator function": (lambda: generator_function, lambda o, a: list(a(3)) == [0, 1, 2]),
    "bound method": (lambda: Plain(2).method, calls(3)),
    "class method": (lambda: Plain.make, lambda o, a: a(4).x == 4),
    "static method": (lambda: Plain.static, calls(4)),
    "code object": (lambda: plain_function.__code__, lambda o, a: a.co_code == o.co_code),
    # classes and their objects
    "class of a script": (lambda: Plain, lambda o, a: a(5).twice == 10),
    "object of a script": (lambda: Plain(3), lambda o, a: a.x == 3 and a.method(1) == o.method(1)),
    "subclass": (lambda: Child(3), lambda o, a: a.method(1) == o.method(1)),
    "object with slots": (lambda: Slotted(1, 2), lambda o, a: (a.a, a.b) == (1, 2)),
    "callable object": (lambda: Callable_(), calls(20)),
    "object with __getstate__": (lambda: Stateful(), lambda o, a: a.kept == 1 and a.dropped is None),
    "object with __reduce__": (lambda: Reducing(4), lambda o, a: a.x == 4),
    "object of a metaclass": (lambda: Made(), lambda o, a: a.stamped),
    "object of an abstract class": (lambda: Square(3), lambda o, a: a.area() == 9),
    "object with a descriptor": (lambda: Described(), lambda o, a: a.answer == 42),
    "object of a generic class": (lambda: Generic_(4), lambda o, a: a.item == 4),
    "object of a nested class": (lambda: Outer.Inner(), lambda o, a: a.v == 5),
    "subclass of list": (lambda: Listed([1]), lambda o, a: list(a) == [1] and type(a).__name__ == "Listed"),
    "subclass of dict": (lambda: Mapped(a=1), lambda o, a: a["b"] == "missing"),
    "enum member": (lambda: Colour.RED, lambda o, a: a.name == "RED" and a.value == 1),
    "flag": (lambda: Rights.READ | Rights.WRITE, lambda o, a: a.value == 3),
    "dataclass": (lambda: Point(1), fields),
    "frozen dataclass": (lambda: Frozen(1, ("a",)), fields),
    "tree of dataclasses": (lambda: Tree(1, [Tree(2)]), lambda o, a: a.children[0].value == 2),
    "namedtuple": (lambda: Pair(1, 2), lambda o, a: a.left == 1 and a._fields == o._fields),
    # numbers in bulk
    "numpy array": (numpy_array("np.arange(6.0).reshape(2, 3)"), arrays_equal),
    "numpy array of objects": (numpy_array("np.array([1, 'a', None], dtype=object)"), arrays_equal),
}

REFUSED = {
    "generator": lambda: (n for n in range(3)),
    "coroutine": lambda: asyncio.sleep(0),
    "lock": threading.Lock,
    "condition": threading.Condition,
    "queue": queue.Queue,
    "thread": threading.current_thread,
    "open file": lambda: open(__file__),  # noqa: SIM115
    "module": lambda: math,
    "frame": sys._getframe,
    "event loop": asyncio.new_event_loop,
    "context manager of a generator": lambda: contextlib.contextmanager(generator_function)(1),
}


def send(folder):
    """Pack every kind and leave the bytes in `folder`; print what could not be packed."""
    from engine.payload import PLAIN, NotPackable, Payload, pack
    from engine.plain import encode

    sent = {}
    for name, (make, _) in KINDS.items():
        try:
            done = pack(make(), name)
        except NotPackable as problem:
            print(f"NOT PACKED {name}: {problem}")
            continue
        sent[name] = (done if isinstance(done, Payload) else Payload(PLAIN, encode(done))).to_bytes().hex()
    pathlib.Path(folder, "sent.txt").write_text(repr(sent), encoding="utf-8")


def receive(folder):
    """In another process, whose `__main__` is another one: open what was sent and compare."""
    import ast

    from engine.payload import Payload, open_payload

    sent = ast.literal_eval(pathlib.Path(folder, "sent.txt").read_text(encoding="utf-8"))
    good = []
    for name, data in sent.items():
        make, check = KINDS[name]
        try:
            arrived = open_payload(Payload.from_bytes(bytes.fromhex(data)))
            if check(make(), arrived):
                good.append(name)
            else:
                print(f"NOT EQUAL {name}: {arrived!r}")
        except BaseException as problem:
            print(f"NOT OPENED {name}: {problem!r}")
    pathlib.Path(folder, "good.txt").write_text(repr(good), encoding="utf-8")


if __name__ == "__main__":
    send(sys.argv[1])
