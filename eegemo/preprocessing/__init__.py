"""MNE preprocessing of continuous recordings: one public function a step, and one that runs them all in order."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
