"""Learning curves of many small models, trained here, to fit the extrapolation's prior on.

    MODELWRIGHT_DATA=... python benchmarks/curves/train_curves.py curves.npz

Each task trains 48 configurations at once (one batched program): multilayer perceptrons on tables and images,
recurrent networks on characters, boosted trees. Keys of the file: TASK__loss and TASK__accuracy, (configurations, 50).
"""

from __future__ import annotations

import gzip
import os
import sys
import time
from itertools import pairwise
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd

DATA = Path(os.environ["MODELWRIGHT_DATA"])
CONFIGS, POINTS, BATCH = 48, 50, 32
VALIDATION = 400
Arrays = dict[str, jax.Array]


def table(name: str, target: str, columns: int = 40) -> tuple[np.ndarray, np.ndarray]:
    """Numbers standardised, short categories one-hot; the target as classes, or standardised."""
    frame = pd.read_csv(DATA / "tabular" / name / "train.csv.gz").sample(frac=1.0, random_state=0)[:4000]
    wanted = frame.pop(target)
    frame = frame[[c for c in frame if frame[c].dtype.kind in "if" or frame[c].nunique() < 12]]
    x = pd.get_dummies(frame).fillna(0).to_numpy(np.float32)[:, :columns]
    x = (x - x.mean(0)) / (x.std(0) + 1e-6)
    if wanted.dtype.kind == "f" and wanted.nunique() > 50:
        return x, ((wanted - wanted.mean()) / wanted.std()).to_numpy(np.float32)
    return x, pd.factorize(wanted)[0].astype(np.int32)


def images(count: int = 4000) -> tuple[np.ndarray, np.ndarray]:
    folder = DATA / "fashion-mnist"
    raw = {k: gzip.decompress((folder / f"train-{k}-ubyte.gz").read_bytes()) for k in ("images-idx3", "labels-idx1")}
    x, y = np.frombuffer(raw["images-idx3"], np.uint8, offset=16), np.frombuffer(raw["labels-idx1"], np.uint8, offset=8)
    x = x.reshape(-1, 28, 28)[:count, ::2, ::2].reshape(count, -1)
    return x.astype(np.float32) / 255 - 0.3, y[:count].astype(np.int32)


def text(name: str, column: str, label: str = "label", length: int = 32) -> tuple[np.ndarray, np.ndarray]:
    """Characters 0 to 63 of the first ``length`` of each text."""
    frame = pd.read_csv(DATA / "text" / name / "train.csv.gz").sample(frac=1.0, random_state=0)[:4000]
    x = np.array([[ord(c) % 64 for c in str(s).lower()[:length].ljust(length)] for s in frame[column]], np.int32)
    return x, pd.factorize(frame[label])[0].astype(np.int32)


def mlp(rng: np.random.Generator, inputs: int, outputs: int, width: int, depth: int):
    def start(scale: float) -> Arrays:
        sizes = [inputs, *[width] * depth, outputs]
        return {
            f"{kind}{i}": jnp.asarray(rng.normal(size=shape) * (scale / np.sqrt(a) if kind == "w" else 0), jnp.float32)
            for i, (a, b) in enumerate(pairwise(sizes))
            for kind, shape in (("w", (a, b)), ("b", (b,)))
        }

    def apply(p: Arrays, x: jax.Array) -> jax.Array:
        for i in range(depth):
            x = jax.nn.relu(x @ p[f"w{i}"] + p[f"b{i}"])
        return x @ p[f"w{depth}"] + p[f"b{depth}"]

    return start, apply


