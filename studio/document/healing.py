"""What becomes of the names of nodes that go away: the edges heal, or end.

Who got the result of a lost node gets what that one got, where it got one thing; who only waited for it waits for what it
waited for. References inside of texts and conditions are a person's words: they stay, and a finding names them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from studio.document.draft import Draft
from studio.document.links import links_of
from studio.document.names import found, name_for, resolve, within
from studio.document.tables import listed, name_in


class Healing:
    """What becomes of a node's own table when nodes that it names go away."""

    def __init__(self, draft: Draft, workflow: str, path: str, gone: set[str], *, heal: bool) -> None:
        self.draft, self.workflow, self.path, self.gone, self.heal = draft, workflow, path, gone, heal
        self.own = draft.workflow(workflow)
        self.links = links_of(draft, workflow)

    def table(self, old: Mapping[str, Any]) -> dict[str, Any]:
        """The table without the lost names."""
        new = dict(old)
        order: list[str] = []
        if isinstance(old.get("inputs"), dict):
            inputs = {}
            for argument, value in old["inputs"].items():
                kept = [one for source in listed(value) for one in self._source(source, order)]
                if kept:
                    inputs[argument] = kept[0] if isinstance(value, str) and len(kept) == 1 else kept
            new["inputs"] = inputs
        if isinstance(old.get("needs"), list) or order:
            needs = [name for name in listed(old.get("needs", [])) if self._target(name) not in self.gone]
            for name in listed(old.get("needs", [])):
                target = self._target(name)
                if target in self.gone and self.heal:
                    order += self._upstream(target, set())
            taken = {self._target(name) for value in new.get("inputs", {}).values() for name in listed(value)}
            taken |= {self._target(name) for name in needs}
            for target in dict.fromkeys(order):
                name = name_for(self.own, target, self.path)
                if target not in taken and name is not None:
                    needs.append(name)
            new["needs"] = needs
        on_error = old.get("on_error")
        if isinstance(on_error, dict):
            if self._target(on_error.get("alternative")) in self.gone:
                del new["on_error"]
            elif isinstance(on_error.get("compensate"), list):
                left = [name for name in on_error["compensate"] if self._target(name) not in self.gone]
                new["on_error"] = {"compensate": left}
        for key in ("inputs", "needs"):
            if key in new and not new[key] and old.get(key):
                del new[key]
        return new

    def _target(self, reference: Any) -> str | None:
        return resolve(self.own, name_in(reference), self.path) if isinstance(reference, str) else None

    def _source(self, reference: Any, order: list[str]) -> list[Any]:
        """What an argument gets instead: the only thing that the lost node got; else nothing, but the order stays."""
        target = self._target(reference)
        if target not in self.gone or target is None:
            return [reference]
        if not self.heal:
            return []
        through = self._only_source(target, set())
        if through is not None:
            return [through]
        order += self._upstream(target, set())
        return []

    def _only_source(self, path: str, seen: set[str]) -> str | None:
        node = found(self.own, path)
        sources = [one for value in node.inputs.values() for one in ((value,) if isinstance(value, str) else value)]
        if len(sources) != 1 or path in seen:
            return None
        target = resolve(self.own, name_in(sources[0]), path)
        if target is None:
            return None
        if target in self.gone:
            return self._only_source(target, {*seen, path})
        name = name_for(self.own, target, self.path)
        return None if name is None else sources[0].replace(name_in(sources[0]), name, 1)

    def _upstream(self, path: str | None, seen: set[str]) -> list[str]:
        """What lay before a lost node, through others that are lost."""
        if path is None or path in seen:
            return []
        seen.add(path)
        found_: list[str] = []
        for link in self.links.of(path):
            if link.waits and not within(self.path, link.source):
                found_ += self._upstream(link.source, seen) if link.source in self.gone else [link.source]
        return found_
