"""The part of a graph around a node."""

from __future__ import annotations

from msgspec import structs

from engine.draw.scene import Edge, Graph
from studio.pictures.web import Web


def around(graph: Graph, path: str, count: int) -> Graph:
    """The part of a graph that is at most so many steps from a node."""
    center = next((number for number, box in enumerate(graph.boxes) if box.path == path), None)
    if center is None:
        return graph
    kept = sorted(Web(graph).near(center, count))
    place = {old: new for new, old in enumerate(kept)}
    return Graph(
        boxes=[structs.replace(box, parent=place.get(box.parent, -1)) for box in (graph.boxes[old] for old in kept)],
        edges=[
            Edge(place[edge.source], place[edge.target], edge.kind)
            for edge in graph.edges
            if edge.source in place and edge.target in place
        ],
    )
