"""Every act of the studio, its keys and its words: footer, help, command palette, docs and keymaps are this table.

An action lives in one *place*; screens are chains of places, the narrow one first, and what the narrow one binds
hides the same key of the wider one. Digits are places, letters are acts, Esc goes back. Only keys that every terminal
can tell apart come first; Ctrl+letters, F-keys and shifted arrows that multiplexers or terminals take are aliases.

Keys are written as people read them (`?`, `+`, `enter`, `ctrl+p`, `g g` for one after the other): see `key_names`.
`rank` orders the footer, smallest first; 0 keeps an action out of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class KeyAction:
    """One act. `word` is for the footer, `text` for palette and help, `where` the place it lives in."""

    id: str
    where: str
    keys: tuple[str, ...]
    word: str
    text: str
    rank: int = 0
    mouse: str = ""

    @property
    def key(self) -> str:
        """The key that is shown; empty if it is reached by the palette alone."""
        return self.keys[0] if self.keys else ""


PLACES: Mapping[str, tuple[str, ...]] = {
    "all": ("all",),
    "welcome": ("welcome", "all"),
    "editor": ("editor", "graph", "all"),
    "monitor": ("monitor", "graph", "all"),
    "runs": ("runs", "tables", "all"),
    "agents": ("agents", "tables", "all"),
    "inspector": ("inspector", "all"),
    "field": ("field",),
    "problems": ("problems", "tables", "all"),
    "log": ("log", "tables", "all"),
    "toml": ("toml", "tables", "all"),
    "text": ("text",),
    "changes": ("tables", "all"),
}
"""Where one can be -> the places whose keys hold there, the narrow one first."""

PLACE_NAMES: Mapping[str, str] = {
    "all": "Everywhere",
    "graph": "On the graph",
    "editor": "In the editor",
    "monitor": "In the monitor",
    "tables": "In lists and logs",
    "log": "In the log",
    "toml": "In the project file",
    "text": "While writing in it",
    "inspector": "In the inspector",
    "field": "In a field",
    "problems": "In the problems",
    "runs": "In the runs",
    "agents": "Among the agents",
    "welcome": "At the start",
    "mode": "In a mode",
    "select": "In the menu of selections",
}


def _action(
    id: str, where: str, keys: str, word: str, text: str, rank: int = 0, mouse: str = ""
) -> tuple[str, KeyAction]:
    return id, KeyAction(
        id, where, tuple(keys.replace(" | ", "\n").split("\n")) if keys else (), word, text, rank, mouse
    )


ACTIONS: Mapping[str, KeyAction] = dict(
    (
        # id, place, keys, footer, palette and help, rank, mouse
        _action("place.editor", "all", "1", "editor", "Go to the editor", 0, "click"),
        _action("place.monitor", "all", "2", "monitor", "Go to the monitor", 0, "click"),
        _action("place.runs", "all", "3", "runs", "Go to the history of runs", 0, "click"),
        _action("place.agents", "all", "4", "agents", "Go to the agents", 0, "click"),
        _action("pane.next", "all", "tab", "next pane", "Go to the next pane", 0, "click"),
        _action("pane.previous", "all", "shift+tab", "previous pane", "Go to the pane before", 0, "click"),
        _action("move.left", "all", "left | h", "left", "Move left: to a node before this one"),
        _action("move.down", "all", "down | j", "down", "Move down"),
        _action("move.up", "all", "up | k", "up", "Move up"),
        _action("move.right", "all", "right | l", "right", "Move right: to a node after this one"),
        _action("half.left", "all", "H | shift+left", "half left", "Half a screen to the left", 0, "drag"),
        _action("half.down", "all", "J | shift+down | pagedown", "half down", "Half a screen down", 0, "wheel"),
        _action("half.up", "all", "K | shift+up | pageup", "half up", "Half a screen up", 0, "wheel"),
        _action("half.right", "all", "L | shift+right", "half right", "Half a screen to the right", 0, "drag"),
        _action("move.first", "all", "g g | home", "first", "Go to the first"),
        _action("move.last", "all", "G | end", "last", "Go to the last"),
        _action("open", "all", "enter", "open", "Open what the cursor is on", 2, "double click"),
        _action("find", "all", "/ | ctrl+f", "find", "Find by a part of the name", 5),
        _action("find.next", "all", "n", "next match", "Go to the next match"),
        _action("find.previous", "all", "N", "previous match", "Go to the match before"),
        _action("trouble.next", "all", "] | f8", "next trouble", "Go to the next finding or failure"),
        _action("trouble.previous", "all", "[ | f7", "previous trouble", "Go to the finding or failure before"),
        _action("copy", "all", "y | ctrl+c", "copy", "Copy the node, row or line"),
        _action("log", "all", "8", "log", "Show what the node printed and why it failed", 7, "click"),
        _action("palette", "all", "ctrl+p | :", "palette", "Search all commands", 91),
        _action("help", "all", "? | f1", "keys", "Show all keys and what they do", 90),
        _action("cancel", "all", "escape", "back", "Leave a mode, clear a search, close what is open"),
        _action("close", "all", "q", "quit", "Go back, or leave the studio", 92),
        _action("quit", "all", "ctrl+q", "quit", "Leave the studio at once"),
        _action("reload", "all", "", "read again", "Read the project again from its files"),
        _action("welcome", "all", "", "projects", "Open another project"),
        _action("theme.choose", "all", "", "themes", "Choose a theme"),
        _action("theme.next", "all", "", "next theme", "Change to the next theme: dark, light, high contrast"),
        _action("glyphs", "all", "", "glyphs", "Draw with ASCII only, or with all signs"),
        # -- graph: editor and monitor
        _action("zoom.next", "graph", "z", "zoom", "Zoom: cards, lines, dots", 6),
        _action("zoom.in", "graph", "+", "zoom in", "Zoom in", 0, "Ctrl+wheel"),
        _action("zoom.out", "graph", "-", "zoom out", "Zoom out", 0, "Ctrl+wheel"),
        _action("fit", "graph", ".", "fit", "Choose the zoom at which all fits", 10),
        _action("fit.selection", "graph", ",", "fit path", "Choose the zoom at which the lit path fits"),
        _action("fold", "graph", "o", "fold", "Fold the group: closed, listed, open", 8, "click on its kind"),
        _action("dive", "graph", "O", "go in", "Go into the sub-workflow", 9, "double click"),
        _action("surface", "graph", "backspace", "come out", "Come out of the sub-workflow", 0, "click on the path"),
        _action("near", "graph", "Z", "nearby", "Show only what is near the cursor; again: one step more", 11),
        _action("minimap", "graph", "M", "map", "Show the map, or put it away", 12),
        _action("inspector", "graph", "I", "inspector", "Show the inspector, or put it away", 13),
        _action("jump", "graph", "f", "jump", "Jump to a node by its letter", 14, "click"),
        _action("code", "graph", "e", "code", "Open the task's code in your editor", 4),
        _action("run", "graph", "r", "run", "Run all; or pause, go on, cancel what runs", 1),
        _action("run.all", "graph", "R | f5", "run all", "Run all nodes"),
        _action("problems", "graph", "!", "problems", "Show the problems of the project", 15, "click"),
        _action("toml", "graph", "T", "TOML", "Show the project file", 16, "click"),
        _action("breakpoint", "graph", "b", "breakpoint", "Stop before this node, or no longer", 0, "click left of it"),
        _action("pin", "graph", "P", "pin", "Pin the value of this node, or let it go"),
        # -- editor
        _action("save", "editor", "S | ctrl+s", "save", "Save the project file", 8),
        _action("save.over", "editor", "", "save over", "Save over the file, whatever another program wrote into it"),
        _action("undo", "editor", "u | ctrl+z | U", "undo", "Undo the last edit", 7),
        _action("redo", "editor", "ctrl+r | ctrl+y", "redo", "Do again what was undone"),
        _action("add", "editor", "a", "add", "Add a node after this one", 3, "right click"),
        _action("add.free", "editor", "A", "add free", "Add a node that follows nothing"),
        _action(
            "insert", "editor", "i", "insert", "Insert a node on the edges that leave this one", 0, "drop on an edge"
        ),
        _action("connect", "editor", "c", "connect", "Connect this node to another", 4, "drag from the port"),
        _action("disconnect", "editor", "C", "cut a wire", "Cut an edge of this node"),
        _action("move", "editor", "m", "move", "Move the selection by arrows", 0, "drag"),
        _action("delete", "editor", "x | delete", "delete", "Delete the selection and heal the edges", 5),
        _action("copy.inputs", "editor", "Y", "copy with inputs", "Copy the selection with what it gets from others"),
        _action("cut", "editor", "ctrl+x", "cut", "Cut the selection: copy it, then delete it"),
        _action("paste", "editor", "p | ctrl+v", "paste", "Paste what was copied"),
        _action(
            "paste.inputs", "editor", "", "paste with inputs", "Paste what was copied, with what it got from others"
        ),
        _action("duplicate", "editor", "d", "duplicate", "Duplicate the selection"),
        _action("select", "editor", "space", "select", "Select the node too, or no longer", 0, "Shift+click"),
        _action(
            "select.menu", "editor", "s", "select more", "Select all, what leads here, what follows, the same kind"
        ),
        _action("select.all", "editor", "* | ctrl+a", "select all", "Select all nodes"),
        _action("select.up", "editor", "", "select before", "Select what leads to this node"),
        _action("select.down", "editor", "", "select after", "Select what follows this node"),
        _action("select.kind", "editor", "", "select kind", "Select the nodes of the same kind"),
        _action("band", "editor", "v", "select a block", "Select all nodes in a block of the canvas", 0, "drag"),
        _action("group", "editor", "(", "group", "Group the selection"),
        _action("ungroup", "editor", ")", "ungroup", "Ungroup, or put a sub-workflow in its place"),
        _action("extract", "editor", "X", "extract", "Make a sub-workflow of the selection"),
        _action("wrap.map", "editor", "", "into a map", "Run this node once for each item of a list"),
        _action("wrap.loop", "editor", "", "into a loop", "Run this node again until a condition holds"),
        _action("wrap.conditional", "editor", "", "into a conditional", "Run this node only if a condition holds"),
        _action("bypass", "editor", "B", "bypass", "Bypass the selection, or no longer"),
        _action("note", "editor", "t", "note", "Write a note on this node"),
        _action("rename", "editor", "D | f2", "rename", "Rename this node wherever it is named"),
        _action("tidy", "editor", "=", "tidy", "Let the layout place the selection, or all"),
        _action("fix", "editor", "F", "fix", "Fix the problem of this node"),
        _action("changes", "editor", "V", "changes", "Show what differs from the saved file"),
        _action("recover", "editor", "", "recover", "Take the draft that was kept when the studio ended"),
        _action("project", "editor", ";", "project", "Show what the project says outside of its nodes", 18),
        # -- inspector
        _action(
            "field.edit", "inspector", "enter", "edit", "Edit the field, or go to the node it leads to", 1, "click"
        ),
        _action("field.clear", "inspector", "x | delete", "clear", "Take the line out of the file", 2),
        _action(
            "field.toggle", "inspector", "space", "change", "The other value of a switch, the next word", 3, "click"
        ),
        _action("field.rename", "inspector", "D | f2", "rename", "Rename the node, an argument or a param", 5),
        _action("field.copy", "inspector", "y", "copy", "Copy the value"),
        _action("inspector.narrower", "inspector", "<", "narrower", "Make the inspector narrower"),
        _action("inspector.wider", "inspector", ">", "wider", "Make the inspector wider"),
        _action("inspector.leave", "inspector", "escape", "back", "Go back to the graph", 4),
        # -- a field: what a person types is text, these are all that is not
        _action("field.accept", "field", "enter", "accept", "Take what is chosen or typed", 1),
        _action("field.next", "field", "tab", "next field", "Take it, and edit the next field", 3),
        _action("field.previous", "field", "shift+tab", "field before", "Take it, and edit the field before", 6),
        _action("field.leave", "field", "escape", "leave", "Leave the field", 2),
        _action("field.help", "field", "f1", "keys", "Show all keys and what they do", 5),
        # -- the project file
        _action("text.write", "toml", "enter", "write", "Write in the file, at this line", 1, "double click"),
        _action("text.leave", "text", "escape", "done", "End writing in the file", 1),
        _action("text.help", "text", "f1", "keys", "Show all keys and what they do", 3),
        # -- problems
        _action("problem.fix", "problems", "f", "fix", "Fix this problem", 3),
        _action("problem.all", "problems", "F", "fix all", "Fix all problems that know their remedy", 4),
        # -- runs of a part
        _action("run.to", "graph", "", "run to here", "Run this node and all that leads to it"),
        _action("run.from", "graph", "", "run from here", "Run this node and all that follows it"),
        _action("run.only", "graph", "", "run only this", "Run this node alone"),
        # -- monitor
        _action("change.run", "monitor", "m", "apply edits", "Apply the edits to the run that goes on"),
        _action("pause", "monitor", "space | f6", "pause", "Pause the run, or go on", 3),
        _action("cancel.run", "monitor", "X", "cancel run", "Cancel the run", 4),
        # -- modes
        _action("mode.take", "mode", "enter", "take", "Do what the mode is about, and leave it", 0, "click"),
        _action("mode.leave", "mode", "escape", "cancel", "Leave the mode, and nothing came of it"),
        _action("mode.next", "mode", "tab", "another", "Change how it is done: argument, order only, onto an edge"),
        _action("mode.previous", "mode", "shift+tab", "one before", "Change how it is done, the other way round"),
        _action("mode.left", "mode", "left", "left", "Left: the node, the ghost, the text cursor"),
        _action("mode.down", "mode", "down", "down", "Down: the node, the ghost, the row of a list"),
        _action("mode.up", "mode", "up", "up", "Up: the node, the ghost, the row of a list"),
        _action("mode.right", "mode", "right", "right", "Right: the node, the ghost, the text cursor"),
        _action("mode.lower", "mode", "pagedown | shift+down", "far down", "A large step down"),
        _action("mode.higher", "mode", "pageup | shift+up", "far up", "A large step up"),
        _action("mode.first", "mode", "home", "first", "To the start of the text or list"),
        _action("mode.last", "mode", "end", "last", "To the end of the text or list"),
        _action("mode.erase", "mode", "backspace", "erase", "Erase a letter"),
        _action("pick.all", "select", "a", "all", "Select all nodes"),
        _action("pick.up", "select", "u", "what leads here", "Select what leads to this node"),
        _action("pick.down", "select", "d", "what follows", "Select what follows this node"),
        _action("pick.kind", "select", "k", "same kind", "Select the nodes of the same kind"),
        # -- agents
        _action("agent.launch", "agents", "a", "launch", "Start one more agent on this machine", 1),
        _action("agent.drain", "agents", "d", "drain", "Let this agent finish, and give it nothing new", 2),
        _action("agent.stop", "agents", "x", "stop", "End this agent and what it runs", 3),
        # -- log
        _action("log.follow", "log", "F", "follow", "Follow the newest line", 3),
    )
)
"""All actions by id, in the order of help and docs."""

UNANSWERED = frozenset(
    [
        "breakpoint",
        "pin",
    ]
)
"""Actions that have their keys but nobody yet who answers them: they are offered nowhere."""


def here(where: str, actions: Mapping[str, KeyAction] = ACTIONS) -> Iterator[KeyAction]:
    """The actions whose keys hold at a place, hidden keys taken away, those of the narrow place first."""
    taken: set[str] = set()
    known = [action for action in actions.values() if action.id not in UNANSWERED]
    for part in PLACES.get(where, (where, "all")):
        for action in known:
            if action.where == part:
                yield replace(action, keys=tuple(key for key in action.keys if key not in taken))
        taken.update(key for action in known if action.where == part for key in action.keys)


def action_of(key: str, where: str, actions: Mapping[str, KeyAction] = ACTIONS) -> KeyAction | None:
    """What a key does at a place; None if nothing."""
    return next((action for action in here(where, actions) if key in action.keys), None)


_BESIDE = frozenset(("save", "undo", "redo", "fix", "changes", "project"))
_IN_TEXT = frozenset(("save", "undo", "redo", "palette", "help", "quit"))


def reaches(action: KeyAction, where: str) -> bool:
    """Whether a key of the graph means its act in a pane beside it, too.

    What looks around does; what changes nodes does not, for one would press it for something else there. Where somebody
    types, nearly nothing does.
    """
    if where in ("field", "text"):
        return action.id in _IN_TEXT
    return action.where != "editor" or action.id in _BESIDE


# -- modes -----------------------------------------------------------------------------------------------------------

LETTERS, ARROWS = "a-z", "arrows"
"""In the footer of a mode: letters that it gives to what can be chosen, and the four keys that move things."""

MODES: Mapping[str, tuple[tuple[str, str], ...]] = {
    "connect": ((LETTERS, "target"), ("mode.next", "argument"), ("mode.take", "connect"), ("mode.leave", "leave")),
    "wire": (("mode.leave", "let go"),),
    "cut": ((LETTERS, "edge"), ("mode.take", "cut"), ("mode.leave", "leave")),
    "add": (
        ("mode.take", "add"),
        (ARROWS, "choose"),
        ("mode.next", "order only"),
        ("mode.leave", "cancel"),
    ),
    "put": (("mode.take", "add"), (ARROWS, "choose"), ("mode.leave", "cancel")),
    "move": (
        (ARROWS, "move"),
        ("mode.take", "put down"),
        ("mode.next", "onto an edge"),
        ("mode.leave", "cancel"),
    ),
    "band": ((ARROWS, "widen"), ("mode.take", "select"), ("mode.leave", "cancel")),
    "select": (
        ("pick.all", "all"),
        ("pick.up", "leads here"),
        ("pick.down", "follows"),
        ("pick.kind", "same kind"),
        ("mode.leave", "leave"),
    ),
    "name": (("mode.take", "keep"), ("mode.leave", "cancel")),
    "group": (("mode.take", "group"), ("mode.next", "in order"), ("mode.leave", "cancel")),
}
"""Mode -> its footer: actions (or letters) with the words that they have there."""


def in_mode(mode: str, actions: Mapping[str, KeyAction] = ACTIONS) -> Mapping[str, str]:
    """The keys of a mode: key -> id of the action, its own before those of all modes."""
    found = {key: action.id for action in actions.values() if action.where == "mode" for key in action.keys}
    own = {key: action.id for action in actions.values() if action.where == mode for key in action.keys}
    return {**found, **own}


def mode_keys(mode: str, actions: Mapping[str, KeyAction] = ACTIONS) -> tuple[tuple[str, str], ...]:
    """What the footer says in a mode, as (key, word)."""
    said = ((actions[name].key if name in actions else name, word) for name, word in MODES.get(mode, ()))
    return tuple((key, word) for key, word in said if key)
