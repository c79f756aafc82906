"""A file that two changed: both changes stay, and only what both changed is asked."""

from __future__ import annotations

import tomllib
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import UNSET

from studio.document.edits import EditRefused
from studio.document.merge import Clash, merge
from studio.document.rules import apply
from tests.studio.document.drafts import NO_EXPLAIN, TEXTS, Chance, draft

BASE = """\
# about the project
[project]
name = "both"

# loads
[nodes.load]
task = "tasks:load"   # by hand
timeout = "5m"

# cleans
[nodes.clean]
task = "tasks:clean"
needs = ["load"]
"""


def test_changes_in_different_places_are_both_kept_with_their_comments() -> None:
    mine = BASE.replace('"5m"', '"9m"   # mine') + '\n# new\n[nodes.mine]\nshell = "true"\n'
    theirs = BASE.replace("# cleans", "# cleans well").replace('"tasks:clean"', '"tasks:scrub"')
    found = merge(BASE, mine, theirs)
    assert not found.clashes
    assert found.text == mine.replace("# cleans", "# cleans well").replace('"tasks:clean"', '"tasks:scrub"')


def test_different_keys_of_one_node_do_not_clash() -> None:
    found = merge(
        BASE, BASE.replace('"5m"', '"9m"'), BASE.replace('"tasks:load"   # by hand', '"tasks:get"   # theirs')
    )
    assert not found.clashes
    assert found.text == BASE.replace('"5m"', '"9m"').replace('"tasks:load"   # by hand', '"tasks:get"   # theirs')


def test_the_same_key_changed_to_two_values_is_asked_and_the_answer_holds() -> None:
    mine, theirs = BASE.replace('"5m"', '"9m"'), BASE.replace('"5m"', '"1m"')
    found = merge(BASE, mine, theirs)
    assert found.clashes == (Clash(("nodes", "load", "timeout"), "5m", "9m", "1m"),)
    assert found.text == mine
    for side, wanted in (("mine", mine), ("theirs", theirs)):
        answered = merge(BASE, mine, theirs, {("nodes", "load", "timeout"): side})  # type: ignore[dict-item]
        assert answered.text == wanted
        assert not answered.clashes


def test_a_node_that_one_deleted_and_the_other_changed_is_asked() -> None:
    gone = BASE[: BASE.index("# cleans")].rstrip() + "\n"
    changed = BASE.replace('"tasks:clean"', '"tasks:scrub"')
    [clash] = merge(BASE, gone, changed).clashes
    assert clash.keys == ("nodes", "clean")
    assert clash.mine is UNSET
    assert "scrub" in merge(BASE, gone, changed, {clash.keys: "theirs"}).text
    assert "scrub" not in merge(BASE, gone, changed, {clash.keys: "mine"}).text


def test_needs_take_what_either_put_in_or_took_out() -> None:
    mine = BASE.replace('needs = ["load"]', 'needs = ["load", "a"]')
    theirs = BASE.replace('needs = ["load"]', 'needs = ["b"]')
    found = merge(BASE, mine, theirs)
    assert not found.clashes
    assert tomllib.loads(found.text)["nodes"]["clean"]["needs"] == ["a", "b"]


@given(st.data(), st.sampled_from(TEXTS))
@settings(max_examples=120, deadline=None, phases=NO_EXPLAIN)
def test_random_edits_of_two_lose_nothing(data: st.DataObject, text: str) -> None:
    chance = Chance(data)
    mine, theirs = _changed(chance, text), _changed(chance, text)
    found = merge(text, mine, theirs)
    one, other, was, both = (
        dict(_leaves(tomllib.loads(t.replace("\r\n", "\n")))) for t in (mine, theirs, text, found.text)
    )
    clashing = {clash.keys for clash in found.clashes}
    for keys, value in one.items():
        if was.get(keys) != value and keys[-1] not in ("needs", "tags") and not _under(keys, clashing):
            assert both.get(keys) == value, ("mine", keys)
    for keys, value in other.items():
        if was.get(keys) != value and keys[-1] not in ("needs", "tags") and not _under(keys, clashing):
            assert both.get(keys) == value, ("theirs", keys)
    for keys in was:
        if (keys not in one or keys not in other) and not _under(keys, clashing) and keys in both:
            assert keys in one or keys in other
    # Asked the other way round, the same clashes.
    assert {clash.keys for clash in merge(text, theirs, mine).clashes} == clashing


def _changed(chance: Chance, text: str) -> str:
    made = draft(text)
    for _ in range(chance.pick((1, 1, 2, 3))):
        try:
            made, _ = apply(made, chance.edit(made))
        except EditRefused:
            continue
    return made.text


def _leaves(value: Any, keys: tuple[str, ...] = ()) -> Any:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _leaves(item, (*keys, key))
    else:
        yield keys, value


def _under(keys: tuple[str, ...], clashing: set[tuple[str, ...]]) -> bool:
    return any(keys[: len(clash)] == clash or clash[: len(keys)] == keys for clash in clashing)
