"""The tables of the event store, as migrations: the n-th list takes a store from version n-1 to n and never changes.

    events      one row per event id: what looks it up, and the event itself as JSON in `body`
    days        one row per kind and UTC day: how often it changed, and which change the lake has
    conflicts   one row per event id and other event that came under the same id
    erased      one row per deleted person: a hash of the name, and until when their events are refused
    tip_scores  a view, one row per person, decision and tip that was shown

A tip was shown when it came first in its decision or when somebody reacted to it. Where a caller asks twice with the
same decision id, the earlier exposure counts. Reactions count whenever they come, before their exposure too; of several
of a kind the first counts, of ratings the last.
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
    "CREATE INDEX events_by_decision ON events (decision_id) WHERE decision_id IS NOT NULL",
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

_FIRST = ",\n        ".join(
    f"min(CASE WHEN f.reaction = '{reaction}' THEN f.at_us END) AS {reaction}_at_us" for reaction in REACTIONS
)

_REACTED = """f.kind = 'feedback' AND f.decision_id = x.decision_id AND f."user" = x."user" """

_LAST_RATING = """(
            SELECT r.rating FROM events r
            WHERE r.kind = 'feedback' AND r.decision_id = x.decision_id AND r."user" = x."user"
                AND r.tip_id = {tip} AND r.reaction = 'rated'
            ORDER BY r.at_us DESC, r.event_id DESC LIMIT 1
        )"""

_NOT_ASKED_TWICE = """NOT EXISTS (
            SELECT 1 FROM events y
            WHERE y.kind = 'exposures' AND y.decision_id = x.decision_id AND y."user" = x."user"
                AND (y.at_us < x.at_us OR (y.at_us = x.at_us AND y.event_id < x.event_id))
        )"""

_SQLITE_VIEW = f"""
    CREATE VIEW tip_scores AS
    SELECT x.decision_id, t.value AS tip_id, x."user", x.at_us,
        json_extract(x.body, '$.kind') AS kind,
        json_extract(x.body, '$.arm') AS arm,
        json_extract(x.body, '$.manifest_version') AS manifest_version,
        json_extract(x.body, '$.policy_version') AS policy_version,
        json_extract(x.body, '$.model_version') AS model_version,
        json_extract(x.body, '$.prompt_version') AS prompt_version,
        json_extract(x.body, '$.model') AS model,
        (SELECT o.key FROM json_each(x.body, '$.order') o WHERE o.value = t.key) AS rank,
        json_extract(x.body, '$.propensities[' || t.key || ']') AS propensity,
        json_extract(x.body, '$.scores[' || t.key || ']') AS score,
        {_FIRST},
        {_LAST_RATING.format(tip="t.value")} AS rating,
        count(f.event_id) AS n_reactions,
        x.retain_until_us
    FROM events x
    JOIN json_each(x.body, '$.tip_ids') t
    LEFT JOIN events f ON {_REACTED} AND f.tip_id = t.value
    WHERE x.kind = 'exposures' AND {_NOT_ASKED_TWICE}
    GROUP BY x.event_id, x.at_us, t.key
    HAVING t.value = x.tip_id OR count(f.event_id) > 0
"""  # noqa: S608  names of ours

_POSTGRES_VIEW = f"""
    CREATE VIEW tip_scores AS
    SELECT x.decision_id, t.value AS tip_id, x."user", x.at_us,
        x.body::jsonb ->> 'kind' AS kind,
        x.body::jsonb ->> 'arm' AS arm,
        x.body::jsonb ->> 'manifest_version' AS manifest_version,
        x.body::jsonb ->> 'policy_version' AS policy_version,
        x.body::jsonb ->> 'model_version' AS model_version,
        x.body::jsonb ->> 'prompt_version' AS prompt_version,
        x.body::jsonb ->> 'model' AS model,
        (SELECT o.n - 1 FROM jsonb_array_elements(x.body::jsonb -> 'order') WITH ORDINALITY o (value, n)
            WHERE o.value = to_jsonb(t.n - 1)) AS rank,
        (x.body::jsonb -> 'propensities' ->> (t.n - 1)::int)::double precision AS propensity,
        (x.body::jsonb -> 'scores' ->> (t.n - 1)::int)::double precision AS score,
        {_FIRST},
        {_LAST_RATING.format(tip="t.value")} AS rating,
        count(f.event_id) AS n_reactions,
        x.retain_until_us
    FROM events x
    CROSS JOIN jsonb_array_elements_text(x.body::jsonb -> 'tip_ids') WITH ORDINALITY t (value, n)
    LEFT JOIN events f ON {_REACTED} AND f.tip_id = t.value
    WHERE x.kind = 'exposures' AND {_NOT_ASKED_TWICE}
    GROUP BY x.event_id, t.n, t.value
    HAVING t.value = x.tip_id OR count(f.event_id) > 0
"""  # noqa: S608  names of ours

SQLITE = ((*_TABLES, _SQLITE_VIEW),)
POSTGRES = ((*_TABLES, _POSTGRES_VIEW),)
