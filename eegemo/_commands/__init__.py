"""Commands of ``python -m eegemo`` that have a module of their own, and load what they need when they run."""
