"""Artifacts: files that trials leave, named by the hash of what is in them. Does not know what that is.

A file is written beside its place, flushed to the disk and renamed, so it is whole or absent; and its name says what
must be in it, so it is what was written or it is refused. It lies in its trial's folder; where the study has a place
that all its workers reach (a URL), it lies there too.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from modelwright.core.clock import SystemClock
from modelwright.core.errors import ArgumentError, MediumError, StoreError
from modelwright.core.files import draft_of, is_draft, put_in_place
from modelwright.core.medium import cannot_write
from modelwright.core.optional import optional
from modelwright.core.records import Artifact
from modelwright.core.wording import without_password

_OURS = re.compile(r"[0-9a-f]{64}\.\w+")
#: What earlier versions called a checkpoint.
_OLD = re.compile(r"segment-\d+\.ckpt")
#: What file systems call the time at which a file was written.
_TIMES = ("mtime", "LastModified", "last_modified", "updated", "created")
_AGAIN = "Train the trial again from its start, or from an earlier checkpoint."


class Sink:
    """A file that is being written, and hashed on the way. Takes bytes in order; there is no way back in it."""

    def __init__(self, file: BinaryIO):
        self._file, self._hash, self.size = file, hashlib.sha256(), 0

    def write(self, data: Any) -> int:
        view = memoryview(data).cast("B")
        self._file.write(view)
        self._hash.update(view)
        self.size += len(view)
        return len(view)

    def flush(self) -> None:
        self._file.flush()

    @property
    def sha256(self) -> str:
        """Of what was written so far."""
        return self._hash.hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """A file that lies there.

    Attributes:
        path: relative to the study's folder.
        size: bytes.
        age: seconds since it was written; infinite where that is not known.
        draft: whether it was never finished.
    """

    path: str
    size: int
    age: float
    draft: bool = False


class Artifacts:
    """The artifacts of one study.

    Args:
        folder: the study's folder on this host.
        place: URL of a folder that all workers reach, as fsspec takes it; "" where there is none.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     kept = Artifacts(Path(folder)).keep("trial-00000", "state.ckpt", lambda sink: sink.write(b"weights"))
    ...     Artifacts(Path(folder)).fetch(kept).read_bytes()
    b'weights'
    """

    def __init__(self, folder: Path, place: str = ""):
        self.folder, self.place = folder, place
        self._there = _there(place)

    def keep(self, trial: str, name: str, save: Callable[[Sink], object]) -> Artifact:
        """Keep what ``save`` writes, as a file of ``trial`` (the name of its folder).

        Args:
            name: what it is called in messages, such as "model.keras"; its suffix is the file's.

        Raises:
            StoreError: it cannot be written (a ``MediumError`` where the disk is full). Nothing is left of it.
        """
        target = self.folder / trial / name
        draft = draft_of(target)
        draft.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        try:
            with open(draft, "wb") as file:
                sink = Sink(file)
                save(sink)
                file.flush()
                os.fsync(file.fileno())
            return self._settle(draft, trial, target.suffix, sink.sha256, sink.size)
        except BaseException as error:
            with contextlib.suppress(OSError):
                draft.unlink(missing_ok=True)
            cause = _refusal_in(error)
            if cause is not None:
                raise cannot_write(target, cause) from error
            raise

    def adopt(self, trial: str, path: Path) -> Artifact:
        """Keep a finished file, which is moved; ``path`` lies in the trial's folder.

        Raises:
            StoreError: it cannot be written.
        """
        try:
            with open(path, "r+b") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
                os.fsync(file.fileno())
            return self._settle(path, trial, path.suffix, digest, path.stat().st_size)
        except OSError as error:
            raise cannot_write(path, error) from error

    def fetch(self, kept: Artifact) -> Path:
        """The file on this host, from its place when it is not here. Its hash is checked by whoever reads it.

        Raises:
            StoreError: it is nowhere, or what is there was altered or cut short.
        """
        local = self.folder / kept.path
        if self._there is None:
            if local.is_file():
                return local
            raise StoreError("is missing", where=f"checkpoint {kept.path!r}", hint=_AGAIN)
        if not (local.is_file() and sha256_of(local) == kept.sha256):
            self._download(kept, local)
        return local

    def holds(self, kept: Artifact) -> bool:
        """Whether there is such a file; not whether it is whole."""
        return (self.folder / kept.path).is_file() or (self._there is not None and self._there.holds(kept.path))

    def remove(self, path: str) -> None:
        """Remove a file here and at its place; harmless where it is gone."""
        with contextlib.suppress(FileNotFoundError):
            (self.folder / path).unlink()
        if self._there is not None and not is_draft(Path(path).name):
            self._there.remove(path)

    def stored(self) -> dict[str, Stored]:
        """All files that were written as artifacts, by path; what else lies in trials' folders is the user's."""
        now = SystemClock().wall()
        found = {}
        for path in sorted(self.folder.glob("trial-*/*")):
            if path.is_file() and (is_draft(path.name) or _is_ours(path.name)):
                with contextlib.suppress(FileNotFoundError):
                    state = path.stat()
                    name = f"{path.parent.name}/{path.name}"
                    age = max(0.0, now - state.st_mtime)
                    found[name] = Stored(path=name, size=state.st_size, age=age, draft=is_draft(path.name))
        for one in self._there.stored(now) if self._there is not None else ():
            found.setdefault(one.path, one)
        return found

    def _settle(self, draft: Path, trial: str, suffix: str, digest: str, size: int) -> Artifact:
        name = f"{trial}/{digest}{suffix}"
        if self._there is not None:
            self._there.upload(draft, name)
        put_in_place(draft, self.folder / name)
        return Artifact(path=name, sha256=digest, size=size)

    def _download(self, kept: Artifact, local: Path) -> None:
        assert self._there is not None
        where = f"checkpoint {kept.path!r} in {self.place}"
        draft = draft_of(local)
        draft.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        try:
            if not self._there.download(kept.path, draft):
                raise StoreError("is missing", where=where, hint=_AGAIN)
            if sha256_of(draft) != kept.sha256:
                raise StoreError("was changed or cut short since it was written", where=where, hint=_AGAIN)
            put_in_place(draft, local)
        finally:
            draft.unlink(missing_ok=True)


class _Place:
    """A folder under a URL, by fsspec. Objects there are whole or absent; where they are not, their hash tells."""

    def __init__(self, url: str):
        fsspec = optional("fsspec", extra="artifacts", purpose=f"keeping artifacts in {url}")
        try:
            self._files, self._root = fsspec.core.url_to_fs(url)
        except (ValueError, ImportError) as error:
            raise ArgumentError(
                f"artifacts={url!r} cannot be reached: {error}",
                allowed="a folder, or a URL such as s3://bucket/folder, gs://..., file:///...",
                hint="Install what reaches it, such as s3fs for s3://.",
            ) from error
        self._url = url

    def upload(self, source: Path, name: str) -> None:
        with self._told("written"):
            target = f"{self._root}/{name}"
            self._files.makedirs(os.path.dirname(target), exist_ok=True)
            if "file" in self._files.protocol:
                _copy(source, Path(target))
            else:
                self._files.put_file(str(source), target)

    def download(self, name: str, target: Path) -> bool:
        with self._told("read"):
            try:
                self._files.get_file(f"{self._root}/{name}", str(target))
            except FileNotFoundError:
                return False
            return True

    def holds(self, name: str) -> bool:
        with self._told("read"):
            return bool(self._files.exists(f"{self._root}/{name}"))

    def remove(self, name: str) -> None:
        with self._told("changed"), contextlib.suppress(FileNotFoundError):
            self._files.rm_file(f"{self._root}/{name}")

    def stored(self, now: float) -> Iterator[Stored]:
        with self._told("read"):
            self._files.invalidate_cache()
            found = self._files.find(self._root, detail=True) if self._files.exists(self._root) else {}
        for path, facts in found.items():
            name = path.split(self._root.strip("/"), 1)[-1].strip("/")
            if name.startswith("trial-") and _is_ours(name.rpartition("/")[2]):
                yield Stored(path=name, size=int(facts.get("size") or 0), age=max(0.0, now - _written(facts, now)))

    @contextlib.contextmanager
    def _told(self, verb: str) -> Iterator[None]:
        try:
            yield
        except StoreError:
            raise
        except Exception as error:  # each file system has errors of its own
            said = " ".join(str(error).split())[:300] or type(error).__name__
            hint = "Check that the URL and the rights to it are the same on all hosts."
            kind = MediumError if verb == "written" else StoreError
            raise kind(f"cannot be {verb} ({said})", where=f"artifacts in {self._url}", hint=hint) from error


def checked_place(given: object) -> str:
    """The URL of a folder for artifacts, as the user gave it; a plain path becomes one.

    >>> checked_place("memory://runs/"), checked_place("/shared/runs")
    ('memory://runs', 'file:///shared/runs')
    """
    if not isinstance(given, (str, Path)) or not str(given):
        raise ArgumentError(
            f"artifacts={given!r}", where="tune", allowed="a folder, or a URL such as s3://bucket/folder"
        )
    text = str(given)
    if "://" not in text:
        return Path(text).expanduser().absolute().as_uri()
    if without_password(text) != text:
        raise ArgumentError(
            f"artifacts={without_password(text)!r} has a password, which would be stored with the study",
            where="tune",
            hint="Leave it out of the URL, and give it to the file system: its variables or settings, on each host.",
        )
    _there(text.rstrip("/"))
    return text.rstrip("/")


def _copy(source: Path, target: Path) -> None:
    draft = draft_of(target)
    try:
        with open(source, "rb") as given, open(draft, "wb") as file:
            shutil.copyfileobj(given, file, 1 << 20)
            file.flush()
            os.fsync(file.fileno())
        put_in_place(draft, target)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise cannot_write(target, error) from error


def sha256_of(path: Path) -> str:
    """The hash of a file's content."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _is_ours(name: str) -> bool:
    return bool(_OURS.fullmatch(name) or _OLD.fullmatch(name))


def _there(place: str) -> _Place | None:
    return _Place(place) if place else None


def _written(facts: dict[str, Any], now: float) -> float:
    """When a file was written, by what its file system tells: a number, a datetime, or nothing, which is just now."""
    found: Any = next((facts[k] for k in _TIMES if facts.get(k)), now)
    if isinstance(found, str):
        return now
    return float(found.timestamp() if hasattr(found, "timestamp") else found)


def _refusal_in(error: BaseException | None) -> OSError | None:
    """The medium's refusal behind an error: what was being written may make another error of it."""
    while error is not None:
        if isinstance(error, StoreError):
            return None
        if isinstance(error, OSError):
            return error
        error = error.__cause__ or error.__context__
    return None
