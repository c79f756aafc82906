"""What a person reads who wrote a first project and made nineteen mistakes.

After a change of words on purpose: `python -m tests.engine.project.test_goldens` writes the file anew; read the difference.
"""

from __future__ import annotations

from pathlib import Path

from engine.project.checks import check_text

FOLDER = Path(__file__).parent / "goldens"


def told() -> str:
    file = FOLDER / "first_try.toml"
    text = check_text(file.read_text(), file=file)[1].render() + "\n"
    return text.replace(f"{FOLDER}/", "").replace("tests/engine/project/goldens/", "")


def test_the_findings_of_a_first_try_read_as_they_did() -> None:
    assert told() == (FOLDER / "first_try.txt").read_text()


def test_every_mistake_is_told_with_its_place_and_a_remedy() -> None:
    file = FOLDER / "first_try.toml"
    for finding in check_text(file.read_text(), file=file)[1]:
        assert finding.line
        assert finding.column
        assert len(finding.remedy) > 8
        assert "\n" not in finding.message


if __name__ == "__main__":
    (FOLDER / "first_try.txt").write_text(told())