def recurrent(rng: np.random.Generator, outputs: int, width: int, cell: str):
    gates = 3 if cell == "gru" else 1

    def start(scale: float) -> Arrays:
        shapes = {"e": (64, 12), "wx": (12, gates * width), "wh": (width, gates * width), "wo": (width, outputs)}
        made = {k: jnp.asarray(rng.normal(size=s) * scale / np.sqrt(s[0]), jnp.float32) for k, s in shapes.items()}
        return {**made, "b": jnp.zeros(gates * width), "bo": jnp.zeros(outputs)}

    def apply(p: Arrays, x: jax.Array) -> jax.Array:
        def step(h, token):
            a, b = p["e"][token] @ p["wx"] + p["b"], h @ p["wh"]
            if cell == "gru":
                z, r = jax.nn.sigmoid(a[:width] + b[:width]), jax.nn.sigmoid(a[width:-width] + b[width:-width])
                return (1 - z) * h + z * jnp.tanh(a[-width:] + r * b[-width:]), 0
            return (jax.nn.relu if cell == "relu" else jnp.tanh)(a + b), 0

        def one(row):
            h = jax.lax.scan(step, jnp.zeros(width), row)[0]
            return h @ p["wo"] + p["bo"]

        return jax.vmap(one)(x)

    return start, apply


def draw(rng: np.random.Generator) -> dict[str, float]:
    """Adam with decay, as wide as people search and wider: some do not move, some diverge."""
    return {
        "lr": 10 ** rng.uniform(-5.0, 0.3),
        "beta1": 1 - 10 ** rng.uniform(-2.0, 0.0),
        "beta2": 1 - 10 ** rng.uniform(-4.0, -1.0),
        "eps": 10 ** rng.uniform(-9, -1),
        "l2": 10 ** rng.uniform(-7, 0) if rng.random() < 0.4 else 0.0,
        "decay": rng.uniform(0, 1) if rng.random() < 0.4 else 0.0,
        "exponential": 10 ** rng.uniform(-4, -1.5) if rng.random() < 0.3 else 0.0,
    }


