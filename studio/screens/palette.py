"""What the command palette knows: every act of the table in `keys`, samples, themes."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, NamedTuple, cast

from textual.command import DiscoveryHit, Hit, Hits, Provider

from studio import key_names, keys
from studio.actions import Action, Asked, ProjectChosen, ThemeChosen
from studio.document.samples import samples
from studio.document.visible import line

if TYPE_CHECKING:
    from collections.abc import Callable

    from studio.app import StudioApp


class Entry(NamedTuple):
    """A line of the palette: what is searched and shown, a hint below it, what it does."""

    text: str
    hint: str
    action: Action


class _Entries(Provider):
    """Offers entries, by a fuzzy search in their text."""

    def entries(self) -> Iterator[Entry]:
        """What there is to offer."""
        raise NotImplementedError

    @property
    def studio(self) -> StudioApp:
        """The app, by its own type."""
        return cast("StudioApp", self.app)

    def _doing(self, action: Action) -> Callable[[], None]:
        return partial(_do, self.studio, action)

    async def discover(self) -> Hits:
        """Everything, before anybody typed."""
        for entry in self.entries():
            yield DiscoveryHit(entry.text, self._doing(entry.action), help=entry.hint)

    async def search(self, query: str) -> Hits:
        """What matches, best first."""
        matcher = self.matcher(query)
        for entry in self.entries():
            score = matcher.match(entry.text)
            if score > 0:
                yield Hit(score, matcher.highlight(entry.text), self._doing(entry.action), help=entry.hint)


def _do(studio: StudioApp, action: Action) -> None:
    frame = studio.frame
    if isinstance(action, Asked) and frame is not None:
        frame.act(action.command)
    else:
        studio.session.dispatch(action)


class Commands(_Entries):
    """Every act there is; those that hold where one is come first, with their keys."""

    def entries(self) -> Iterator[Entry]:
        from studio.widgets.bars import where_of

        plain = self.studio.session.state.ascii
        here = {action.id for action in keys.here(where_of(self.studio.session.state), self.studio.table)}
        ranked = sorted(self.studio.table.values(), key=lambda action: action.id not in here)
        for action in ranked:
            if action.id == "palette" or action.id not in here:
                continue
            caps = "  ".join(key_names.cap(key, ascii=plain) for key in action.keys)
            where = keys.PLACE_NAMES.get(action.where, "")
            yield Entry(action.text, "   ".join(part for part in (caps, where.lower()) if part), Asked(action.id))
        for sample in samples():
            yield Entry(f"Open the sample {line(sample.name)}", line(sample.text), ProjectChosen(sample.folder))


class Themes(_Entries):
    """All themes, ours first."""

    def entries(self) -> Iterator[Entry]:
        names = sorted(self.studio.available_themes, key=lambda name: (not name.startswith("loom-"), name))
        for name in names:
            yield Entry(name, _ABOUT.get(name, "one of Textual's"), ThemeChosen(name))


_ABOUT = {
    "loom-dark": "Flowloom's own, dark",
    "loom-light": "Flowloom's own, light",
    "loom-contrast": "Flowloom's own, high contrast",
}
