"""Trained models outside of a study: in other runtimes, on new recordings, and on a stream while it is recorded."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
