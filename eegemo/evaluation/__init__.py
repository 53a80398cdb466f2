"""Protocols, leakage, cross-validation, metrics and baselines: how a number is come by."""
