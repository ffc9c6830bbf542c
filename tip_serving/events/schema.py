"""The tables of the event store, as migrations: the n-th list takes a store from version n-1 to n and never changes.

    events      one row per event id: what looks it up, and the event itself as JSON in `body`
    days        one row per kind and UTC day: how often it changed, and which change the lake has
    conflicts   one row per event id and other event that came under the same id
    erased      one row per deleted person: a hash of the name, and until when their events are refused
    tip_scores  a view, one row per person, decision and tip that was shown

A tip was shown when it came first in its decision or when somebody reacted to it. Where a caller asks twice with the
same decision id, the earlier exposure counts. Reactions count whenever they come, before their exposure too; of several
of a kind the first counts, of ratings the last. Prompt and model are the decision's own, else those that the exposure
tells of the tip.
"""

REACTIONS = ("shown", "accepted", "dismissed", "done", "snoozed", "rated")

TIP_SCORES = (
    "decision_id", "tip_id", "user", "at_us", "kind", "arm", "manifest_version", "policy_version", "model_version",
    "prompt_version", "model", "rank", "propensity", "score", *(f"{reaction}_at_us" for reaction in REACTIONS),
    "rating", "n_reactions", "retain_until_us",
)  # fmt: skip
"""The columns of the view; moments in microseconds since 1970 UTC."""

_TABLES = (
    """CREATE TABLE events (
        event_id TEXT NOT NULL PRIMARY KEY,
        kind TEXT NOT NULL,
        at_us BIGINT NOT NULL,
        "user" TEXT NOT NULL,
        decision_id TEXT,
        tip_id TEXT,
        reaction TEXT,
        rating DOUBLE PRECISION,
        retain_until_us BIGINT,
        body TEXT NOT NULL
    )""",
    "CREATE INDEX events_by_day ON events (kind, at_us)",
    "CREATE INDEX events_by_decision ON events (decision_id, tip_id) WHERE decision_id IS NOT NULL",
    """CREATE TABLE days (
        kind TEXT NOT NULL,
        day TEXT NOT NULL,
        version BIGINT NOT NULL,
        exported_version BIGINT NOT NULL,
        PRIMARY KEY (kind, day)
    )""",
    """CREATE TABLE conflicts (
        event_id TEXT NOT NULL,
        digest TEXT NOT NULL,
        "user" TEXT NOT NULL,
        retain_until_us BIGINT,
        body TEXT NOT NULL,
        PRIMARY KEY (event_id, digest)
    )""",
    "CREATE TABLE erased (user_hash TEXT NOT NULL PRIMARY KEY, until_us BIGINT NOT NULL)",
)

# Only feedback has a reaction, and what has a decision and none is an exposure. Said so and not by `kind`, conditions
# leave SQLite's planner just the index by decision; by kind it read all feedback for each tip.
_OF_TIP = """r.decision_id = x.decision_id AND r.tip_id = t.value AND r."user" = x."user" AND r.reaction"""

_REACTIONS = ",\n        ".join(
    [
        *(f"(SELECT min(r.at_us) FROM events r WHERE {_OF_TIP} = '{one}') AS {one}_at_us" for one in REACTIONS),
        (
            f"(SELECT r.rating FROM events r WHERE {_OF_TIP} = 'rated' "
            "ORDER BY r.at_us DESC, r.event_id DESC LIMIT 1) AS rating"
        ),
        f"(SELECT count(*) FROM events r WHERE {_OF_TIP} IS NOT NULL) AS n_reactions",
    ]
)

_SHOWN_FIRST_ASKED = f"""x.kind = 'exposures'
        AND (t.value = x.tip_id OR EXISTS (SELECT 1 FROM events r WHERE {_OF_TIP} IS NOT NULL))
        AND NOT EXISTS (
            SELECT 1 FROM events y
            WHERE y.decision_id = x.decision_id AND y."user" = x."user" AND y.reaction IS NULL
                AND (y.at_us < x.at_us OR (y.at_us = x.at_us AND y.event_id < x.event_id))
        )"""

_COPIED = ("kind", "arm", "manifest_version", "policy_version", "model_version")
_AUTHORSHIP = ("prompt_version", "model")


def _sqlite_view(authorship: str) -> str:
    """The view, given what says by what prompt and model a tip was written; `{name}` stands for the column."""
    return f"""
    CREATE VIEW tip_scores AS
    SELECT x.decision_id, t.value AS tip_id, x."user", x.at_us,
        {", ".join(f"json_extract(x.body, '$.{name}') AS {name}" for name in _COPIED)},
        {", ".join(f"{authorship.format(name=name)} AS {name}" for name in _AUTHORSHIP)},
        (SELECT o.key FROM json_each(x.body, '$.order') o WHERE o.value = t.key) AS rank,
        json_extract(x.body, '$.propensities[' || t.key || ']') AS propensity,
        json_extract(x.body, '$.scores[' || t.key || ']') AS score,
        {_REACTIONS},
        x.retain_until_us
    FROM events x JOIN json_each(x.body, '$.tip_ids') t
    WHERE {_SHOWN_FIRST_ASKED}
"""


def _postgres_view(authorship: str) -> str:
    """The same view there."""
    # OFFSET 0 keeps PostgreSQL from parsing the body once for each column.
    return f"""
    CREATE VIEW tip_scores AS
    SELECT x.decision_id, t.value AS tip_id, x."user", x.at_us,
        {", ".join(f"b.body ->> '{name}' AS {name}" for name in _COPIED)},
        {", ".join(f"{authorship.format(name=name)} AS {name}" for name in _AUTHORSHIP)},
        (SELECT o.n - 1 FROM jsonb_array_elements(b.body -> 'order') WITH ORDINALITY o (value, n)
            WHERE o.value = to_jsonb(t.n - 1)) AS rank,
        (b.body -> 'propensities' ->> (t.n - 1)::int)::double precision AS propensity,
        (b.body -> 'scores' ->> (t.n - 1)::int)::double precision AS score,
        {_REACTIONS},
        x.retain_until_us
    FROM events x
    CROSS JOIN LATERAL (SELECT x.body::jsonb AS body OFFSET 0) b
    CROSS JOIN LATERAL jsonb_array_elements_text(b.body -> 'tip_ids') WITH ORDINALITY t (value, n)
    WHERE {_SHOWN_FIRST_ASKED}
"""


_DROP = "DROP VIEW tip_scores"

SQLITE = (
    (*_TABLES, _sqlite_view("json_extract(x.body, '$.{name}')")),
    # A tip that was written by one decision and shown by another is credited to what wrote it.
    (
        _DROP,
        _sqlite_view(
            "coalesce(json_extract(x.body, '$.{name}'), json_extract(x.body, '$.written[' || t.key || '].{name}'))"
        ),
    ),
)
POSTGRES = (
    (*_TABLES, _postgres_view("b.body ->> '{name}'")),
    (_DROP, _postgres_view("coalesce(b.body ->> '{name}', b.body -> 'written' -> (t.n - 1)::int ->> '{name}')")),
)
