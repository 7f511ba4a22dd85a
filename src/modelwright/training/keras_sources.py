"""Data that come in batches of their own: datasets, loaders, generators, and functions that make any of these.

Knows what Keras reads, what can be read again and what another process can be sent. Does not train.
"""

from __future__ import annotations

import contextlib
import itertools
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from modelwright.core.errors import ArgumentError
from modelwright.training.keras_backend import kept_generators, seed_everything

TF_DATA, PY_DATASET, LOADER, GRAIN = "a tf.data.Dataset", "a keras.utils.PyDataset", "a torch DataLoader", "a grain set"
GENERATOR, FUNCTION, ADAPTER = "a generator", "a function", "a function that makes a generator"

#: (name of a class, where its module's name begins) -> what its instances are.
_CLASSES = {
    ("DatasetV2", "tensorflow."): TF_DATA,
    ("DistributedDataset", "tensorflow."): TF_DATA,
    ("PyDataset", "keras."): PY_DATASET,
    ("DataLoader", "torch."): LOADER,
    ("DataLoader", "grain."): GRAIN,
    ("MapDataset", "grain."): GRAIN,
    ("IterDataset", "grain."): GRAIN,
    ("DataAdapter", "keras."): ADAPTER,
}


def kind_of(part: Any) -> str:
    """What brings its own batches, in words; "" for arrays and everything else.

    >>> kind_of(iter([])), kind_of(lambda: None), kind_of([1.0])
    ('a generator', 'a function', '')
    """
    for base in type(part).__mro__:
        for (name, module), kind in _CLASSES.items():
            if base.__name__ == name and f"{base.__module__}.".startswith(module):
                return kind
    if hasattr(part, "__next__"):
        return GENERATOR
    return FUNCTION if callable(part) and not hasattr(part, "shape") else ""


def length(part: Any) -> int | None:
    """Batches that a data set holds, -1 when it never ends, None when it does not say.

    >>> length([1, 2]) is None
    True
    """
    kind = kind_of(part)
    if kind == TF_DATA:
        found: Any = part.cardinality() if callable(part.cardinality) else part.cardinality
        return None if found == -2 else int(found)
    if kind == PY_DATASET:
        with contextlib.suppress(NotImplementedError, TypeError):
            return -1 if part.num_batches is None else int(part.num_batches)
    if kind == LOADER:
        with contextlib.suppress(TypeError):
            return len(part)
    return None


def brings_order(part: Any) -> bool:
    """Whether Keras cannot shuffle it, and would warn of every attempt."""
    kind = kind_of(part)
    return kind in (TF_DATA, LOADER, GRAIN, ADAPTER) or (kind == PY_DATASET and length(part) == -1)


def unsendable(parts: Iterable[Any]) -> str:
    """What among ``parts`` no other process can be sent, in words; "" when there is nothing."""
    return next((kind for kind in map(kind_of, parts) if kind in (TF_DATA, GENERATOR)), "")


def takes_text() -> bool:
    """Whether models may be given text, which they turn into numbers themselves: on TensorFlow alone."""
    keras: Any = sys.modules.get("keras")
    return keras is not None and keras.backend.backend() == "tensorflow"


def needs_targets(model: Any) -> bool:
    """Whether ``model.fit`` needs targets: its loss compares, and no step of its own makes them up."""
    import keras

    own = any(getattr(type(model), name) is not getattr(keras.Model, name) for name in ("train_step", "compute_loss"))
    return not own and getattr(model, "loss", None) is not None


