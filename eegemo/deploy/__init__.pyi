from .exported import ExportedModel as ExportedModel
from .exported import load_exported as load_exported
from .exporting import export as export
from .final import fit_final as fit_final
from .formats import FORMATS as FORMATS
from .recordings import predict_recording as predict_recording
from .recordings import read_model as read_model