def train(x: np.ndarray, y: np.ndarray, start, apply, rng: np.random.Generator, steps: int) -> tuple[np.ndarray, ...]:
    """Validation losses and accuracies (or R2) at 50 points, (configurations, 50) each."""
    regression = y.dtype.kind == "f"
    configs = [draw(rng) for _ in range(CONFIGS)]
    hp = {k: jnp.asarray([c[k] for c in configs], jnp.float32) for k in configs[0]}
    each = [start(float(rng.choice([0.3, 1.0, 1.0, 2.0]))) for _ in configs]
    p = {k: jnp.stack([e[k] for e in each]) for k in each[0]}
    xv, yv, xt, yt = jnp.asarray(x[:VALIDATION]), jnp.asarray(y[:VALIDATION]), x[VALIDATION:], y[VALIDATION:]

    def loss(p: Arrays, xb: jax.Array, yb: jax.Array) -> tuple[jax.Array, jax.Array]:
        out = apply(p, xb)
        if regression:
            error = jnp.mean((out[:, 0] - yb) ** 2)
            return error, 1 - error
        logs = jax.nn.log_softmax(out)
        return -jnp.mean(logs[jnp.arange(len(yb)), yb]), jnp.mean(out.argmax(1) == yb)

    def update(h, p, m, v, i, xb, yb):
        g = jax.grad(lambda q: loss(q, xb, yb)[0] + h["l2"] * sum(jnp.sum(w**2) for w in q.values()))(p)
        m = {k: h["beta1"] * m[k] + (1 - h["beta1"]) * g[k] for k in p}
        v = {k: h["beta2"] * v[k] + (1 - h["beta2"]) * g[k] ** 2 for k in p}
        rate = h["lr"] * (1 - h["decay"] * i / steps) * jnp.exp(-h["exponential"] * i)
        rate = rate * jnp.sqrt(1 - h["beta2"] ** (i + 1)) / (1 - h["beta1"] ** (i + 1))
        return {k: p[k] - rate * m[k] / (jnp.sqrt(v[k]) + h["eps"]) for k in p}, m, v

    many = jax.vmap(update, in_axes=(0, 0, 0, 0, None, None, None))
    judge = jax.jit(jax.vmap(lambda q: loss(q, xv, yv)))

    @jax.jit
    def stretch(p, m, v, first, xs, ys):
        def body(carry, item):
            return (*many(hp, *carry[:3], carry[3], *item), carry[3] + 1), 0

        return jax.lax.scan(body, (p, m, v, first), (xs, ys))[0]

    m = v = {k: jnp.zeros_like(w) for k, w in p.items()}
    first, losses, scores = jnp.float32(0), [], []
    for _ in range(POINTS):
        rows = rng.integers(len(xt), size=(steps // POINTS, BATCH))
        p, m, v, first = stretch(p, m, v, first, xt[rows], yt[rows])
        found = judge(p)
        losses.append(np.asarray(found[0]))
        scores.append(np.asarray(found[1]))
    return np.stack(losses, 1), np.stack(scores, 1)


def boosted(x: np.ndarray, y: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Gradient boosting: one point for every tree, 50 trees, 30 configurations."""
    from sklearn.ensemble import GradientBoostingClassifier
    from sklearn.metrics import log_loss

    losses, scores = [], []
    for _ in range(30):
        model = GradientBoostingClassifier(
            learning_rate=10 ** rng.uniform(-2, 0.3), n_estimators=50, max_depth=int(rng.integers(1, 7)),
            subsample=float(rng.uniform(0.2, 1)), random_state=0,
        ).fit(x[VALIDATION:1600], y[VALIDATION:1600])  # fmt: skip
        held = x[:VALIDATION], y[:VALIDATION]
        losses.append([log_loss(held[1], p, labels=model.classes_) for p in model.staged_predict_proba(held[0])])
        scores.append([np.mean(p == held[1]) for p in model.staged_predict(held[0])])
    return np.array(losses), np.array(scores)


def main(path: str) -> None:
    rng = np.random.default_rng(20261121)
    tables = {
        "letter": table("letter", "lettr"), "phoneme": table("phoneme", "class"), "kin8nm": table("kin8nm", "y"),
        "electricity": table("electricity_nsw", "class"), "wine": table("wine_quality_white", "quality"),
        "adult": table("adult", "income"), "california": table("california_housing", "median_house_value"),
        "telco": table("telco_churn", "Churn"), "fashion": images(),
    }  # fmt: skip
    texts = {
        "sms": text("sms_spam", "text"), "tweets": text("airline_tweets_sentiment", "text"),
        "news": text("ag_news_small", "title"),
    }  # fmt: skip
    made: dict[str, np.ndarray] = {}

    def keep(name: str, began: float, losses: np.ndarray, scores: np.ndarray) -> None:
        made[f"{name}__loss"], made[f"{name}__accuracy"] = losses, scores
        np.savez_compressed(path, **made)  # pyright: ignore[reportArgumentType]
        print(f"{name}: {time.monotonic() - began:.0f} s, median loss {np.median(losses[:, -1]):.3f}", flush=True)

    for i, (name, (x, y)) in enumerate(tables.items()):
        outputs = 1 if y.dtype.kind == "f" else int(y.max()) + 1
        for depth, width, steps in ((1 + i % 3, 48, 2000), (2, 24, 200)):
            began = time.monotonic()
            start, apply = mlp(rng, x.shape[1], outputs, width, depth)
            keep(f"{name}_mlp{depth}_{steps}", began, *train(x, y, start, apply, rng, steps))
        if outputs > 1 and name not in ("letter", "fashion"):
            began = time.monotonic()
            keep(f"{name}_boosted", began, *boosted(x, y, rng))
    for name, (x, y) in texts.items():
        for cell in ("gru", "tanh", "relu"):
            began = time.monotonic()
            start, apply = recurrent(rng, int(y.max()) + 1, 24, cell)
            keep(f"{name}_{cell}", began, *train(x, y, start, apply, rng, 1500))


if __name__ == "__main__":
    main(sys.argv[1])
