"""The reference pages leave nothing out that the program has."""

from __future__ import annotations

import os
import re

import msgspec
import pytest

from engine.project import model
from tests.docs.pages import ROOT

PROJECT_FILE = re.sub(r"```.*?```", "", (ROOT / "docs/reference/project-file.md").read_text("utf-8"), flags=re.DOTALL)
RECORDS = (
    model.Settings,
    model.Param,
    model.RunSettings,
    model.Defaults,
    model.AgentSettings,
    model.AgentHost,
    model.Map,
    model.Loop,
    model.Command,
    model.Shell,
    model.Composite,
    model.Conditional,
    model.Switch,
    model.SubWorkflow,
    model.Wait,
    model.Approval,
    model.ExponentialBackoff,
    model.FixedDelay,
)
# Fields of the model that are written in another way than by their name.
OTHERWISE = {"short", "negate", "condition"}


def keys(record: type[msgspec.Struct]) -> list[str]:
    return [field.encode_name for field in msgspec.structs.fields(record) if field.name not in OTHERWISE]


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.__name__)
def test_every_key_of_the_project_file_is_explained(record: type[msgspec.Struct]) -> None:
    words = set(re.findall(r"[a-z_]+", " ".join(re.findall(r"`([^`]+)`", PROJECT_FILE))))
    assert [key for key in keys(record) if key not in words] == []


def test_what_cannot_run_yet_is_said_on_the_page() -> None:
    from engine.project import runnable

    part = PROJECT_FILE.split("## Known, and not run yet", 1)[1].split("\n## ", 1)[0]
    keys = {key for key, _, _ in runnable._SETTINGS} | {path[-1] for path, _, _ in runnable._PROJECT}
    assert [key for key in sorted(keys) if key not in part] == []
    assert [name for name in runnable.REFERENCES if f"${{{name}" not in part] == []


def test_every_command_and_every_option_of_run_is_explained() -> None:
    from importlib import import_module

    from studio.cli import ROWS

    page = (ROOT / "docs" / "reference" / "cli.md").read_text("utf-8")
    assert [name for name, *_ in ROWS if f"`flowloom {name}" not in page] == []
    run = import_module("studio.commands.run").command
    options = {option for parameter in run.params for option in parameter.opts if option.startswith("--")}
    assert [option for option in sorted(options - {"--help"}) if option not in page] == []


def test_the_page_of_keys_is_the_table_of_keys() -> None:
    from studio.key_hints import markdown

    page = ROOT / "docs/reference/keys.md"
    text = page.read_text("utf-8")
    if os.environ.get("FLOWLOOM_UPDATE_GOLDENS"):
        text = text[: text.index("## ")] + markdown().strip() + "\n"
        page.write_text(text, "utf-8")
    assert markdown().strip() in text, "the keys changed; FLOWLOOM_UPDATE_GOLDENS=1 prints the page anew"
