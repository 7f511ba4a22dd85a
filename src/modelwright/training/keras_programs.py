"""Compiled programs for JAX: made from a model's own steps, shared between trials that lower to the same text.

Owns what is compiled and what data lie on the device. Does not know callbacks or epochs.

Sharing compares the whole lowered program, constants included, so two models share one only when every number that
is not a variable is the same in both. Tracing a model costs about a tenth of a second; compiling it about one.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

#: Programs and arrays kept at most, least recently used first out.
_PROGRAMS_KEPT = 40
_BYTES_KEPT = 1 << 30
_programs: OrderedDict[str, Any] = OrderedDict()
_arrays: OrderedDict[tuple, tuple[Any, int]] = OrderedDict()

#: Operations that lose their fast path inside a loop on a CPU.
_SLOW_IN_LOOPS = re.compile(r"stablehlo\.(convolution|reduce_window|select_and_scatter)")


class Program:
    """A compiled function whose first argument is donated.

    ``text`` is what was compiled; ``shared`` says whether it had been compiled before.
    """

    def __init__(self, call: Callable[..., Any], text: str, shared: bool):
        self.call, self.text, self.shared = call, text, shared

    def __call__(self, *arguments: Any) -> Any:
        return self.call(*arguments)


def compile_program(function: Callable[..., Any], *example: Any, unless: re.Pattern[str] | None = None) -> Any:
    """Lower ``function`` for arguments like ``example`` and compile it, or find the program compiled before.

    Returns None when the lowered text matches ``unless``: nothing is compiled then.
    """
    lowered = jax.jit(function, donate_argnums=0, keep_unused=True).lower(*example)
    text = lowered.as_text()
    if unless is not None and unless.search(text):
        return None
    # Constants that travel beside the text, and calls back into Python, belong to one model only.
    private = (
        "callback" in text
        or "dense_resource" in text
        or bool(getattr(jax.config, "jax_use_simplified_jaxpr_constants", False))
    )
    if private:
        return Program(lowered.compile(), text, False)
    layout = jax.tree.structure(example), [getattr(a, "sharding", None) for a in jax.tree.leaves(example)]
    key = hashlib.sha256(f"{text}\n{layout}".encode()).hexdigest()
    found = _programs.pop(key, None)
    made = found or lowered.compile()
    _programs[key] = made
    while len(_programs) > _PROGRAMS_KEPT:
        _programs.popitem(last=False)
    return Program(made, text, found is not None)


def on_device(tree: Any) -> Any:
    """The arrays of ``tree`` on the device. A large one is sent once, as long as its content does not change."""
    return jax.tree.map(_place, tree)


def _place(array: np.ndarray) -> Any:
    if array.nbytes < 1 << 22 or not array.flags.c_contiguous:
        return jax.device_put(array)
    own = array.ctypes.data, array.shape, array.dtype.str
    # Data that Keras converts lie elsewhere each time, so their place alone does not tell.
    alike = sorted((key for key in _arrays if key[1:] == own[1:]), key=lambda key: key != own)
    found = next((key for key in alike if _same(array, _arrays[key][0])), None)
    placed = _arrays.pop(found)[0] if found is not None else jax.device_put(array)
    _arrays.pop(own, None)
    _arrays[own] = placed, array.nbytes
    while len(_arrays) > 1 and sum(size for _, size in _arrays.values()) > _BYTES_KEPT:
        _arrays.popitem(last=False)
    return placed


def _same(array: np.ndarray, on_device: Any) -> bool:
    if on_device.dtype != array.dtype or jax.default_backend() != "cpu":
        return False
    placed = np.asarray(on_device)
    if placed.ctypes.data == array.ctypes.data:
        return True
    left, right = (a.reshape(-1).view(np.uint8) for a in (array, placed))
    step = 1 << 20
    return all(np.array_equal(left[i : i + step], right[i : i + step]) for i in range(0, left.size, step))


def largest_on_device() -> int:
    """Bytes of data that may lie on the device as a whole; more is sent batch by batch."""
    if jax.default_backend() == "cpu":
        with contextlib.suppress(OSError, ValueError, AttributeError):
            return min(2 * _BYTES_KEPT, os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 4)
        return _BYTES_KEPT
    stats = jax.local_devices()[0].memory_stats() or {}
    return int(stats.get("bytes_limit", 4 * _BYTES_KEPT)) // 4


def wait(tree: Any) -> None:
    """Return when the arrays of ``tree`` are computed."""
    jax.block_until_ready(tree)


def release_programs() -> None:
    """Forget compiled programs and the arrays kept on the device."""
    _programs.clear()
    _arrays.clear()


# --- loops over a model's own steps ------------------------------------------------------------------


def _like(new: Any, old: Any) -> Any:
    return jax.tree.map(lambda n, o: lax.convert_element_type(n, o.dtype), new, old)


def training_loop(step: Callable[..., Any], batch: int) -> Callable[..., Any]:
    """(state, data, order, first, last) -> state after the batches from ``first`` up to ``last`` of ``order``."""

    def loop(state: Any, data: Any, order: Any, first: Any, last: Any) -> Any:
        def body(index: Any, state: Any) -> Any:
            rows = lax.dynamic_slice_in_dim(order, index * batch, batch)
            taken = jax.tree.map(lambda a: jnp.take(a, rows, axis=0, mode="clip"), data)
            return _like(step(state, taken)[1], state)

        return lax.fori_loop(first, last, body, state)

    return loop


def validation_loop(step: Callable[..., Any], batch: int) -> Callable[..., Any]:
    """(state, data, first, last) -> state after those batches of ``data``, in order."""

    def loop(state: Any, data: Any, first: Any, last: Any) -> Any:
        def body(index: Any, state: Any) -> Any:
            taken = jax.tree.map(lambda a: lax.dynamic_slice_in_dim(a, index * batch, batch), data)
            return _like(step(state, taken)[1], state)

        return lax.fori_loop(first, last, body, state)

    return loop


def single_step(step: Callable[..., Any]) -> Callable[..., Any]:
    """(state, batch) -> state."""

    def one(state: Any, taken: Any) -> Any:
        return step(state, taken)[1]

    return one


def loops_are_fast(model: Any) -> bool:
    """Whether a model's steps should run in a compiled loop; the text of the program has the last word."""
    if jax.default_backend() != "cpu":
        return True
    names = {type(layer).__name__ for layer in model._flatten_layers()}
    return not any("Conv" in name or "Pool" in name for name in names)


