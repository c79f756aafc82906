"""The workflow engine: projects, plans, the machine that decides, the runner that acts.

The public names are offered here without being loaded: `from engine import Workflow` imports the file that
defines it, and a child process that wants `engine.attempt` loads nothing else. A new public name is one row
of `_HOME`, and one import under `TYPE_CHECKING`: type checkers do not run `__getattr__`. Code inside the project
imports from the file, never from here.
"""

TYPE_CHECKING = False  # as type checkers see it; importing typing takes a child long

if TYPE_CHECKING:
    from engine.context import Variables as Variables
    from engine.context import WorkflowContext as WorkflowContext
    from engine.draw.export import VisualizationFormat as VisualizationFormat
    from engine.draw.export import WorkflowVisualizer as WorkflowVisualizer
    from engine.errors import (
        Canceled as Canceled,
    )
    from engine.errors import (
        CustomError as CustomError,
    )
    from engine.errors import (
        CycleDetected as CycleDetected,
    )
    from engine.errors import (
        ExecutionFailed as ExecutionFailed,
    )
    from engine.errors import (
        InvalidTransition as InvalidTransition,
    )
    from engine.errors import (
        NetworkError as NetworkError,
    )
    from engine.errors import (
        NodeNotFound as NodeNotFound,
    )
    from engine.errors import (
        NotReady as NotReady,
    )
    from engine.errors import (
        SystemFailure as SystemFailure,
    )
    from engine.errors import (
        ValidationFailed as ValidationFailed,
    )
    from engine.errors import (
        WorkflowError as WorkflowError,
    )
    from engine.errors import (
        WorkflowTimeout as WorkflowTimeout,
    )
    from engine.forecast import Fate as Fate
    from engine.forecast import Forecast as Forecast
    from engine.forecast import NodeForecast as NodeForecast
    from engine.loggers import JsonLinesLogger as JsonLinesLogger
    from engine.loggers import Logger as Logger
    from engine.loggers import LogLevel as LogLevel
    from engine.loggers import StandardLogger as StandardLogger
    from engine.machine.state import (
        NodeMetrics as NodeMetrics,
    )
    from engine.machine.state import (
        NodeState as NodeState,
    )
    from engine.machine.state import (
        RunState as RunState,
    )
    from engine.machine.state import (
        WorkflowState as WorkflowState,
    )
    from engine.monitor.observers import (
        LoggingObserver as LoggingObserver,
    )
    from engine.monitor.observers import (
        Observer as Observer,
    )
    from engine.monitor.observers import (
        WorkflowObserver as WorkflowObserver,
    )
    from engine.nodes import (
        CompositeExecutionStrategy as CompositeExecutionStrategy,
    )
    from engine.nodes import (
        CompositeNode as CompositeNode,
    )
    from engine.nodes import (
        ConditionalNode as ConditionalNode,
    )
    from engine.nodes import (
        ParallelNode as ParallelNode,
    )
    from engine.nodes import (
        SequentialNode as SequentialNode,
    )
    from engine.nodes import (
        ShellNode as ShellNode,
    )
    from engine.nodes import (
        SubWorkflowNode as SubWorkflowNode,
    )
    from engine.nodes import (
        TaskNode as TaskNode,
    )
    from engine.nodes import (
        WorkflowNode as WorkflowNode,
    )
    from engine.project.model import (
        Compensate as Compensate,
    )
    from engine.project.model import (
        CustomDelay as CustomDelay,
    )
    from engine.project.model import (
        ExponentialBackoff as ExponentialBackoff,
    )
    from engine.project.model import (
        Fail as Fail,
    )
    from engine.project.model import (
        FixedDelay as FixedDelay,
    )
    from engine.project.model import (
        Immediate as Immediate,
    )
    from engine.project.model import (
        NodeId as NodeId,
    )
    from engine.project.model import (
        NodeType as NodeType,
    )
    from engine.project.model import (
        RetryPolicy as RetryPolicy,
    )
    from engine.project.model import (
        RetryStrategy as RetryStrategy,
    )
    from engine.project.model import (
        RunAlternative as RunAlternative,
    )
    from engine.project.model import (
        Skip as Skip,
    )
    from engine.result import NodeResult as NodeResult
    from engine.result import RunResult as RunResult
    from engine.run_facts import Metrics as Metrics
    from engine.run_handle import RunHandle as RunHandle
    from engine.start import start_run as start_run
    from engine.steering import ErrorAction as ErrorAction
    from engine.steering import ErrorHandler as ErrorHandler
    from engine.steering import LongestPathScheduler as LongestPathScheduler
    from engine.steering import PriorityScheduler as PriorityScheduler
    from engine.steering import Retry as Retry
    from engine.steering import RunView as RunView
    from engine.steering import TopologicalScheduler as TopologicalScheduler
    from engine.steering import WorkflowScheduler as WorkflowScheduler
    from engine.topology import WorkflowTopology as WorkflowTopology
    from engine.workflow import Result as Result
    from engine.workflow import TaskFunction as TaskFunction
    from engine.workflow import Workflow as Workflow
    from engine.workflow import task as task
    from engine.workflow_engine import WorkflowEngine as WorkflowEngine

