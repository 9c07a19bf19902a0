"""Models: ONNX files, and Python functions."""

from __future__ import annotations

import ctypes
import math
import os
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Optional, Union, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import _ffi
from ._errors import (
    InvalidArgumentError,
    check,
    integer,
    path_bytes,
    to_bytes,
    to_text,
)
from ._function import EmbedFunction, call, make_callback, torch_function
from ._image import Image, ImageSource, load_image
from ._library import lib
from ._memory import Handle
from ._names import default_name
from ._run import Progress, Run

_COLOURS = {"RGB": 0, "BGR": 1, "grey": 2}
_MAX_SIDE = 4096
_MAX_SEED = 2**64 - 1
_MAX_DIM = 1 << 20
_MAX_BATCH = 4096  # WF_MAX_BATCH


class GuessedModelWarning(UserWarning):
    """A model has no manifest: how pixels become its input is a guess."""


@dataclass(frozen=True)
class Threshold:
    """Two faces match if their cosine similarity is `value` or more."""

    value: float
    name: str = "given"  #: "accuracy", "eer", "fmr1e-3", ...
    fmr: float = math.nan  #: false match rate measured there; NaN: unknown
    fnmr: float = math.nan  #: false non-match rate
    source: str = "given by the caller"  #: where it comes from

    @classmethod
    def _from(cls, t: Any) -> Threshold:
        return cls(t.value, to_text(t.name), t.fmr, t.fnmr, to_text(t.source))

    def _to(self) -> _ffi.wf_threshold:
        return _ffi.wf_threshold(
            _fit(self.name, 16, "name of a threshold"),
            self.value,
            self.fmr,
            self.fnmr,
            _fit(self.source, 192, "source of a threshold"),
        )


#: None: the model's own ("accuracy", else its first), if it has one; a name of
#: one of its thresholds; a similarity; NaN: none at all.
ThresholdLike = Union[None, str, float, Threshold]


@dataclass(frozen=True, eq=False)
class ModelInfo:
    """What has to be known about a model to use it (its manifest), and how it
    is run.  The model's input is N x C x height x width with channels in the
    order of `colour` and values (pixel - mean) * scale, pixels being 0 to
    255."""

    name: str
    width: int
    height: int
    dim: int  #: length of an embedding
    colour: str  #: "RGB", "BGR" or "grey"
    mean: tuple[float, float, float]
    scale: tuple[float, float, float]
    points: NDArray[np.float32]  #: 5 x 2, the alignment template in pixels
    thresholds: tuple[Threshold, ...]
    licence: str
    source: str
    sha256: str  #: of the ONNX file; "" for a function
    path: str  #: of the ONNX file; "" for a function
    backend: str  #: "native", "ort" or "callback"
    backend_detail: str
    precision: str  #: "f32", ...; "" for a function
    guessed: bool  #: there is no manifest, the values are guesses


def _fit(text: str, size: int, what: str) -> bytes:
    data = to_bytes(text, what)
    if len(data) >= size:
        raise InvalidArgumentError(
            f"the {what} is longer than {size - 1} bytes"
        )
    return data


def _three(value: ArrayLike, what: str) -> tuple[float, float, float]:
    """One number or one a channel."""
    array = np.asarray(value, np.float64)
    if array.shape not in ((), (1,), (3,)) or not np.isfinite(array).all():
        raise InvalidArgumentError(
            f"{what} takes a finite number or three, one a channel, got "
            f"{value!r}"
        )
    a, b, c = np.broadcast_to(array, 3).tolist()
    return a, b, c


def _override(
    info: _ffi.wf_model_info,
    width: int | None,
    height: int | None,
    colour: str | None,
    mean: ArrayLike | None,
    scale: ArrayLike | None,
    points: ArrayLike | None,
    name: str | None,
) -> bool:
    """Writes what is given into `info`; whether anything is."""
    if width is not None:
        info.width = integer(width, "width", 1, _MAX_SIDE)
    if height is not None:
        info.height = integer(height, "height", 1, _MAX_SIDE)
    if colour is not None:
        known = {key.lower(): value for key, value in _COLOURS.items()}
        if colour.lower() not in known:
            raise InvalidArgumentError(
                f"colour is one of {', '.join(_COLOURS)}, got {colour!r}"
            )
        info.colour = known[colour.lower()]
    if mean is not None:
        info.mean[:] = _three(mean, "mean")
    if scale is not None:
        info.scale[:] = _three(scale, "scale")
    if points is not None:
        template = np.asarray(points, np.float32)
        if template.shape != (_ffi.LANDMARKS, 2):
            raise InvalidArgumentError(
                f"points has the shape {template.shape}; expected "
                f"{_ffi.LANDMARKS} x 2: eyes, nose, corners of the mouth"
            )
        for point, (x, y) in zip(info.points, template.tolist()):
            point[:] = x, y
    if name is not None:
        info.name = _fit(name, 64, "model's name")
    given = (width, height, colour, mean, scale, points, name)
    return any(value is not None for value in given)


