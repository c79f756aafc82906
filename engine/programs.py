"""Commands and shell scripts: how an attempt runs a program, and what of its output becomes the result.

A program gets a process group of its own, so that all it starts can be held and ended with it; what is left of the group
when the program has ended is ended too. Its standard output is the result (`text`, `lines`, `json`, `full`) and also goes
to the log while it runs, as standard error does. Output is kept in memory up to a limit, beyond that in a file.

Inputs and args arrive as environment variables of the same name, text as it is, other plain data as JSON. Nothing is ever
pasted into a shell line: `/bin/sh -euc SCRIPT` gets the script as the person wrote it.

This file is imported by children that run the project's own Python: standard library of 3.9 only.
"""

from __future__ import annotations

import json
import os
import selectors
import signal
import subprocess
import sys
import tempfile
import time
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

from engine.attempt import CANCELED, COMPLETED, FAILED, Attempt, LogLines, Outcome, Trouble, Work
from engine.call import CannotStart, arguments_of
from engine.context import Place, TaskCanceled, make_scratch, remove_scratch

IN_MEMORY = 4 * 1024 * 1024
"""Bytes of output kept in memory; more goes to a file."""
MOST_OUTPUT = 256 * 1024 * 1024
"""Bytes of output that can become a result."""
TAIL = 4000
"""Bytes of standard error that an error message quotes."""
_CHUNK = 65536


def perform_program(attempt: Attempt, place: Place) -> Outcome:
    """Run the program of an attempt to its end. Raises nothing."""
    began = time.perf_counter()
    scratch = None
    try:
        scratch = make_scratch(attempt, place)
        words, env, cwd = _prepared(attempt, place, str(scratch))
        program = _Program(attempt, place, words, env, cwd)
        outcome = program.run()
    except CannotStart as problem:
        outcome = _failure(attempt, "CannotStart", str(problem), retryable=False)
    except TaskCanceled:
        outcome = Outcome(attempt.node, attempt.number, CANCELED, error=Trouble("Canceled", "canceled"))
    except BaseException as problem:
        from engine.failures import trouble_of

        outcome = Outcome(attempt.node, attempt.number, FAILED, error=trouble_of(problem))
    finally:
        if scratch is not None:
            remove_scratch(scratch)
    outcome.seconds = time.perf_counter() - began
    if attempt.epoch:
        outcome.epoch = attempt.epoch
    return outcome


def _failure(attempt: Attempt, type: str, message: str, **more: Any) -> Outcome:
    return Outcome(attempt.node, attempt.number, FAILED, error=Trouble(type, message, **more))


# -- what to start ----------------------------------------------------------------------------------------------------


def _prepared(attempt: Attempt, place: Place, scratch: str) -> Tuple[List[str], Dict[str, str], str]:
    work = attempt.work
    cwd = os.path.join(place.folder or os.getcwd(), attempt.cwd or work.cwd or ".")
    if not os.path.isdir(cwd):
        raise CannotStart(f"cwd {cwd!r} is no folder")
    env = dict(os.environ)
    env["PATH"] = os.pathsep.join((os.path.dirname(sys.executable), env.get("PATH", os.defpath)))
    env["FLOWLOOM_SCRATCH"] = scratch
    env["FLOWLOOM_RUN"] = place.run
    env["FLOWLOOM_NODE"] = attempt.path
    env["FLOWLOOM_ATTEMPT"] = str(attempt.number)
    env.update(work.env)
    _, kwargs = arguments_of(attempt)
    for name, value in kwargs.items():
        env[_checked(name, name)] = _checked(_as_text(name, value), name)
    env.update(attempt.env or {})
    return _words(attempt, work), env, cwd


def _words(attempt: Attempt, work: Work) -> List[str]:
    if work.kind == "shell":
        if not work.script:
            raise CannotStart("the script is empty")
        return ["/bin/sh", "-euc", _checked(work.script, "the script")]
    words = [_checked(str(word), "command") for word in (attempt.words if attempt.words is not None else work.words)]
    if not words:
        raise CannotStart("the command is empty")
    return words


def _as_text(name: str, value: Any) -> str:
    """A value for the environment: text as it is, other plain data as JSON."""
    if isinstance(value, str):
        return value
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=True, default=_date)
    except (TypeError, ValueError, RecursionError):
        kind = type(value).__name__
        raise CannotStart(
            f"{name!r} is {kind}: only text, numbers, lists and tables can be handed to a program"
        ) from None


def _date(value: Any) -> str:
    text = getattr(value, "isoformat", None)
    if text is None or not type(value).__module__ == "datetime":
        raise TypeError
    return str(text())


def _checked(text: str, name: str) -> str:
    if "\0" in text:
        raise CannotStart(f"{name!r} holds a NUL character, which no program can be given")
    return text


# -- running it -------------------------------------------------------------------------------------------------------


