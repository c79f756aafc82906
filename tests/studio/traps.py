"""Projects that try to run something when they are merely opened: 30 of them, and a watchman.

    python -P tests/studio/traps.py OUT FOLDER...      opens each folder in the studio and looks at everything

Each trap makes the file `SPRUNG` in its folder if any of its code or commands runs. The watchman is an audit hook: it
writes down every process, socket and import of a project's module that happens while the studio is open.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path

SPRUNG = "sprung.txt"
TOUCH = f'open(__import__("os").path.join(__import__("os").path.dirname(__file__), "{SPRUNG}"), "w").write("sprung")\n'
NODE = '[nodes.a]\ntask = "tasks:a"\n'
HERE = f"touch {SPRUNG}"


def _project(more: str = "", node: str = NODE, **files: str) -> dict[str, str]:
    return {
        "project.toml": f"format = 1\n{more}\n{node}",
        **{name.replace("__", "."): text for name, text in files.items()},
    }


TRAPS: dict[str, dict[str, str]] = {
    "module": _project(tasks__py=TOUCH + "def a(): pass\n"),
    "package": {"project.toml": NODE, "tasks/__init__.py": TOUCH + "def a(): pass\n"},
    "decorator": _project(tasks__py=f"@exec({TOUCH!r})\ndef a(): pass\n"),
    "default-argument": _project(tasks__py=f"def a(x=exec({TOUCH!r})): pass\n"),
    "annotation": _project(tasks__py=f"def a(x: exec({TOUCH!r})): pass\n"),
    "class-body": _project(
        node='[nodes.a]\ntask = "tasks:A.a"\n', tasks__py="class A:\n " + TOUCH + " def a(self): pass\n"
    ),
    "sitecustomize": _project(sitecustomize__py=TOUCH, tasks__py="def a(): pass\n"),
    "usercustomize": _project(usercustomize__py=TOUCH, tasks__py="def a(): pass\n"),
    "conftest": _project(conftest__py=TOUCH, tasks__py="def a(): pass\n"),
    "named-like-ours": _project(studio__py=TOUCH, engine__py=TOUCH, agents__py=TOUCH, tasks__py="def a(): pass\n"),
    "named-like-a-library": _project(textual__py=TOUCH, rich__py=TOUCH, msgspec__py=TOUCH, tasks__py="def a(): pass\n"),
    "named-like-standard": _project(json__py=TOUCH, ast__py=TOUCH, sqlite3__py=TOUCH, tasks__py="def a(): pass\n"),
    "shell": _project(node=f'[nodes.a]\nshell = "{HERE}"\n'),
    "command": _project(node=f'[nodes.a]\ncommand = ["touch", "{SPRUNG}"]\n'),
    "condition": _project(
        node='[nodes.a]\ncondition = "tasks:yes"\n[nodes.a.then]\nshell = "true"\n',
        tasks__py=TOUCH + "def yes(): pass\n",
    ),
    "condition-text": _project(
        node=f'[nodes.a]\ncondition = \'${{params.x}} == __import__("os").system("{HERE}")\'\n[nodes.a.then]\nshell = "true"\n'
    ),
    "map-source": _project(node='[nodes.a]\ntask = "tasks:a"\nmap = "${tasks.items}"\n', tasks__py=TOUCH),
    "until": _project(node='[nodes.a]\ntask = "tasks:a"\nuntil = "tasks:done"\n', tasks__py=TOUCH),
    "retry-function": _project(
        node='[nodes.a]\ntask = "tasks:a"\nretry = { max_retries = 1, strategy = "tasks:wait" }\n', tasks__py=TOUCH
    ),
    "shell-in-values": _project(node=NODE + f'args = {{ x = "$({HERE})", y = "`{HERE}`", z = "${{env:HOME}}" }}\n'),
    "secret-command": _project(
        more=f'[secrets]\nTOKEN = {{ command = ["touch", "{SPRUNG}"] }}\n',
        node=NODE + 'args = { t = "${secret:TOKEN}" }\n',
    ),
    "dot-env": _project(**{".env": f"PYTHONSTARTUP=evil.py\nX=$({HERE})\n"}, evil__py=TOUCH),
    "python": {"project.toml": '[project]\npython = "./python"\n' + NODE, "python": f"#!/bin/sh\n{HERE}\n"},
    "executor": _project(node=NODE + 'executor = "tasks:Executor"\n', tasks__py=TOUCH),
    "plug-in-kind": _project(node='[nodes.a]\nkind = "tasks:Kind"\n', tasks__py=TOUCH),
    "notify": _project(
        more=f'[run]\nnotify = {{ command = ["touch", "{SPRUNG}"], webhook = "http://127.0.0.1:9/" }}\n'
    ),
    "hosts": _project(
        more='[agents]\nbind = "tcp://127.0.0.1:9"\n[[agents.hosts]]\nhost = "-oProxyCommand=touch sprung.txt"\n'
    ),
    "sub-workflow": {
        "project.toml": '[nodes.a]\nworkflow = "inner.toml"\n[nodes.b]\nworkflow = "../../../../etc/passwd"\n',
        "inner.toml": '[nodes.x]\ntask = "tasks:a"\n',
        "tasks.py": TOUCH,
    },
    "git-hooks": {
        "project.toml": NODE,
        ".git/config": f'[core]\nfsmonitor = {HERE}\nhooksPath = hooks\n[remote "origin"]\nurl = ext::sh -c {HERE}\n',
        ".git/HEAD": "ref: refs/heads/main\n",
        "hooks/post-checkout": f"#!/bin/sh\n{HERE}\n",
        "tasks.py": "def a(): pass\n",
    },
    "history": {
        "project.toml": NODE,
        "tasks.py": "def a(): pass\n",
        # A pickle that runs a command where a journal and a stored value should be.
        ".flowloom/runs/20261123-101500-k3f/journal.db": f"cos\nsystem\n(S'{HERE}'\ntR.",
        ".flowloom/blobs/aa": f"cos\nsystem\n(S'{HERE}'\ntR.",
        ".flowloom/index.db": "not a database",
    },
}

assert len(TRAPS) == 30


def lay(home: Path) -> list[Path]:
    """Make every trap below `home`."""
    folders = []
    for name, files in TRAPS.items():
        folder = home / name
        for file, text in files.items():
            path = folder / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            if text.startswith("#!"):
                path.chmod(0o755)
        folders.append(folder)
    return folders


# -- the watchman ----------------------------------------------------------------------------------------------------

PROCESSES = (
    "subprocess.Popen",
    "os.system",
    "os.exec",
    "os.posix_spawn",
    "os.spawn",
    "os.fork",
    "os.forkpty",
    "pty.spawn",
)
SOCKETS = ("socket.connect", "socket.bind", "socket.sendto", "socket.getaddrinfo", "socket.gethostbyname")


class Watchman:
    """Notes what a program does that merely looking at a project has no need for."""

    def __init__(self, home: Path) -> None:
        self.home = str(home)
        self.seen: list[str] = []
        self.on = False

    def hook(self, event: str, args: tuple[object, ...]) -> None:
        """See `sys.addaudithook`."""
        if not self.on:
            return
        if event in PROCESSES or event in SOCKETS:
            self.seen.append(f"{event}: {args!r}"[:300])
        elif event == "exec" and getattr(args[0], "co_filename", "").startswith(self.home):
            self.seen.append(f"exec: {args[0]!r}")
        elif event == "import" and args[1] is not None and str(args[1]).startswith(self.home):
            self.seen.append(f"import: {args[0]} from {args[1]}")
        elif event in {"pickle.find_class", "marshal.loads"} and event.startswith("pickle"):
            self.seen.append(f"{event}: {args!r}")
        elif event == "open" and str(args[0]).startswith(self.home) and args[1] and set(str(args[1])) & set("wax+"):
            self.seen.append(f"written: {args[0]}")


LOOKS = (
    ("move.right", "move.down", "log"),
    ("toml", "pane.next"),
    ("cancel", "problems"),
    ("inspector", "fold", "dive"),
    ("surface", "zoom.next", "place.runs"),
    ("place.editor", "inspector"),
)
"""What a person does who looks around, with a breath after each row."""


async def look_at(folders: list[Path], watchman: Watchman) -> dict[str, list[str]]:
    """Open every folder in one studio and look at everything there is; what the watchman saw, by folder."""
    from studio.actions import Asked, ProjectChosen
    from studio.app import StudioApp

    found: dict[str, list[str]] = {}
    app = StudioApp(folders[0])
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.pause(0.3)
        for folder in folders:
            watchman.seen.clear()
            app.session.dispatch(ProjectChosen(folder))
            for _ in range(100):
                await pilot.pause(0.02)
                shown = app.session.state.document
                if (shown is not None and shown.folder == folder) or app.session.state.broken is not None:
                    break
            for commands in LOOKS:
                for command in commands:
                    app.frame.act(command)  # type: ignore[union-attr]
                await pilot.pause()
            app.session.dispatch(Asked("run.all"))  # untrusted: asks, and what it would use is read for that
            await pilot.pause()
            await pilot.press("escape")
            app.session.dispatch(Asked("place.editor"))
            await pilot.pause(0.1)  # what reads in the background has come by then
            found[folder.name] = list(watchman.seen)
    return found


def main(out: Path, folders: list[Path]) -> None:
    """Look at the folders under the eyes of the watchman, and write down what it saw."""
    watchman = Watchman(folders[0].parent)
    sys.addaudithook(watchman.hook)
    os.chdir(folders[0].parent)
    watchman.on = True
    found = asyncio.run(look_at(folders, watchman))
    watchman.on = False
    loaded = [
        name for name, module in sys.modules.items() if str(getattr(module, "__file__", "")).startswith(watchman.home)
    ]
    out.write_text(json.dumps({"seen": found, "loaded": loaded}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), [Path(name) for name in sys.argv[2:]])
