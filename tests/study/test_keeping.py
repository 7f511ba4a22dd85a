"""Which files of a study stay, and what becomes of a checkpoint that is damaged."""

import os
from pathlib import Path

import pytest

from modelwright.core import records as r
from modelwright.core.files import draft_of
from modelwright.core.history import History
from modelwright.core.objective import Objective
from modelwright.store.artifacts import Artifacts
from modelwright.study.keeping import Keeping


class Files:
    """A study by hand: its events, and a file for each artifact."""

    def __init__(self, folder: Path, place: str = "", **options):
        self.folder, self.history = folder, History((Objective("loss", "min"),))
        self.artifacts = Artifacts(folder, place)
        self.keeping = Keeping(self.history, self.artifacts, **options)

    def write(self, number, name, size=100):
        content = os.urandom(size)
        return self.artifacts.keep(f"trial-{number:05d}", name, lambda sink: sink.write(content))

    def tell(self, *events):
        self.history.extend(events)
        self.keeping.events(events)

    def segment(self, number, state, value, **sizes):
        """A segment of a trial ends with these files."""
        if number == len(self.history.rows):
            self.tell(r.Proposed(number=number, config={"x": number}))
        made = {name: self.write(number, f"{name}.ckpt", size) for name, size in sizes.items()}
        fidelity = 1.0 if state == "complete" else 0.1 * (1 + len(self.history.rows[number].segments))
        self.tell(
            r.Started(number=number),
            r.Finished(number=number, state=state, values=(value,), fidelity=fidelity, artifacts=made),
        )
        return made

    def there(self, made):
        return (self.folder / made.path).exists()

    def models(self):
        rows = self.history.rows
        return [row.number for row in rows if "model" in row.artifacts and self.there(row.artifacts["model"])]


def test_the_models_of_the_best_five_stay(tmp_path):
    files = Files(tmp_path)
    for number, value in enumerate([5.0, 1.0, 4.0, 8.0, 2.0, 9.0, 3.0]):
        files.segment(number, "complete", value, model=10)
    assert files.models() == [0, 1, 2, 4, 6]


def test_the_last_two_checkpoints_of_a_trial_that_may_go_on_stay_and_none_of_one_that_is_over(tmp_path):
    files = Files(tmp_path)
    made = [files.segment(0, "paused", 1.0, checkpoint=10)["checkpoint"] for _ in range(3)]
    assert [files.there(one) for one in made] == [False, True, True]
    files.segment(0, "complete", 1.0, model=10)
    assert not any(map(files.there, made)) and files.models() == [0]


def test_what_is_pinned_stays(tmp_path):
    files = Files(tmp_path, models=1)
    worst = files.segment(0, "paused", 9.0, checkpoint=10, model=10)
    files.tell(r.Noted(kind=r.PIN, data={"number": 0, "pinned": True}))
    files.segment(0, "complete", 9.0)
    files.segment(1, "complete", 1.0, model=10)
    assert files.there(worst["model"]) and files.there(worst["checkpoint"])
    files.tell(r.Noted(kind=r.PIN, data={"number": 0, "pinned": False}))
    files.segment(2, "complete", 2.0)
    assert not files.there(worst["model"]) and not files.there(worst["checkpoint"])


def test_what_goes_first_when_there_is_no_room(tmp_path):
    files = Files(tmp_path, limit=1000)
    before, last = (files.segment(0, "paused", 5.0, checkpoint=200)["checkpoint"] for _ in range(2))
    best = files.segment(1, "complete", 1.0, model=300)["model"]
    other = files.segment(2, "complete", 2.0, model=300)["model"]
    assert all(map(files.there, (before, last, best, other)))
    files.segment(3, "complete", 3.0, model=100)
    assert [files.there(one) for one in (before, last, best, other)] == [False, True, True, True]
    huge = files.segment(4, "complete", 0.5, model=950)["model"]
    assert files.models() == [4] and files.there(huge) and not files.there(last)


def test_a_place_elsewhere_is_tidied_too(tmp_path):
    pytest.importorskip("fsspec")
    files = Files(tmp_path / "here", (tmp_path / "there").as_uri(), models=1)
    for number in range(3):
        files.segment(number, "complete", float(number), model=10)
    assert len(list((tmp_path / "there").rglob("*.ckpt"))) == 1


def test_files_that_nobody_names_are_collected_once_they_are_old(tmp_path):
    files = Files(tmp_path)
    needed = files.segment(0, "complete", 1.0, model=10)["model"]
    orphan = files.write(0, "lost.ckpt")
    draft = draft_of(tmp_path / "trial-00000" / "half.ckpt")
    draft.write_bytes(b"half")
    (tmp_path / "trial-00000" / "notes").write_text("the user's")
    assert not files.keeping.unneeded()
    os.utime(draft, (0, 0))
    assert {one.why for one in files.keeping.unneeded()} == {"never finished"}
    assert {one.path for one in files.keeping.sweep(0.0)} == {orphan.path, f"trial-00000/{draft.name}"}
    assert sorted(p.name for p in (tmp_path / "trial-00000").iterdir()) == sorted([Path(needed.path).name, "notes"])
