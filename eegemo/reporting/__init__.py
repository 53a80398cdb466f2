"""Tables, figures and pages from results; nothing is computed here that the results do not hold."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