def _options(
    backend: str | None = None,
    precision: str | None = None,
    batch: int = 0,
    ort_library: str | os.PathLike[str] | None = None,
    ort_provider: str | None = None,
) -> _ffi.wf_model_opts:
    opts = _ffi.wf_model_opts()
    lib.wf_model_opts_init(ctypes.byref(opts))
    if backend is not None:
        opts.backend = to_bytes(backend, "backend")
    if precision is not None:
        opts.precision = to_bytes(precision, "precision")
    if ort_library is not None:
        opts.ort_library = path_bytes(ort_library)
    if ort_provider is not None:
        opts.ort_provider = to_bytes(ort_provider, "ort_provider")
    opts.batch = integer(batch, "batch", 0, _MAX_BATCH)
    return opts


class Model:
    """Turns aligned crops into embeddings.

    Made by `load_model`, `Model.from_function` or `Model.from_torch`.  Threads
    may share a model; their calls take turns.  Freed with the last reference,
    or earlier by `close` or at the end of a ``with`` block.
    """

    def __init__(self, pointer: int, callback: Any = None) -> None:
        self._handle = Handle(pointer, lib.wf_model_free, "model")
        self._callback = callback  # the library has its address
        self._refresh()

    def _refresh(self) -> None:
        with self._handle.use() as pointer:
            info = lib.wf_model_get_info(pointer).contents
            self.info = ModelInfo(
                name=to_text(info.name),
                width=info.width,
                height=info.height,
                dim=info.dim,
                colour=list(_COLOURS)[info.colour],
                mean=_three(list(info.mean), "mean"),
                scale=_three(list(info.scale), "scale"),
                points=np.array(info.points, np.float32),
                thresholds=tuple(
                    Threshold._from(t)
                    for t in info.thresholds[: info.n_thresholds]
                ),
                licence=to_text(info.licence),
                source=to_text(info.source),
                sha256=to_text(info.sha256),
                path=os.fsdecode(info.path),
                backend=to_text(info.backend),
                backend_detail=to_text(info.backend_detail),
                precision=to_text(info.precision),
                guessed=bool(info.guessed),
            )

    # ---- where models come from ------------------------------------------

    @classmethod
    def from_function(
        cls,
        fn: EmbedFunction,
        *,
        width: int = 112,
        height: int = 112,
        colour: str = "RGB",
        mean: ArrayLike = 127.5,
        scale: ArrayLike = 1 / 127.5,
        points: ArrayLike | None = None,
        dim: int | None = None,
        batch: int = 16,
        name: str = "function",
        threshold: float | Threshold | None = None,
    ) -> Model:
        """Any function as a model: it takes a float32 array N x C x height x
        width, values (pixel - mean) * scale, and returns N x D numbers.

        N is at most `batch`.  `colour` is "RGB", "BGR" or "grey" (C = 1).
        `dim` is D; None: the function is called once, with two crops of noise,
        to find out.  `points` is the alignment template, 5 x 2; None:
        ArcFace's, made for 112 x 112.  `threshold`: two faces match from this
        similarity on.

        The function is called on the thread that calls whyface, never from two
        threads at once.  What it raises reaches the caller as the `__cause__`
        of a BackendError.

        >>> model = whyface.Model.from_function(
        ...     lambda x: x[:, :, ::16, ::16].reshape(len(x), -1))
        >>> model.info.dim
        147
        """
        who = f"the function of model '{name}'"
        if not callable(fn):
            raise TypeError(f"expected a function, got {type(fn).__name__}")
        info = _ffi.wf_model_info()
        lib.wf_model_info_init(ctypes.byref(info))
        _override(info, width, height, colour, mean, scale, points, name)
        if threshold is not None:
            if not isinstance(threshold, Threshold):
                threshold = Threshold(_similarity(threshold))
            info.thresholds[0] = threshold._to()
            info.n_thresholds = 1
        shape = (1 if info.colour == _COLOURS["grey"] else 3, height, width)
        if dim is None:
            dim = call(fn, _noise(info, shape), who).shape[1]
        info.dim = integer(dim, "dim", 1, _MAX_DIM)
        batch = integer(batch, "batch", 1, _MAX_BATCH)
        callback = make_callback(fn, who, shape, dim)
        out = ctypes.c_void_p()
        check(
            lib.wf_model_from_callback,
            callback,
            None,
            ctypes.byref(info),
            ctypes.byref(out),
        )
        model = cls(out.value or 0, callback)
        check(lib.wf_model_set_batch, model._handle, batch)
        return model

    @classmethod
    def from_torch(
        cls, module: Any, *, device: Any = None, **settings: Any
    ) -> Model:
        """A PyTorch module, or a function from a tensor to a tensor.

        The module is put into evaluation mode and moved to `device`, if one is
        given; batches go to where its weights are, in their type, those of a
        function to `device`.  There are no gradients.  `settings` are those of
        `from_function`.

            model = whyface.Model.from_torch(net, mean=127.5, scale=1 / 128)
        """
        settings.setdefault("name", type(module).__name__)
        return cls.from_function(torch_function(module, device), **settings)

    # ---- what a model does ------------------------------------------------

    def embed(
        self,
        crops: ImageSource | Sequence[ImageSource],
        *,
        threads: int = 0,
        progress: Progress | None = None,
    ) -> NDArray[np.float32]:
        """Embeddings as the model gives them, not normalised: D numbers of one
        aligned crop, N x D of a sequence of crops or of an array N x H x W x 3.
        """
        single = _is_one(crops)
        sources = cast("Sequence[ImageSource]", [crops] if single else crops)
        images = [load_image(source) for source in sources]
        pointers = (ctypes.c_void_p * len(images))(
            *(image._handle.pointer for image in images)
        )
        result: NDArray[np.float32] = np.empty(
            (len(images), self.info.dim), np.float32
        )
        with Run(threads, progress) as run:
            run.call(
                lib.wf_embed,
                run.context,
                run.use(self._handle, self.info.name),
                pointers,
                len(images),
                result.ctypes.data,
            )
        return result.reshape(-1) if single else result

    def threshold(self, which: ThresholdLike = None) -> Optional[Threshold]:
        """The threshold of that name; None: "accuracy", else the first, else
        None.  A number is made one, NaN None."""
        known = self.info.thresholds
        if isinstance(which, Threshold):
            return which
        if which is None:
            named = [t for t in known if t.name == "accuracy"]
            return next(iter(named + list(known)), None)
        if isinstance(which, str):
            for threshold in known:
                if threshold.name == which:
                    return threshold
            raise InvalidArgumentError(
                f"model '{self.info.name}' has no threshold '{which}'; it has "
                f"{', '.join(t.name for t in known) or 'none'}"
            )
        return None if math.isnan(which) else Threshold(_similarity(which))

    def store_thresholds(self, thresholds: Sequence[Threshold]) -> None:
        """Replaces the thresholds in the model's manifest, and here."""
        values = (_ffi.wf_threshold * len(thresholds))(
            *(threshold._to() for threshold in thresholds)
        )
        with self._handle.use() as pointer:
            check(
                lib.wf_model_store_thresholds, pointer, values, len(thresholds)
            )
        self._refresh()

    # ---- randomised copies ------------------------------------------------

    def layers(self) -> list[Layer]:
        """The layers with trained weights, in the order of computation."""
        out = ctypes.c_void_p()
        with self._handle.use() as pointer:
            check(lib.wf_model_layers, pointer, ctypes.byref(out))
        layers: list[Layer] = []
        try:
            while found := lib.wf_layers_get(out, len(layers)):
                f = found.contents
                layers.append(Layer(to_text(f.node), to_text(f.op), f.weights))
        finally:
            lib.wf_layers_free(out)
        return layers

    def randomised(
        self, first: int, end: int, *, how: str = "normal", seed: int = 1
    ) -> Model:
        """A copy with the weights of layers first..end-1 drawn anew (Adebayo et
        al., NeurIPS 2018): `how` "normal" (each tensor's mean and standard
        deviation) or "shuffle" (the same numbers in another order)."""
        kinds = {
            "normal": _ffi.wf_randomise.WF_RANDOMISE_NORMAL,
            "shuffle": _ffi.wf_randomise.WF_RANDOMISE_SHUFFLE,
        }
        if how not in kinds:
            raise InvalidArgumentError(
                f"how is one of {', '.join(kinds)}, got {how!r}"
            )
        out = ctypes.c_void_p()
        with self._handle.use() as pointer:
            check(
                lib.wf_model_randomised,
                pointer,
                integer(first, "first", 0, _MAX_SEED),
                integer(end, "end", 0, _MAX_SEED),
                kinds[how],
                integer(seed, "seed", 0, _MAX_SEED),
                None,
                ctypes.byref(out),
            )
        return Model(out.value or 0)

    # ---- lifetime ---------------------------------------------------------

    def close(self) -> None:
        """Frees the model, as soon as no thread uses it; it cannot be used
        afterwards."""
        self._handle.close()

    def __enter__(self) -> Model:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        i = self.info
        return (
            f"<whyface.Model '{i.name}', {i.width} x {i.height} {i.colour}, "
            f"{i.dim}-d, {i.backend}>"
        )