class _Program:
    """One running program and its two streams."""

    def __init__(self, attempt: Attempt, place: Place, words: Sequence[str], env: Mapping[str, str], cwd: str) -> None:
        self.attempt = attempt
        self.place = place
        self.words = words
        self.env = env
        self.cwd = cwd
        self.kept: Any = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115
        self.size = 0
        self.tail = b""
        self.process: Any = None

    def run(self) -> Outcome:
        """Start it, read it to its end, and let go of all that it held here."""
        try:
            return self._run()
        finally:
            self.kept.close()
            if self.process is not None:
                self.process.stdout.close()
                self.process.stderr.close()

    def _run(self) -> Outcome:
        try:
            self.process = subprocess.Popen(
                list(self.words),
                env=self.env,
                cwd=self.cwd,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
                bufsize=0,
            )
        except (OSError, ValueError) as problem:
            raise CannotStart(_why_not(self.words[0], problem)) from None
        group = self.process.pid
        try:
            if self.place.started is not None:
                self.place.started(self.attempt, group)
            self._read_until_end()
        except BaseException:
            self._end_group(self.place.grace)
            raise
        finally:
            _kill_group(group, signal.SIGKILL)
            if self.place.ended is not None:
                self.place.ended(self.attempt, group)
        return self._outcome(self.process.wait())

    def _read_until_end(self) -> None:
        keep = self.attempt.work.output != "none"
        with selectors.DefaultSelector() as waiting:
            for stream, name in ((self.process.stdout, "stdout"), (self.process.stderr, "stderr")):
                waiting.register(stream, selectors.EVENT_READ, name)
            ended_at: Optional[float] = None
            while waiting.get_map():
                for key, _ in waiting.select(0.05):
                    data = os.read(key.fd, _CHUNK)
                    if not data:
                        waiting.unregister(key.fileobj)
                        continue
                    if key.data == "stderr":
                        self.tail = (self.tail + data)[-TAIL:]
                    elif keep:
                        self._keep(data)
                    self._pass_on(key.data, data)
                if self.process.poll() is not None:
                    # The program is gone, but something it started may hold the streams open.
                    ended_at = ended_at or time.monotonic()
                    _kill_group(self.process.pid, signal.SIGKILL)
                    if time.monotonic() - ended_at > 0.5:
                        break
        self.process.wait()

    def _keep(self, data: bytes) -> None:
        self.size += len(data)
        if self.size <= MOST_OUTPUT:
            self.kept.write(data)

    def _pass_on(self, stream: str, data: bytes) -> None:
        """To the log: in a child through its own streams, which are read outside; else as news."""
        sink = self.place.streams
        if sink is not None:
            _write_all(sink[stream], data)
        elif self.place.tell is not None:
            lines = data.decode("utf-8", "replace").splitlines()
            self.place.tell((LogLines(self.attempt.node, self.attempt.number, stream, lines),))

    def _end_group(self, grace: float) -> None:
        """Ask the group to end, wait, kill what is left."""
        _kill_group(self.process.pid, signal.SIGTERM)
        _kill_group(self.process.pid, signal.SIGCONT)
        try:
            self.process.wait(grace)
        except subprocess.TimeoutExpired:
            pass
        _kill_group(self.process.pid, signal.SIGKILL)
        self.process.wait()

    # -- what came of it ------------------------------------------------------------------------------------------

    def _outcome(self, code: int) -> Outcome:
        attempt, work = self.attempt, self.attempt.work
        if code not in work.ok_codes:
            return self._exit_failure(code)
        if self.size > MOST_OUTPUT:
            return _failure(
                attempt,
                "OutputTooLarge",
                f"it printed {self.size // 1_000_000} MB, and at most {MOST_OUTPUT // 1_000_000} MB can become a result: "
                'write to a file, or set output = "none"',
                retryable=False,
            )
        self.kept.seek(0)
        text = self.kept.read().decode("utf-8", "replace")
        try:
            value = _OUTPUTS[work.output](text, self.tail.decode("utf-8", "replace"), code)
        except ValueError as problem:
            return _failure(attempt, "OutputNotJson", f'output = "json", but what it printed is not: {problem}')
        return Outcome(attempt.node, attempt.number, COMPLETED, value)

    def _exit_failure(self, code: int) -> Outcome:
        last = self.tail.decode("utf-8", "replace").strip().splitlines()[-5:]
        said = f": {' / '.join(last)}" if last else ""
        if code < 0:
            name = signal_name(-code)
            return _failure(
                self.attempt, "ProgramKilled", f"{self.words[0]} was ended by {name}{said}", signal=name, exit_code=code
            )
        return _failure(
            self.attempt,
            "ProgramFailed",
            f"{_shown(self.words)} ended with exit code {code}{said}",
            exit_code=code,
            traceback=self.tail.decode("utf-8", "replace"),
        )


def _shown(words: Sequence[str]) -> str:
    return "the script" if list(words[:2]) == ["/bin/sh", "-euc"] else words[0]


_OUTPUTS: Dict[str, Any] = {
    "text": lambda text, _, __: text.removesuffix("\n"),
    "lines": lambda text, _, __: text.splitlines(),
    "json": lambda text, _, __: json.loads(text),
    "none": lambda _, __, ___: None,
    "full": lambda text, tail, code: {"stdout": text, "stderr": tail, "exit_code": code},
}


def signal_name(number: int) -> str:
    """`SIGSEGV` for 11."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _why_not(word: str, problem: Exception) -> str:
    if isinstance(problem, FileNotFoundError):
        return f"there is no program {word!r} (looked in the folders of PATH)"
    if isinstance(problem, PermissionError):
        return f"{word!r} may not be run: is it executable?"
    return f"{word!r} cannot be started: {problem}"


def _kill_group(group: int, number: int) -> None:
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):
        pass


def _write_all(fd: int, data: bytes) -> None:
    while data:
        data = data[os.write(fd, data) :]
