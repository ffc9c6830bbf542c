"""Off-policy evaluation: what would a policy have earned, judged by the log of another? With an answer or a refusal.

    errors       what is said of a log that cannot be read
    logs         `LoggedRounds`: the log, checked once
    by_weights   `ips`, `clipped_ips`, `snips`, `replay`, `mips`
    by_model     `dm`, `dr`, `sndr`, `switch_dr`, `dr_os`
    evaluation   `evaluate` for several of them in one walk, `difference` of two policies
    intervals    `Normal`, `Bootstrap`, `Bernstein`
    reliability  the limits beyond which an estimate is refused
    diagnostics  `Diagnostics`: how much the log says about the policy
    estimate     `Estimate`

All functions take, by keyword:

- `rewards`: (n,) float in [0, 1].
- `actions`: (n,) int in [0, K).
- `propensities`: (n,) float in (0, 1], as logged when the action was drawn.
- `target`: (n, K) float, rows sum to 1 within 1e-6: the policy to be judged.
- `probabilities`: (n, K) float, all probabilities of the logging policy where they were logged: they tell which
  actions could not be explored. Without them an action that was never logged counts as such.
- `positions`: (n,) int, for slates with a row per position: the answer is the sum over positions.
- `inference`: how the interval is made, `Normal()`, `Bootstrap(rng)` or `Bernstein()`.
- `reliability`: the limits beyond which the answer is refused.

`LoggedRounds`, and with it `evaluate`, `difference` and the gate, take `clusters` too: (n,) int, whose round it is.
Rounds of one person hang together, and people are the draws then.

They return an `Estimate`. Where the log cannot carry the answer, `is_reliable` is False, `verdict` says why, `interval`
is None and `standard_error` infinite; `value` is there for the curious. A faulty log raises one `LogError` or
`PropensityError` that names every fault with its first ten rows.
"""

from tip_experiments.ope.by_model import dm, dr, dr_os, sndr, switch_dr
from tip_experiments.ope.by_weights import clipped_ips, ips, mips, replay, snips
from tip_experiments.ope.diagnostics import Diagnostics
from tip_experiments.ope.errors import Fault, LogError, PropensityError
from tip_experiments.ope.estimate import Estimate
from tip_experiments.ope.evaluation import difference, evaluate
from tip_experiments.ope.intervals import Bernstein, Bootstrap, Normal
from tip_experiments.ope.logs import LoggedRounds
from tip_experiments.ope.marginal import MIPS
from tip_experiments.ope.modelled import DM, DR, SNDR, DRos, SwitchDR
from tip_experiments.ope.reliability import Reliability
from tip_experiments.ope.weighting import IPS, SNIPS, ClippedIPS, Replay

__all__ = [
    "DM", "DR", "IPS", "MIPS", "SNDR", "SNIPS", "Bernstein", "Bootstrap", "ClippedIPS", "DRos", "Diagnostics",
    "Estimate", "Fault", "LogError", "LoggedRounds", "Normal", "PropensityError", "Reliability", "Replay", "SwitchDR",
    "clipped_ips", "difference", "dm", "dr", "dr_os", "evaluate", "ips", "mips", "replay", "sndr", "snips",
    "switch_dr",
]  # fmt: skip