@dataclass(frozen=True)
class Layer:
    """A layer with trained weights."""

    node: str  #: its name in the ONNX file
    op: str  #: "Conv", "Gemm", ...
    weights: int  #: how many numbers, biases included


def _noise(
    info: _ffi.wf_model_info, shape: tuple[int, int, int]
) -> NDArray[np.float32]:
    """Two inputs of the model made of random pixels, the same every time."""
    pixels = np.random.default_rng(1).integers(0, 256, (2, *shape))
    mean = np.array(info.mean[: shape[0]]).reshape(-1, 1, 1)
    scale = np.array(info.scale[: shape[0]]).reshape(-1, 1, 1)
    noise: NDArray[np.float32] = ((pixels - mean) * scale).astype(np.float32)
    return noise


def _is_one(crops: object) -> bool:
    """Whether it is one crop, not several."""
    if isinstance(crops, (list, tuple)):
        return False
    if isinstance(
        crops, (str, os.PathLike, bytes, bytearray, memoryview, Image)
    ):
        return True
    return np.ndim(cast(Any, crops)) <= 3


def _similarity(value: float) -> float:
    if not -1 <= value <= 1:
        raise InvalidArgumentError(
            f"a threshold is a cosine similarity, -1 to 1, got {value}"
        )
    return float(value)


