"""Where studies are kept: memory, SQLite."""

from modelwright.store.base import Store, StudyRecord, open_store

__all__ = ["Store", "StudyRecord", "open_store"]
