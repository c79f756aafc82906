"""The standard library's own tests of executors, with a pool of agents in the place of its pools.

They come with most Pythons, as `test.test_concurrent_futures`: a package from 3.12 on, a file before. Where this Python
was installed without them, those of Debian do (`make system` installs them).
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import importlib.util
import pickle
import sys
import tempfile
import types
from collections.abc import Iterator
from concurrent.futures import BrokenExecutor
from pathlib import Path
from typing import Any

import pytest

from agents.pool import AgentPool
from engine.errors import ExecutionFailed

NAME = "test.test_concurrent_futures"
LENT = "standard_executor_tests"
DEBIAN = Path(f"/usr/lib/python3.{sys.version_info[1]}/test/test_concurrent_futures.py")


def standard_tests() -> types.SimpleNamespace | None:
    """The classes with the tests, whatever form they come in; None where there are none."""
    found = importlib.util.find_spec(NAME)
    if found is not None and found.submodule_search_locations:
        parts = ["util", "executor", "test_as_completed", "test_init", "test_shutdown", "test_wait", "test_deadlock"]
        modules = [importlib.import_module(f"{NAME}.{part}") for part in parts]
    elif found is not None:
        modules = [importlib.import_module(NAME)]
    elif DEBIAN.exists():
        # Under a name of its own in a folder of its own: what is in it has to be importable in children as well.
        place = Path(tempfile.mkdtemp(prefix="flowloom-tests-"))
        (place / f"{LENT}.py").write_bytes(DEBIAN.read_bytes())
        sys.path.append(str(place))
        modules = [importlib.import_module(LENT)]
    else:
        return None
    names: dict[str, Any] = {}
    for module in modules:
        names.update(vars(module))
    return types.SimpleNamespace(**names)


suite = standard_tests()
if suite is None:
    pytest.skip("this machine has no standard tests of executors; make system installs them", allow_module_level=True)


@pytest.fixture(scope="module", autouse=True)
def _small_world() -> Iterator[None]:
    """These tests collect garbage again and again: let them not look at what all tests before have left."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


# In a process of their own they import the pool from `concurrent.futures`; tests/agents/test_pool.py asks the same of ours.
OWN_PROCESS = {
    "test_interpreter_shutdown",
    "test_submit_after_interpreter_shutdown",
    "test_hang_gh83386",
    "test_hang_gh94440",
}


class Pool(suite.ExecutorMixin):
    executor_type = AgentPool


class Shared(Pool):
    """One pool for all tests of a class that does not end it."""

    @classmethod
    def setUpClass(cls) -> None:
        cls.shared = AgentPool(max_workers=cls.worker_count)

    @classmethod
    def tearDownClass(cls) -> None:
        cls.shared.shutdown()

    def setUp(self) -> None:
        self.executor = self.shared

    def tearDown(self) -> None:
        self.executor = None


class TestExecutor(Pool, suite.ExecutorTest, suite.BaseTestCase):
    pass


class TestWait(Shared, suite.WaitTests, suite.BaseTestCase):
    pass


class TestAsCompleted(Shared, suite.AsCompletedTests, suite.BaseTestCase):
    pass


class TestInitializer(Pool, suite.InitializerMixin, suite.BaseTestCase):
    pass


class TestFailingInitializer(Pool, suite.FailingInitializerMixin, suite.BaseTestCase):
    def _assert_logged(self, _msg: str):
        """Ours says why in the exception; there is no log of this process to look into."""
        return contextlib.nullcontext()


class TestShutdown(Pool, suite.ExecutorShutdownTest, suite.BaseTestCase):
    pass


for name in OWN_PROCESS:
    setattr(TestShutdown, name, None)


class TestCrashes(Shared, suite.ExecutorDeadlockTest, suite.BaseTestCase):
    """Values and functions that kill, leave or raise wherever they are touched.

    The standard pool breaks for good when a process dies. Ours says so of the call alone, and goes on: asked after each.
    """

    def _check_crash(self, error: type[BaseException], func: Any, *args: Any, ignore_stderr: bool = False) -> None:
        ours = (error, BrokenExecutor, ExecutionFailed, pickle.UnpicklingError, SystemExit)
        with pytest.raises(ours):
            self.executor.submit(func, *args).result(timeout=self.TIMEOUT)
        assert self.executor.submit(pow, 2, 8).result(timeout=self.TIMEOUT) == 256

    test_shutdown_deadlock = None  # those two want the manager thread of the standard pool
    test_shutdown_deadlock_pickle = None
