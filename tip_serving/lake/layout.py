"""Every path in the lake, relative to its root. Nobody else concatenates one.

    bench/scenario_sets/<set>.json                      imported task lists, as scenarios
    bench/experiments/<experiment>/spec.json            immutable, written before anything runs
                                   scenarios.parquet    one row per scenario
                                   cells/<cell>.json    result of one cell in this experiment, written when it is done
                                   cells/<cell>.parquet one row per candidate that this experiment needs of the cell
                                   cancel.json retry.json            requests, honoured by whoever works
                                   judge/exports/<judge>/<batch>/    export.jsonl + INSTRUCTIONS.md (blind)
                                   judge/keys/<judge>/<batch>.parquet    what hides behind which item
                                   judge/inbox/         *.jsonl dropped here are imported
                                   judge/imported/ judge/rejected/   where they go, with a report
                                   judge/sessions/<judge>/<session>.json what a language model's judging took
                                   judge/leases/<judge>.json         which process judges as this model now
                                   scores.parquet       one row per candidate and judge, null where unscored
                                   leaderboard.parquet  one row per cell and judge
                                   boards.json          all that was found out, judge by judge
                                   differences.parquet  one row per pair of cells and judge
                                   leaderboard.html     the same as a page, with a sample of the tips
                                   judge/races/<judge>.json          the error rate that a race was begun with
                                   ranked               fingerprint of the results that the leaderboard rests on
                                   brought.json         instead of a spec: results that were measured elsewhere
    bench/candidates/<model>/<prompt>/                  lease.json, segments/*.jsonl, *.parquet: one row per candidate
    bench/scores/<judge>/<rubric>/*.parquet             append-only: one row per candidate, judge and import
    bench/verdicts/<judge>/<rubric>/*.parquet           append-only: one row per ordered pair, judge and import
    bench/anchors/<set>.jsonl                           tips whose scores are known, one a line
    bench/anchor_scores/<judge>/<rubric>/*.parquet      append-only: one row per anchor, judge and import
    bench/proposals/<proposal>.json                     cells that somebody wants released, with their evidence
    events/<kind>/<day>.parquet                         one row per event of a UTC day; `tip_scores`: per shown tip
    features/profile/<day>.parquet                      one row per person: profile features at the end of a UTC day
    features/replaced/<day>.parquet                     rows of that snapshot that late events changed, and until when
                                                        they stood
    features/training/<day>.parquet                     one row per decision of a UTC day, with what became of it
    features/marks/<table>/<day>.json                   of `profile`, `training`: fingerprint of what the day rests on;
                                                        of a kind of events: the hash of the day's file
    models/<name>/<version>/model.txt                   a reward model, never changed
    models/<name>/trained.json                          what was trained last under a registered name, and on what
    policies/<version>.json                             the state of a policy, named by its content
    policies/evaluations/<challenger>.json              what logged decisions say of a policy against the champion
    cards/<name>/<version>/card.{json,md,html}          what is known of a registered version; its history is appended
    releases/candidates/<candidate>.json                an arm that was trained, with its example, cards and evaluation
    releases/proposals/<proposal>.json                  what somebody wants released, never changed
    releases/steps/<n>.json                             what was decided, of all proposals in one order, append-only
    rewards/<name>.parquet                              analytics of what people did with tips
    released/manifest.json                              which arms are live; written by a release alone
    released/examples/<version>.json                    the request on which a release is tried before it is served

Names that hold `/`, `:` or other marks are percent-encoded, so a path never has more levels than it shows.
"""

from urllib.parse import quote, unquote

EXPERIMENTS = "bench/experiments"
SCENARIO_SETS = "bench/scenario_sets"
CANDIDATES = "bench/candidates"
SCORES = "bench/scores"
VERDICTS = "bench/verdicts"
ANCHORS = "bench/anchors"
ANCHOR_SCORES = "bench/anchor_scores"
PROPOSALS = "bench/proposals"
EVENTS = "events"
PROFILES = "features/profile"
REPLACED_PROFILES = "features/replaced"
TRAINING = "features/training"
RELEASE_CANDIDATES = "releases/candidates"
RELEASE_PROPOSALS = "releases/proposals"
RELEASE_STEPS = "releases/steps"


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


def cells(name: str) -> str:
    """What became of the experiment's cells."""
    return f"{experiment(name)}/cells"


def cell_result(name: str, model: str, prompt: str) -> str:
    """The result of one cell in this experiment."""
    return f"{cells(name)}/{encode(model)}@{encode(prompt)}.json"


def cell_view(name: str, model: str, prompt: str) -> str:
    """Which candidates of the cell this experiment needs."""
    return f"{cells(name)}/{encode(model)}@{encode(prompt)}.parquet"


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


def judging_session(name: str, judge: str, session: str) -> str:
    """What one session of a judging language model took."""
    return f"{judging_sessions(name, judge)}/{session}.json"


def judging_sessions(name: str, judge: str) -> str:
    """All sessions of a judging language model."""
    return f"{experiment(name)}/judge/sessions/{encode(judge)}"


