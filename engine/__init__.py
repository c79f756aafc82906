"""The workflow engine: projects, plans, the machine that decides, the runner that acts.

The public names are offered here without being loaded: `from engine import Workflow` imports the file that
defines it, and a child process that wants `engine.attempt` loads nothing else. A new public name is one row
of `_HOME`, and one import under `TYPE_CHECKING`: type checkers do not run `__getattr__`. Code inside the project
imports from the file, never from here.
"""

__version__ = "0.1.0"

_HOME: dict[str, str] = {
    # public name: the module that defines it
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
