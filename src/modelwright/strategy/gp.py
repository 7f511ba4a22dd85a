"""Gaussian process: exact regression on mixed, partly inactive axes. Knows nothing of trials, spaces or acquisition.

Matern-5/2 with a length for each axis (Rasmussen & Williams 2006, sections 2.2, 4.2 and 5.4.1): numeric axes by
difference, categorical axes by mismatch, and an axis that is inactive (NaN) in only one of two points by a constant.
The squared distance is a sum of products of per-point features, so that the kernel and every gradient of the marginal
likelihood are matrix products and no (axes, n, n) array is ever made.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.linalg import get_lapack_funcs
from scipy.optimize import minimize

_ROOT5 = np.sqrt(5.0)
_potrf, _potrs, _potri, _trtrs = get_lapack_funcs(("potrf", "potrs", "potri", "trtrs"), dtype=np.float64)
#: Squared distance between an active and an inactive value, on an axis of length 1.
_GAP = 0.25
_LENGTHS = (np.log(5e-3), np.log(1e2))


@dataclass(frozen=True, slots=True)
class Prior:
    """What is believed about the kernel before any data; every width is a standard deviation of a logarithm.

    Attributes:
        length: median length up to ten axes; above, it grows with the root of their number (Hvarfner et al. 2024).
        noise: median variance of the noise, for values of unit variance.
        floor: the least variance of the noise.
    """

    length: float = 0.7
    length_width: float = 1.0
    noise: float = float(np.exp(-4.0))
    noise_width: float = 1.0
    floor: float = 1e-6
    scale_width: float = 0.0
    bias: float = 0.0

    def start(self, axes: int) -> np.ndarray:
        """Logarithms of the lengths, the noise and the scale at the prior's median."""
        length = np.log(self.length) + 0.5 * np.log(max(axes, 10) / 10)
        return np.concatenate([np.full(axes, length), [np.log(self.noise), 0.0]])


