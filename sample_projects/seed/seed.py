"""The same workflow as project.toml, built node by node in Python: `python seed.py [--flag] [--fail]`."""

import logging
import sys

from engine import (
    ConditionalNode,
    ExponentialBackoff,
    LoggingObserver,
    RetryPolicy,
    SubWorkflowNode,
    TaskNode,
    WorkflowEngine,
)
from engine.errors import WorkflowError


def build(flag=False, fail=False):
    """The engine with everything in it, ready to run."""
    inner = WorkflowEngine(name="inner")
    inner.add_node(TaskNode("子任务", lambda ctx: do_inner(fail)))

    engine = WorkflowEngine(name="seed")
    if flag:
        engine.context.variables["flag"] = True
    engine.add_node(TaskNode("任务1", lambda ctx: "结果1"))
    engine.add_node(
        ConditionalNode(
            "条件判断",
            lambda ctx: ctx.variables.get("flag", bool, False),
            TaskNode("任务2", lambda ctx: "结果2"),
            TaskNode("任务3", lambda ctx: "结果3"),
        )
    )
    engine.add_node(SubWorkflowNode("子工作流", inner))
    engine.add_dependency("任务1", "条件判断")
    engine.add_dependency("条件判断", "子工作流")
    engine.set_retry_policy(RetryPolicy(3, ExponentialBackoff(initial=1.0, multiplier=2.0, max=30.0)))
    engine.register_observer(LoggingObserver())
    return engine


def do_inner(fail):
    if fail:
        raise OSError("the inner task was told to fail")
    return "子结果"


def main():
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    engine = build("--flag" in sys.argv, "--fail" in sys.argv)
    try:
        result = engine.run()
    except WorkflowError as problem:
        print(f"failed: {problem}")
        return 1
    print(f"completed: {result['条件判断']}, {result['子工作流']}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