def slow_in_loops() -> re.Pattern[str] | None:
    """What a program must not contain to run in a compiled loop here."""
    return _SLOW_IN_LOOPS if jax.default_backend() == "cpu" else None


# --- compiling quickly -----------------------------------------------------------------------------


_light = threading.local()


@contextlib.contextmanager
def light_compilation() -> Iterator[None]:
    """Compile what runs once (initial weights, zeros) with few optimisations, on a CPU, in this thread.

    Drawing the initial weights of a layer whose shape is new takes XLA up to a second to compile with all of them,
    and a sixth of that with few. Where JAX has no such seam, nothing changes.
    """
    if not _install_light() or jax.default_backend() != "cpu":
        yield
        return
    before, _light.on = getattr(_light, "on", False), True
    try:
        yield
    finally:
        _light.on = before


def _install_light() -> bool:
    """Put a switch, off by default, where JAX asks for the options of each compilation."""
    try:
        from jax._src import compiler

        original = compiler.get_compile_options
    except (ImportError, AttributeError):
        return False
    if getattr(original, "_modelwright", False):
        return True

    def options_of(*args: Any, **kwargs: Any) -> Any:
        options = original(*args, **kwargs)
        if getattr(_light, "on", False):
            with contextlib.suppress(AttributeError, TypeError):
                options.executable_build_options.debug_options.xla_backend_optimization_level = 1
        return options

    options_of._modelwright = True  # pyright: ignore[reportFunctionMemberAccess]
    compiler.get_compile_options = options_of
    return True
