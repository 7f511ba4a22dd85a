"""What inherited weights are worth: a child against a fresh twin of itself, on Fashion-MNIST.

    MODELWRIGHT_DATA=... KERAS_BACKEND=jax python benchmarks/nas/morphism.py [--rows 5000] [--epochs 32] [--many]

A parent is trained for so many epochs, and edited. The child goes on from its weights for half as many; the twin, the
same network, begins with weights of its own and is trained for as many as the parent. A second twin gets all the epochs
that went into the child, its parent's with it. All are judged by the same 10,000 test images, of
14 x 14 positions as all here; the learning rate rises and falls once in each training, to the same heights.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Callable

os.environ.setdefault("KERAS_BACKEND", "jax")

import modelwright as mw
from modelwright import nas
from modelwright.nas import weights
from modelwright.nas.dataset import Dataset, dataset
from modelwright.nas.graph import Graph, Tensor, trace
from modelwright.nas.train import Recipe, Trainer


def network(width: int = 12, blocks: int = 1) -> Graph:
    """A small residual network: two stages of blocks on 7 x 7 and 4 x 4 positions."""

    def define(x: Tensor) -> Tensor:
        x = x.conv(width, 3, stride=2, name="stem").batch_norm(name="stem/norm").activation(name="stem/out")
        for stage, channels in enumerate((width, 2 * width)):
            if stage:
                x = x.conv(channels, 3, stride=2, name="down").batch_norm(name="down/norm").activation(name="down/out")
            for i in range(blocks):
                at = f"stage{stage}/block{i}"
                y = x.conv(channels, 3, name=f"{at}/a").batch_norm(name=f"{at}/b").activation(name=f"{at}/c")
                y = y.conv(channels, 3, name=f"{at}/d").batch_norm(name=f"{at}/e")
                x = x.apply("add", y, name=f"{at}/add").activation(name=f"{at}/out")
        return x.global_avg_pool().dense(10, name="head")

    return trace(define, (14, 14, 1))


#: What becomes of the parent: one edit, as strategies make them; with --many several at once.
EDITS: dict[str, Callable[[Graph], Graph]] = {
    "stage 1 wider by half": lambda graph: nas.widen(graph, "down", 1.5),
    "stage 0 deeper, residual": lambda graph: nas.deepen(graph, "stage0/block0/out", residual=True),
    "a kernel 3 -> 5": lambda graph: nas.larger_kernel(graph, "stage1/block0/a"),
    "a skip by concatenation": lambda graph: nas.skip(graph, "stem/out", "stage0/block0/out", join="concat"),
    "stage 1 deeper, in line": lambda graph: nas.deepen(graph, "stage1/block0/out"),
}
MANY: dict[str, Callable[[Graph], Graph]] = {
    "all wider, 12 -> 20 channels": lambda graph: network(20),
    "wider, 12 -> 16 channels, and twice as deep": lambda graph: network(16, blocks=2),
}


def trained(graph: Graph, start: weights.Weights | None, data: Dataset, epochs: int, seed: int):
    """Weights after a training, and the accuracy at its end; after each epoch, where weights were inherited."""
    model = nas.build(graph, seed=seed)
    if start is not None:
        weights.write(model, start)
    trainer = Trainer(model, data, Recipe.of(data.rows))
    curve: list[float] = []

    def judge(done: float, loss: float) -> bool:
        if start is not None or done >= 1.0:
            curve.append(100 * trainer.judge()["val_accuracy"])
        return True

    trainer.fit(epochs, seed, judge)
    trainer.steps.settle()
    return weights.read(model), curve


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=5_000)
    parser.add_argument("--epochs", type=int, default=32)
    parser.add_argument("--many", action="store_true", help="several edits at once")
    parser.add_argument("--json")
    given = parser.parse_args()
    (x, y), test = mw.datasets.fashion_mnist()
    data = dataset(x[: given.rows], y[: given.rows], validation=test).shrunk(2)
    half, rows = given.epochs // 2, []
    print(f"{given.rows} rows, {given.epochs} epochs; accuracy on {len(test[1])} test images, %")
    for seed, (name, edit) in enumerate((MANY if given.many else EDITS).items(), 1):
        began = time.perf_counter()
        parent = network()
        learned, first = trained(parent, None, data, given.epochs, seed)
        child = edit(parent)
        found = nas.inherit(parent, learned, child, seed=seed + 100)
        _, curve = trained(child, found.weights, data, half, seed + 200)
        _, twin = trained(child, None, data, given.epochs, seed + 300)
        _, longer = trained(child, None, data, given.epochs + half, seed + 300)
        reached = next((i for i, value in enumerate(curve, 1) if value >= twin[-1]), None)
        row = {
            "edit": name, "exact": found.exact, "share": round(found.share, 3), "parent": first, "child": curve,
            "twin": twin, "longer": longer, "reached": reached, "seconds": round(time.perf_counter() - began),
        }  # fmt: skip
        rows.append(row)
        print(
            f"{name}: inherited {100 * found.share:.0f} %{'' if found.exact else ', not exact'}; "
            f"parent {first[-1]:.2f}; child {curve[-1]:.2f}; twin {twin[-1]:.2f}, reached after {reached} epochs; "
            f"twin of {given.epochs + half} epochs {longer[-1]:.2f} ({curve[-1] - longer[-1]:+.2f}); "
            f"{row['seconds']} s",
            flush=True,
        )
    if given.json:
        with open(given.json, "w") as file:
            json.dump(rows, file)
    apart = [row["child"][-1] - row["longer"][-1] for row in rows]
    early = sum(row["reached"] is not None for row in rows)
    mean = sum(apart) / len(apart)
    print(f"reached within {half} epochs: {early} of {len(rows)}; charged with the parent: mean {mean:+.2f}")


if __name__ == "__main__":
    main()
