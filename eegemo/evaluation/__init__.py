"""How a number is come by: protocols, leakage, folds and runs, scores, baselines, controls and statistics."""
