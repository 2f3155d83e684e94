"""ConvLSTM networks and MTCNN face detection on the CPU.

    model = skincredible.Model.load("model.safetensors")
    probabilities = model.predict(photos)          # (B,T,H,W,C) float32 -> (B,K)

    detector = skincredible.Detector("mtcnn.safetensors")
    faces = detector.detect(picture)               # (H,W,3) uint8
    crop = detector.crop(picture, faces[0], size=160)

Arrays are read in place if they are C-contiguous and of the right type, and the interpreter's lock
is released while the libraries compute. What they log goes to logging.getLogger("skincredible")."""
from ._errors import (ArgumentError, CancelledError, FileError, FormatError, LimitError,
                      NoValidFramesError, NumericError, OutOfMemoryError, ShapeError, SkinError,
                      UnsupportedError)
from ._lib import cpu_count, instruction_set, version
from .faces import Detector, Face
from .model import Input, Model, Output, Session, Stream
from .trainer import StepResult, Trainer

__version__ = version()
__all__ = [
    "ArgumentError", "CancelledError", "Detector", "Face", "FileError", "FormatError", "Input",
    "LimitError", "Model", "NoValidFramesError", "NumericError", "OutOfMemoryError", "Output",
    "Session", "ShapeError", "SkinError", "StepResult", "Stream", "Trainer", "UnsupportedError",
    "cpu_count", "instruction_set", "version",
]
