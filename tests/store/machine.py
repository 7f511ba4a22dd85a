"""What people and machines do to a store, against one model in memory: a hypothesis state machine for every store.

The model is a dict. Writers are handles that were opened at some time and know so many events; some are stale. A
killed writer is a real process that is ended by SIGKILL between its appends. Whatever fails is written down as the
list of its steps; ``histories`` holds those of bugs that were found, and they are played again.
"""

from __future__ import annotations

import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from modelwright.core import records as r
from modelwright.core.errors import ConflictError, StoreError
from modelwright.store.base import Store
from modelwright.store.sql import encoded
from modelwright.store.tail import _format

_KILLED = textwrap.dedent(
    """
    import os, signal, sys
    from modelwright.core import records as r
    from modelwright.store import open_store
    store = open_store(sys.argv[1])
    study, after, count, durable = int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]), sys.argv[5] == "True"
    with store.member(study):
        store.hold(study, "ask", "killed", 3600.0)
        for i in range(count):
            store.append(study, [r.Started(number=after + i, worker="killed")], after=after + i, durable=durable)
            print(after + i, flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
    """
)

_names = st.sampled_from(["a", "b", "ü 🌋"])
_handles = st.integers(0, 2)
_holders = st.sampled_from(["one", "two", "three"])


class StoreMachine(RuleBasedStateMachine):
    """Set ``open``: opens (again) the one store that all handles share; ``place``: what another process opens."""

    open: Callable[[], Store]
    #: Given to processes of their own; "" where a store cannot be shared.
    place: str = ""

    def __init__(self) -> None:
        super().__init__()
        self.handles: list[Store] = []
        #: name -> [id, definition, events, kept texts by form, leases {what: [holder, token, there]}]
        self.model: dict[str, dict[str, Any]] = {}
        self.gone: set[int] = set()

    @initialize()
    def begin(self) -> None:
        self.handles = [self.open() for _ in range(3)]

    def teardown(self) -> None:
        if not self.handles:
            return
        self.everything_is_there()
        for store in self.handles:
            store.close()

    def of(self, name: str) -> tuple[int, list[r.Event]]:
        return self.model[name]["id"], self.model[name]["events"]

    # --- studies -----------------------------------------------------------------------------------

    @rule(name=_names, handle=_handles, seed=st.integers(0, 9))
    def create(self, name: str, handle: int, seed: int) -> None:
        try:
            made = self.handles[handle].create(name, {"seed": seed}, float(seed))
        except StoreError:
            assert name in self.model, "refused although the name was free"
            return
        assert name not in self.model, "a name was given twice"
        assert made.id not in self.gone and made.id not in {m["id"] for m in self.model.values()}, "a number came back"
        self.model[name] = {"id": made.id, "definition": {"seed": seed}, "events": [], "kept": {}, "leases": {}}

    @precondition(lambda self: self.model)
    @rule(data=st.data(), handle=_handles, seed=st.integers(0, 9))
    def redefine(self, data: Any, handle: int, seed: int) -> None:
        name = self._draw(data)
        self.handles[handle].redefine(self.model[name]["id"], {"seed": seed})
        self.model[name]["definition"] = {"seed": seed}

    @precondition(lambda self: self.model)
    @rule(data=st.data(), handle=_handles)
    def delete(self, data: Any, handle: int) -> None:
        name = self._draw(data)
        study, _ = self.of(name)
        self.handles[handle].delete(study)
        self.gone.add(study)
        del self.model[name]

    @precondition(lambda self: self.gone)
    @rule(data=st.data(), handle=_handles)
    def append_to_what_is_gone(self, data: Any, handle: int) -> None:
        study = data.draw(st.sampled_from(sorted(self.gone)), label="gone")
        try:
            self.handles[handle].append(study, [r.Started(number=0)], after=0)
        except StoreError:
            return
        raise AssertionError("a study that was deleted took an event")

    # --- events ------------------------------------------------------------------------------------

    @precondition(lambda self: self.model)
    @rule(data=st.data(), handle=_handles, count=st.integers(1, 4), stale=st.integers(-2, 2), durable=st.booleans())
    def append(self, data: Any, handle: int, count: int, stale: int, durable: bool) -> None:
        study, events = self.of(self._draw(data))
        new = [r.Reported(number=len(events) + i, step=handle + 1, metrics={"m": float("nan")}) for i in range(count)]
        after = max(0, len(events) + stale)
        try:
            self.handles[handle].append(study, new, after=after, at=float(len(events)), durable=durable)
        except ConflictError:
            assert after != len(events), "refused although it knew everything"
            return
        assert after == len(events), "accepted although it had missed events"
        events += new

    @precondition(lambda self: self.model)
    @rule(data=st.data(), handle=_handles, count=st.integers(100, 700))
    def append_many(self, data: Any, handle: int, count: int) -> None:
        study, events = self.of(self._draw(data))
        new: list[r.Event] = [r.Started(number=len(events) + i) for i in range(count)]
        self.handles[handle].append(study, new, after=len(events))
        events += new

    @precondition(lambda self: self.model)
    @rule(data=st.data(), handle=_handles, behind=st.integers(0, 5))
    def load(self, data: Any, handle: int, behind: int) -> None:
        study, events = self.of(self._draw(data))
        after = max(0, len(events) - behind)
        assert repr([e for e, _ in self.handles[handle].load(study, after=after)]) == repr(events[after:])

    # --- what is kept ------------------------------------------------------------------------------

    @precondition(lambda self: self.model and self.handles[0].keeps)
    @rule(data=st.data(), handle=_handles, stale=st.integers(0, 1), page=st.integers(0, 2))
    def keep(self, data: Any, handle: int, stale: int, page: int) -> None:
        model = self.model[self._draw(data)]
        count = len(model["events"])
        there = int(model["kept"].get("head", "0"))
        parts = {"head": str(count), f"rows/{page}": f"{count} é"}
        done = self.handles[handle].keep(model["id"], "form", parts, count=count, since=there + stale)
        assert done == (stale == 0), (there, stale)
        if done:
            model["kept"] |= parts

    @precondition(lambda self: self.model and self.handles[0].keeps)
    @rule(data=st.data(), handle=_handles, forget=st.booleans())
    def kept(self, data: Any, handle: int, forget: bool) -> None:
        model = self.model[self._draw(data)]
        if forget:
            self.handles[handle].forget(model["id"])
            model["kept"] = {}
        store = self.handles[handle]
        assert dict(store.kept(model["id"], "form")) == model["kept"]
        assert store.kept_count(model["id"], "form") == int(model["kept"].get("head", "0"))
        assert store.kept(model["id"], "another form") == []

    # --- leases ------------------------------------------------------------------------------------

    @precondition(lambda self: self.model)
    @rule(data=st.data(), handle=_handles, holder=_holders, lasts=st.sampled_from([3600.0, 3600.0, -1.0]))
    def hold(self, data: Any, handle: int, holder: str, lasts: float) -> None:
        """A lease of less than no time has run out as soon as it is taken."""
        model = self.model[self._draw(data)]
        had = model["leases"].get("ask")
        lease = self.handles[handle].hold(model["id"], "ask", holder, lasts, {"who": holder})
        if had and had[0] not in ("", holder) and had[2]:
            assert lease is None, "somebody else's lease was taken"
            return
        assert lease is not None, "a free lease was refused"
        token = 1 if had is None else had[1] + (had[0] != holder)
        assert lease.token == token, "the token tells one holder from the next"
        model["leases"]["ask"] = [holder, token, lasts > 0]

    @precondition(lambda self: self.model)
    @rule(data=st.data(), handle=_handles, holder=_holders)
    def release(self, data: Any, handle: int, holder: str) -> None:
        model = self.model[self._draw(data)]
        self.handles[handle].release(model["id"], "ask", holder)
        had = model["leases"].get("ask")
        if had and had[0] == holder:
            had[0], had[2] = "", False

    @precondition(lambda self: any(m["leases"].get("ask", ["", 0, False])[0] for m in self.model.values()))
    @rule(data=st.data(), handle=_handles, holder=_holders)
    def expire(self, data: Any, handle: int, holder: str) -> None:
        """Whoever has the lease sleeps past it, and another one takes it."""
        held = [n for n, m in self.model.items() if m["leases"].get("ask", [""])[0]]
        name = data.draw(st.sampled_from(held), label="study")
        model = self.model[name]
        owner, token, there = model["leases"]["ask"]
        if not there:
            self._taken(name, handle, holder)
            return
        assert self.handles[handle].hold(model["id"], "ask", owner, -1.0) is not None
        model["leases"]["ask"] = [owner, token, False]
        self._taken(name, handle, holder)

    def _taken(self, name: str, handle: int, holder: str) -> None:
        model = self.model[name]
        owner, token, _ = model["leases"]["ask"]
        lease = self.handles[handle].hold(model["id"], "ask", holder, 3600.0)
        assert lease is not None and lease.token == token + (holder != owner)
        model["leases"]["ask"] = [holder, lease.token, True]

    # --- crashes -----------------------------------------------------------------------------------

    @precondition(lambda self: self.place)
    @rule(handle=_handles)
    def abandon(self, handle: int) -> None:
        """A handle is dropped as it is, as by a kill of its process, and another one takes its place."""
        lost = self.handles[handle]
        for writing in getattr(lost, "_writing", {}).values():
            writing.tail.close()
        getattr(lost, "_writing", {}).clear()
        self.handles[handle] = self.open()

    @precondition(lambda self: self.place)
    @rule(handle=_handles)
    def close_and_open(self, handle: int) -> None:
        self.handles[handle].close()
        self.handles[handle] = self.open()

    @precondition(lambda self: self.place and self.model)
    @rule(data=st.data(), count=st.integers(1, 3), durable=st.booleans())
    def killed(self, data: Any, count: int, durable: bool) -> None:
        """A process appends and is killed: nothing that it was told of is lost, and it holds nobody up."""
        model = self.model[self._draw(data)]
        after = len(model["events"])
        command = [sys.executable, "-c", _KILLED, self.place, str(model["id"]), str(after), str(count), str(durable)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120)
        assert done.returncode == -9, done.stderr
        assert done.stdout.split() == [str(after + i) for i in range(count)]
        model["events"] += [r.Started(number=after + i, worker="killed") for i in range(count)]
        had = model["leases"].get("ask")
        if had is None or had[0] in ("", "killed") or not had[2]:
            model["leases"]["ask"] = ["killed", 1 if had is None else had[1] + (had[0] != "killed"), True]
        with self.handles[0].writer(model["id"]):
            pass

    @precondition(lambda self: self.model and hasattr(self.handles[0], "_tail"))
    @rule(data=st.data(), count=st.integers(1, 3), share=st.floats(0.0, 0.99))
    def torn(self, data: Any, count: int, share: float) -> None:
        """A process was killed in the middle of an append: nothing of it counts, not even its whole lines."""
        study, events = self.of(self._draw(data))
        folder = self.handles[0].folder(study)
        lines = encoded([r.Started(number=i, worker="torn") for i in range(count)], len(events), 0.0)
        whole = b"".join(_format(line, more=line is not lines[-1]) for line in lines)
        with (folder / "events.log").open("ab") as file:
            file.write(whole[: int(share * len(whole))])

    # --- always ------------------------------------------------------------------------------------

    def everything_is_there(self) -> None:
        for store in self.handles:
            assert [(s.id, s.name, dict(s.definition)) for s in store.studies()] == sorted(
                (m["id"], name, m["definition"]) for name, m in self.model.items()
            )
            for name, model in self.model.items():
                found = list(store.load(model["id"]))
                assert repr([event for event, _ in found]) == repr(model["events"]), name
                mine = {what: (holder, token) for what, (holder, token, _) in model["leases"].items() if holder}
                assert {lease.what: (lease.holder, lease.token) for lease in store.leases(model["id"])} == mine

    def _draw(self, data: Any) -> str:
        return data.draw(st.sampled_from(sorted(self.model)), label="study")


def play(machine: StoreMachine, steps: list[list[Any]]) -> None:
    """Play a history: [rule, {argument: value}] each; "study" and "gone" stand for what hypothesis drew."""
    machine.begin()
    try:
        for name, arguments in steps:
            given = dict(arguments)
            drawn = [given.pop(key) for key in ("study", "gone") if key in given]
            if drawn:
                given["data"] = _Told(drawn[0])
            getattr(machine, name)(**given)
    finally:
        machine.teardown()


class _Told:
    """Draws what a history says."""

    def __init__(self, value: Any):
        self.value = value

    def draw(self, strategy: Any, label: str = "") -> Any:
        return self.value


def histories() -> list[Path]:
    return sorted((Path(__file__).parent / "histories").glob("*.json"))
