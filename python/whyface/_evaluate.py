"""Judging a map: Deletion, Insertion, and the controls that it has to beat."""

from __future__ import annotations

import ctypes
import math
import os
import tempfile
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import _ffi
from ._errors import check, integer, path_bytes, to_bytes, to_text
from ._face import Crop
from ._image import Image, ImageSource, load_image
from ._library import lib
from ._map import centred_map, make_map, random_map
from ._model import Model, ThresholdLike
from ._run import Progress, Run

_STATES = ("not asked", "crossed", "at once", "never")
_MAX_STEPS = 1000000


@dataclass(frozen=True)
class Crossing:
    """Share of the pixels, 0 to 1, that were changed when the similarity first
    crossed the threshold: 0 at once, 1 never, NaN not asked."""

    share: float
    state: str  #: "crossed", "at once", "never" or "not asked"


@dataclass(frozen=True)
class Judgement:
    """Deletion or Insertion in one order of the pixels."""

    crossing: Crossing
    auc: float  #: mean similarity over the curve


@dataclass(frozen=True, eq=False)
class Evaluation:
    """How well a map says what counts.

    Deletion removes pixels from the crop, Insertion adds them to a fill, in the
    order of the map.  A good map has a small crossing and a small AUC of
    Deletion, a small crossing and a large AUC of Insertion.  ``least_first``
    are those of the inverted map.
    """

    similarity: float  #: of the unchanged pair
    empty: float  #: of the fill alone with the other crop
    accepted: bool  #: similarity >= threshold
    threshold: float  #: NaN: none
    fill: str
    deletion: Judgement  #: most salient first
    insertion: Judgement
    deletion_least_first: Judgement
    insertion_least_first: Judgement
    shares: NDArray[np.float64]  #: steps + 1: of the pixels, 0 to 1
    deletion_curve: NDArray[np.float64]  #: similarity at `shares`
    insertion_curve: NDArray[np.float64]
    constant: bool  #: all values of the map are the same
    forwards: int  #: crops that the model embedded
    seconds: float

    def save_plot(self, path: str | os.PathLike[str], title: str = "") -> None:
        """Draws the two curves; the ending chooses .png, .svg or .pdf."""
        save_plot({"": self}, path, title)

    def _repr_png_(self) -> bytes:
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "plot.png")
            self.save_plot(path)
            with open(path, "rb") as file:
                return file.read()


def save_plot(
    evaluations: dict[str, Evaluation],
    path: str | os.PathLike[str],
    title: str = "",
) -> None:
    """Draws the curves of several evaluations under their names into a .png,
    .svg or .pdf file."""
    arrays = []
    series = (_ffi.wf_series * (2 * len(evaluations)))()
    for i, (name, e) in enumerate(evaluations.items()):
        for k, (kind, curve) in enumerate(
            (("Deletion", e.deletion_curve), ("Insertion", e.insertion_curve))
        ):
            x = np.ascontiguousarray(e.shares, np.float64)
            y = np.ascontiguousarray(curve, np.float64)
            arrays += [x, y]  # borrowed by the library
            row = series[2 * i + k]
            row.label = to_bytes(f"{kind} {name}".strip(), "name")
            row.n, row.x, row.y = len(x), x.ctypes.data, y.ctypes.data
            row.dashed = kind == "Insertion"
    opts = _ffi.wf_plot_opts()
    lib.wf_plot_opts_init(ctypes.byref(opts))
    opts.title = to_bytes(title, "title") if title else None
    opts.x_label = b"share of the pixels removed or added"
    opts.y_label = b"similarity"
    check(
        lib.wf_plot, series, len(series), ctypes.byref(opts), path_bytes(path)
    )


def fills() -> list[str]:
    """What can stand where a pixel is removed, the default first."""
    names: list[str] = []
    while name := lib.wf_fill_name(len(names)):
        names.append(to_text(name))
    return names


