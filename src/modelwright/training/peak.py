"""The most memory that this process, and the accelerator, were seen to hold. Asks only libraries that are loaded."""

from __future__ import annotations

import contextlib
import os
import sys
from typing import Any

from modelwright.execute.session import highest


def peaks() -> tuple[int, int]:
    """Bytes of the host and of the accelerators, files aside; 0 where nobody tells.

    In a worker the host's are those of the trial; in the user's own process they are those of the whole program.
    """
    return highest(os.getpid()), max(_of_jax(), _of_torch(), _of_tensorflow())


def _of_jax() -> int:
    jax, found = sys.modules.get("jax"), 0
    begun: Any = getattr(sys.modules.get("jax._src.xla_bridge"), "backends_are_initialized", None)
    if jax is None or begun is None or not begun():
        return 0  # asking would begin it, and take memory
    with contextlib.suppress(Exception):  # a back end that has just failed may fail again; its reason is told already
        for device in jax.local_devices():
            found += int((device.memory_stats() or {}).get("peak_bytes_in_use", 0))
    return found


def _of_torch() -> int:
    torch: Any = sys.modules.get("torch")
    if torch is None or not torch.cuda.is_initialized():
        return 0
    with contextlib.suppress(Exception):  # as above
        return sum(int(torch.cuda.max_memory_allocated(i)) for i in range(torch.cuda.device_count()))
    return 0


def _of_tensorflow() -> int:
    tensorflow: Any = sys.modules.get("tensorflow")
    if tensorflow is None:
        return 0
    found = 0
    with contextlib.suppress(Exception):  # as above
        for i in range(len(tensorflow.config.list_logical_devices("GPU"))):
            found += int(tensorflow.config.experimental.get_memory_info(f"GPU:{i}")["peak"])
    return found
