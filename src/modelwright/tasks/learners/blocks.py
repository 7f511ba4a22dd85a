"""Blocks of rows side by side: what NumPy does one operation after the other uses all cores that way."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from modelwright.core.blas import blas_threads


def in_blocks(answer: Callable[[np.ndarray], np.ndarray], values: np.ndarray, size: int, threads: int) -> np.ndarray:
    """``answer`` for blocks of at most ``size`` rows, put together: the same for any number of threads.

    >>> in_blocks(lambda some: some.sum(axis=1), np.arange(6.0).reshape(3, 2), 2, threads=2)
    array([1., 5., 9.])
    """
    parts = [values[start : start + size] for start in range(0, max(1, len(values)), size)]
    # Threads of BLAS as well would be more threads than cores, and other sums for another number of them.
    with blas_threads(1):
        if threads < 2 or len(parts) < 2:
            return np.concatenate([answer(part) for part in parts])
        with ThreadPoolExecutor(min(threads, len(parts))) as pool:
            return np.concatenate(list(pool.map(answer, parts)))