def _options(
    fill: str,
    threshold: float,
    both_orders: bool,
    exact: bool,
    steps: int,
    seed: int,
) -> _ffi.wf_evaluate_opts:
    opts = _ffi.wf_evaluate_opts()
    lib.wf_evaluate_opts_init(ctypes.byref(opts))
    kind = ctypes.c_int()
    check(lib.wf_fill_find, to_bytes(fill, "fill"), ctypes.byref(kind))
    opts.fill = kind.value
    opts.threshold = threshold
    opts.both_orders, opts.exact = int(both_orders), int(exact)
    opts.steps = integer(steps, "steps", 2, _MAX_STEPS)
    opts.seed = integer(seed, "seed", 0, 2**64 - 1)
    return opts


def _image(source: ImageSource | Crop) -> Image:
    return source.image if isinstance(source, Crop) else load_image(source)


def evaluate(
    model: Model,
    crop: ImageSource | Crop,
    reference: ImageSource | Crop,
    map: ArrayLike,
    *,
    fill: str = "mean",
    threshold: ThresholdLike = None,
    both_orders: bool = True,
    exact: bool = False,
    steps: int = 50,
    seed: int = 1,
    threads: int = 0,
    progress: Progress | None = None,
) -> Evaluation:
    """Judges `map`, a saliency map of the aligned crop `crop` for its
    similarity with `reference`, by any method of anyone's: height x width
    numbers.

    `fill` stands where a pixel is removed: "mean", "black", "blur" or "road".
    `threshold` None: the model's own; NaN: no crossings.  `exact` asks for
    every pixel until the crossing.  `steps` of the curves.  `seed` orders equal
    values.
    """
    limit = model.threshold(threshold)
    value = math.nan if limit is None else limit.value
    opts = _options(fill, value, both_orders, exact, steps, seed)
    images = _image(crop), _image(reference)
    saliency = make_map(map)
    curves = np.empty((2, steps + 1))
    raw = _ffi.wf_evaluation()
    with Run(threads, progress) as run:
        run.call(
            lib.wf_evaluate,
            run.context,
            run.use(model._handle, model.info.name),
            images[0]._handle,
            images[1]._handle,
            saliency,
            ctypes.byref(opts),
            ctypes.byref(raw),
            curves.ctypes.data,
        )
    return _evaluation(raw, value, fill, curves)


def _evaluation(
    raw: Any, threshold: float, fill: str, curves: NDArray[np.float64]
) -> Evaluation:
    def judgement(crossings: Any, aucs: Any, order: int) -> Judgement:
        c = crossings[order]
        return Judgement(Crossing(c.share, _STATES[c.state]), aucs[order])

    return Evaluation(
        similarity=raw.similarity,
        empty=raw.empty,
        accepted=bool(raw.accepted),
        threshold=threshold,
        fill=fill,
        deletion=judgement(raw.deletion, raw.deletion_auc, 0),
        insertion=judgement(raw.insertion, raw.insertion_auc, 0),
        deletion_least_first=judgement(raw.deletion, raw.deletion_auc, 1),
        insertion_least_first=judgement(raw.insertion, raw.insertion_auc, 1),
        shares=np.linspace(0, 1, curves.shape[1]),
        deletion_curve=curves[0],
        insertion_curve=curves[1],
        constant=bool(raw.constant),
        forwards=int(raw.forwards),
        seconds=raw.seconds,
    )


def evaluate_controls(
    model: Model,
    crop: ImageSource | Crop,
    reference: ImageSource | Crop,
    **settings: Any,
) -> dict[str, Evaluation]:
    """What any map has to beat: "random" values and a "centred" Gaussian,
    judged with the `settings` of `evaluate`."""
    size = model.info.width, model.info.height
    maps = {
        "random": random_map(*size, seed=settings.get("seed", 1)),
        "centred": centred_map(*size),
    }
    return {
        name: evaluate(model, crop, reference, control, **settings)
        for name, control in maps.items()
    }
