"""A study whose members are killed, stopped, cancelled and misled about the time at random; run as a script.

``python chaos.py FOLDER '{"trials": 200, "seed": 0, ...}'`` (see ``DEFAULTS``) forks the members, which all make the
same call of ``mw.tune``, and does harm until the budget is used up. What members measured goes to ``FOLDER/measured``,
what they were told is stored to ``FOLDER/told``, both synced line by line; prints one line of JSON: how often which
harm was done.
"""

from __future__ import annotations

import collections
import contextlib
import itertools
import json
import os
import random
import signal
import sys
import time
import traceback
from pathlib import Path

import modelwright as mw
from modelwright.core import records as r
from modelwright.study.journal import Journal

DEFAULTS = {
    "trials": 200,
    "seed": 0,
    #: Members at a time; each runs its trials itself, or in so many worker processes.
    "members": 4,
    "workers": 1,
    #: Seconds between two harms, and which there are, as often as they are named.
    "every": 0.3,
    "harms": ["kill"],
    #: Whether each member's wall clock jumps at each look.
    "jumps": False,
    #: Seconds that a trial takes.
    "pace": 0.02,
    "strategy": "random",
    #: The first member is not killed, and every so many seconds it is noted what it holds.
    "steady": 0.0,
    "lease": 60.0,
}
STEPS = 3


def note(path: Path, *values: object) -> None:
    """A line of JSON that is on the disk when this returns."""
    descriptor = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)
    os.write(descriptor, f"{json.dumps(values)}\n".encode())
    os.fsync(descriptor)
    os.close(descriptor)


def noted(path: Path) -> list[list]:
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def search(folder: Path, options: dict, **more) -> mw.Study:
    """The call that all members make."""
    measured, pace = folder / "measured", options["pace"]

    def function(hp, trial):
        x, kind = hp.Float("x", -1.0, 1.0), hp.Choice("kind", ["a", "b"])
        value = x * x + (kind == "b")
        for step in range(1, STEPS + 1):
            time.sleep(pace / STEPS)
            trial.report(step, value + 1 / step)
        note(measured, trial.number, x, value + 1 / STEPS)

    settings = {"objective": "minimize", "strategy": options["strategy"], "name": "s", "seed": 5, "verbose": 0}
    settings |= {"trials": options["trials"], "store": str(folder / "s.db")} | more
    if options["workers"] > 1:
        settings["workers"] = options["workers"]
    return mw.tune(function, **settings)


def told(path: Path) -> None:
    """Note each result of which this process was told that it is stored."""
    commit = Journal.commit

    def committed(self, decide, *, durable=False):
        events = commit(self, decide, durable=durable)
        for event in events:
            if isinstance(event, r.Finished):
                note(path, event.number, event.state, None if event.values is None else list(event.values))
        return events

    Journal.commit = committed


def jumping(rng: random.Random) -> None:
    """The wall clock of this process jumps by up to an hour at each look, forward and back."""
    true = time.time
    time.time = lambda: true() + rng.uniform(-3600, 3600)


def member(folder: Path, options: dict, seed: int) -> int:
    """Fork a member; its process."""
    process = os.fork()
    if process:
        return process
    code = 1
    try:
        told(folder / "told")
        if options["jumps"]:
            jumping(random.Random(seed))
        search(folder, options)
        code = 0
    except BaseException:
        note(folder / "errors", traceback.format_exc())
    finally:
        os._exit(code)


def cancelled(folder: Path) -> int:
    """Cancel a trial that runs, as from another terminal; the process that does."""
    process = os.fork()
    if process:
        return process
    try:
        study = mw.load_study("s", folder / "s.db")
        running = [trial.number for trial in study.trials if trial.state == "running"]
        if running:
            with contextlib.suppress(mw.ArgumentError):  # it ended meanwhile
                study.cancel(running[-1])
    except BaseException:
        note(folder / "errors", traceback.format_exc())
    finally:
        os._exit(0)


