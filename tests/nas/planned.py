"""A plan that is carried out by hand: values and times of its networks are given, and nothing is trained."""

from modelwright import nas
from modelwright.core import records as r
from modelwright.core.objective import Objective
from modelwright.nas.phases import FINISH, PlanLeads
from modelwright.study.machine import Machine, Setup


def define(hp, x):
    for i in range(hp.Int("depth", 1, 4)):
        x = x.conv(hp.Choice(f"filters{i}", [8, 16, 32]), hp.Choice(f"kernel{i}", [1, 3, 5])).relu()
    return x.global_avg_pool().dense(10)


SPACE = nas.Architecture(define, (28, 28, 1))


class Run:
    """A plan carried out with values from ``worth(number, fidelity)``, each segment as long as ``takes`` says."""

    def __init__(self, plan, worth, takes=lambda row: 4.0, name="val_accuracy"):
        setup = Setup(space=SPACE.tree, strategy=plan, objectives=(Objective(name, "max"),))
        self.machine, self.worth, self.takes, self.at = Machine(setup, PlanLeads()), worth, takes, 0.0
        self.history = self.machine.history
        self.spent = lambda row, seconds: {"train": seconds}

    def step(self, outcome=None, new=True):
        answer = self.machine.propose(new)
        if not isinstance(answer, list):
            return answer
        number = answer[-1].number
        self.machine.apply([*answer, *self.machine.start(number)], self.at)
        row = self.history.rows[number]
        given = row.note.get("seconds") if row.note["phase"] == "confirm" else None
        seconds = self.takes(row) if given is None else float(given)
        self.at += seconds
        self.reported(number, row.target)
        told = outcome or r.Outcome(
            metrics={self.history.objectives[0].name: self.worth(number, row.target)}, fidelity=row.target,
            duration=seconds, note={"spent": self.spent(row, seconds)}, artifacts={"checkpoint": r.Artifact(path="x")},
            stepwise=False,
        )  # fmt: skip
        self.machine.apply(self.machine.finish(number, told), self.at)
        return None

    def reported(self, number, target):
        """What a segment tells on its way."""

    def all(self, most=400, new=lambda run: True):
        for _ in range(most):
            answer = self.step(new=new(self))
            if answer is not None:
                return answer
        raise AssertionError("the plan does not end")

    def open_finish(self, trial):
        self.machine.apply([r.Noted(kind=FINISH, data={"trial": trial, "number": 1})], self.at)
