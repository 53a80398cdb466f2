from .exported import ExportedModel as ExportedModel
from .exported import load_exported as load_exported
from .exporting import export as export
from .formats import FORMATS as FORMATS
