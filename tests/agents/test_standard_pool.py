"""The standard library's own tests of executors, with a pool of agents in the place of its pools."""

from __future__ import annotations

import pytest

from agents.pool import AgentPool

suite = pytest.importorskip(
    "test.test_concurrent_futures.util",
    reason="this Python comes without the standard library's tests of executors (Python 3.12 and later may have them)",
)
from test.test_concurrent_futures.executor import ExecutorTest  # noqa: E402
from test.test_concurrent_futures.test_as_completed import AsCompletedTests  # noqa: E402
from test.test_concurrent_futures.test_init import FailingInitializerMixin, InitializerMixin  # noqa: E402
from test.test_concurrent_futures.test_shutdown import ExecutorShutdownTest  # noqa: E402
from test.test_concurrent_futures.test_wait import WaitTests  # noqa: E402

# In a process of their own they import the pool from `concurrent.futures`; tests/agents/test_pool.py asks the same of ours.
OWN_PROCESS = {
    "test_interpreter_shutdown",
    "test_submit_after_interpreter_shutdown",
    "test_hang_gh83386",
    "test_hang_gh94440",
}


class Pool(suite.ExecutorMixin):
    executor_type = AgentPool


class TestExecutor(Pool, ExecutorTest, suite.BaseTestCase):
    pass


class TestWait(Pool, WaitTests, suite.BaseTestCase):
    pass


class TestAsCompleted(Pool, AsCompletedTests, suite.BaseTestCase):
    pass


class TestInitializer(Pool, InitializerMixin, suite.BaseTestCase):
    pass


class TestFailingInitializer(Pool, FailingInitializerMixin, suite.BaseTestCase):
    def _assert_logged(self, _msg: str):
        """Ours says why in the exception; there is no log of this process to look into."""
        import contextlib

        return contextlib.nullcontext()


class TestShutdown(Pool, ExecutorShutdownTest, suite.BaseTestCase):
    pass


for name in OWN_PROCESS:
    setattr(TestShutdown, name, None)
