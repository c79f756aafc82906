"""The project that the tests of executors run: copied into a folder of its own, imported there by whoever runs it."""

import asyncio
import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path


class BadRow(ValueError):
    pass


class Row:
    def __init__(self, **fields):
        self.__dict__.update(fields)

    def __eq__(self, other):
        return isinstance(other, Row) and vars(self) == vars(other)

    __hash__ = None


def noop():
    return None


def echo(value=None):
    return value


def add(a, b=1):
    return a + b


def whoami():
    return os.getpid()


def fail(text="nothing good"):
    raise BadRow(text)


def deep_fail():
    def inner():
        fail("from inside")

    inner()


def nap(seconds, value="rested"):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        time.sleep(0.005)
    return value


def spin():
    while True:
        pass


async def anap(seconds=0.01, value="awake"):
    await asyncio.sleep(seconds)
    return value


async def aspin(ctx):
    ctx.report(0.1, "spinning")
    while True:
        await asyncio.sleep(0.01)


def chatter(lines=3):
    for index in range(lines):
        print(f"line {index}")
    print("trouble ahead", file=sys.stderr)
    return lines


def with_context(ctx, key="seen", value=1):
    ctx.report(0.25, "a quarter")
    ctx.variables.set(key, value)
    ctx.variables.update(other=[1, 2], more={"a": 1})
    ctx.set_metric("rows", "344")
    ctx.logger.info("looked at %s", ctx.node.id)
    (ctx.scratch / "note.txt").write_text("x")
    return {
        "node": ctx.node.id,
        "attempt": ctx.node.attempt,
        "state": ctx.node.state,
        "level": ctx.node.level,
        "upstream": list(ctx.node.upstream),
        "downstream": list(ctx.node.downstream),
        "run": ctx.run,
        "scratch": str(ctx.scratch),
        "files": sorted(path.name for path in ctx.scratch.iterdir()),
        "before": ctx.variables.get("start"),
    }


def write_and_fail(ctx):
    ctx.variables.set("lost", True)
    raise BadRow("after writing")


def wait_at_checkpoints(ctx, seconds=20.0):
    until = time.monotonic() + seconds
    ctx.report(0.0, "ready")
    steps = 0
    while time.monotonic() < until:
        ctx.checkpoint()
        steps += 1
        ctx.report(None, str(steps))
        time.sleep(0.01)
    return steps


def clean_up_when_canceled(ctx, path):
    try:
        ctx.report(0.0, "ready")
        nap(30)
    finally:
        Path(path).write_text("cleaned")


def logs_much(ctx, count):
    for n in range(count):
        ctx.logger.info("line %d", n)
    return count


def scratches_and_hangs(ctx):
    (ctx.scratch / "file").write_text("x")
    ctx.report(0.0, str(ctx.scratch))
    nap(60)


def prints_in_c():
    import ctypes

    ctypes.CDLL(None).puts(b"from c")


def stubborn(ctx):
    ctx.report(0.0, "ready")
    while True:
        try:
            nap(30)
        except BaseException:
            continue


def big(megabytes):
    return bytes(megabytes * 1_000_000)


def lengths(values):
    return [len(value) for value in values]


def returns_lock():
    rows = [{"n": index} for index in range(5)]
    rows[3]["guard"] = Row(lock=threading.Lock())
    return {"rows": rows}


def make_row(n):
    return Row(n=n, nested=Row(text="x"))


def read_row(row):
    return [row.n, row.nested.text]


def environment(names):
    return {name: os.environ.get(name) for name in names}


def place():
    return os.getcwd()


def sibling_import():
    import helpers_of_tasks

    return helpers_of_tasks.WORD


def missing_module():
    import a_package_that_nobody_has

    return a_package_that_nobody_has


# -- what must not harm anybody else ----------------------------------------------------------------------------------


def exits(code=3):
    sys.exit(code)


def hard_exit(code=7):
    os._exit(code)


def aborts():
    os.abort()


def segfaults():
    os.kill(os.getpid(), 11)


def kills_its_group():
    os.kill(0, 9)


def closes_low_files():
    os.closerange(0, 256)
    return "closed"


