"""Events as assets: `signals`, `exposures`, `feedback` and `tip_scores`, each a UTC day at a time."""
