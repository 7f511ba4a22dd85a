"""The Fashion-MNIST lab: is 512 units and a learning rate of 0.001 right? And what else would help?

Learn here: a baseline, Hyperband over two parameters with early stopping, building the best model again, a fair look at
the test set; then a second search over dropout, activation, number of layers and weight initialisation.
Takes about eight minutes on two cores; MODELWRIGHT_SMALL=1 shows the same in half a minute on a few rows.
Run: python examples/fashion_mnist_lab.py
"""

import os

os.environ.setdefault("KERAS_BACKEND", "jax")

import keras
import numpy as np

import modelwright as mw

SMALL = os.environ.get("MODELWRIGHT_SMALL") == "1"
ROWS, EPOCHS, TRIALS = (1_500, 3, 4) if SMALL else (60_000, 10, 30)
WORKERS = 1 if SMALL else min(2, os.cpu_count() or 1)


def data():
    """Images scaled to [0, 1]; the bundled digits where Fashion-MNIST is not to be had."""
    try:
        (x_train, y_train), (x_test, y_test) = mw.datasets.fashion_mnist()
    except mw.datasets.DatasetError as error:
        print(f"{error}\nGoing on with the digits bundled with scikit-learn.\n")
        (x_train, y_train), (x_test, y_test) = mw.datasets.digits()
    top = np.float32(x_train.max())
    return x_train[:ROWS] / top, y_train[:ROWS], x_test[:ROWS] / top, y_test[:ROWS]


def network(shape, layers, rate):
    """A compiled classifier for images of ``shape`` with the given hidden layers."""
    model = keras.Sequential([keras.layers.Input(shape), keras.layers.Flatten(), *layers])
    model.add(keras.layers.Dense(10, activation="softmax"))
    model.compile(optimizer=keras.optimizers.Adam(rate), loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def accuracy(model, x, y):
    """Share of right answers and whether each row was right."""
    right = np.argmax(model.predict(x, verbose=0), axis=1) == y
    return right.mean(), right


def difference(one, other):
    """Two models on the same rows: the difference of their accuracies, and whether chance explains it."""
    gap = one.astype(float) - other
    error = gap.std() / np.sqrt(len(gap))
    verdict = "more than chance" if abs(gap.mean()) > 2 * error else "within what chance does"
    return f"{gap.mean():+.4f} (standard error {error:.4f}: {verdict})"


def main():
    x, y, x_test, y_test = data()
    shape = x.shape[1:]
    stopping = keras.callbacks.EarlyStopping(monitor="val_loss", patience=5)

    print("1. The baseline: 512 units, learning rate 0.001")
    keras.utils.set_random_seed(0)
    baseline = network(shape, [keras.layers.Dense(512, activation="relu"), keras.layers.Dropout(0.2)], 1e-3)
    baseline.fit(x, y, epochs=EPOCHS, validation_split=0.2, callbacks=[stopping], verbose=0)
    before, before_right = accuracy(baseline, x_test, y_test)
    print(f"   test accuracy {before:.4f}\n")

    print("2. Units and learning rate, by Hyperband")

    def build(hp):
        units = hp.Int("units", min_value=32, max_value=512, step=32)
        rate = hp.Choice("learning_rate", [1e-2, 1e-3, 1e-4])
        return network(shape, [keras.layers.Dense(units, activation="relu"), keras.layers.Dropout(0.2)], rate)

    settings = {"objective": "val_accuracy", "validation_split": 0.2, "epochs": EPOCHS, "workers": WORKERS}
    study = mw.tune(build, x, y, strategy="hyperband", trials=TRIALS, callbacks=[stopping], name=None, **settings)
    study.results_summary(5)
    best = study.best
    print(f"   best: {best.config}, validation accuracy {best.value:.4f} at epoch {best.best_step}\n")

    print("3. The best configuration, built and trained again")
    keras.utils.set_random_seed(0)
    model = build(best.hp)
    model.fit(x, y, epochs=best.best_step or EPOCHS, validation_split=0.2, verbose=0)
    after, after_right = accuracy(model, x_test, y_test)
    print(f"   test accuracy {after:.4f}; against the baseline {difference(after_right, before_right)}\n")

    print("4. More to choose: dropout, activation, number of layers, weight initialisation")

    def richer(hp):
        layers = []
        for i in range(hp.Int("layers", 1, 3)):
            with hp.name_scope(f"layer_{i}"):
                layers.append(
                    keras.layers.Dense(
                        hp.Int("units", 32, 512, step=32, default=best.config["units"]),
                        activation=hp.Choice("activation", ["relu", "tanh", "gelu"]),
                        kernel_initializer=hp.Choice("initializer", ["glorot_uniform", "he_normal", "lecun_normal"]),
                    )
                )
                layers.append(keras.layers.Dropout(hp.Float("dropout", 0.0, 0.5, step=0.1, default=0.2)))
        return network(shape, layers, hp.Float("learning_rate", 1e-4, 1e-2, sampling="log", default=1e-3))

    second = mw.tune(richer, x, y, strategy="auto", trials=TRIALS, callbacks=[stopping], **settings)
    second.results_summary(5)
    final, final_right = accuracy(second.best_model(), x_test, y_test)
    print(f"   test accuracy {final:.4f}; against the first search {difference(final_right, after_right)}")
    where = second.report("fashion_mnist_lab.html")
    print(f"   everything about it: {where.resolve().as_uri()}")


if __name__ == "__main__":
    main()
