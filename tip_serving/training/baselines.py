"""What a reward model is measured against: the base rate, the default rule and a logistic regression.

Each predicts the test part from the earlier ones, under the same calibration as the model, so that what is compared is
what they know and not how well they are scaled.
"""

import numpy as np
from numpy.typing import NDArray

from tip_serving.scoring.rule import rule_scores
from tip_serving.training import calibrating
from tip_serving.training.parts import Parts, features, rewards

Floats = NDArray[np.float64]

BASE_RATE, RULE, LOGISTIC = "base rate", "default rule", "logistic regression"
MUST_BEAT = (BASE_RATE, RULE)
"""A model that does not beat these has learnt nothing worth a release."""


def predictions(parts: Parts) -> dict[str, Floats]:
    """(n_test,) float64 in [0, 1] for each baseline."""
    seen = np.concatenate([rewards(parts.training), rewards(parts.calibration)])
    return {
        BASE_RATE: np.full(parts.test.height, float(seen.mean())),
        RULE: _calibrated(parts, *(rule_scores(features(part)) for part in (parts.calibration, parts.test))),
        LOGISTIC: _calibrated(parts, *_logistic(parts)),
    }


def _calibrated(parts: Parts, of_calibration: Floats, of_test: Floats) -> Floats:
    if np.ptp(of_calibration) == 0.0:
        return np.full(of_test.size, float(rewards(parts.calibration).mean()))
    return calibrating.apply(calibrating.calibrated(of_calibration, rewards(parts.calibration)).line, of_test)


def _logistic(parts: Parts) -> tuple[Floats, Floats]:
    """Outputs on calibration and test; a missing number is the median, with a column that says that it is missing."""
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    model = make_pipeline(
        SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True),
        StandardScaler(),
        LogisticRegression(C=0.1, max_iter=500),
    )
    model.fit(features(parts.training), rewards(parts.training) >= 0.5)  # noqa: PLR2004  a success
    of_calibration, of_test = (model.predict_proba(features(part))[:, 1] for part in (parts.calibration, parts.test))
    return of_calibration, of_test
