"""Gaussian process: exact regression on mixed, partly inactive axes. Knows nothing of trials, spaces or acquisition.

Matern-5/2 with a length for each axis (Rasmussen & Williams 2006, sections 2.2, 4.2 and 5.4.1): numeric axes by
difference after a learned bend, categorical axes by mismatch, and an axis that is inactive (NaN) in only one of two
points by a constant. Squared distances and every gradient of the marginal likelihood are written as matrix products:
no (axes, n, n) array is ever made.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.linalg import get_lapack_funcs
from scipy.optimize import minimize

_potrf, _potrs, _potri, _trtrs = get_lapack_funcs(("potrf", "potrs", "potri", "trtrs"), dtype=np.float64)
#: Squared distance between an active and an inactive value, on an axis of length 1.
_GAP = 0.25
_LENGTHS = (np.log(5e-3), np.log(1e2))
#: Bent axes end this far from 0 and 1, where slopes stay finite.
_EDGE = 1e-6
_JITTER = 1e-9


@dataclass(frozen=True, slots=True)
class Prior:
    """What is believed about the kernel before any data; every width is a standard deviation of a logarithm.

    Attributes:
        length: median length up to ten axes; above, it grows with the root of their number (Hvarfner et al. 2024).
        bend_width: how far the two exponents of an axis' bend may be from 1.
        noise: median variance of the noise, for values of unit variance.
        floor: the least variance of the noise.
        scale_width: how far the variance of the function may be from 1; 0 fixes it.
    """

    length: float = 0.7
    length_width: float = 1.0
    bend_width: float = 0.5
    noise: float = 1e-3
    noise_width: float = 2.0
    floor: float = 1e-6
    scale_width: float = 0.0

    def middle(self, axes: int) -> np.ndarray:
        """Parameters at the prior's median: as ``GP.theta``."""
        length = np.log(self.length) + 0.5 * np.log(max(axes, 10) / 10)
        return np.concatenate([np.full(axes, length), np.zeros(2 * axes), [np.log(self.noise), 0.0]])

    def widths(self, axes: int) -> np.ndarray:
        """Width of the prior of each parameter; 0 where it is fixed."""
        bends = np.full(2 * axes, self.bend_width)
        return np.concatenate([np.full(axes, self.length_width), bends, [self.noise_width, self.scale_width]])


