"""The JSON Schema: it knows every key of the model, lets good projects pass, and marks mistakes."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from engine.project.model import Defaults, RunSettings, Settings
from engine.project.reading import BODIES
from engine.project.schema import json_schema
from engine.project.shapes import fields_of

SCHEMA = json_schema()
SAMPLES = Path(__file__).parents[3] / "sample_projects"
EVERYTHING = (Path(__file__).parent / "everything.toml").read_text()

KINDS: dict[str, Any] = {
    "object": dict, "array": list, "string": str, "integer": int, "number": (int, float), "boolean": bool,
}  # fmt: skip


def fits(value: Any, schema: Any) -> bool:
    """Whether a value fits a schema: the words of JSON Schema that ours uses, and no others."""
    known = {
        "$schema", "$id", "$defs", "$ref", "title", "description", "default", "x-unit", "type", "properties",
        "additionalProperties", "required", "enum", "const", "anyOf", "oneOf", "not", "if", "then", "else", "items",
        "minimum", "maximum", "pattern", "propertyNames", "minLength", "maxLength", "minProperties", "maxProperties",
    }  # fmt: skip
    assert set(schema) <= known, set(schema) - known
    if "$ref" in schema and not fits(value, SCHEMA["$defs"][schema["$ref"].rsplit("/", 1)[1]]):
        return False
    if "type" in schema:
        kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
        if not any(isinstance(value, KINDS[kind]) and (kind == "boolean") == isinstance(value, bool) for kind in kinds):
            return False
    if "if" in schema:
        branch = schema.get("then" if fits(value, schema["if"]) else "else", {})
        if not fits(value, branch):
            return False
    tests = [
        "const" not in schema or value == schema["const"],
        "enum" not in schema or value in schema["enum"],
        "anyOf" not in schema or any(fits(value, one) for one in schema["anyOf"]),
        "oneOf" not in schema or sum(fits(value, one) for one in schema["oneOf"]) == 1,
        "not" not in schema or not fits(value, schema["not"]),
    ]
    if isinstance(value, dict):
        own = schema.get("properties", {})
        more = schema.get("additionalProperties", {})
        tests.append(all(key in value for key in schema.get("required", ())))
        tests.append(schema.get("minProperties", 0) <= len(value) <= schema.get("maxProperties", 10**9))
        for key, item in value.items():
            tests.append(fits(key, schema.get("propertyNames", {})))
            tests.append(
                more is not False if key not in own and isinstance(more, bool) else fits(item, own.get(key, more))
            )
    elif isinstance(value, list):
        tests.extend(fits(item, schema.get("items", {})) for item in value)
    elif isinstance(value, str):
        tests.append("pattern" not in schema or re.search(schema["pattern"], value) is not None)
        tests.append(schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", 10**9))
    elif isinstance(value, int | float) and not isinstance(value, bool):
        tests.append(schema.get("minimum", value) <= value <= schema.get("maximum", value))
    return all(tests)


def test_a_file_with_everything_in_it_fits() -> None:
    assert fits(tomllib.loads(EVERYTHING), SCHEMA)


@pytest.mark.parametrize("name", sorted(path.parent.name for path in SAMPLES.glob("*/project.toml")))
def test_the_samples_fit(name: str) -> None:
    assert fits(tomllib.loads((SAMPLES / name / "project.toml").read_text()), SCHEMA)


@pytest.mark.parametrize(
    "text",
    [
        "x = 1",
        "format = 2",
        "[nodes.a]\nshell = 'x'\ntimeot = 3",
        "[nodes.a]\nshell = 'x'\ntimeout = 'soon'",
        "[nodes.a]\nshell = 'x'\ntask = 'a:b'",
        "[nodes.a]\ntimeout = 3",
        "[nodes.a]\nshell = 3",
        "[nodes.a]\nshell = 'x'\nretry = { max_retries = -1 }",
        "[nodes.a]\nshell = 'x'\non_error = 'skp'",
        "[nodes.a]\nshell = 'x'\njoin = { at_least = 0 }",
        "[nodes.a]\nwait = { for = 1, until = '02:00' }",
        "[nodes.a.nodes.b]\nshel = 'x'",
        "[nodes.a]\ncondition = 'x'\nthen = { shel = 'x' }",
        "[run]\noverlap = 'sometimes'",
        "[agents]\nhosts = [{ slots = 3 }]",
    ],
)
def test_mistakes_are_marked(text: str) -> None:
    assert not fits(tomllib.loads(text), SCHEMA)


def test_every_key_of_a_node_is_there_with_its_help() -> None:
    properties = SCHEMA["$defs"]["own_node"]["properties"]
    for kind in (Settings, *BODIES.values()):
        if kind.__name__ != "Wait":
            assert set(fields_of(kind)) <= set(properties)
    told = [key for key, schema in properties.items() if schema.get("description") or "$ref" in schema]
    assert set(properties) - set(told) == set()


def test_every_setting_of_a_run_is_there() -> None:
    assert set(SCHEMA["$defs"]["run"]["properties"]) == set(fields_of(RunSettings))
    assert set(SCHEMA["$defs"]["defaults"]["properties"]) == set(fields_of(Defaults))


def test_every_reference_inside_leads_somewhere() -> None:
    text = json.dumps(SCHEMA)
    assert set(re.findall(r"#/\$defs/(\w+)", text)) <= set(SCHEMA["$defs"])