def children(process: int) -> list[int]:
    try:
        return [int(word) for word in Path(f"/proc/{process}/task/{process}/children").read_text().split()]
    except OSError:
        return []


def held(process: int) -> tuple[float, int]:
    """MB of memory and open files of a process."""
    status = Path(f"/proc/{process}/status").read_text()
    kilobytes = next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS"))
    return int(kilobytes) / 1024, len(os.listdir(f"/proc/{process}/fd"))


class Chaos:
    """Keeps the members going, and does them harm."""

    def __init__(self, folder: Path, options: dict):
        self.folder, self.options = folder, options
        self.rng, self.seeds = random.Random(options["seed"]), itertools.count(1000 * options["seed"])
        self.members: list[int] = []
        self.stopped: dict[int, float] = {}
        self.cancelling: set[int] = set()
        self.done = collections.Counter()
        self.looked = 0.0

    def run(self) -> None:
        while len(self.members) < self.options["members"]:
            self.members.append(member(self.folder, self.options, next(self.seeds)))
        steady = self.members[0] if self.options["steady"] else 0
        began = next_harm = time.monotonic()
        while True:
            time.sleep(0.01)
            now = time.monotonic()
            if self.ended():
                break
            for process, until in list(self.stopped.items()):
                if now > until:
                    del self.stopped[process]
                    os.kill(process, signal.SIGCONT)
            if now > next_harm:
                next_harm = now + self.rng.uniform(0.0, 2 * self.options["every"])
                self.harm(self.rng.choice(self.options["harms"]), steady)
            if steady and now - self.looked > self.options["steady"] and steady not in self.stopped:
                self.looked = now
                note(self.folder / "steady", now - began, *held(steady))
        for process in self.members:
            os.kill(process, signal.SIGCONT)
            os.waitpid(process, 0)
        for process in self.cancelling:
            os.waitpid(process, 0)

    def ended(self) -> bool:
        """Whether the budget is used up: a member said so. Whoever died is replaced."""
        for process in list(self.cancelling):
            if os.waitpid(process, os.WNOHANG)[0]:
                self.cancelling.discard(process)
        for place, process in enumerate(self.members):
            found, status = os.waitpid(process, os.WNOHANG)
            if not found:
                continue
            self.stopped.pop(process, None)
            if status == 0:
                del self.members[place]
                return True
            self.done["ended with an error"] += not os.WIFSIGNALED(status)
            self.members[place] = member(self.folder, self.options, next(self.seeds))
            return False
        return False

    def harm(self, kind: str, steady: int) -> None:
        victims = [process for process in self.members if process != steady and process not in self.stopped]
        if kind in ("kill", "worker") and victims:
            victim = self.rng.choice(victims)
            if kind == "worker":
                below = children(victim)
                if not below:
                    return
                victim = self.rng.choice(below)
            try:
                os.kill(victim, signal.SIGKILL)
            except ProcessLookupError:
                return
        elif kind == "stop" and len(self.stopped) < self.options["members"] - 1:
            victim = self.rng.choice([process for process in self.members if process not in self.stopped])
            os.kill(victim, signal.SIGSTOP)
            self.stopped[victim] = time.monotonic() + self.options["lease"] * self.rng.uniform(1.2, 2.5)
        elif kind == "cancel" and (self.folder / "s.db").exists():
            self.cancelling.add(cancelled(self.folder))
        self.done[kind] += 1


def main() -> None:
    folder, options = Path(sys.argv[1]), {**DEFAULTS, **json.loads(sys.argv[2])}
    os.environ["MODELWRIGHT_LEASE_SECONDS"] = str(options["lease"])
    chaos = Chaos(folder, options)
    chaos.run()
    search(folder, options)  # what was left unfinished by the last kill
    print(json.dumps(chaos.done))


if __name__ == "__main__":
    main()
