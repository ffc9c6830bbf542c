"""The reader of registries: what people write in TypeScript, and what is not to be guessed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tip_serving.features.typescript import Entry, Unread, read

REGISTRY = """
import { FeatureDef } from "./types"; // { name: "commented", ttlSec: 1 }

/* { name: 'also_commented', ttlSec: 2 } */
const DAY = 24 * 60 * 60;
export const HOUR = 60 * 60
const TTL = { short: 5 * 60, long: 30 * DAY, } as const;
const ZONE = "time_zone" as const;

interface Feature { name: string; ttlSec: number; owner?: { name: string } }
interface Loose {
  name: string
  ttlSec: number
}
type Made = { name: "typed", ttlSec: number };

function define({ name, ttlSec }: { name: string, ttlSec: number }): Feature {
  if (ttlSec < 0) { throw new Error(`bad ${name}: { ttlSec: ${ttlSec} }`); }
  return { name, ttlSec };
}

export const FEATURES: readonly FeatureDef[] = [
  { name: "completion_rate", ttlSec: 86_400, meaning: "it's \\"done\\" / due" },
  { name: 'preferred_hour', ttlSec: 7 * DAY, },
  { "name": `tips_7d`, "ttlSec": HOUR, compute: (x) => ({ y: x, ttlless: [1, { a: 2 }] }) },
  { ttlSec: 0xe10, name: "tips_30d" },
  { name: "acceptance_rate", ttlSec: (20 + 4) * HOUR as number, tags: ["a", "}"] } satisfies Feature,
  { ...base, name: "language", ttlSec: TTL.long },
  { name: ZONE, owner: { name: "team" }, ttlSec: 30 * 86.4e3 },
  {
    name: "quiet_hours", // their "quiet" time
    ttlSec:
      TTL.short
      * 2,
  },
  { name: "no_ttl" },
] as const satisfies readonly Feature[];

export const BY_KEY = { streak_days: { ttlSec: DAY / 2 }, "session_minutes": { ttlSec: 1 } };
"""


def test_a_registry_as_people_write_them_is_read_whole() -> None:
    found = read(REGISTRY)
    assert found.unread == []
    assert [(entry.name, entry.ttl_s) for entry in found.entries if entry.name not in {"team", "no_ttl"}] == [
        ("completion_rate", 86_400),
        ("preferred_hour", 604_800),
        ("tips_7d", 3_600),
        ("tips_30d", 3_600),
        ("acceptance_rate", 86_400),
        ("language", 2_592_000),
        ("time_zone", 2_592_000),
        ("quiet_hours", 600),
        ("streak_days", 43_200),
        ("session_minutes", 1),
    ]
    assert [entry for entry in found.entries if entry.ttl_s is None] == [
        Entry("team", None, line_of('owner: { name: "team" }')),
        Entry("no_ttl", None, line_of('name: "no_ttl"')),
    ]
    assert found.entries[0].line == line_of("completion_rate")


def line_of(part: str) -> int:
    """The line of the registry that holds `part`."""
    return next(line for line, text in enumerate(REGISTRY.splitlines(), start=1) if part in text)


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("86400", 86_400), ("86_400", 86_400), ("24 * 60 * 60", 86_400), ("(1+1)*30", 60), ("7*24*3600", 604_800),
        ("60 ** 2", 3_600), ("1e3", 1_000), (".5 * 120", 60), ("-5 + 10", 5), ("100 % 60", 40), ("2 ** 3 ** 2", 512),
        ("60 * 60 /* an hour */", 3_600), ("60 // a minute", 60), ("<number>", None), ("days(7)", None),
        ("process.env.TTL", None), ("UNKNOWN * 2", None), ("null", None), ("86400n", None), ("60 60", None),
        ("1 / 0", None), ("10 ** 400", None), ("'60'", None), ("a ? 1 : 2", None), ("+".join(["1"] * 50), 50),
        ("(" * 200 + "1" + ")" * 200, None), ("1e999", None), ("60 *", None), ("2 ** -1", None),
    ],
)  # fmt: skip
def test_arithmetic_is_worked_out_and_all_else_is_named_with_its_line(written: str, seconds: float | None) -> None:
    found = read(f"x = [\n{{ name: 'a', ttlSec: {written}\n }} ]")
    if seconds is None:
        assert found.entries == []
        assert [place.line for place in found.unread] == [2]
        assert "ttlSec" in found.unread[0].reason
    else:
        assert found == read(f"[\n{{ name: 'a', ttlSec: {seconds} }}]")
        assert found.entries == [Entry("a", seconds, 2)]


@pytest.mark.parametrize("name", ["nameOf(x)", "`a_${b}`", "UNKNOWN", "'a' + 'b'", "5"])
def test_a_name_that_cannot_be_known_is_not_guessed(name: str) -> None:
    found = read(f"const x = [{{ name: {name}, ttlSec: 5 }}]")
    assert found.entries == []
    assert found.unread == [Unread(1, "an object has a ttlSec and no name that can be worked out here")]


def test_an_escaped_quote_ends_no_string_and_an_open_one_is_named() -> None:
    assert read(r"""[{ name: 'it\'s', ttlSec: 5 }]""").entries == [Entry("it's", 5, 1)]
    assert [place.line for place in read("\nx = [{ name: 'a, ttlSec: 5 }]").unread if "quote" in place.reason] == [2]


@given(
    names=st.lists(st.from_regex(r"[a-z_]{1,12}", fullmatch=True), min_size=1, max_size=6),
    ttls=st.lists(st.integers(0, 10**9), min_size=6, max_size=6),
    quote=st.sampled_from("\"'`"),
    gap=st.sampled_from([" ", "\n", "  // note: { name: 'x', ttlSec: 1 }\n", "/* } */"]),
    end=st.sampled_from(["", ","]),
)
def test_layout_quotes_and_comments_do_not_matter(
    names: list[str], ttls: list[int], quote: str, gap: str, end: str
) -> None:
    rows = [
        f"{{{gap}ttlSec:{gap}{ttl:_}{gap},{gap}name{gap}:{gap}{quote}{name}{quote}{gap}{end}}}"
        for name, ttl in zip(names, ttls, strict=False)
    ]
    found = read(f"export const F ={gap}[{','.join(rows)}{end}] as const{gap};")
    assert found.unread == []
    assert [(entry.name, entry.ttl_s) for entry in found.entries] == list(zip(names, ttls, strict=False))


@given(st.text("{}[]():,;\"'`name ttlSec=*1\n/\\$.const", max_size=80))
def test_any_text_is_read_to_its_end(text: str) -> None:
    found = read(text)
    assert all(entry.line <= text.count("\n") + 1 for entry in [*found.entries, *found.unread])
