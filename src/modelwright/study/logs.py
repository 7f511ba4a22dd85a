"""The log of a trial: what the user's code prints and logs while it runs, and what happens to it, as lines of JSON.

Owns the file ``log.jsonl`` in a trial's folder. What was shown before is shown as before; nothing that goes wrong here
reaches a trial.
"""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from modelwright.core.clock import Clock, SystemClock
from modelwright.core.codec import to_plain
from modelwright.core.records import Config, Decision, Outcome, Task
from modelwright.estimation.base import Estimation, Reporter

#: Name of the file, bytes that it may have over all segments of a trial, and characters that a line of text may have.
NAME, CAP, LINE = "log.jsonl", 1 << 20, 10_000


class Logged(Estimation):
    """An estimation that keeps a log of each trial that has a folder.

    Args:
        inner: what runs the trials.
        cap: bytes of a trial's log at most; what comes later is left out, and a last line says so.
    """

    def __init__(self, inner: Estimation, cap: int = CAP):
        self.inner, self.cap = inner, cap
        self.resumable, self.steps = inner.resumable, inner.steps

    def __eq__(self, other: object) -> bool:
        """Whether the same estimation is logged alike: workers that have one of them have the other."""
        return isinstance(other, Logged) and other.inner is self.inner and other.cap == self.cap

    def __hash__(self) -> int:
        return hash((id(self.inner), self.cap))

    def estimate(self, task: Task, reporter: Reporter) -> Outcome:
        if not task.folder:
            return self.inner.estimate(task, reporter)
        log = Log(Path(task.folder) / NAME, self.cap)
        try:
            place = {"segment": task.segment, "attempt": task.attempt, "start": task.start, "stop": task.stop}
            log.write("began", **place, config=task.config)
            with _captured(log):
                outcome = self.inner.estimate(task, _Reports(reporter, log))
            error = outcome.error
            more = {} if error is None else {"error": error.message, "type": error.type, "traceback": error.traceback}
            log.write("ended", state=outcome.state, metrics=outcome.metrics, seconds=outcome.duration, **more)
        finally:
            log.close()
        return replace(outcome, note={**outcome.note, "log": log.problem}) if log.problem else outcome

    def close(self) -> None:
        self.inner.close()


class Log:
    """Lines of JSON, each with the time (``at``, seconds since 1970 UTC) and a ``kind``; they are in the file at once.

    Args:
        path: appended to; a trial that goes on writes on.

    >>> import tempfile
    >>> log = Log(Path(tempfile.mkdtemp()) / "log.jsonl"); log.write("out", text="hello"); log.close()
    >>> [(line["kind"], line["text"]) for line in read(log.path)]
    [('out', 'hello')]
    """

    def __init__(self, path: Path, cap: int = CAP, *, clock: Clock | None = None):
        self.path, self.problem = path, ""
        self._clock, self._cap = clock or SystemClock(), cap
        self._paused, self._size, self._descriptor = 0, 0, -1
        try:
            self._descriptor = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)
            self._size = os.fstat(self._descriptor).st_size
        except OSError as error:
            self.problem = f"no log: {error.strerror or error}"

    def write(self, kind: str, **fields: Any) -> None:
        """Add a line, unless the log is full, or paused."""
        if self._descriptor < 0 or self._paused or self._size >= self._cap:
            return
        line = {"at": round(self._clock.wall(), 6), "kind": kind, **fields}
        data = _encoded(line)
        if self._size + len(data) > self._cap:
            data = _encoded({"at": line["at"], "kind": "full", "text": f"the log ends here: it has {self._cap} bytes"})
            self._cap = 0
        try:
            os.write(self._descriptor, data)
            self._size += len(data)
        except OSError as error:  # a full disk: what the trial itself leaves says so
            self.problem = f"the log ends early: {error.strerror or error}"
            self.close()

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Within, what is printed is not the trial's."""
        self._paused += 1
        try:
            yield
        finally:
            self._paused -= 1

    def close(self) -> None:
        """Let go of the file. Closing twice is harmless."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def _encoded(line: Mapping[str, Any]) -> bytes:
    try:
        text = json.dumps(line, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError):
        text = json.dumps(to_plain(line), ensure_ascii=False, allow_nan=False)
    return text.encode("utf-8", "backslashreplace") + b"\n"


def read(path: Path) -> list[dict[str, Any]]:
    """The lines of a log; none when there is no file. A line that was cut short is left out."""
    found = []
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return []
    for raw in content.splitlines():
        try:
            line = json.loads(raw)
        except ValueError:
            continue
        if isinstance(line, dict):
            found.append(line)
    return found


class _Reports:
    """A reporter that logs what passes, and what is answered."""

    def __init__(self, reporter: Reporter, log: Log):
        self._reporter, self._log = reporter, log

    def traced(self, config: Config, parameters: Sequence[Mapping[str, Any]]) -> None:
        self._log.write("configured", config=config)
        with self._log.paused():
            self._reporter.traced(config, parameters)

    def report(self, step: int, metrics: Mapping[str, float], fidelity: float | None = None) -> Decision:
        self._log.write("report", step=step, metrics=metrics)
        with self._log.paused():
            decision = self._reporter.report(step, metrics, fidelity)
        if decision != "go":
            self._log.write("decision", step=step, decision=decision)
        return decision


# --- what the user's code prints and logs -------------------------------------------------------------


@contextmanager
def _captured(log: Log) -> Iterator[None]:
    """Within, what Python code of this process prints and logs goes to ``log`` too."""
    tees = {name: _Tee(stream, log, kind) for name, kind in _STREAMS if (stream := getattr(sys, name)) is not None}
    factory = logging.getLogRecordFactory()

    def noticed(*args: Any, **kwargs: Any) -> logging.LogRecord:
        record = factory(*args, **kwargs)
        try:
            text = record.getMessage()
        except Exception:  # a message that does not fit its arguments: logging itself says so where it is shown
            text = str(record.msg)
        log.write("log", level=record.levelname, logger=record.name, text=text[:LINE])
        return record

    for name, tee in tees.items():
        setattr(sys, name, tee)
    logging.setLogRecordFactory(noticed)
    try:
        yield
    finally:
        if logging.getLogRecordFactory() is noticed:
            logging.setLogRecordFactory(factory)
        for name, tee in tees.items():
            tee.finish()
            if getattr(sys, name) is tee:
                setattr(sys, name, tee.shown)


_STREAMS = (("stdout", "out"), ("stderr", "err"))


class _Tee:
    """A stream that shows what it is given as before, and logs it line by line.

    Of a line that overwrites itself, such as a progress bar, the last state counts.
    """

    def __init__(self, shown: Any, log: Log, kind: str):
        self.shown, self._log, self._kind = shown, log, kind
        self._begun = ""

    def write(self, text: str) -> int:
        count = self.shown.write(text)
        if not self._log._paused:
            *whole, self._begun = (self._begun + text).split("\n")
            for line in whole:
                self._add(line)
            self._begun = self._begun[-2 * LINE :]
        return count

    def writelines(self, lines: Sequence[str]) -> None:
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        self.shown.flush()

    def finish(self) -> None:
        """A line that has no end yet ends."""
        if self._begun:
            self._add(self._begun)
            self._begun = ""

    def _add(self, line: str) -> None:
        last = line.rstrip("\r").rpartition("\r")[2].replace("\b", "")
        if last.strip():
            self._log.write(self._kind, text=last[:LINE])

    def __getattr__(self, name: str) -> Any:
        return getattr(self.shown, name)

    def __iter__(self) -> Iterator[str]:
        return iter(self.shown)
