"""Which unit sees which variation: deterministic, replayable, without state of its own and without numpy.

In the order in which an assignment passes them: `hashing` (a unit's place on the line from 0 to 1), `buckets` (which
part of the line belongs to which variation), `experiment` (what an experiment is, and what is refused), `sticky` (what
was given before stays given), `assign` (the decision with its reason), `rotation` (prompt versions from a
comma-separated setting).

Hashing, buckets, the order of the decisions and sticky documents are those of GrowthBook's specification 0.8, so that
a unit lands in the same variation here and in GrowthBook's own libraries. Outside this package, because they choose
who is asked rather than what is assigned: targeting by attributes, saved groups and prerequisites (the caller
evaluates them and passes `is_eligible`), overrides read from a URL (the caller passes `forced`), features with
default values, redirects, encrypted payloads.
"""
