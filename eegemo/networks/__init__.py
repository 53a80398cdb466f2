"""One Keras network a file: layers for a shape and a number of outputs; no labels, no training."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