def judging_lease(name: str, judge: str) -> str:
    """Which process judges as this model now."""
    return f"{experiment(name)}/judge/leases/{encode(judge)}.json"


def race(name: str, judge: str) -> str:
    """The error rate that a judge's race was begun with."""
    return f"{experiment(name)}/judge/races/{encode(judge)}.json"


def scores_view(name: str) -> str:
    """The experiment's candidates with their scores."""
    return f"{experiment(name)}/scores.parquet"


def leaderboard(name: str) -> str:
    """The ranked cells."""
    return f"{experiment(name)}/leaderboard.parquet"


def boards(name: str) -> str:
    """All that was found out, judge by judge."""
    return f"{experiment(name)}/boards.json"


def differences(name: str) -> str:
    """How far every two cells are apart."""
    return f"{experiment(name)}/differences.parquet"


def leaderboard_page(name: str) -> str:
    """The leaderboard as one HTML file that needs nothing else."""
    return f"{experiment(name)}/leaderboard.html"


def brought(name: str) -> str:
    """Says that the results of this experiment were measured elsewhere, and what they hold."""
    return f"{experiment(name)}/brought.json"


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


def rubrics(root: str, judge: str) -> str:
    """The folder of one judge there, a folder a rubric in it."""
    return f"{root}/{encode(judge)}"


def append_only(root: str, judge: str, rubric_version: str) -> str:
    """All parts of one judge under one rubric below SCORES, VERDICTS or ANCHOR_SCORES."""
    return f"{rubrics(root, judge)}/{encode(rubric_version)}"


def part(root: str, judge: str, rubric_version: str, name: str) -> str:
    """What one import added there."""
    return f"{append_only(root, judge, rubric_version)}/{name}.parquet"


def anchor_set(name: str) -> str:
    """Tips whose scores are known."""
    return f"{ANCHORS}/{encode(name)}.jsonl"


def proposal(name: str) -> str:
    """One cell that somebody wants released."""
    return f"{PROPOSALS}/{encode(name)}.json"


def event_days(kind: str) -> str:
    """The folder of all days of one kind of events."""
    return f"{EVENTS}/{encode(kind)}"


def events(kind: str, day: str) -> str:
    """The events of one kind on one UTC day."""
    return f"{event_days(kind)}/{encode(day)}.parquet"


def profile_features(day: str) -> str:
    """Profile features of everybody at the end of one UTC day."""
    return f"{PROFILES}/{encode(day)}.parquet"


def replaced_features(day: str) -> str:
    """What stood in the snapshot of a UTC day before it was computed anew."""
    return f"{REPLACED_PROFILES}/{encode(day)}.parquet"


def training_set(day: str) -> str:
    """The decisions of one UTC day with what became of them."""
    return f"{TRAINING}/{encode(day)}.parquet"


def feature_marks(table: str) -> str:
    """The folder of all marks of a table."""
    return f"features/marks/{encode(table)}"


def feature_mark(table: str, day: str) -> str:
    """What a day of `profile` or `training` rests on, or what a day of events holds; written last."""
    return f"{feature_marks(table)}/{encode(day)}.json"


def kind_of(path: str) -> str:
    """The kind of the events in a file that `events` named."""
    return decode(path.rsplit("/", 2)[1])


def day_of(path: str) -> str:
    """The day behind the path of a file that holds one."""
    return decode(path.rsplit("/", 1)[1].partition(".")[0])


def card(name: str, version: str, form: str) -> str:
    """What is known of one registered version, as `json`, `md` or `html`."""
    return f"cards/{encode(name)}/{encode(version)}/card.{form}"


def release_candidate(candidate: str) -> str:
    """An arm that was trained and may be proposed."""
    return f"{RELEASE_CANDIDATES}/{encode(candidate)}.json"


def release_proposal(proposal: str) -> str:
    """What somebody wants released."""
    return f"{RELEASE_PROPOSALS}/{encode(proposal)}.json"


def release_step(number: int) -> str:
    """One decision about a proposal; decisions about all of them are counted together."""
    return f"{RELEASE_STEPS}/{number:06d}.json"


def rewards(name: str) -> str:
    """One table of the analytics of what people did with tips."""
    return f"rewards/{encode(name)}.parquet"


def released_manifest() -> str:
    """What is released."""
    return "released/manifest.json"


def released_example(version: str) -> str:
    """The request on which a release is tried."""
    return f"released/examples/{encode(version)}.json"


def reward_model(name: str, version: str) -> str:
    """One version of a reward model."""
    return f"models/{encode(name)}/{encode(version)}/model.txt"


def trained(name: str) -> str:
    """What was trained last under a registered name."""
    return f"models/{encode(name)}/trained.json"


def policy_evaluation(challenger: str) -> str:
    """What logged decisions say of a policy, by its version."""
    return f"policies/evaluations/{encode(challenger)}.json"


def policy(version: str) -> str:
    """The state of one policy."""
    return f"policies/{encode(version)}.json"
