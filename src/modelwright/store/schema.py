"""Tables, and the numbered steps that lead to them.

A released step is never changed; a new one is added behind it. ``tests/store/version-N`` holds a store of each version
(``kept_version.py`` there makes the next).
"""

from __future__ import annotations

from collections.abc import Callable

import sqlalchemy as sa

metadata = sa.MetaData()

version = sa.Table("modelwright_schema", metadata, sa.Column("version", sa.Integer, nullable=False))

studies = sa.Table(
    "studies",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("name", sa.Text, nullable=False, unique=True),
    sa.Column("created", sa.Float, nullable=False),
    sa.Column("definition", sa.Text, nullable=False),
    sqlite_autoincrement=True,
)

events = sa.Table(
    "events",
    metadata,
    sa.Column("study", sa.Integer, sa.ForeignKey("studies.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("seq", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("at", sa.Float, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("body", sa.Text, nullable=False),
)

#: Leases of studies whose members are on several hosts; times are the database's own, in seconds since 1970.
leases = sa.Table(
    "leases",
    metadata,
    sa.Column("study", sa.Integer, sa.ForeignKey("studies.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("what", sa.Text, primary_key=True),
    sa.Column("holder", sa.Text, nullable=False),
    sa.Column("token", sa.Integer, nullable=False),
    sa.Column("until", sa.Float, nullable=False),
    sa.Column("facts", sa.Text, nullable=False),
)

#: Texts made of the first ``count`` events, to spare folding them again. May be emptied at any time.
kept = sa.Table(
    "kept",
    metadata,
    sa.Column("study", sa.Integer, sa.ForeignKey("studies.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("form", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("count", sa.Integer, nullable=False),
    sa.Column("body", sa.Text, nullable=False),
)


def _first(connection: sa.Connection) -> None:
    metadata.create_all(connection, tables=[version, studies, events])


def _leases(connection: sa.Connection) -> None:
    metadata.create_all(connection, tables=[leases])


def _kept(connection: sa.Connection) -> None:
    """From here on the file of newest events says where an append ends, which earlier versions cannot read."""
    metadata.create_all(connection, tables=[kept])


#: Step ``i`` leads from version ``i`` to version ``i + 1``.
MIGRATIONS: tuple[Callable[[sa.Connection], None], ...] = (_first, _leases, _kept)
