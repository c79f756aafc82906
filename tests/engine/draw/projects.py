"""Projects for the tests of outlines and exports."""

from __future__ import annotations

from engine.project.model import Project
from engine.project.toml import read

EVERYTHING = """
format = 1
[project]
name = "penguins"
[params]
min_rows = 10
[nodes.fetch]
command = ["curl", "-O", "https://example.org/penguins.csv"]
[nodes.load]
task = "tasks:load"
needs = ["fetch"]
[nodes.schema]
task = "tasks:check"
inputs = { file = "fetch" }
[nodes.clean]
task = "tasks:clean"
inputs = { rows = "load" }
needs = ["schema"]
[nodes.enough]
condition = "${clean.count} >= ${params.min_rows}"
[nodes.enough.then]
task = "tasks:fit"
inputs = { rows = "clean" }
[nodes.enough.else]
task = "tasks:explain"
[nodes.per_island]
map = "clean"
task = "tasks:score"
max_parallel = 8
[nodes.monthly]
workflow = "monthly"
needs = ["clean"]
[nodes.archive]
command = ["tar", "czf", "out.tgz", "out"]
needs = ["clean"]
[nodes.poll]
task = "tasks:poll"
needs = ["archive"]
until = "${value} == 'ready'"
[nodes.report]
kind = "sequential"
needs = ["enough", "monthly"]
[nodes.report.nodes.render]
task = "tasks:render"
inputs = { scores = "per_island" }
[nodes.report.nodes.review]
approval = "Publish?"
[nodes.report.nodes.upload]
shell = "scp out.tgz host:"
inputs = { page = "render" }
[workflows.monthly.nodes.one]
task = "tasks:one"
"""

STRANGE = """
format = 1
[project]
name = 'say "hi" <b>&amp;'
[nodes."任务一"]
task = "tasks:first"
[nodes."naïve-größe"]
command = ["echo", '"quoted" \\\\ <script>alert(1)</script>']
inputs = { a = "任务一" }
[nodes.end]
shell = "echo '`x`' # [y] {z} | %% ; --> subgraph"
needs = ["naïve-größe"]
"""


def project(text: str) -> Project:
    """The project that the text says."""
    found = read(text).project
    assert found is not None
    return found
