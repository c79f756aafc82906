"""Where in a text a key stands."""

from __future__ import annotations

import tomllib
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from engine.project.layout import to_text
from engine.project.places import last_open, place_of, places

TEXT = '''\
a.b = 0.1 # x
"q\\u0041" = { x = [1, {y = 2.5, z = "a,b"}], w = 1979-05-27 07:32:00 , v = 3}
[[hosts]]
n = 1
[[hosts]]
n = """
 x = 3
"""   # after
m = [
  1.5,
  "x", [ 3, 4],
]
[hosts.sub]
'k k' = 1
  [ p . "q.r" ]
    deep = -1
'''


def test_keys_tables_and_elements_are_found() -> None:
    found = places(TEXT)
    assert found["a", "b"] == (1, 1)
    assert found["qA",] == (2, 1)
    assert found["qA", "x", 1, "z"] == (2, 33)
    assert found["qA", "v"] == (2, 72)
    assert found["hosts", 0] == (3, 1)
    assert found["hosts", 1, "n"] == (6, 1)
    assert found["hosts", 1, "m"] == (9, 1)
    assert found["hosts", 1, "m", 2, 1] == (11, 13)
    assert found["hosts", 1, "sub", "k k"] == (14, 1)
    assert found["p", "q.r"] == (15, 3)
    assert found["p", "q.r", "deep"] == (16, 5)


def test_what_has_no_place_is_given_that_of_what_is_around_it() -> None:
    found = places(TEXT)
    assert place_of(("hosts", 1, "sub", "missing", "more"), found) == (13, 1)
    assert place_of(("nowhere",), found) is None


def test_the_header_of_a_table_is_a_better_place_than_that_of_a_table_inside_of_it() -> None:
    found = places("[nodes.a.retry]\nx = 1\n[nodes.a]\ny = 2\n")
    assert found["nodes", "a"] == (3, 1)


def test_what_is_never_closed_is_found() -> None:
    assert last_open("[a]\nb = [1,\n{c = [2\n") == (3, 6)
    assert last_open("[a]\nb = '''\nc = 1\n") == (2, 5)
    assert last_open("[a]\nb = [1]\n") is None


keys = st.text(min_size=1, max_size=5)
values = st.recursive(
    st.integers(-99, 99) | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8) | st.booleans(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3),
    max_leaves=12,
)


def paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    items: Any = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [found for key, item in items for found in ((*path, key), *paths(item, (*path, key)))]


@settings(deadline=None, max_examples=80)
@given(st.dictionaries(keys, values, max_size=4))
def test_every_key_and_element_of_any_file_has_a_place_and_nothing_else_has(data: dict[str, Any]) -> None:
    text = to_text(data)
    assert tomllib.loads(text) == data
    found = places(text)
    assert set(found) == set(paths(data))
    lines = text.split("\n")
    for path, (line, column) in found.items():
        if isinstance(path[-1], str) and path[-1].isascii() and path[-1].isalpha():
            rest = lines[line - 1][column - 1 :]
            assert rest.startswith("[") or path[-1] in rest


@settings(deadline=None)
@given(st.text(alphabet="[]{}=\"'#.,\n ab1\\", max_size=60))
def test_no_text_upsets_the_scanner(text: str) -> None:
    places(text)
    last_open(text)
