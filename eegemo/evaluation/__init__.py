"""How scores are computed: protocols, leakage, folds and runs, metrics, baselines, controls and statistics."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
