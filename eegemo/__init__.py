"""Emotion recognition from EEG: from recordings to tables, every number with its protocol and its leakage.

Recordings become trials; trials become windows; a protocol splits the trials; a classifier is fitted anew on
each fold; predictions become tables. The names of this package and of its subpackages are imported when they are first
used, so that ``import eegemo`` is quick and TensorFlow is loaded when a model is first made.
"""

import lazy_loader

from eegemo.networks.registration import register_layers_with_keras

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
__version__ = "0.1.0"

register_layers_with_keras()