class Features:
    """Left and right factors whose product, weighted by axis, is the squared distance of every pair of points.

    Args:
        kinds: "numeric" or "categorical" for each axis.
        points: the points, shape (n, axes), that will be on the right side.
        masked: whether an axis may be inactive, for each axis.
    """

    def __init__(self, kinds: Sequence[str], points: np.ndarray, masked: np.ndarray):
        numeric = np.array([kind != "categorical" for kind in kinds], dtype=bool)
        self.plain = np.flatnonzero(numeric & ~masked)
        self.gapped = np.flatnonzero(numeric & masked)
        self.levels = [(int(d), np.unique(_level(points[:, d]))) for d in np.flatnonzero(~numeric)]
        codes = np.array([d for d, _ in self.levels], dtype=int)
        onehot = [np.full(len(levels), d) for d, levels in self.levels]
        self.owner = np.concatenate([np.tile(self.plain, 3), np.tile(self.gapped, 6), codes, *onehot]).astype(int)

    def left(self, points: np.ndarray) -> np.ndarray:
        """Factors of ``points``, shape (n, columns)."""
        x, a, m = self._parts(points)
        one = np.ones_like
        gap = [a * a, m, -2 * a, _GAP * m, _GAP * one(m), -2 * _GAP * m]
        codes = np.ones((len(points), len(self.levels)))
        return np.hstack([x * x, one(x), -2 * x, *gap, codes, *self._onehot(points, -1)])

    def right(self, points: np.ndarray) -> np.ndarray:
        """The factors that ``left`` is multiplied with."""
        x, a, m = self._parts(points)
        one = np.ones_like
        gap = [m, a * a, a, one(m), m, m]
        codes = np.ones((len(points), len(self.levels)))
        return np.hstack([one(x), x * x, x, *gap, codes, *self._onehot(points, 1)])

    def _parts(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        a = points[:, self.gapped]
        return np.nan_to_num(points[:, self.plain], nan=0.5), np.nan_to_num(a, nan=0.0), (~np.isnan(a)).astype(float)

    def _onehot(self, points: np.ndarray, sign: int) -> list[np.ndarray]:
        return [sign * (_level(points[:, d])[:, None] == levels).astype(float) for d, levels in self.levels]


class GP:
    """A Gaussian process over vectors in [0, 1]^axes, NaN where inactive.

    Args:
        kinds: "numeric" or "categorical" for each axis.
        masked: whether an axis may be inactive; by default where the points given to ``fit`` are.
        prior: beliefs about lengths and noise.

    >>> x = np.linspace(0, 1, 12)[:, None]
    >>> model = GP(["numeric"]).fit(x, np.sin(6 * x[:, 0]))
    >>> mean, std = model.predict(np.array([[0.25]]))
    >>> bool(abs(mean[0] - np.sin(1.5)) < 0.05), bool(std[0] < 0.1)
    (True, True)
    """

    def __init__(self, kinds: Sequence[str], masked: np.ndarray | None = None, prior: Prior | None = None):
        self.kinds = tuple(kinds)
        self.masked = masked
        self.prior = prior or Prior()
        self.theta = self.prior.start(len(self.kinds))

    def fit(self, x: np.ndarray, y: np.ndarray, start: np.ndarray | None = None, steps: int = 50) -> GP:
        """Find the most likely lengths and noise, by L-BFGS from ``start`` (default: the prior), and condition.

        Args:
            x: points, shape (n, axes).
            y: values, shape (n,), best standardised.
            start: logarithms of lengths, noise and scale, as in ``theta``.
            steps: at most so many iterations; 0 keeps ``start``.

        Raises:
            numpy.linalg.LinAlgError: the kernel matrix cannot be factorised with any jitter.
        """
        self._take(x, y)
        theta = self.theta if start is None else np.asarray(start, dtype=float)
        if steps:
            low, high = self._bounds()
            theta = np.clip(theta, low, high)
            found = minimize(
                self._loss, theta, jac=True, method="L-BFGS-B", bounds=list(zip(low, high)), options={"maxiter": steps}
            )
            theta = found.x if np.isfinite(found.fun) else theta
        self.theta = theta
        self._condition()
        return self

    def extend(self, x: np.ndarray) -> GP:
        """Believe that ``x`` will turn out as predicted: same mean, less variance (Ginsbourger et al. 2010)."""
        if len(x):
            mean, _ = self.predict(x)
            self._take(np.vstack([self.x, x]), np.concatenate([self.y, mean]))
            self._condition()
        return self

    def loss(self, theta: np.ndarray) -> float:
        """Negative log posterior of ``theta``, up to a constant."""
        return self._loss(theta)[0]

    def predict(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Mean and standard deviation, without noise, at the rows of ``x``."""
        k, _ = self._cross(x)
        solved = _trtrs(self._factor, k.T, lower=1)[0]
        variance = np.maximum(self._top - np.einsum("ij,ij->j", solved, solved), 1e-12)
        return k @ self._alpha, np.sqrt(variance)

    def slopes(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Mean, standard deviation and the gradients of both, shape (count, axes); 0 on categorical axes."""
        k, r2 = self._cross(x)
        root = _ROOT5 * np.sqrt(r2)
        dk = -5.0 / 6.0 * np.exp(self.theta[-1]) * (1 + root) * np.exp(-root)
        solved = _potrs(self._factor, k.T, lower=1)[0].T
        std = np.sqrt(np.maximum(self._top - np.einsum("ij,ij->i", solved, k), 1e-12))
        into_mean, into_std = dk * self._alpha, -dk * solved / std[:, None]
        weights = 2 * np.exp(-2 * self.theta[: len(self.kinds)])
        moving = np.array([kind != "categorical" for kind in self.kinds]) * weights
        here, there = np.nan_to_num(x, nan=0.0), np.nan_to_num(self.x, nan=0.0)
        known = (~np.isnan(self.x)).astype(float)
        active = ~np.isnan(x) * moving

        def pull(into: np.ndarray) -> np.ndarray:
            return active * (here * (into @ known) - into @ (there * known))

        return k @ self._alpha, std, pull(into_mean), pull(into_std)

    # --- inside ----------------------------------------------------------------------------------

    def _take(self, x: np.ndarray, y: np.ndarray) -> None:
        self.x, self.y = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
        masked = np.asarray(np.isnan(self.x).any(axis=0) if self.masked is None else self.masked)
        self._features = Features(self.kinds, self.x, masked)
        self._left, self._right = self._features.left(self.x), self._features.right(self.x)

    def _bounds(self) -> tuple[np.ndarray, np.ndarray]:
        axes, reach = len(self.kinds), (3.0 if self.prior.scale_width else 0.0)
        low = np.concatenate([np.full(axes, _LENGTHS[0]), [np.log(self.prior.floor), -reach]])
        return low, np.concatenate([np.full(axes, _LENGTHS[1]), [0.0, reach]])

    def _kernel(self, theta: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Root-5 distances, correlations and weights of the axes."""
        weights = np.exp(-2 * theta[: len(self.kinds)])
        r2 = (self._left * weights[self._features.owner]) @ self._right.T
        root = np.sqrt(5.0 * np.maximum(r2, 0.0))
        return root, np.exp(-root), weights

    def _loss(self, theta: np.ndarray) -> tuple[float, np.ndarray]:
        axes = len(self.kinds)
        root, decay, weights = self._kernel(theta)
        noise, scale = np.exp(theta[-2]), np.exp(theta[-1])
        matern = scale * (1 + root + root * root / 3) * decay
        factor, failed = _potrf(matern + self.prior.bias + (noise + 1e-9) * np.eye(len(root)), lower=1)
        if failed:
            return 1e25, np.zeros_like(theta)
        alpha = _potrs(factor, self.y, lower=1)[0]
        inverse = _potri(factor, lower=1)[0]
        rest = np.tril(inverse) + np.tril(inverse, -1).T - np.outer(alpha, alpha)
        loss = 0.5 * self.y @ alpha + np.log(np.diag(factor)).sum()
        inner = rest * (5.0 / 3.0 * scale * (1 + root) * decay)
        pulled = np.einsum("ij,ij->j", self._left, inner @ self._right)
        slope = np.zeros_like(theta)
        slope[:axes] = 0.5 * weights * np.bincount(self._features.owner, pulled, minlength=axes)
        slope[-2] = 0.5 * noise * np.trace(rest)
        slope[-1] = 0.5 * np.sum(rest * matern)
        widths = np.concatenate([np.full(axes, self.prior.length_width), [self.prior.noise_width, 1.0]])
        widths[-1] = self.prior.scale_width or 1.0
        away = (theta - self.prior.start(axes)) / widths
        return float(loss + 0.5 * away @ away), slope + away / widths

    def _condition(self) -> None:
        root, decay, _ = self._kernel(self.theta)
        scale = np.exp(self.theta[-1])
        self._top = scale + self.prior.bias
        matern = scale * (1 + root + root * root / 3) * decay + self.prior.bias
        for jitter in (1e-9, 1e-7, 1e-5, 1e-3, 1e-1):
            self._factor, failed = _potrf(
                matern + (np.exp(self.theta[-2]) + jitter) * np.eye(len(matern)), lower=1
            )
            if not failed:
                self._alpha = _potrs(self._factor, self.y, lower=1)[0]
                return
        raise np.linalg.LinAlgError(f"a kernel matrix of {len(matern)} points cannot be factorised")

    def _cross(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        weights = np.exp(-2 * self.theta[: len(self.kinds)])
        left = self._features.left(np.asarray(x, dtype=float))
        r2 = np.maximum((left * weights[self._features.owner]) @ self._right.T, 0.0)
        root = _ROOT5 * np.sqrt(r2)
        matern = np.exp(self.theta[-1]) * (1 + root + root * root / 3) * np.exp(-root)
        return matern + self.prior.bias, r2


def _level(column: np.ndarray) -> np.ndarray:
    """Categories as numbers that compare exactly; inactive is a category of its own."""
    return np.round(np.nan_to_num(column, nan=-1.0), 9)
