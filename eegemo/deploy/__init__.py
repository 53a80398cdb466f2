"""Out of the notebook: export to other runtimes, a final model, and its predictions for new recordings."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
