"""The worker's side: ``python -m modelwright.execute.child FD`` runs tasks that come through an inherited socket."""

from __future__ import annotations

import io
import os
import pickle
import signal
import sys
from collections.abc import Mapping, Sequence
from multiprocessing.connection import Connection
from typing import Any

from modelwright.core.errors import MediumError
from modelwright.core.records import Decision, Failure, Outcome, Task
from modelwright.execute import session
from modelwright.execute.threads import bind_to_cores


class _Remote:
    """A reporter that asks the parent and waits for its answer."""

    def __init__(self, connection: Connection):
        self._connection = connection

    def traced(self, config: Mapping[str, Any], parameters: Sequence[Mapping[str, Any]]) -> None:
        self._connection.send(("traced", dict(config), tuple(parameters)))

    def report(self, step: int, metrics: Mapping[str, float], fidelity: float | None = None) -> Decision:
        self._connection.send(("report", step, dict(metrics), fidelity))
        return self._connection.recv()


def main(descriptor: int) -> None:
    """Serve until the parent says goodbye or is gone."""
    _die_with_parent()
    _print_by_lines()
    os.set_inheritable(descriptor, False)  # what a trial starts must not keep the connection open
    session.kill_first()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    connection = Connection(descriptor)
    runnable = None
    try:
        setting = connection.recv()
        sys.path[:] = setting["path"]
        os.chdir(setting["folder"])
        bind_to_cores()
        from modelwright.execute.transfer import unpack

        runnable = unpack(connection.recv_bytes(), setting["share"])
        connection.send(("ready", os.getpid()))
        while True:
            task = connection.recv()
            if task is None:
                break
            session.reset()
            try:
                outcome = _run(runnable, task, connection)
            except MediumError as error:
                connection.send(("refused", error))
                continue
            connection.send(("ended", _plain(outcome), resident_bytes()))
    except (EOFError, BrokenPipeError, ConnectionResetError):
        os._exit(0)
    except BaseException as error:
        import traceback

        try:
            connection.send(("broken", f"{type(error).__name__}: {error}", traceback.format_exc()))
        except OSError:  # the parent died in the middle of a message: there is nobody to tell
            os._exit(0)
        raise SystemExit(1) from None
    finally:
        if runnable is not None:
            runnable.close()


def _print_by_lines() -> None:
    """A line leaves with its end, in one write: several workers share a terminal, and none waits for a full buffer."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(line_buffering=True, write_through=False)


def _run(runnable: Any, task: Task, connection: Connection) -> Outcome:
    try:
        return runnable.estimate(task, _Remote(connection))
    except SystemExit as error:  # ends this trial, neither the worker nor the program of whoever searches
        import traceback

        said = f"the tuned code called sys.exit({'' if error.code is None else repr(error.code)})"
        lines = "".join(traceback.format_exception(error))
        return Outcome(
            state="failed", error=Failure(kind="exception", type="SystemExit", message=said[:2000], traceback=lines)
        )
    except (EOFError, BrokenPipeError, ConnectionResetError):
        os._exit(0)


def _plain(outcome: Outcome) -> Outcome:
    """An outcome that the parent can read: an exception that does not survive pickling is left out."""
    from dataclasses import replace

    try:
        pickle.loads(pickle.dumps(outcome.exception))
    except Exception:
        return replace(outcome, exception=None)
    return outcome


def resident_bytes() -> int:
    """Memory this process holds, in bytes; 0 where the system does not tell."""
    try:
        with open("/proc/self/statm") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0


def _die_with_parent() -> None:
    """Ask Linux for a SIGKILL when the parent dies; elsewhere the closed socket has to do."""
    if not sys.platform.startswith("linux"):
        return
    import ctypes

    parent = os.getppid()
    ctypes.CDLL(None, use_errno=True).prctl(1, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(0)


if __name__ == "__main__":
    main(int(sys.argv[1]))
