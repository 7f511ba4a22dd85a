"""A network for images, found rather than guessed.

Learn here: nas.search on arrays, a limit on parameters, a test set that the search never sees, and the reasons.
"""

import os

import modelwright as mw

SMALL = bool(os.environ.get("MODELWRIGHT_SMALL"))


def main():
    (x, y), (x_test, y_test) = mw.datasets.digits()
    x, x_test = x.reshape(-1, 8, 8), x_test.reshape(-1, 8, 8)
    budget = {"trials": 3, "epochs": 2} if SMALL else {"seconds": 180, "workers": 2}
    study = mw.nas.search(mw.nas.chain(), x, y, constraints=["params <= 30_000"], store=":memory:", **budget)
    model = study.best_model()
    print(study.explain())
    print(f"{model.count_params():,} parameters")
    print(f"accuracy on the test set: {model.evaluate(x_test, y_test, verbose=0)[1]:.3f}")


if __name__ == "__main__":
    main()
