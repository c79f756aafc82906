"""Files that are no project: each is refused quickly, with place and remedy, and nothing of it runs or is written.

Numbers in the names of the cases are those of the project's list of bad inputs.
"""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from engine.errors import SystemFailure, ValidationFailed
from engine.project import source
from engine.project.findings import MAX_FINDINGS
from engine.project.limits import MAX_FILE_BYTES, MAX_KEY_PARTS, MAX_NESTING
from engine.project.loading import look
from engine.project.source import ChangedOnDisk, read_source, save
from tests.engine.project.texts import HELLO, codes, looked_at, only, project_in

SHELL = b'shell = "x"\n'

# name: (bytes, code of the finding, line, words of the message, words of the remedy)
REFUSED: dict[str, tuple[bytes, str, int | None, str, str]] = {
    "2 byte order mark": (b"\xef\xbb\xbf[nodes.a]\n" + SHELL, "unreadable", 1, "BOM", "without BOM"),
    "3 NUL": (b'[nodes.a]\nshell = "a\0b"\n', "not-toml", 2, "TOML does not allow", "delete it"),
    "4 lone CR": (b"[nodes.a]\rshell = 'x'\n", "not-toml", 1, "left over", "delete it"),
    "5 invalid UTF-8": (b'[nodes.a]\nshell = "\xff\xfe"\n', "unreadable", 2, "0xff is not UTF-8", "save it as UTF-8"),
    "6 UTF-16": ("[nodes.a]\n".encode("utf-16"), "unreadable", 1, "UTF-16", "save it as UTF-8"),
    "6 UTF-16 without a mark": (("[nodes.é]\n" * 9).encode("utf-16-le"), "unreadable", 1, "UTF-16", "save it as UTF-8"),
    "6 UTF-32": ("[nodes.a]\n".encode("utf-32"), "unreadable", 1, "UTF-32", "save it as UTF-8"),
    "7 duplicate key": (b"[nodes.a]\nshell = 'x'\nshell = 'y'\n", "not-toml", 3, "already there", "keep one"),
    "8 table twice": (b"[nodes.a]\nshell = 'x'\n[nodes.a]\ncwd = 'y'\n", "not-toml", 3, "already there", "one [header]"),
    "9 30 February": (b"[vars]\nday = 2026-02-30\n", "not-toml", 2, "2026-02-30 does not exist", "correct the date"),
    "10 long integer": (b"format = " + b"9" * 5000, "too-much", 1, "refused unread", "string"),
    "11 long hex": (b"[vars]\nx = 0x" + b"f" * 100_000, "too-much", 2, "refused unread", "string"),
    "14 deep array": (b"[vars]\nx = " + b"[" * 1000 + b"]" * 1000, "too-much", 2, "brackets", "flatten"),
    "14 deep inline table": (b"x = " + b"{a=" * 1000 + b"1" + b"}" * 1000, "too-much", 1, "brackets", "flatten"),
    "15 long dotted key": (b".".join([b"a"] * 20_000) + b" = 1", "too-much", 1, "parts", "nest less"),
    "15 long dotted header": (b"[" + b" . ".join([b'"a"'] * 20_000) + b"]", "too-much", 1, "parts", "nest less"),
    "15 many dotted keys": (
        b"\n".join(b"k%d." % i + b".".join([b"a"] * 30) + b" = 1" for i in range(21_000)),
        "too-much", 1, "keys of", "flat",
    ),
    "24 newer format": (b"format = 2\n[nodes.a]\n" + SHELL, "format", 1, "format 2", "newer Flowloom"),
    "24 no format at all": (b'format = "one"\n[nodes.a]\n' + SHELL, "wrong-value", 1, "a version number", "format = 1"),
    "unclosed string": (b'[nodes.a]\nshell = "x\n', "not-toml", 2, "never closed", "closing quotes"),
    "unclosed list": (b'[nodes.a]\ncommand = ["x",\n\n\n', "not-toml", 2, "never closed", "closing bracket"),
    "unclosed text": (b'[nodes.a]\nshell = """\nx\ny\n', "not-toml", 2, "never closed", "closing quote"),
    "unclosed header": (b"[nodes.a\nshell = 'x'\n", "not-toml", 1, "never closed", "closing ]"),
    "text left open": (b'[nodes.a]\nshell = "x\ncwd = "y"\n', "not-toml", 2, "not closed on its line", "closing quote"),
    "list left open": (b"[nodes.a]\nneeds = [\"b\",\n[nodes.c]\nshell = 'x'\n", "not-toml", 3, "still open", "close it"),
    "table left open": (b"[nodes.a]\nargs = { a = 1\n b = 2 }\n", "not-toml", 2, "not closed here", "the closing }"),
    "comma left over": (b"[nodes.a]\nargs = { a = 1, }\n", "not-toml", 2, "comma is left over", "delete the comma"),
    "True": (b"[nodes.a]\nenabled = True\n", "not-toml", 2, "True is no value", "write true"),
    "null": (b"[nodes.a]\ncwd = null\n", "not-toml", 2, "null is no value", "leave the line out"),
    "no equals": (b"[nodes.a]\nshell 'x'\n", "not-toml", 2, "followed by `=`", "key = value"),
    "bare word": (b"[nodes.a]\nshell = echo\n", "not-toml", 2, "no value", "quotes"),
    "bad escape": (b'[nodes.a]\nshell = "C:\\dir"\n', "not-toml", 2, "backslash", "single quotes"),
    "unquoted letters": ("[nodes.任务1]\nshell = 'x'\n".encode(), "unquoted-key", 1, "任务1", '[nodes."任务1"]'),
    "unquoted key": ("[vars]\nnaïve = 1\n".encode(), "unquoted-key", 2, "naïve", '"naïve" = ...'),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_a_file_that_is_no_project_is_refused_with_place_and_remedy(name: str, tmp_path: Path) -> None:
    data, code, line, message, remedy = REFUSED[name]
    try:
        findings = looked_at(tmp_path, data).findings.items
    except ValidationFailed as error:
        findings = error.findings
    assert [finding.code for finding in findings] == [code]
    assert findings[0].severity == "error"
    assert findings[0].line == line
    assert message in findings[0].message
    assert remedy in findings[0].remedy
    assert findings[0].remedy
    assert len(str(findings[0])) < 600


def test_1_an_empty_file_is_a_project_without_nodes(tmp_path: Path) -> None:
    loaded = looked_at(tmp_path, "")
    assert loaded.project is not None
    assert codes(loaded.findings) == ["no-nodes"]
    assert not loaded.findings.errors


@pytest.mark.parametrize(
    "value", ["1e999", "inf", "-inf", "nan", "-1", "-0.5", "true", '"soon"', '"-5s"', "[]", '"5s 5s"']
)
def test_12_what_is_no_length_of_time_is_named_as_such(value: str, tmp_path: Path) -> None:
    found = only(looked_at(tmp_path, f"{HELLO}timeout = {value}\n").findings, "wrong-value")
    assert (found.line, found.column) == (3, 1)
    assert "length of time" in found.message
    assert '"90s"' in found.remedy


def test_12_a_timeout_of_nothing_is_an_error(tmp_path: Path) -> None:
    assert only(looked_at(tmp_path, HELLO + "timeout = 0\n").findings, "zero-timeout").line == 3


@pytest.mark.parametrize("value", ["-1", "true", "1.5", '"2"', "99999999999999999999"])
def test_13_what_is_no_number_of_retries_is_named_as_such(value: str, tmp_path: Path) -> None:
    found = only(looked_at(tmp_path, f"{HELLO}retry = {{ max_retries = {value} }}\n").findings, "wrong-value")
    assert found.line == 3
    assert "`nodes.hello.retry.max_retries`" in found.message


def test_13_no_retries_are_fine(tmp_path: Path) -> None:
    assert not looked_at(tmp_path, HELLO + "retry = { max_retries = 0 }\n").findings


def test_the_limits_leave_room_for_what_people_write(tmp_path: Path) -> None:
    depth = (MAX_KEY_PARTS - 2) // 2
    header = ".".join(f"nodes.n{number}" for number in range(depth))
    nested = "[" * (MAX_NESTING - 1) + "]" * (MAX_NESTING - 1)
    loaded = looked_at(tmp_path, f'[vars]\nx = {nested}\n[{header}]\nshell = "x"\n')
    assert set(codes(loaded.findings)) <= {"not-yet"}
    assert loaded.project is not None


@pytest.mark.parametrize("opening", ["[", "{a="])
def test_deep_values_in_strings_and_comments_are_only_text(opening: str, tmp_path: Path) -> None:
    hostile = opening * 500 + "." * 500
    text = f"# {hostile}\n[nodes.a]\nshell = '''\n{hostile}\n'''\ndescription = \"{hostile}\"\n"
    assert not looked_at(tmp_path, text).findings.errors


def test_16_a_long_string_is_read(tmp_path: Path) -> None:
    loaded = looked_at(tmp_path, f'[nodes.a]\nshell = "{"x" * 2_000_000}"\n')
    assert not loaded.findings


def test_16_a_file_over_the_limit_is_refused_unread(tmp_path: Path) -> None:
    file = project_in(tmp_path, HELLO)
    os.truncate(file, MAX_FILE_BYTES + 1)
    with pytest.raises(ValidationFailed, match="larger than") as caught:
        look(tmp_path)
    assert caught.value.findings[0].remedy


def test_17_thousands_of_wrong_tables_are_counted_and_not_all_told(tmp_path: Path) -> None:
    text = "".join(f"[nodes.n{number}]\nshel = 'x'\n" for number in range(3_000))
    findings = looked_at(tmp_path, text).findings
    assert len(findings) == MAX_FINDINGS
    assert findings.more > 1_000
    assert "more" in findings.counts()


def test_18_an_empty_key_is_named(tmp_path: Path) -> None:
    findings = looked_at(tmp_path, HELLO + '[nodes.hello.args]\n"" = 1\n').findings
    assert only(findings, "empty-key").line == 4
    assert only(looked_at(tmp_path, '[nodes.""]\nshell = "x"\n').findings, "bad-id").message == 'the id "" is empty'


@pytest.mark.parametrize("key", ["__class__", "__proto__", "__init__", "__dict__"])
def test_19_names_of_python_are_keys_like_any_other(key: str, tmp_path: Path) -> None:
    findings = looked_at(tmp_path, f'{HELLO}[nodes.{key}]\nshell = "x"\n{key} = 1\n[vars]\n{key} = 2\n').findings
    assert "unknown-key" in codes(findings)
    assert all(finding.line for finding in findings)


@pytest.mark.parametrize("key", [r"\u001b]0;x", r"a\u202eb", r"\u200b", r"a\u0000", r"\u009b31m"])
def test_20_21_what_cannot_be_seen_is_named_and_never_printed(key: str, tmp_path: Path) -> None:
    text = f'[project]\nname = "{key}"\n[nodes."{key}"]\nshell = "x"\n[vars]\n"{key}" = 1\n'
    findings = looked_at(tmp_path, text).findings
    assert only(findings, "bad-id").line == 3
    assert {"hidden-character", "bad-name"} <= set(codes(findings))
    assert all(char.isprintable() or char == "\n" for char in findings.render())


@pytest.mark.parametrize("make", [os.mkfifo, Path.mkdir, lambda path: path.symlink_to(path), lambda path: None])
def test_25_what_is_no_file_is_refused_without_waiting(make, tmp_path: Path) -> None:
    make(tmp_path / "project.toml")
    with pytest.raises(ValidationFailed) as caught:
        look(tmp_path / "project.toml")
    finding = caught.value.findings[0]
    assert (finding.code, bool(finding.remedy)) == ("unreadable", True)
    assert finding.file is not None
    assert finding.file.endswith("project.toml")


def test_25_devices_sockets_and_odd_paths_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # the name of a socket may not be long
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("s")
        for path in (Path("s"), Path("/dev/zero"), Path("/dev/null"), Path("a\0b"), Path("x" * 5000), Path("s/a")):
            with pytest.raises(ValidationFailed) as caught:
                read_source(path)
            assert caught.value.findings[0].remedy


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_25_a_file_that_may_not_be_read_is_refused(tmp_path: Path) -> None:
    project_in(tmp_path, HELLO).chmod(0)
    with pytest.raises(ValidationFailed, match="not allowed"):
        look(tmp_path)


# -- saving ------------------------------------------------------------------------------------------------------------


def test_22_half_a_character_does_not_cost_the_file(tmp_path: Path) -> None:
    file = project_in(tmp_path, HELLO)
    with pytest.raises(ValueError, match="line 2 holds half of a character"):
        save(file, "a = 1\nb = '\ud800'\n")
    assert file.read_text() == HELLO
    assert os.listdir(tmp_path) == ["project.toml"]


def test_26_a_file_that_changed_since_it_was_read_is_left_alone(tmp_path: Path) -> None:
    file = project_in(tmp_path, HELLO)
    read = read_source(file)
    file.write_text(HELLO + "# by somebody else\n")
    with pytest.raises(ChangedOnDisk, match="changed by another program"):
        save(file, "x = 1\n", expected=read.stamp)
    assert file.read_text() == HELLO + "# by somebody else\n"
    file.unlink()
    with pytest.raises(ChangedOnDisk):
        save(file, "x = 1\n", expected=read.stamp)
    assert not file.exists()


def test_saving_twice_goes_on_from_the_new_stamp(tmp_path: Path) -> None:
    file = project_in(tmp_path, HELLO)
    stamp = save(file, "a = 1\n", expected=read_source(file).stamp)
    save(file, "a = 2\n", expected=stamp)
    assert file.read_text() == "a = 2\n"


def test_saving_keeps_the_mode_and_follows_a_link(tmp_path: Path) -> None:
    file = project_in(tmp_path / "real", HELLO)
    file.chmod(0o640)
    link = tmp_path / "project.toml"
    link.symlink_to(file)
    save(link, "a = 1\n")
    assert link.is_symlink()
    assert file.read_text() == "a = 1\n"
    assert file.stat().st_mode & 0o777 == 0o640


def test_a_new_file_gets_what_the_umask_leaves(tmp_path: Path) -> None:
    old = os.umask(0o027)
    try:
        save(tmp_path / "new.toml", "a = 1\n")
    finally:
        os.umask(old)
    assert (tmp_path / "new.toml").stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize("call", ["fsync", "open", "fdopen"])
def test_whatever_fails_while_saving_the_old_file_is_whole(
    call: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = project_in(tmp_path, HELLO)

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(source.os, call, full)
    with pytest.raises(SystemFailure, match="No space left") as caught:
        save(file, "a = 1\n" * 1000)
    assert caught.value.errno == 28
    monkeypatch.undo()
    assert file.read_text() == HELLO
    assert sorted(os.listdir(tmp_path)) == ["project.toml"]
