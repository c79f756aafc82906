"""Projects as people write them, and edits of them at random, for tests of the draft."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from hypothesis import Phase
from hypothesis import strategies as st
from msgspec import UNSET

from engine.project.checks import check_text
from engine.project.model import Composite, SubWorkflow
from studio.document import edits
from studio.document.draft import Draft, draft_of
from studio.document.links import links_of
from studio.document.reader import Document, walk

NO_EXPLAIN = (Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink)
"""Explaining a failure traces every line that runs: minutes, where an example edits a whole project."""

PATH = Path("/nowhere/made/project.toml")


def document(text: str) -> Document:
    """A document that lies on no disk."""
    project, _ = check_text(text)
    assert project is not None
    return Document(PATH, PATH.parent, text, "stamp", project)


def draft(text: str) -> Draft:
    return draft_of(document(text))


WRITTEN = '''\
# The whole of it, by hand.
format = 1

[project]
name = "made"   # the name
result = "report"

# ---- values ----

[params]
island = "Biscoe"
[vars]
flag = false

# ---- the beginning ----

# reads the rows
[nodes.load]
task   = "tasks:load"   # aligned
args = { path = "data.csv", island = "${params.island}" }

[nodes.clean]
task = 'tasks:clean'
inputs = { rows = "load" } # from load
# goes on in the next one
[nodes.clean.retry]
max_retries = 2 # twice

  [ nodes."fit" ]
  task = "tasks:fit"
  inputs.rows = "clean"
  needs = [
    "load",  # first
    "clean",
  ]

# ---- the rest ----

[nodes.enough]
condition = "${clean.count} >= 10 and ${load} != 'x'"
[nodes.enough.then]
task = "tasks:more"
inputs = { rows = "clean" }
# otherwise
[nodes.enough.else]
shell = """
echo [nodes.fake]   # no header
echo ${load}
"""

[nodes.publish]
kind = "sequential"
needs = ["enough"]

# renders
[nodes.publish.nodes.render]
task = "tasks:render"
inputs = { fit = "fit", all = ["clean", "load.rows[0]"] }
[nodes.publish.nodes.upload]
task = "tasks:upload"
[nodes.publish.nodes.inner]
[nodes.publish.nodes.inner.nodes.deep]
task = "tasks:deep"
needs = ["render"]

[nodes.each]
map = { row = "clean" }
task = "tasks:one"
on_error = { alternative = "load" }

[nodes.month]
workflow = "monthly"
params = { rows = "${clean}" }

[nodes.report]
command = ["echo", "${fit.score}", "${publish/render}"]
needs = ["publish", "each", "month"]

# ---- inside ----

[workflows.monthly]
result = "b"
[workflows.monthly.params.rows]
required = true
[workflows.monthly.nodes.a]
task = "tasks:a"
args = { rows = "${params.rows}" }
# b comes after a
[workflows.monthly.nodes.b]
task = "tasks:b"
inputs = { x = "a" }

[studio]
zoom = 2
[studio.places]
load = [1, 2]

# the end
'''

INLINE = """\
nodes = { a = { task = "m:a" }, b = { task = "m:b", inputs = { x = "a" } } }
# nothing else
"""

DOTTED = """\
[nodes]
a.task = "m:a"   # first
a.timeout = "5m"
b = { task = "m:b", needs = ["a"] } # second
[nodes.c]
task = "m:c"
inputs = { x = "b" }
"""

BARE = 'nodes.one.shell = "true"'
EMPTY = ""
TEXTS = (WRITTEN, INLINE, DOTTED, BARE, EMPTY, WRITTEN.replace("\n", "\r\n"), WRITTEN.rstrip("\n"))

NEW_IDS = ["x", "plot", "任务1", "with-dash", "load_2"]
NODES = [
    {"task": "tasks:new", "args": {"a": 1}},
    {"shell": "echo\ntwo\n"},
    {"kind": "parallel", "nodes": {"p": {"shell": "p"}, "q": {"shell": "q", "needs": ["p"]}}},
    {"condition": "${params.island} == 'x'", "then": {"task": "tasks:t"}},
]
FIELDS = [
    (("timeout",), "5m"),
    (("timeout",), "not a time"),
    (("timeout",), UNSET),
    (("retry", "max_retries"), 5),
    (("retry", "strategy"), "exponential"),
    (("retry",), UNSET),
    (("args", "path"), "other.csv"),
    (("args",), {"x": [1, 2, {"y": "z"}]}),
    (("description",), 'with "quotes" and \n lines'),
    (("needs",), UNSET),
    (("tags",), ["a", "b"]),
    (("on_error",), "skip"),
    (("undo",), {"task": "tasks:undo"}),
    (("unknown", "key"), 1.5),
]


class Chance:
    """Picks from what is there now: cheaper than a strategy made anew for every draft."""

    def __init__(self, data: st.DataObject) -> None:
        self._data = data

    def pick(self, things: Sequence[Any]) -> Any:
        return things[self._data.draw(st.integers(0, len(things) - 1))]

    def some(self, things: Sequence[Any]) -> tuple[Any, ...]:
        return tuple(dict.fromkeys(self.pick(things) for _ in range(self.pick((1, 1, 2, 3)))))

    def edit(self, draft: Draft) -> edits.Edit:
        """Some edit of this draft, which may well be refused."""
        workflow = self.pick(["", "", *draft.project.workflows])
        own = draft.workflow(workflow)
        every = dict(walk(own.nodes))
        paths = list(every) or ["none"]
        groups = [path for path, node in every.items() if isinstance(node.body, Composite)]
        return self.pick(MADE)(self, draft, workflow, paths, groups)

    def place(self) -> tuple[int, int]:
        return (self.pick(range(50)), self.pick(range(50)))

    def new(self, groups: list[str]) -> str:
        owner = self.pick(["", "", *groups])
        name = self.pick(NEW_IDS)
        return f"{owner}/{name}" if owner else name


def _edge(c: Chance, draft: Draft, workflow: str, paths: list[str]) -> tuple[str, str, str | None]:
    links = links_of(draft, workflow).by_path
    found = [(link.source, path, link.argument) for path, own in links.items() for link in own]
    return c.pick(found) if found and c.pick((0, 1, 1, 1)) else (c.pick(paths), c.pick(paths), c.pick(ARGUMENTS))


def _runners(draft: Draft, workflow: str) -> list[str]:
    return [path for path, node in walk(draft.workflow(workflow).nodes) if isinstance(node.body, SubWorkflow)]


ARGUMENTS = (None, None, "rows", "x", "island")
Maker = Callable[[Chance, Draft, str, list[str], list[str]], edits.Edit]
MADE: tuple[Maker, ...] = (
    lambda c, d, w, p, g: edits.AddNode(
        c.new(g), c.pick(NODES), c.pick([None, *p]), c.pick((None, c.place())), workflow=w
    ),
    lambda c, d, w, p, g: edits.DeleteNodes(c.some(p), c.pick((True, True, False)), workflow=w),
    lambda c, d, w, p, g: edits.Connect(c.pick(p), c.pick(p), c.pick(ARGUMENTS), workflow=w),
    lambda c, d, w, p, g: edits.Disconnect(*_edge(c, d, w, p), workflow=w),
    lambda c, d, w, p, g: edits.SetField(c.pick(p), *c.pick(FIELDS), workflow=w),
    lambda c, d, w, p, g: edits.SetBody(c.pick(p), c.pick(NODES[:2]), workflow=w),
    lambda c, d, w, p, g: edits.RenameNode(c.pick(p), c.pick([*NEW_IDS, "load", "render"]), workflow=w),
    lambda c, d, w, p, g: edits.MoveNodes({path: c.place() for path in c.some(p)}, workflow=w),
    lambda c, d, w, p, g: edits.Unpin(c.pick(((), c.some(p))), workflow=w),
    lambda c, d, w, p, g: edits.MoveInto(c.some(p), c.pick(["", *g]), c.pick([None, *p]), workflow=w),
    lambda c, d, w, p, g: edits.Reorder(c.pick(p), c.pick([None, *p]), workflow=w),
    lambda c, d, w, p, g: edits.Group(c.some(p), c.pick(NEW_IDS), c.pick(("parallel", "sequential")), workflow=w),
    lambda c, d, w, p, g: edits.Ungroup(c.pick(g or p), workflow=w),
    lambda c, d, w, p, g: edits.SetEnabled(c.some(p), c.pick((True, False)), workflow=w),
    lambda c, d, w, p, g: edits.SetNotes(c.pick(p), c.pick(("", "a note", "two\nlines")), workflow=w),
    lambda c, d, w, p, g: edits.Duplicate(c.some(p), workflow=w),
    lambda c, d, w, p, g: edits.InsertOnEdge(_edge(c, d, w, p), c.new([]), c.pick(NODES), workflow=w),
    lambda c, d, w, p, g: edits.ExtractWorkflow(c.some(p), c.pick(NEW_IDS), workflow=w),
    lambda c, d, w, p, g: edits.InlineWorkflow(c.pick(_runners(d, w) or p), workflow=w),
    lambda c, d, w, p, g: edits.SetParam(c.pick(("island", "n")), c.pick((1, "x", UNSET)), workflow=w),
    lambda c, d, w, p, g: edits.SetProject(
        c.pick((("project", "description"), ("run", "timeout"), ("defaults", "retry", "max_retries"))),
        c.pick((3, "1h", UNSET)),
    ),
)
