"""Texts that try to take over a terminal or crash a program that believes in markup: 40 of them, each named.

They go into names, descriptions, code, logs and values. `CANARY` is in each one that would do something, so that a test
can look for bytes of an attacker in what a program sent: `attacker_bytes` finds escape sequences that hold it, and C1
controls, which no program of ours ever sends.
"""

from __future__ import annotations

import re

CANARY = "PWN"

PAYLOADS: dict[str, str] = {
    # escape sequences
    "title": f"\x1b]0;{CANARY}\x07",
    "title-st": f"\x1b]2;{CANARY}\x1b\\",
    "icon": f"\x1b]1;{CANARY}\x07",
    "clipboard": f"\x1b]52;c;{CANARY}cm0gLXJm\x07",
    "clipboard-primary": f"\x1b]52;p;{CANARY}cm0gLXJm\x1b\\",
    "link": f"\x1b]8;;http://{CANARY}.example/\x1b\\click\x1b]8;;\x1b\\",
    "palette": f"\x1b]4;1;rgb:ff/00/00{CANARY}\x07",
    "ground": f"\x1b]11;#ff0000{CANARY}\x07",
    "notify": f"\x1b]9;{CANARY}\x07",
    "notify-777": f"\x1b]777;notify;{CANARY};x\x07",
    "iterm-file": f"\x1b]1337;File=name={CANARY}:AAAA\x07",
    "working-folder": f"\x1b]7;file://{CANARY}/etc\x07",
    "clear": f"\x1b[2J\x1b[H{CANARY}",
    "scrollback": f"\x1b[3J{CANARY}",
    "move": f"\x1b[1;1H{CANARY}",
    "colour": f"\x1b[31;5;7m{CANARY}\x1b[0m",
    "hidden": f"\x1b[8m{CANARY}\x1b[28m",
    "alternate-screen": f"\x1b[?1049l{CANARY}",
    "mouse-on": f"\x1b[?1003h{CANARY}",
    "paste-on": f"\x1b[?2004l{CANARY}",
    "report": f"\x1b[6n{CANARY}\x1b[c",
    "device": f"\x1bP+q544e{CANARY}\x1b\\",
    "reset": f"\x1bc{CANARY}",
    "charset": f"\x1b(0{CANARY}lqqk",
    "privacy": f"\x1b^{CANARY}\x1b\\",
    "application": f"\x1b_G{CANARY}\x1b\\",
    "string": f"\x1bX{CANARY}\x1b\\",
    "unfinished": f"\x1b]0;{CANARY}",
    "c1-csi": f"\x9b31m{CANARY}",
    "c1-osc": f"\x9d0;{CANARY}\x9c",
    # controls that are no sequence
    "bell-and-back": f"{CANARY}\x07\x08\x08\x08\x7f",
    "carriage-return": f"safe\r{CANARY}",
    "feeds": f"a\x0b\x0c{CANARY}\x00",
    "bidi": f"user\u202e{CANARY}\u202c\u2066x\u2069",
    "shapeless": f"a\u200b\u200c\u200d\u2060\ufeff{CANARY}",
    # markup
    "closing-tag": f"[/nope]{CANARY}",
    "click": f"[@click=app.quit]{CANARY}[/]",
    "markup": f"[bold red]{CANARY}[/bold red] [link=http://x]y[/link]",
    "braces": f"[[[{CANARY}]]] [$primary on $error]",
    "wide": f"任务👩‍👩‍👧🇩🇪{CANARY}" + "e" + "\u0301" * 40,
}

_SEQUENCE = re.compile(rb"\x1b[\]P^_X][^\x07\x1b]*" + CANARY.encode() + rb"|\x1b\[[0-9;?]*[A-Za-z]" + CANARY.encode())
_C1 = re.compile(r"[\x80-\x9f]")
_NEVER = (
    b"\x1b]52;",
    b"\x1b]8;",
    b"\x1b]0;",
    b"\x1b]2;",
    b"\x1b]4;",
    b"\x1b]11;#",
    b"\x1b]9;",
    b"\x1b]777",
    b"\x1bP+q",
    b"\x1bc",
)
"""Sequences that the studio never sends by itself, whatever they hold."""


def attacker_bytes(sent: bytes) -> list[bytes]:
    """What of the payloads a program handed to its terminal as it was: nothing, one hopes."""
    found = [sequence for sequence in _NEVER if sequence in sent]
    # A colour before a word is how any program prints it; a payload's own are told by attributes we never use.
    found += [match for match in _SEQUENCE.findall(sent) if not match.endswith(b"m" + CANARY.encode())]
    found += [sequence for sequence in (b"\x1b[31;5;7m", b"\x1b[8m", b"\x1b[6nPWN", b"\x1b(0PWN") if sequence in sent]
    text = sent.decode("utf-8", "replace")
    found += [char.encode() for char in _C1.findall(text)]
    found += [mark.encode() for mark in "\u202e\u2066\u200b\u2060\ufeff" if mark in text]
    return found


assert len(PAYLOADS) == 40
