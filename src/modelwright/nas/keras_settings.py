"""Keras' global settings, as networks need them whatever the user has set. Puts back what it found."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from modelwright.training.keras_backend import ensure_backend

#: In which a search computes, and of which its sizes in bytes are.
_BITS = "float32"


@contextmanager
def channels_last() -> Iterator[None]:
    """Within: layers that are made take channels last, as graphs have them."""
    config = ensure_backend().config
    before = config.image_data_format()
    config.set_image_data_format("channels_last")
    try:
        yield
    finally:
        config.set_image_data_format(before)


@contextmanager
def in_32_bits() -> Iterator[None]:
    """Within: what is made computes and learns in 32 bits.

    A loss in 16 bits would have to be scaled, and the processes that train do not know what was set in this one.
    """
    config = ensure_backend().config
    policy, bits = config.dtype_policy(), config.floatx()
    config.set_floatx(_BITS)
    config.set_dtype_policy(_BITS)
    try:
        yield
    finally:
        config.set_floatx(bits)
        config.set_dtype_policy(policy)


def policy_without_effect() -> str:
    """The name of the user's policy of numbers, where a search does not follow it; "" elsewhere."""
    policy = ensure_backend().config.dtype_policy().name
    return "" if policy == _BITS else policy
