"""whyface: why did a face recognition model say that two faces match?

    import whyface

    model = whyface.load_model("arcface.onnx")
    e = whyface.explain(model, "probe.jpg", "mate.jpg", "nonmate.jpg",
                        detector="mtcnn")
    e.map("mate", "probe")       # float32, height x width
    e.save_figure("figure.png")  # in a notebook, e shows itself

Any function from a batch of crops to embeddings is a model, too:

    model = whyface.Model.from_torch(net, mean=127.5, scale=1 / 128)

The work is done by libwhyface; this package hands arrays to it.  Errors are
`whyface.Error` with the library's sentence.  All functions may be called from
several threads at once; calls that share a model take turns.
"""

from ._errors import (
    AmbiguousFaceError,
    BackendError,
    CancelledError,
    EmbeddingError,
    Error,
    ExistsError,
    GradientError,
    ImageError,
    InputOutputError,
    InternalError,
    InvalidArgumentError,
    LimitError,
    ManifestError,
    MapError,
    NoFaceError,
    NotFoundError,
    OnnxError,
    OperatorError,
    OutOfMemoryError,
    ShapeError,
    UnsupportedError,
)
from ._evaluate import (
    Crossing,
    Evaluation,
    Judgement,
    evaluate,
    evaluate_controls,
    fills,
    save_plot,
)
from ._explain import Explanation, SupportWarning, explain
from ._face import (
    LANDMARKS,
    Crop,
    Detector,
    Face,
    align,
    choose_face,
    crop,
    detect,
    draw_faces,
)
from ._ffi import wf_status as Status
from ._figure import colormaps
from ._image import Image, load_image
from ._info import build_info, library_version
from ._map import (
    Likeness,
    RegionShare,
    centred_map,
    compare_maps,
    load_map,
    random_map,
    region_share,
    standardise,
)
from ._method import Method, MethodOption, MethodPreset, forwards, methods
from ._model import (
    GuessedModelWarning,
    Layer,
    Model,
    ModelInfo,
    Threshold,
    add_model,
    load_model,
)
from ._names import RegistryEntry, add_detector, home, registry
from ._verify import (
    Interval,
    Rates,
    Verification,
    bootstrap_mean,
    embed,
    rates,
    similarity,
    verify,
)
from ._version import __version__

__all__ = [
    "AmbiguousFaceError",
    "BackendError",
    "CancelledError",
    "Crop",
    "Crossing",
    "Detector",
    "EmbeddingError",
    "Error",
    "Evaluation",
    "ExistsError",
    "Explanation",
    "Face",
    "GradientError",
    "GuessedModelWarning",
    "Image",
    "ImageError",
    "InputOutputError",
    "InternalError",
    "Interval",
    "InvalidArgumentError",
    "Judgement",
    "LANDMARKS",
    "Layer",
    "Likeness",
    "LimitError",
    "ManifestError",
    "MapError",
    "Method",
    "MethodOption",
    "MethodPreset",
    "Model",
    "ModelInfo",
    "NoFaceError",
    "NotFoundError",
    "OnnxError",
    "OperatorError",
    "OutOfMemoryError",
    "Rates",
    "RegionShare",
    "RegistryEntry",
    "ShapeError",
    "Status",
    "SupportWarning",
    "Threshold",
    "UnsupportedError",
    "Verification",
    "__version__",
    "add_detector",
    "add_model",
    "align",
    "bootstrap_mean",
    "build_info",
    "centred_map",
    "choose_face",
    "colormaps",
    "compare_maps",
    "crop",
    "detect",
    "draw_faces",
    "embed",
    "evaluate",
    "evaluate_controls",
    "explain",
    "fills",
    "forwards",
    "home",
    "library_version",
    "load_image",
    "load_map",
    "load_model",
    "methods",
    "random_map",
    "rates",
    "region_share",
    "registry",
    "save_plot",
    "similarity",
    "standardise",
    "verify",
]
