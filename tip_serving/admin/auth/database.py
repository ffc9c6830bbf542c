"""The tables of the admin process, and the engine on them: SQLite under TIP_HOME, or any database by URL.

    users        one row per account; without a password where sign-in is by OpenID Connect
    sessions     one row per signed-in browser, by the hash of its id
    tokens       one row per API token, by its hash
    webhooks     one row per key of a machine that judges; the secret itself follows from the secret file
    signatures   one row per signed request of the last minutes: none is taken twice
    setup_links  the links by which a first account can be made, by their hash
    judgements   one row per judgement of a person that is not in the lake yet
    audit        one row per thing that somebody did or was refused; never changed

Times are seconds since 1970, UTC.
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy import Column, Float, Integer, MetaData, String, Table, Text, event

METADATA = MetaData()
USERS = Table(
    "users",
    METADATA,
    Column("name", String(64), primary_key=True),
    Column("role", String(16), nullable=False),
    Column("password_hash", String(200)),
    Column("issuer", String(400)),
    Column("subject", String(400)),
    Column("created_at", Float, nullable=False),
    Column("created_by", String(64)),
    sa.UniqueConstraint("issuer", "subject"),
)
SESSIONS = Table(
    "sessions",
    METADATA,
    Column("id_hash", String(64), primary_key=True),
    Column("user", String(64), nullable=False, index=True),
    Column("created_at", Float, nullable=False),
    Column("expires_at", Float, nullable=False),
)
TOKENS = Table(
    "tokens",
    METADATA,
    Column("token_id", String(16), primary_key=True),
    Column("token_hash", String(64), nullable=False, unique=True),
    Column("user", String(64), nullable=False, index=True),
    Column("label", String(100), nullable=False),
    Column("created_at", Float, nullable=False),
    Column("expires_at", Float),
)
WEBHOOKS = Table(
    "webhooks",
    METADATA,
    Column("key_id", String(16), primary_key=True),
    Column("judge", String(120), nullable=False),
    Column("created_at", Float, nullable=False),
    Column("created_by", String(64)),
)
SIGNATURES = Table(
    "signatures",
    METADATA,
    Column("signature", String(64), primary_key=True),
    Column("seen_at", Float, nullable=False),
)
SETUP_LINKS = Table(
    "setup_links",
    METADATA,
    Column("token_hash", String(64), primary_key=True),
    Column("expires_at", Float, nullable=False),
)
JUDGEMENTS = Table(
    "judgements",
    METADATA,
    Column("experiment", String(80), primary_key=True),
    Column("judge", String(120), primary_key=True),
    Column("item", String(64), primary_key=True),
    Column("line", Text, nullable=False),
    Column("given_at", Float, nullable=False),
)
AUDIT = Table(
    "audit",
    METADATA,
    Column("entry", Integer, primary_key=True, autoincrement=True),
    Column("at", Float, nullable=False),
    Column("user", String(120), index=True),
    Column("action", String(40), nullable=False, index=True),
    Column("subject", String(400), nullable=False),
    Column("detail", Text, nullable=False),
)
_KEEPS_AUDIT = {
    "sqlite": [
        f"CREATE TRIGGER audit_keeps_{kind.lower()} BEFORE {kind} ON audit "
        "BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END"
        for kind in ("UPDATE", "DELETE")
    ],
    "postgresql": [
        """CREATE OR REPLACE FUNCTION audit_keeps() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION 'the audit log is append-only'; END $$""",
        """CREATE TRIGGER audit_keeps BEFORE UPDATE OR DELETE OR TRUNCATE ON audit
        FOR EACH STATEMENT EXECUTE FUNCTION audit_keeps()""",
    ],
}
for _dialect, _statements in _KEEPS_AUDIT.items():
    for _statement in _statements:
        _guard = sa.DDL(_statement)  # type: ignore[no-untyped-call]  # of SQLAlchemy
        event.listen(AUDIT, "after_create", _guard.execute_if(dialect=_dialect))


class Database:
    """The tables, there from now on.

    Args:
        url: of SQLAlchemy.
        clock: seconds since 1970.
    """

    def __init__(self, url: str, clock: Callable[[], float] = time.time) -> None:
        self.clock = clock
        # A server that was restarted has closed every connection that the pool kept.
        self.engine = sa.create_engine(_with_driver(url), pool_pre_ping=True)
        if self.engine.dialect.name == "sqlite":
            event.listen(self.engine, "connect", _prepare_sqlite)
        try:
            METADATA.create_all(self.engine)
        except (sa.exc.ProgrammingError, sa.exc.OperationalError, sa.exc.IntegrityError):
            METADATA.create_all(self.engine)  # another process made some of them meanwhile

    @classmethod
    def under(cls, folder: Path, clock: Callable[[], float] = time.time) -> "Database":
        """The SQLite database in `folder`, readable by its owner alone."""
        folder.mkdir(parents=True, exist_ok=True)
        file = folder / "admin.db"
        file.touch(mode=0o600, exist_ok=True)
        return cls(f"sqlite:///{file}", clock)


def moment(seconds: float) -> datetime:
    """A time of a table."""
    return datetime.fromtimestamp(seconds, UTC)


def _with_driver(url: str) -> sa.URL:
    """The address with the driver that is installed here, where it names none."""
    found = sa.make_url(url)
    is_postgres = found.drivername in {"postgresql", "postgres"}
    return found.set(drivername="postgresql+psycopg") if is_postgres else found


def _prepare_sqlite(connection: object, _record: object) -> None:
    cursor = connection.cursor()  # type: ignore[attr-defined]
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=5000"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()
