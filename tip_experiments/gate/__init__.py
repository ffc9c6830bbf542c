"""The release gate: logs, champion and challenger in; release, keep or not enough evidence out, with every reason.

policy        `GatePolicy`, `Contender`, `GuardedMetric`: what is asked for
contest       two policies on one log
requirements  what a release requires, each read off the contest
verdict       `Verdict`, `Decision`, `Reason`, `Outcome`
decide        `decide`
"""

from tip_experiments.gate.policy import Contender, GatePolicy, GuardedMetric
from tip_experiments.gate.release import decide
from tip_experiments.gate.verdict import Decision, Outcome, Reason, Verdict

__all__ = ["Contender", "Decision", "GatePolicy", "GuardedMetric", "Outcome", "Reason", "Verdict", "decide"]
