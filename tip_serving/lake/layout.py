"""Every path in the lake, relative to its root. Nobody else concatenates one.

    bench/scenario_sets/<set>.json                      imported task lists, as scenarios
    bench/experiments/<experiment>/spec.json            immutable, written before anything runs
                                   scenarios.parquet    one row per scenario
                                   cells/<cell>.json    result of one cell in this experiment, written when it is done
                                   cells/<cell>.parquet one row per candidate that this experiment needs of the cell
                                   cancel.json retry.json            requests, honoured by whoever works
                                   judge/exports/<judge>/<batch>/    export.jsonl + INSTRUCTIONS.md (blind)
                                   judge/keys/<judge>/<batch>.parquet    which candidate hides behind which item
                                   judge/inbox/         *.jsonl dropped here are imported
                                   judge/imported/ judge/rejected/   where they go, with a report
                                   scores.parquet       one row per candidate and judge, null where unscored
                                   leaderboard.parquet  one row per cell and judge
                                   ranked               fingerprint of the results that the leaderboard rests on
    bench/candidates/<model>/<prompt>/                  lease.json, segments/*.jsonl, *.parquet: one row per candidate
    bench/scores/<judge>/<rubric>/*.parquet             append-only: one row per candidate, judge and import

Names that hold `/`, `:` or other marks are percent-encoded, so a path never has more levels than it shows.
"""

from urllib.parse import quote, unquote

EXPERIMENTS = "bench/experiments"
SCENARIO_SETS = "bench/scenario_sets"
CANDIDATES = "bench/candidates"
SCORES = "bench/scores"


def encode(name: str) -> str:
    """`name` as one path segment; `.` at its head is encoded too, so that no name hides a file or climbs."""
    quoted = quote(name, safe="")
    return "%2E" + quoted[1:] if quoted.startswith(".") else quoted


def decode(segment: str) -> str:
    """The name behind one path segment."""
    return unquote(segment)


def scenario_set(name: str) -> str:
    """An imported set of scenarios."""
    return f"{SCENARIO_SETS}/{encode(name)}.json"


def probe() -> str:
    """Written and deleted to see whether the lake takes writes."""
    return "bench/probe"


def experiment(name: str) -> str:
    """The folder of one experiment."""
    return f"{EXPERIMENTS}/{encode(name)}"


def spec(name: str) -> str:
    """What the experiment asks for."""
    return f"{experiment(name)}/spec.json"


def scenarios(name: str) -> str:
    """The experiment's scenarios."""
    return f"{experiment(name)}/scenarios.parquet"


def cell_result(name: str, model: str, prompt: str) -> str:
    """The result of one cell in this experiment."""
    return f"{experiment(name)}/cells/{encode(model)}@{encode(prompt)}.json"


def cell_view(name: str, model: str, prompt: str) -> str:
    """Which candidates of the cell this experiment needs."""
    return f"{experiment(name)}/cells/{encode(model)}@{encode(prompt)}.parquet"


def cancel_request(name: str) -> str:
    """Asks whoever works on the experiment to stop."""
    return f"{experiment(name)}/cancel.json"


def retry_request(name: str) -> str:
    """Asks for failed cells once more."""
    return f"{experiment(name)}/retry.json"


def exports(name: str) -> str:
    """All exports for judges."""
    return f"{experiment(name)}/judge/exports"


def export_rows(name: str, judge: str, batch: str) -> str:
    """The blind items of one batch."""
    return f"{exports(name)}/{encode(judge)}/{batch}/export.jsonl"


def export_instructions(name: str, judge: str, batch: str) -> str:
    """How to score the batch."""
    return f"{exports(name)}/{encode(judge)}/{batch}/INSTRUCTIONS.md"


def export_keys(name: str, judge: str) -> str:
    """The folder of what is hidden from a judge."""
    return f"{experiment(name)}/judge/keys/{encode(judge)}"


def export_salt(name: str, judge: str) -> str:
    """The secret behind the item ids of a judge."""
    return f"{export_keys(name, judge)}/salt"


def export_key(name: str, judge: str, batch: str) -> str:
    """Which candidate hides behind which item of the batch; never handed to a judge."""
    return f"{export_keys(name, judge)}/{batch}.parquet"


def inbox(name: str) -> str:
    """Where score files are dropped."""
    return f"{experiment(name)}/judge/inbox"


def inbox_file(name: str, filename: str) -> str:
    """One dropped score file."""
    return f"{inbox(name)}/{filename}"


def imported_file(name: str, filename: str) -> str:
    """Where an accepted score file is kept."""
    return f"{experiment(name)}/judge/imported/{filename}"


def rejected_file(name: str, filename: str) -> str:
    """Where a refused score file is kept, its report beside it."""
    return f"{experiment(name)}/judge/rejected/{filename}"


def scores_view(name: str) -> str:
    """The experiment's candidates with their scores."""
    return f"{experiment(name)}/scores.parquet"


def leaderboard(name: str) -> str:
    """The ranked cells."""
    return f"{experiment(name)}/leaderboard.parquet"


def ranked_mark(name: str) -> str:
    """Fingerprint of the results that the leaderboard rests on; written last."""
    return f"{experiment(name)}/ranked"


def cell_store(model: str, prompt: str) -> str:
    """The cumulative candidates of a cell."""
    return f"{CANDIDATES}/{encode(model)}/{encode(prompt)}"


def lease(model: str, prompt: str) -> str:
    """Who fills the cell now."""
    return f"{cell_store(model, prompt)}/lease.json"


def segments(model: str, prompt: str) -> str:
    """Candidates not compacted yet."""
    return f"{cell_store(model, prompt)}/segments"


def segment(model: str, prompt: str, name: str) -> str:
    """One segment."""
    return f"{segments(model, prompt)}/{name}.jsonl"


def candidates_table(model: str, prompt: str, part: str) -> str:
    """Compacted candidates."""
    return f"{cell_store(model, prompt)}/{part}.parquet"


def scores_of(judge: str) -> str:
    """The folder of everything that a judge ever scored, a folder a rubric."""
    return f"{SCORES}/{encode(judge)}"


def judge_scores(judge: str, rubric_version: str) -> str:
    """All scores that a judge ever gave under a rubric."""
    return f"{scores_of(judge)}/{encode(rubric_version)}"


def score_part(judge: str, rubric_version: str, part: str) -> str:
    """The scores of one import."""
    return f"{judge_scores(judge, rubric_version)}/{part}.parquet"
