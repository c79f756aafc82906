"""Project texts and small doors that the tests of this folder share."""

from __future__ import annotations

from pathlib import Path

from engine.project.checks import check_text
from engine.project.findings import Finding, Findings
from engine.project.loading import Loaded, look

HELLO = '[nodes.hello]\nshell = "echo hello"\n'


def project_in(folder: Path, text: str | bytes, **sources: str) -> Path:
    """A project file in `folder`, with the Python files that it names."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "project.toml"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    for name, source in sources.items():
        (folder / f"{name}.py").write_text(source)
    return file


def findings_of(text: str) -> Findings:
    """What is found in a text without a folder around it."""
    return check_text(text)[1]


def only(findings: Findings, code: str) -> Finding:
    """The one finding of this code."""
    found = [finding for finding in findings if finding.code == code]
    assert len(found) == 1, [str(finding) for finding in findings]
    return found[0]


def codes(findings: Findings) -> list[str]:
    """The codes of all findings, sorted."""
    return sorted(finding.code for finding in findings)


def looked_at(folder: Path, text: str | bytes, **sources: str) -> Loaded:
    """What a look at a project with this text finds."""
    return look(project_in(folder, text, **sources))