def closes_all_files():
    os.closerange(3, 65536)
    return "closed"


def replaces_stdout():
    print("before")
    sys.stdout.flush()
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    sys.stdout = open(os.devnull, "w")  # noqa: SIM115
    print("into nothing")
    return "replaced"


def leaves_children(path):
    quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    plain = subprocess.Popen(["sleep", "300"], **quiet)
    session = subprocess.Popen(["sleep", "300"], start_new_session=True, **quiet)
    daemon = _daemonize()
    Path(path).write_text(json.dumps([plain.pid, session.pid, daemon]))
    return [plain.pid, session.pid, daemon]


def leaves_children_and_hangs(path):
    leaves_children(path)
    nap(60)


def leaves_children_and_crashes(path):
    leaves_children(path)
    os.kill(os.getpid(), 9)


def _daemonize():
    read, write = os.pipe()
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            os.write(write, str(os.getpid()).encode())
            os.execvp("sleep", ["sleep", "300"])
        os._exit(0)
    os.wait()
    return int(os.read(read, 20))


def forks_and_both_return():
    os.fork()
    return os.getpid()


def masks_sigterm():
    import signal

    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM, signal.SIGINT])
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    time.sleep(60)


def holds_the_lock_of_python():
    import ctypes

    ctypes.PyDLL(None).sleep(60)


def fills_memory():
    import resource

    resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))
    hoard = []
    while True:
        hoard.append(bytearray(50_000_000))


def prints_much(megabytes):
    piece = b"x" * 99 + b"\n"
    block = piece * 10_000
    for _ in range(megabytes):
        os.write(1, block)
    return "printed"


def prints_without_newline(megabytes):
    block = b"y" * 1_000_000
    for _ in range(megabytes):
        os.write(1, block)
    return "printed"


def prints_a_storm_of_escapes(megabytes):
    block = b"\x1b]0;owned\x07\x1b[2J\x00\xff\x1bc" * 55_000 + b"\n"
    for _ in range(megabytes):
        os.write(1, block)
    return "printed"


def fills_its_scratch(ctx):
    with (ctx.scratch / "hoard").open("wb") as file:
        while True:
            file.write(bytes(100_000))


def fills_the_temporary_folder():
    import tempfile

    with tempfile.TemporaryFile() as file:
        while True:
            file.write(bytes(100_000))


def prints_binary():
    os.write(1, bytes(range(256)) * 10)
    os.write(1, b"\x1b]0;owned\x07\x1b[2J" * 1000 + b"\n")
    return "printed"


def changes_everything():
    import locale
    import pickle

    os.chdir("/")
    os.umask(0)
    sys.path.insert(0, "/nowhere")
    sys.setrecursionlimit(150)
    locale.setlocale(locale.LC_ALL, "C")
    pickle.dumps = pickle.loads = None
    pickle.Pickler = None
    return "changed"


def surroundings():
    umask = os.umask(0o22)
    os.umask(umask)
    return {"cwd": os.getcwd(), "umask": umask, "limit": sys.getrecursionlimit(), "path": "/nowhere" in sys.path}


def leaves_threads():
    for _ in range(3):
        threading.Thread(target=time.sleep, args=(300,)).start()
    return threading.active_count()


def many_objects(count):
    return [[index, str(index)] for index in range(count)]


def uses_multiprocessing():
    import multiprocessing

    with multiprocessing.get_context("fork").Pool(2) as pool:
        return sum(pool.map(abs, range(-10, 0)))


class Unprintable(Exception):
    def __str__(self):
        raise RuntimeError("no text")

    def __repr__(self):
        raise RuntimeError("no repr either")


class TwoArguments(Exception):
    def __init__(self, a, b):
        super().__init__(a)


def raises_unprintable():
    raise Unprintable


def raises_two_arguments():
    raise TwoArguments("a", "b")


def raises_with_lock():
    raise ValueError(threading.Lock())


def raises_huge():
    raise ValueError("z" * 10_000_000)


def recurses(n=0):
    return recurses(n + 1)


def writes_to_all_files():
    for fd in range(3, 1100):
        try:
            os.write(fd, b"nonsense" * 100)
        except OSError:
            continue
    return "wrote"
