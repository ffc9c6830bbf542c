"""Statistics of cells and arms.

Cells of a bench, on scores that come in clusters of scenarios: `cell_scores` (sums and counts), `clustered` and
`intervals` (errors and when an interval can be given), `means`, `ranks`, `paired`, `best`, `effects`, `separation`.
Pairs of tips: `comparisons`, `pairwise_logit`, `ratings`. Judges: `alpha`, `agreement`, `calibration`, `anchors`,
and `noisy_correlation` against what people do.

Predicted probabilities: `prediction` (log loss, Brier score, AUC, calibration).

Arms of a test: `moments`, `difference`, `stratified`, `cuped`, `sequential`, `sample_ratio`, `bayes`, `planning`,
`guardrails`, `share_bounds`.

Days of data: `volume` (is a count usual?), `shift` (is a number distributed as before?).

For all: `inputs` refuses faulty arrays, `estimates` reports a number with its error, `multiplicity` adjusts p-values.
"""
