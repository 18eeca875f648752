"""How the estimator is computed; no user of a problem reads this."""
