"""The scenes of one graph at every zoom, through all its edits.

An edit is laid out on the scene before it, so that it moves only what it touches. The last few versions are kept: what
undo, redo or a wire that is put down after it was drawn shows again is there, exactly as it was.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from engine.draw.placement import Arrangement, lay_out
from engine.draw.scene import Form, Graph, Scene, Zoom
from engine.draw.steady import forget

_KEPT_BOXES = 4000
"""Versions are kept as long as they have so many boxes together."""
_LEAST, _MOST = 2, 20


@dataclass(slots=True)
class Version:
    """One state of a graph. `scenes` are its own by zoom, `seen` the last ones of it or of an earlier version."""

    graph: Graph
    arrangement: Arrangement
    scenes: dict[Zoom, Scene] = field(default_factory=dict)
    seen: dict[Zoom, Scene] = field(default_factory=dict)
    tentative: bool = False


class Layouts:
    """Where everything stands, by zoom, for the graph that was shown last."""

    def __init__(self) -> None:
        self._now = Version(Graph(), Arrangement(Graph()))
        self._versions: list[Version] = []

    @property
    def graph(self) -> Graph:
        """The graph that was shown last."""
        return self._now.graph

    def start(self, graph: Graph) -> None:
        """Show a graph as if there had been none before."""
        self._versions.clear()
        self._enter(Version(graph, Arrangement(graph)))

    def edit(self, graph: Graph, zoom: Zoom, forms: Mapping[int, Form], *, tentative: bool = False) -> None:
        """Show a graph that came out of the one before, at `zoom` with `forms`. What is `tentative` is replaced by what
        comes next, as if it had not been: the places of a node while it is dragged."""
        while self._now.tentative and self._now.graph != graph and len(self._versions) > 1:
            self._versions.pop()
            self._now = self._versions[-1]
        known = next((version for version in self._versions if version.graph == graph), None)
        if known is not None:
            self._versions.remove(known)
            known.tentative = tentative
            self._enter(known)
            return
        before = self._now
        reference = before.scenes.get(Zoom.CARD)
        if reference is None and any(box.pin is not None for box in graph.boxes):
            reference = self.scene(Zoom.CARD, forms)
        if reference is None:
            reference = before.scenes.get(zoom) or next(iter(before.scenes.values()), None)
        self._enter(Version(graph, Arrangement(graph, reference), {}, dict(before.seen), tentative))

    def forget(self, paths: Collection[str]) -> None:
        """After the next edit, let these boxes stand where they fit best, and not where they stood."""
        for scene in {id(scene): scene for scene in (*self._now.scenes.values(), *self._now.seen.values())}.values():
            forget(scene, paths)

    def _enter(self, version: Version) -> None:
        self._now = version
        self._versions.append(version)
        most = max(_LEAST, min(_MOST, _KEPT_BOXES // max(1, len(version.graph.boxes))))
        del self._versions[:-most]

    def scene(self, zoom: Zoom, forms: Mapping[int, Form]) -> Scene:
        """The graph at a zoom, its groups in these forms."""
        now = self._now
        scene = now.scenes.get(zoom)
        if scene is None or (zoom is Zoom.CARD and not _fits(scene, forms)):
            before = now.seen.get(zoom) if now.arrangement.before is not None else None
            scene = lay_out(now.graph, zoom, forms, now.arrangement, before=before)
            now.scenes[zoom] = now.seen[zoom] = scene
        return scene


def _fits(scene: Scene, forms: Mapping[int, Form]) -> bool:
    """Whether a scene shows groups in these forms, as far as they are seen."""
    return all(forms.get(box, Form.CLOSED) is form for box, form in scene.forms.items() if scene.rects[box].width)
