"""A PyTorch training loop as a plain function: report after each epoch, stop when the study has seen enough.

Learn here: how any training loop joins in through ``trial.report`` and ``trial.should_stop``, and how a model is kept
in the trial's own folder. Needs PyTorch (pip install torch). Run: python examples/pytorch_loop.py
"""

import os
import sys

import modelwright as mw

SMALL = os.environ.get("MODELWRIGHT_SMALL") == "1"
EPOCHS, TRIALS = (3, 3) if SMALL else (10, 15)


def train(hp, trial):
    """Train a small network on the digits; accuracy on held-out rows after each epoch."""
    import torch

    (x, y), _ = mw.datasets.digits()
    x, y = torch.tensor(x.reshape(len(x), -1) / 16.0, dtype=torch.float32), torch.tensor(y, dtype=torch.long)
    x_train, y_train, x_val, y_val = x[:1150], y[:1150], x[1150:], y[1150:]

    torch.set_num_threads(1)  # more would only wait for each other with a network this small
    torch.manual_seed(trial.seed)
    width = hp.Int("width", 16, 256, step=16, default=64)
    drop = hp.Float("dropout", 0.0, 0.5, step=0.1)
    model = torch.nn.Sequential(
        torch.nn.Linear(64, width), torch.nn.ReLU(), torch.nn.Dropout(drop), torch.nn.Linear(width, 10)
    )
    rate = hp.Float("learning_rate", 1e-4, 1e-1, sampling="log", default=1e-2)
    optimizer = torch.optim.Adam(model.parameters(), lr=rate)
    batch = hp.Choice("batch_size", [16, 32, 64])

    best = 0.0
    for epoch in range(1, EPOCHS + 1):
        model.train()
        for rows in torch.randperm(len(x_train)).split(batch):
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(model(x_train[rows]), y_train[rows]).backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            accuracy = float((model(x_val).argmax(1) == y_val).float().mean())
        if accuracy > best:
            best = accuracy
            torch.save(model.state_dict(), trial.folder / "model.pt")
        trial.report(epoch, accuracy=accuracy)
        if trial.should_stop():
            break


def main():
    try:
        import torch  # noqa: F401
    except ImportError:
        print("Skipped: this example needs PyTorch. Run: pip install torch")
        return 0
    study = mw.tune(train, objective=mw.Maximize("accuracy"), steps=EPOCHS, trials=TRIALS, store=":memory:", verbose=1)
    study.results_summary(5)
    print(f"best: {study.best.value:.3f} at epoch {study.best.best_step} with {study.best.config}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