__version__ = "0.1.0"

_HOME: dict[str, str] = {
    # public name: the module that defines it
    "LogLevel": "engine.loggers",
    "Logger": "engine.loggers",
    "StandardLogger": "engine.loggers",
    "JsonLinesLogger": "engine.loggers",
    "WorkflowScheduler": "engine.steering",
    "TopologicalScheduler": "engine.steering",
    "PriorityScheduler": "engine.steering",
    "LongestPathScheduler": "engine.steering",
    "ErrorHandler": "engine.steering",
    "ErrorAction": "engine.steering",
    "Retry": "engine.steering",
    "RunView": "engine.steering",
    "Workflow": "engine.workflow",
    "task": "engine.workflow",
    "Result": "engine.workflow",
    "TaskFunction": "engine.workflow",
    "WorkflowEngine": "engine.workflow_engine",
    "TaskNode": "engine.nodes",
    "ShellNode": "engine.nodes",
    "CompositeNode": "engine.nodes",
    "ParallelNode": "engine.nodes",
    "SequentialNode": "engine.nodes",
    "ConditionalNode": "engine.nodes",
    "SubWorkflowNode": "engine.nodes",
    "CompositeExecutionStrategy": "engine.nodes",
    "WorkflowNode": "engine.nodes",
    "WorkflowTopology": "engine.topology",
    "WorkflowContext": "engine.context",
    "Variables": "engine.context",
    "Metrics": "engine.run_facts",
    "NodeState": "engine.machine.state",
    "WorkflowState": "engine.machine.state",
    "NodeMetrics": "engine.machine.state",
    "RunState": "engine.machine.state",
    "NodeId": "engine.project.model",
    "NodeType": "engine.project.model",
    "RetryPolicy": "engine.project.model",
    "RetryStrategy": "engine.project.model",
    "Immediate": "engine.project.model",
    "FixedDelay": "engine.project.model",
    "ExponentialBackoff": "engine.project.model",
    "CustomDelay": "engine.project.model",
    "Fail": "engine.project.model",
    "Skip": "engine.project.model",
    "RunAlternative": "engine.project.model",
    "Compensate": "engine.project.model",
    "WorkflowVisualizer": "engine.draw.export",
    "VisualizationFormat": "engine.draw.export",
    "WorkflowObserver": "engine.monitor.observers",
    "Observer": "engine.monitor.observers",
    "LoggingObserver": "engine.monitor.observers",
    "RunResult": "engine.result",
    "NodeResult": "engine.result",
    "RunHandle": "engine.run_handle",
    "Fate": "engine.forecast",
    "Forecast": "engine.forecast",
    "NodeForecast": "engine.forecast",
    "start_run": "engine.start",
    "WorkflowError": "engine.errors",
    "NodeNotFound": "engine.errors",
    "ExecutionFailed": "engine.errors",
    "ValidationFailed": "engine.errors",
    "CycleDetected": "engine.errors",
    "WorkflowTimeout": "engine.errors",
    "NotReady": "engine.errors",
    "InvalidTransition": "engine.errors",
    "NetworkError": "engine.errors",
    "SystemFailure": "engine.errors",
    "Canceled": "engine.errors",
    "CustomError": "engine.errors",
}

__all__ = ["__version__", *sorted(_HOME)]  # noqa: PLE0604 - the table is the list


def __getattr__(name: str) -> object:
    """The public `name`, loaded from its home at first use (PEP 562)."""
    home = _HOME.get(name)
    if home is None:
        raise AttributeError(f"module 'engine' has no attribute {name!r}")
    from importlib import import_module

    value: object = getattr(import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOME})