class Bend:
    """Bends numeric axes by 1 - (1 - x^a)^b, so that they may matter more near an end (Snoek et al. 2014).

    Args:
        a, b: one pair of exponents for each axis.
        numeric: which axes to bend.
    """

    def __init__(self, a: np.ndarray, b: np.ndarray, numeric: np.ndarray):
        self.a, self.b = np.where(numeric, a, 1.0), np.where(numeric, b, 1.0)

    def there(self, x: np.ndarray) -> np.ndarray:
        """Bent points; NaN stays NaN."""
        return 1.0 - (1.0 - np.clip(x, _EDGE, 1 - _EDGE) ** self.a) ** self.b

    def back(self, bent: np.ndarray) -> np.ndarray:
        """The inverse of ``there``, up to the ends."""
        x = (1.0 - (1.0 - np.clip(bent, 0.0, 1.0)) ** (1 / self.b)) ** (1 / self.a)
        return np.where(x <= 2 * _EDGE, 0.0, np.where(x >= 1 - 2 * _EDGE, 1.0, x))

    def slopes(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Derivatives of ``there`` by the logarithms of ``a`` and of ``b``."""
        x = np.clip(x, _EDGE, 1 - _EDGE)
        power = x**self.a
        rest = np.maximum(1.0 - power, 1e-300)
        by_a = self.a * self.b * rest ** (self.b - 1) * power * np.log(x)
        return by_a, -self.b * rest**self.b * np.log(rest)


class GP:
    """A Gaussian process over vectors in [0, 1]^axes, NaN where inactive.

    ``theta`` holds logarithms: a length for each axis, both exponents of its bend, the noise, the scale.

    Args:
        kinds: "numeric" or "categorical" for each axis.
        prior: beliefs about all parameters.

    >>> x = np.linspace(0, 1, 12)[:, None]
    >>> model = GP(["numeric"]).fit(x, np.sin(6 * x[:, 0]))
    >>> mean, std = model.predict(np.array([[0.25]]))
    >>> bool(abs(mean[0] - np.sin(1.5)) < 0.05), bool(std[0] < 0.1)
    (True, True)
    """

    def __init__(self, kinds: Sequence[str], prior: Prior | None = None):
        self.kinds = tuple(kinds)
        self.numeric = np.array([kind != "categorical" for kind in kinds], dtype=bool)
        self.prior = prior or Prior()
        self.theta = self.prior.middle(len(self.kinds))

    def fit(self, x: np.ndarray, y: np.ndarray, starts: Sequence[np.ndarray] | None = None, steps: int = 50) -> GP:
        """Find the most likely parameters by L-BFGS from each of ``starts``, and condition on the data.

        Args:
            x: points, shape (n, axes).
            y: values, shape (n,), best standardised.
            starts: as ``theta``; by default the prior's median, and the same with much noise: a signal under noise
                has two explanations, and the one with short lengths and no noise is not left by walking downhill.
            steps: at most so many iterations from each; 0 keeps the first of ``starts``.

        Raises:
            numpy.linalg.LinAlgError: the kernel matrix cannot be factorised with any jitter.
        """
        self._take(x, y)
        starts = [self.theta, self.noisy()] if starts is None else starts
        self.theta = np.asarray(starts[0], dtype=float)
        least = np.inf
        low, high = self._bounds()
        for start in starts if steps else ():
            found = minimize(
                self._loss,
                np.clip(start, low, high),
                jac=True,
                method="L-BFGS-B",
                bounds=list(zip(low, high)),
                options={"maxiter": steps},
            )
            if np.isfinite(found.x).all() and found.fun < least:
                self.theta, least = found.x, found.fun
        self._condition()
        return self

    def noisy(self) -> np.ndarray:
        """A start that takes half of the variance for noise."""
        theta = self.prior.middle(len(self.kinds))
        theta[-2] = np.log(0.5)
        return theta

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

    @property
    def lengths(self) -> np.ndarray:
        """The length of each axis, in bent coordinates."""
        return np.exp(self.theta[: len(self.kinds)])

    @property
    def bend(self) -> Bend:
        """The bend of the axes; it leaves categories as they are."""
        a, b = np.exp(self.theta[len(self.kinds) : -2]).reshape(2, -1)
        return Bend(a, b, self.numeric)

    def predict(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Mean and standard deviation, without noise, at the rows of ``x``."""
        k, _ = self._cross(x)
        solved = _trtrs(self._factor, k.T, lower=1)[0]
        variance = np.maximum(self._top - np.einsum("ij,ij->j", solved, solved), 1e-12)
        return k @ self._alpha, np.sqrt(variance)

    def slopes(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Mean, standard deviation and the gradients of both by the bent coordinates; 0 where there is no slope."""
        k, r2 = self._cross(x)
        root = np.sqrt(5.0 * r2)
        dk = -5.0 / 6.0 * np.exp(self.theta[-1]) * (1 + root) * np.exp(-root)
        solved = _potrs(self._factor, k.T, lower=1)[0].T
        std = np.sqrt(np.maximum(self._top - np.einsum("ij,ij->i", solved, k), 1e-12))
        into_mean, into_std = dk * self._alpha, -dk * solved / std[:, None]
        here, active = self._parts(x, self._own)
        there, known = self._there
        weights = 2 * active * np.exp(-2 * self.theta[: len(self.kinds)])[self.numeric]

        def pull(into: np.ndarray) -> np.ndarray:
            out = np.zeros(np.shape(x))
            out[:, self.numeric] = weights * (here * (into @ known) - into @ there)
            return out

        return k @ self._alpha, std, pull(into_mean), pull(into_std)

    # --- inside ----------------------------------------------------------------------------------

    def _bounds(self) -> tuple[np.ndarray, np.ndarray]:
        axes = len(self.kinds)
        reach = 3 * np.where(np.tile(self.numeric, 2), self.prior.bend_width, 0.0)
        scale = 3 * self.prior.scale_width
        low = np.concatenate([np.full(axes, _LENGTHS[0]), -reach, [np.log(self.prior.floor), -scale]])
        return low, np.concatenate([np.full(axes, _LENGTHS[1]), reach, [0.0, scale]])

    def _take(self, x: np.ndarray, y: np.ndarray) -> None:
        self.x, self.y = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
        self._levels = [np.unique(_level(self.x[:, d])) for d in np.flatnonzero(~self.numeric)]

    def _bend(self, theta: np.ndarray) -> Bend:
        a, b = np.exp(theta[len(self.kinds) : -2]).reshape(2, -1)
        return Bend(a[self.numeric], b[self.numeric], np.ones(int(self.numeric.sum()), dtype=bool))

    def _parts(self, x: np.ndarray, bend: Bend) -> tuple[np.ndarray, np.ndarray]:
        """Bent numeric values, 0 where inactive, and where they are active."""
        part = np.asarray(x, dtype=float)[:, self.numeric]
        active = ~np.isnan(part)
        return np.where(active, bend.there(np.where(active, part, 0.5)), 0.0), active.astype(float)

    def _codes(self, x: np.ndarray) -> np.ndarray:
        """Categories seen in the data, one column for each."""
        if not self._levels:
            return np.zeros((len(x), 0))
        columns = _level(np.asarray(x, dtype=float)[:, ~self.numeric]).T
        found = [column[:, None] == known for column, known in zip(columns, self._levels)]
        return np.concatenate(found, axis=1).astype(float)

    def _distances(self, theta, left, left_codes, right, right_codes) -> np.ndarray:
        """Squared distances, as matrix products: |p - q|^2 = p^2 + q^2 - 2 p q, with masks for inactive values."""
        weights = np.exp(-2 * theta[: len(self.kinds)])
        number, category = weights[self.numeric], weights[~self.numeric]
        (p, p_on), (q, q_on) = left, right
        r2 = (p * p * number) @ q_on.T + (p_on * number) @ (q * q).T - 2 * (p * number) @ q.T
        if not (p_on.all() and q_on.all()):
            lone = _GAP * number
            r2 += (p_on @ lone)[:, None] + (q_on @ lone)[None, :] - 2 * (p_on * lone) @ q_on.T
        if len(category):
            repeated = np.repeat(category, [len(known) for known in self._levels])
            r2 += category.sum() - (left_codes * repeated) @ right_codes.T
        return np.maximum(r2, 0.0)

    def _loss(self, theta: np.ndarray) -> tuple[float, np.ndarray]:
        axes, number = len(self.kinds), self.numeric
        bend, codes = self._bend(theta), self._codes(self.x)
        p, on = self._parts(self.x, bend)
        root = np.sqrt(5.0 * self._distances(theta, (p, on), codes, (p, on), codes))
        decay = np.exp(-root)
        noise, scale = np.exp(theta[-2:])
        matern = scale * (1 + root + root * root / 3) * decay
        factor, failed = _potrf(matern + (noise + _JITTER) * np.eye(len(root)), lower=1)
        if failed:
            return 1e25, np.zeros_like(theta)
        alpha = _potrs(factor, self.y, lower=1)[0]
        inverse = _potri(factor, lower=1)[0]
        rest = np.tril(inverse) + np.tril(inverse, -1).T - np.outer(alpha, alpha)
        loss = 0.5 * self.y @ alpha + np.log(np.diag(factor)).sum()
        inner = rest * (5.0 / 3.0 * scale * (1 + root) * decay)
        slope = np.zeros_like(theta)
        weights = np.exp(-2 * theta[:axes])
        pulled, spread = inner @ p, inner @ on
        apart = np.zeros(axes)
        apart[number] = 2 * np.sum(p * p * spread - p * pulled, axis=0)
        apart[number] += 2 * _GAP * np.sum(on * inner.sum(axis=1)[:, None] - on * spread, axis=0)
        if codes.shape[1]:
            owner = np.repeat(np.arange(len(self._levels)), [len(known) for known in self._levels])
            alike = np.bincount(owner, np.sum(codes * (inner @ codes), axis=0), minlength=len(self._levels))
            apart[~number] = inner.sum() - alike
        slope[:axes] = 0.5 * weights * apart
        if self.prior.bend_width:
            part = np.where(on > 0, self.x[:, number], 0.5)
            for block, by in enumerate(bend.slopes(part)):
                by = by * on
                moved = -weights[number] * np.sum(by * (p * spread - pulled), axis=0)
                slope[axes * (1 + block) : axes * (2 + block)][number] = moved
        slope[-2] = 0.5 * noise * np.trace(rest)
        slope[-1] = 0.5 * np.sum(rest * matern)
        widths = self.prior.widths(axes)
        held = widths > 0
        away = np.where(held, (theta - self.prior.middle(axes)) / np.where(held, widths, 1.0), 0.0)
        return float(loss + 0.5 * away @ away), np.where(held, slope + away / np.where(held, widths, 1.0), 0.0)

    def _condition(self) -> None:
        self._own = self._bend(self.theta)
        self._there = self._parts(self.x, self._own)
        self._seen = self._codes(self.x)
        matern, _ = self._cross(self.x)
        self._top = np.exp(self.theta[-1])
        for jitter in (_JITTER, 1e-7, 1e-5, 1e-3, 1e-1):
            self._factor, failed = _potrf(matern + (np.exp(self.theta[-2]) + jitter) * np.eye(len(matern)), lower=1)
            if not failed:
                self._alpha = _potrs(self._factor, self.y, lower=1)[0]
                return
        raise np.linalg.LinAlgError(f"a kernel matrix of {len(matern)} points cannot be factorised")

    def _cross(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Covariances and squared distances between the rows of ``x`` and the data."""
        here = self._parts(x, self._own)
        r2 = self._distances(self.theta, here, self._codes(x), self._there, self._seen)
        root = np.sqrt(5.0 * r2)
        return np.exp(self.theta[-1]) * (1 + root + root * root / 3) * np.exp(-root), r2


def _level(column: np.ndarray) -> np.ndarray:
    """Categories as numbers that compare exactly; inactive is a category of its own."""
    return np.round(np.where(np.isnan(column), -1.0, column), 9)
