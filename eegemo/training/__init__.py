"""The training of networks: batches and the loop over them; no classes, no protocol."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
