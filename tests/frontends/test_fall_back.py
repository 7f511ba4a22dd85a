"""A checkpoint that is damaged or missing gives way to the one before, then to a new beginning; and that is said."""

import numpy as np
import pytest

import modelwright as mw
from modelwright.core.errors import StoreError
from modelwright.core.records import EARLIER, FELL_BACK, Task
from modelwright.store.artifacts import Artifacts
from modelwright.training.checkpoint import read_checkpoint, save_checkpoint
from modelwright.training.kept import regained

keras = pytest.importorskip("keras")


def two_checkpoints(root):
    artifacts = Artifacts(root)
    made = [
        artifacts.keep(
            "trial-00000", "a.ckpt", lambda sink, n=n: save_checkpoint(sink, {"w": np.arange(40) + n}, {"epochs": n})
        )
        for n in (1, 3)
    ]
    folder = str(root / "trial-00000")
    return Task(number=0, folder=folder, checkpoint=made[1], artifacts={"checkpoint": made[1], EARLIER: made[0]})


def epochs_in(path, sha256):
    return read_checkpoint(path, sha256=sha256)[1]["epochs"]


def test_a_bit_that_is_flipped_anywhere_is_noticed_and_the_one_before_is_read(tmp_path):
    task = two_checkpoints(tmp_path)
    path = tmp_path / task.checkpoint.path
    content = path.read_bytes()
    assert regained(task, epochs_in).value == 3
    for offset in np.linspace(0, len(content) - 1, 64).astype(int):
        changed = bytearray(content)
        changed[offset] ^= 1 << (offset % 8)
        path.write_bytes(changed)
        found = regained(task, epochs_in)
        assert found.value == 1 and found.artifacts == {EARLIER: task.artifacts[EARLIER]}
        assert found.note[FELL_BACK]["to"] == task.artifacts[EARLIER].path


@pytest.mark.parametrize(
    "spoil", [lambda p: p.write_bytes(p.read_bytes()[:-1]), lambda p: p.write_bytes(b""), lambda p: p.unlink()]
)
def test_where_none_is_whole_the_trial_begins_again_and_says_why(tmp_path, spoil):
    task = two_checkpoints(tmp_path)
    spoil(tmp_path / task.checkpoint.path)
    assert regained(task, epochs_in).value == 1
    spoil(tmp_path / task.artifacts[EARLIER].path)
    found = regained(task, epochs_in)
    assert found.value is None and found.passed == 2 and found.note[FELL_BACK]["to"] == ""
    assert all(one["why"] for one in found.note[FELL_BACK]["passed"])


def test_a_checkpoint_of_the_form_before_is_read(tmp_path):
    import hashlib
    import io
    import json

    body = io.BytesIO()
    text = json.dumps({"state": {"epochs": 2}, "dtypes": {"w": "int64"}}).encode()
    np.savez(body, w=np.arange(3), __state__=np.frombuffer(text, np.uint8))
    digest = hashlib.sha256(body.getvalue()).hexdigest().encode()
    whole = b"modelwright checkpoint 1\n" + digest + b"\n" + body.getvalue()
    (tmp_path / "old.ckpt").write_bytes(whole)
    arrays, state = read_checkpoint(tmp_path / "old.ckpt", sha256=hashlib.sha256(whole).hexdigest())
    assert arrays["w"].tolist() == [0, 1, 2] and state == {"epochs": 2}
    (tmp_path / "old.ckpt").write_bytes(whole[:-1])
    with pytest.raises(StoreError, match="damaged"):
        read_checkpoint(tmp_path / "old.ckpt")


class Watch(keras.callbacks.Callback):
    """Writes down which epochs ran, and interrupts the search when a trial begins its third segment."""

    began: list = []
    interrupt = True

    def on_epoch_begin(self, epoch, logs=None):
        Watch.began.append(epoch)
        if epoch == 3 and Watch.interrupt:
            Watch.interrupt = False
            raise KeyboardInterrupt


@pytest.mark.parametrize("damaged", [1, 2])
def test_a_search_goes_on_from_the_checkpoint_before_and_notes_it(tmp_path, damaged):
    x = np.random.default_rng(0).normal(size=(32, 4)).astype("float32")

    def build(hp):
        model = keras.Sequential([keras.layers.Input((4,)), keras.layers.Dense(1)])
        model.compile(keras.optimizers.SGD(hp.Float("lr", 1e-3, 1e-1, sampling="log")), loss="mse")
        return model

    def search():
        return mw.tune(
            build, x, x[:, :1], objective="loss", strategy="hyperband", epochs=9, trials=9, seed=3, name="s", verbose=0,
            store=tmp_path / "s.db", callbacks=[Watch()], artifacts=tmp_path / "there" if damaged == 1 else None,
        )  # fmt: skip

    Watch.began, Watch.interrupt = [], True
    with pytest.raises(KeyboardInterrupt):
        search()
    row = next(row for row in mw.load_study("s", tmp_path / "s.db")._machine.history.rows if row.state == "running")
    for kept in (row.artifacts["checkpoint"], row.artifacts[EARLIER])[:damaged]:
        for path in tmp_path.rglob(kept.path.rpartition("/")[2]):
            path.write_bytes(path.read_bytes()[:-1])
    Watch.began = []
    study = search()
    assert Watch.began[0] == (1 if damaged == 1 else 0)
    note = next(note for note in study._machine.history.notes if note.kind == FELL_BACK)
    assert note.data["number"] == row.number and len(note.data["passed"]) == damaged
    assert note.data["to"] == (row.artifacts[EARLIER].path if damaged == 1 else "")
    assert study.trials[row.number].state in ("complete", "paused", "pruned")
    assert study.best_model() is not None
