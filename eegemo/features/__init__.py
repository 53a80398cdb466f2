"""Features of windows: scikit-learn transformers, which compute once per sample what overlapping windows share."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