class Sources:
    """The data of a study as this process has them.

    A function without arguments is called once in each process, when its data are first needed; one that gives a
    generator is called again for each pass over the data.

    Args:
        seed: what such a function draws from global generators is decided by it.

    >>> sources = Sources(0)
    >>> sources.data((lambda: ([1], [2]),)), sources.data(([3], [4]))
    (([1], [2]), ([3], [4]))
    """

    def __init__(self, seed: int):
        self._seed, self._made = seed, {}

    def __reduce__(self) -> Any:
        # What was made here stays here: the other process makes its own.
        return Sources, (self._seed,)

    def data(self, given: Sequence[Any]) -> tuple[Any, ...]:
        """The positional arguments of ``fit``. A function alone may return all of them as a tuple."""
        if len(given) == 1 and kind_of(given[0]) == FUNCTION:
            made = self._ready(given[0], "data")
            return made if isinstance(made, tuple) else (made,)
        return tuple(self._ready(part, "data") for part in given)

    def arguments(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Further arguments of ``fit``, with ``validation_data`` made where a function makes them."""
        made = dict(given)
        if "validation_data" in made:
            made["validation_data"] = self._ready(made["validation_data"], "validation_data")
        return made

    def forget(self) -> None:
        """Let go of what was made."""
        self._made.clear()

    def _ready(self, part: Any, where: str) -> Any:
        if kind_of(part) != FUNCTION:
            return part
        if id(part) not in self._made:
            self._made[id(part)] = part, self._make(part, where)
        return self._made[id(part)][1]

    def _make(self, function: Callable[[], Any], where: str) -> Any:
        with kept_generators():
            seed_everything(self._seed)
            made = function()
            if made is None or kind_of(made) == FUNCTION:
                raise ArgumentError(
                    f"the function that makes them returned {'None' if made is None else 'a function'}",
                    where=where,
                    allowed="arrays, a data set, a loader, or a generator of (x, y) batches",
                )
            return passes(function, made, where) if kind_of(made) == GENERATOR else made


def passes(function: Callable[[], Iterable[Any]], first: Iterable[Any], where: str) -> Any:
    """A generator function as data that Keras can read any number of times.

    Keras itself reads a generator once: from the second epoch on there would be nothing left but its first batches.

    Args:
        first: what ``function`` returned already; its first two batches are looked at.
    """
    from keras.src.trainers.data_adapters import get_data_adapter
    from keras.src.trainers.data_adapters.generator_data_adapter import GeneratorDataAdapter

    class Passes(GeneratorDataAdapter):
        count: int | None = None

        def __init__(self) -> None:
            super().__init__(iter(seen))
            self.generator = self._again

        def _again(self) -> Iterator[Any]:
            count = 0
            for batch in function():
                yield _as_tuple(batch, where)
                count += 1
            self.count = count

        @property
        def num_batches(self) -> int | None:
            return self.count

    seen = [_as_tuple(batch, where) for batch in itertools.islice(first, 2)]
    if not seen:
        raise ArgumentError("the generator yields nothing", where=where)
    made = Passes()
    try:
        get_data_adapter(made)
    except ValueError:
        import keras

        raise ArgumentError(
            f"Keras {keras.__version__} reads a generator only once",
            where=where,
            hint="Install a newer Keras, or let the function return a keras.utils.PyDataset or a tf.data.Dataset.",
        ) from None
    return made


def _as_tuple(batch: Any, where: str) -> tuple[Any, ...]:
    if not isinstance(batch, (tuple, list)):
        raise ArgumentError(
            f"the generator yields {type(batch).__name__}", where=where, allowed="(x, y) or (x, y, sample_weight)"
        )
    return tuple(batch)


@contextlib.contextmanager
def expected_ends(parts: Iterable[Any]) -> Iterator[None]:
    """Within: Keras does not warn that a generator came to its end, where that is how its passes end."""
    if ADAPTER not in map(kind_of, parts):
        yield
        return
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Your input ran out of data", category=UserWarning)
        yield


# --- two sets as one -------------------------------------------------------------------------------


def chained(first: Any, second: Any) -> Any:
    """A data set that holds the batches of both, or None where two such sets cannot be put together."""
    kind, lengths = kind_of(first), {length(first), length(second)}
    if kind != kind_of(second) or -1 in lengths:
        return None
    if kind == TF_DATA:
        with contextlib.suppress(TypeError, ValueError):
            return first.concatenate(second)
    if None in lengths:
        return None
    if kind == PY_DATASET:
        return _chained_sets(first, second)
    if kind == LOADER:
        return _chained_loaders(first, second)
    return None


def _chained_sets(first: Any, second: Any) -> Any:
    import keras

    class Chained(keras.utils.PyDataset):
        def __init__(self) -> None:
            names = ("workers", "use_multiprocessing", "max_queue_size")
            super().__init__(**{name: getattr(first, name) for name in names})

        @property
        def num_batches(self) -> int:
            return int(first.num_batches + second.num_batches)

        def __getitem__(self, index: int) -> Any:
            return first[index] if index < first.num_batches else second[index - first.num_batches]

        def on_epoch_begin(self) -> None:
            first.on_epoch_begin()
            second.on_epoch_begin()

        def on_epoch_end(self) -> None:
            first.on_epoch_end()
            second.on_epoch_end()

    return Chained()


def _chained_loaders(first: Any, second: Any) -> Any:
    data: Any = sys.modules["torch.utils.data"]
    if first.batch_size is None or type(first.sampler) not in (data.RandomSampler, data.SequentialSampler):
        return None
    return data.DataLoader(
        data.ConcatDataset([first.dataset, second.dataset]),
        batch_size=first.batch_size,
        shuffle=type(first.sampler) is data.RandomSampler,
        num_workers=first.num_workers,
        collate_fn=first.collate_fn,
        drop_last=first.drop_last,
    )
