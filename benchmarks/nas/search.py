"""A real search on Fashion-MNIST against what most architecture searches lose to: the default, trained all the time.

Each arm has the same seconds, cores, space, limit and training recipe, and is judged once on the 10,000 test images,
which no arm has seen. Run it on a quiet machine:

    python benchmarks/nas/search.py ours anchor random --minutes 15 --seeds 3 --out /tmp/nas.json

``autokeras`` is an arm too, where ``--peer-python`` names a Python that has it (3.0.0 needs Keras 3.10 or older). Its
networks may be of any size.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

ARMS = ("ours", "anchor", "random", "autokeras")
LIMIT = 250_000
_PEER = """
import sys, time, numpy as np, threading, os
seconds, folder = float(sys.argv[1]), sys.argv[2]
data = np.load(sys.argv[3])
import autokeras as ak
# Its first network is larger than any limit that is of use here, and with a limit it ends with an error there.
asked = dict(max_trials=1000, overwrite=True, directory=folder, seed=int(sys.argv[4]))
clf = ak.ImageClassifier(**asked)
def watch():
    time.sleep(seconds)
    best = None
    try:
        model = clf.tuner.get_best_models()[0]
        out = model.predict(data["xt"].astype("float32"), verbose=0)
        np.save(os.path.join(folder, "out.npy"), out)
    finally:
        os._exit(0)
threading.Thread(target=watch, daemon=True).start()
clf.fit(data["x"].astype("float32"), data["y"], validation_split=0.15, verbose=0)
out = clf.predict(data["xt"].astype("float32"))
np.save(os.path.join(folder, "out.npy"), out)
"""


def data() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    import modelwright as mw

    (x, y), (xt, yt) = mw.datasets.fashion_mnist()
    return x, y, xt, yt


def searched(seconds: float, seed: int, workers: int, **options: Any) -> dict[str, Any]:
    """An arm that is a search of ours."""
    import modelwright as mw
    from modelwright.nas.spent import times

    x, y, xt, yt = data()
    study = mw.nas.search(
        mw.nas.chain(), x, y, constraints=[f"params <= {LIMIT}"], seconds=seconds, workers=workers, seed=seed,
        store=":memory:", verbose=0, **options,
    )  # fmt: skip
    model = study.best_model()
    right = model.predict(xt, verbose=0).argmax(axis=1) == yt
    phases: dict[str, float] = {}
    for row in study._machine.history.rows:
        phases[row.note.get("phase", "")] = phases.get(row.note.get("phase", ""), 0.0) + row.duration
    spent = times(study._machine.history)
    best = study._machine.history.best()
    return {
        "right": right,
        "networks": len(study.trials),
        "validation": study.best.value,
        "params": int(model.count_params()),
        "anchor won": best is not None and best.note.get("by") == "default",
        "phases": phases,
        "overhead": None if spent is None else round(spent.overhead, 4),
        "overhead at the lowest rung": None if spent is None or spent.lowest is None else round(spent.lowest, 4),
        "spent": None if spent is None else spent.parts,
        "explained": study.explain(),
    }


def anchored(seconds: float, seed: int) -> dict[str, Any]:
    """The space's default network, trained all the time on every core, as a search's finish is."""
    cores = len(os.sched_getaffinity(0))
    os.environ["XLA_FLAGS"] = f"--xla_force_host_platform_device_count={cores}"  # before JAX is imported
    from modelwright import nas
    from modelwright.core.constraint import parse
    from modelwright.nas.canonical import pruned
    from modelwright.nas.dataset import dataset, mirrors
    from modelwright.nas.limited import LimitedTree
    from modelwright.nas.train import Recipe, Trainer, predict

    began = time.perf_counter()
    x, y, xt, yt = data()
    held = dataset(x, y, seed=seed)
    template: Any = nas.chain()
    space = template.bind(*held.shapes, outputs=held.task.outputs)
    tree = LimitedTree.of(space.tree, parse(f"params <= {LIMIT}"))
    graph = pruned(space.graph(tree.default()))
    trainer = Trainer(nas.build(graph, seed=seed), held, Recipe.of(held.rows, mirror=mirrors(held)))
    left = seconds - (time.perf_counter() - began) - 5
    ended = trainer.fit(1, seed, lambda done, loss: True, seconds=left)
    right = predict(trainer.steps, (held.fronts[0](xt),)).argmax(axis=1) == yt
    return {"right": right, "epochs": ended.cost, "validation": trainer.judge()["val_accuracy"],
            "params": graph.cost.parameters}  # fmt: skip


def peer(seconds: float, seed: int, python: str, folder: Path) -> dict[str, Any]:
    """AutoKeras, stopped from outside at the same time; its best so far."""
    x, y, xt, yt = data()
    folder.mkdir(parents=True, exist_ok=True)
    np.savez(folder / "data.npz", x=x[..., None], y=y, xt=xt[..., None])
    arguments = [python, "-c", _PEER, str(seconds), str(folder), str(folder / "data.npz"), str(seed)]
    subprocess.run(arguments, check=False, timeout=seconds + 300)
    found = folder / "out.npy"
    if not found.exists():
        return {"right": np.zeros(len(yt), bool), "failed": True}
    return {"right": np.load(found).argmax(axis=1) == yt}


def run(arm: str, minutes: float, seed: int, options: argparse.Namespace) -> dict[str, Any]:
    seconds = 60 * minutes
    began = time.perf_counter()
    if arm == "ours":
        found = searched(seconds, seed, options.workers)
    elif arm == "random":
        found = searched(seconds, seed, options.workers, plan=None, strategy="random", epochs=5)
    elif arm == "anchor":
        found = anchored(seconds, seed)
    else:
        found = peer(seconds, seed, options.peer_python, Path(options.folder) / f"autokeras-{seed}")
    right = found.pop("right")
    found |= {"arm": arm, "seed": seed, "minutes": minutes, "test": float(right.mean())}
    found |= {"seconds": time.perf_counter() - began, "wrong": np.flatnonzero(~right).tolist()}
    return found


def main() -> None:
    read = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    read.add_argument("arms", nargs="+", choices=ARMS)
    read.add_argument("--minutes", type=float, default=15)
    read.add_argument("--seeds", type=int, default=3)
    read.add_argument("--first-seed", type=int, default=0)
    read.add_argument("--workers", type=int, default=2)
    read.add_argument("--peer-python", default=sys.executable)
    read.add_argument("--folder", default="/tmp/modelwright-nas")
    read.add_argument("--out", default="")
    read.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    options = read.parse_args()
    if options.one:
        print(json.dumps(run(options.arms[0], options.minutes, options.first_seed, options), default=float))
        return
    results = []
    for seed in range(options.first_seed, options.first_seed + options.seeds):
        for arm in options.arms:  # each in a process of its own, one after another
            words = [
                sys.executable,
                __file__,
                arm,
                "--one",
                "--minutes",
                str(options.minutes),
                "--first-seed",
                str(seed),
            ]
            words += ["--workers", str(options.workers), "--peer-python", options.peer_python]
            done = subprocess.run(words, stdout=subprocess.PIPE, text=True, check=True, env={**os.environ})
            found = json.loads(done.stdout.strip().splitlines()[-1])
            results.append(found)
            told = {k: v for k, v in found.items() if k not in ("wrong", "explained")}
            print(json.dumps(told), flush=True)
            if options.out:
                Path(options.out).write_text(json.dumps(results))


if __name__ == "__main__":
    main()
