"""modelwright nas: from data on disk to a model on disk."""

import numpy as np
import pytest
from cli_process import run

from modelwright.cli.architectures import _weights

keras = pytest.importorskip("keras")


def bars(rows=80):
    rng = np.random.default_rng(0)
    x, y = rng.random((rows, 8, 8)) * 40, np.arange(rows) % 2
    for image, label in zip(x, y, strict=True):
        at = rng.integers(8)
        image[(at, slice(None)) if label else (slice(None), at)] += 200
    return x.astype(np.uint8), y


def saved(folder):
    """Bars in a folder of images."""
    pillow = pytest.importorskip("PIL.Image")
    x, y = bars()
    for i, (image, label) in enumerate(zip(x, y, strict=True)):
        place = folder / "images" / ("column", "row")[label]
        place.mkdir(parents=True, exist_ok=True)
        pillow.fromarray(image).save(place / f"{i}.png")
    return x


def test_a_folder_of_images_becomes_a_model(folder):
    x = saved(folder)
    words = "nas --data images --trials 2 --epochs 2 --name n --save model.keras -q".split()
    ran = run(*words, "--constraint", "params <= 20_000", folder=folder)
    assert ran.code == 0, ran.err
    assert "val_accuracy: 0." in ran.out or "val_accuracy: 1." in ran.out
    assert "\nclasses: 0=column, 1=row\n" in ran.out
    model = keras.saving.load_model(folder / "model.keras")
    assert model.predict(x[:3, :, :, None], verbose=0).shape == (3, 2) and model.count_params() <= 20_100


def test_a_study_that_goes_on_has_the_size_of_its_images(folder):
    saved(folder)
    words = "nas --data images --epochs 1 --no-plan --strategy random --name n -q"
    assert run(*words.split(), *"--trials 1 --image-size 6".split(), folder=folder).code == 0
    ran = run(*words.split(), *"--trials 2 --image-size 8".split(), folder=folder)
    assert ran.code == 3 and "--image-size 8: the study 'n' was begun with images of 6 x 6 pixels" in ran.err
    ran = run(*words.split(), *"--trials 2".split(), folder=folder)
    assert ran.code == 0 and "trials: 2" in ran.out, ran.err
    ran = run(*words.split(), "--trials", "2", "--json", folder=folder)
    assert ran.json["classes"] == ["column", "row"]


def test_a_table_takes_the_space_for_tables(folder):
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(60, 3))
    text = "a,b,c,price\n" + "\n".join(",".join(f"{v:.4f}" for v in (*row, row.sum() + 0.001)) for row in rows)
    (folder / "t.csv").write_text(text)
    words = "nas --data t.csv --target price --trials 1 --epochs 1 --no-plan --strategy random"
    ran = run(*words.split(), folder=folder)
    assert ran.code == 0, ran.err
    assert "val_loss:" in ran.out and "classes:" not in ran.out


def test_warnings_are_sentences_of_the_command(folder):
    rng = np.random.default_rng(0)
    x = np.c_[rng.normal(size=(60, 2)), np.ones(60)]
    np.savez(folder / "x.npz", x=x, y=(x[:, 0] > 0) * 2)
    words = "nas --data x.npz --trials 1 --epochs 1 --no-plan --strategy random --name n"
    ran = run(*words.split(), folder=folder)
    assert ran.code == 0 and "Warning: feature 2 of x: the same value" in ran.err, ran.err
    assert "Warning: no row has the label 1; there is an output" in ran.err and "UserWarning" not in ran.err
    assert "classes: 0=0, 1=1, 2=2" in ran.out


def test_labels_that_are_texts_and_the_place_of_the_home_folder(folder, monkeypatch):
    monkeypatch.setenv("HOME", str(folder))
    rng = np.random.default_rng(0)
    text = "a,b,kind\n" + "\n".join(f"{a:.3f},{b:.3f},{'P' if a > b else 'N'}" for a, b in rng.normal(size=(60, 2)))
    (folder / "t.csv").write_text(text)
    words = "nas --data t.csv --target kind --trials 1 --epochs 1 --no-plan --strategy random --save=~/m.keras"
    ran = run(*words.split(), "--class-weight", "P=2", "--class-weight", "N=1", folder=folder)
    assert ran.code == 0, ran.err
    assert "val_accuracy:" in ran.out and (folder / "m.keras").is_file()


def test_the_task_and_the_published_cells_may_be_asked_for(folder):
    x, y = bars(20)
    np.savez(folder / "x.npz", x=x, y=y)
    words = "nas --data x.npz --trials 1 --epochs 1 --no-plan --strategy random --seed -1"
    ran = run(*words.split(), "--task", "regression", "--space", "nasbench201", folder=folder)
    assert ran.code == 0, ran.err
    assert "val_loss:" in ran.out


def test_weights_of_false_and_true_are_by_these_names():
    assert _weights(["True=3", "False=1"], np.array([True, False])) == {True: 3.0, False: 1.0}


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ("nas --data x.npz --trials 1 --class-weight much", 2, "LABEL=WEIGHT"),
        ("nas --data x.npz --trials 1 --class-weight 7=2", 3, "class_weight has the label 7.0"),
        ("nas --data x.npz", 2, "how much to spend"),
        ("nas --data absent --trials 1", 2, "no file or folder 'absent'. Allowed: a folder of images per class, FILE"),
        ("nas --data x.txt --trials 1", 2, "cannot read 'x.txt'. Allowed: a folder of images"),
        ("tune job:parabola --data . --trials 1", 2, "cannot read the folder '.'. Allowed: FILE.npz"),
        ("nas --data x.npz --trials 1 --objective acc", 3, "Did you mean 'val_accuracy'?"),
        ("nas --data absent.npz --trials 1", 3, "there is no file"),
        ("nas --data x.npz --trials 1 --save model.h5", 2, ".keras"),
        ("nas --data x.npz --trials 1 --save no/where.keras", 3, "no folder"),
        ("nas --data x.npz --trials 1 --space maze", 2, "maze"),
        ("nas --data . --trials 1 --target y", 2, "no columns"),
        ("nas --data x.npz --trials 1 --image-size 8", 2, "in a folder"),
        ("nas --trials 1", 2, "--data"),
        ("nas --data x.npz --trials 1 --constraint params", 3, "constraint"),
    ],
)
def test_mistakes_are_told_in_a_line(folder, words, code, said):
    x, y = bars(20)
    np.savez(folder / "x.npz", x=x, y=y)
    (folder / "x.txt").write_text("1 2")
    ran = run(*words.split(), folder=folder)
    assert ran.code == code and said in ran.err and "Traceback" not in ran.err
