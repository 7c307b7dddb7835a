"""How good the estimator is: simulated markets whose truth is known, and the figures of docs/guides/grading.md."""