def load_model(
    name_or_path: str | os.PathLike[str] | None = None,
    *,
    backend: str | None = None,
    precision: str | None = None,
    batch: int = 0,
    ort_library: str | os.PathLike[str] | None = None,
    ort_provider: str | None = None,
    width: int | None = None,
    height: int | None = None,
    colour: str | None = None,
    mean: ArrayLike | None = None,
    scale: ArrayLike | None = None,
    points: ArrayLike | None = None,
    name: str | None = None,
) -> Model:
    """A registered model by name, or an ONNX file by path; None: the one that
    $WHYFACE_MODEL names, else the only one registered.

    How it is run: `backend` "native", "ort" (ONNX Runtime, with `ort_library`
    and `ort_provider`) or "auto"; `precision` "f32", "bf16", "int8" or "auto";
    `batch` crops in one call (0: what suits the model).

    What it is comes from the manifest beside the file; without one it is
    guessed, with a GuessedModelWarning.  `width` to `name` replace single
    values of it.
    """
    given = name_or_path if name_or_path is not None else default_name("model")
    path = path_bytes(given)
    opts = _options(backend, precision, batch, ort_library, ort_provider)
    out = ctypes.c_void_p()
    check(lib.wf_model_open, path, ctypes.byref(opts), ctypes.byref(out))
    model = Model(out.value or 0)
    info = _ffi.wf_model_info.from_buffer_copy(
        lib.wf_model_get_info(model._handle).contents
    )
    if _override(info, width, height, colour, mean, scale, points, name):
        known = None not in (colour, mean, scale)
        info.guessed = int(model.info.guessed and not known)
        model.close()
        check(
            lib.wf_model_open_as,
            info.path,
            ctypes.byref(info),
            ctypes.byref(opts),
            ctypes.byref(out),
        )
        model = Model(out.value or 0)
    if model.info.guessed:
        warnings.warn(
            f"model '{os.fspath(given)}' has no manifest; its pre-processing "
            f"is guessed: give colour, mean and scale, or add it to the "
            "registry",
            GuessedModelWarning,
            stacklevel=2,
        )
    return model


def add_model(
    path: str | os.PathLike[str],
    name: str | None = None,
    *,
    replace: bool = False,
    threads: int = 0,
) -> Model:
    """Registers an ONNX file as a model, under the file's name if none is
    given, and opens it.  What is no face model is refused."""
    with Run(threads) as run:
        run.call(
            lib.wf_registry_add_model,
            run.context,
            path_bytes(path),
            None if name is None else to_bytes(name, "name"),
            None,
            None,
            int(replace),
        )
    stem = os.path.splitext(os.path.basename(os.fspath(path)))[0]
    return load_model(stem if name is None else name)
