"""Explaining: which regions made the model find two faces similar."""

from __future__ import annotations

import ctypes
import math
import os
import tempfile
import warnings
from collections.abc import Sequence
from typing import Any, Optional, Union

from . import _ffi
from ._errors import InvalidArgumentError, check, path_bytes, to_bytes
from ._evaluate import Evaluation, evaluate
from ._face import Crop, DetectorLike, FaceRule, crops
from ._figure import figure_options
from ._image import Image, ImageSource
from ._library import lib
from ._map import Map, map_view
from ._memory import Handle
from ._method import _DOMAINS, Options, OptionValue
from ._model import Model, Threshold, ThresholdLike
from ._run import Progress, Run
from ._version import __version__

_ROLES = ("probe", "mate", "nonmate")
_SUPPORT_AGAINST = -2.3  # WF_SUPPORT_AGAINST


class SupportWarning(UserWarning):
    """The model does not answer as if a crop were an aligned face."""


class Explanation:
    """Saliency maps of {probe, mate} and, with a non-mate, {probe, non-mate}.

    A pair is named "mate" or "nonmate", a side of it "probe" or "other" (or as
    the pair).  In a notebook an explanation shows itself as a figure.  It may
    be read from any number of threads.
    """

    def __init__(
        self,
        pointer: int,
        model: Model,
        options: Options,
        found: Sequence[Crop],
        threshold: Threshold | None,
    ) -> None:
        self._handle = Handle(pointer, lib.wf_explanation_free, "explanation")
        self.model = model
        self.method = options.method.name
        self.options = options.values()  #: of the method, as text
        self.crops = dict(zip(_ROLES, found))  #: by role: "probe", "mate", ...
        self.threshold = threshold  #: that the figure's verdict uses, or None
        self.domain = _DOMAINS[lib.wf_explanation_domain(pointer)]
        stats = _ffi.wf_explain_stats()
        lib.wf_explanation_stats(pointer, ctypes.byref(stats))
        self.forwards = int(stats.forwards)  #: crops embedded, and `backwards`
        self.backwards = int(stats.backwards)  #: gradients of white-box methods
        self.batch = int(stats.batch)  #: crops in one call of the model
        self.seconds = float(stats.seconds)  #: inside the library
        self.seconds_model = float(stats.seconds_model)  #: inside the model

    # ---- maps and numbers -------------------------------------------------

    def _pair(self, pair: str) -> int:
        if pair not in _ROLES[1:]:
            raise InvalidArgumentError(
                f"a pair is 'mate' or 'nonmate', got {pair!r}"
            )
        if pair not in self.crops:
            raise InvalidArgumentError("this explanation has no non-mate")
        return _ROLES.index(pair) - 1

    def _place(self, pair: str, side: str) -> tuple[int, int]:
        index = self._pair(pair)
        if side not in ("probe", "other", pair):
            raise InvalidArgumentError(
                f"a side of the pair '{pair}' is 'probe' or 'other', got "
                f"{side!r}"
            )
        return index, 0 if side == "probe" else 1

    def _check_spatial(self, what: str) -> None:
        if self.domain != "spatial":
            raise InvalidArgumentError(
                f"maps of {self.method} show frequencies, not places in the "
                f"face: they cannot be {what}"
            )

    def map(self, pair: str = "mate", side: str = "probe") -> Map:
        """The saliency map, float32 height x width, read-only: larger values
        speak more for the similarity of the pair."""
        pointer = lib.wf_explanation_map(self._handle, *self._place(pair, side))
        return map_view(self, pointer)

    def error(self, pair: str = "mate", side: str = "probe") -> Optional[Map]:
        """Standard error of each value of that map; None where the method gives
        none."""
        pointer = lib.wf_explanation_error(
            self._handle, *self._place(pair, side)
        )
        return map_view(self, pointer) if pointer else None

    def support(self, pair: str = "mate", side: str = "probe") -> float:
        """Logarithm of how much likelier the model's answers are with the
        method's prior of faces; NaN where it has none.  -2.3 or less: the model
        does not look at the crop as at a face."""
        return float(
            lib.wf_explanation_support(self._handle, *self._place(pair, side))
        )

    def similarity(self, pair: str = "mate") -> float:
        """Cosine similarity of the pair as it is."""
        return float(
            lib.wf_explanation_similarity(self._handle, self._pair(pair))
        )

    @property
    def difference(self) -> Optional[Map]:
        """The probe's map for the mate minus that for the non-mate; None
        without a non-mate."""
        pointer = lib.wf_explanation_difference(self._handle)
        return map_view(self, pointer) if pointer else None

    @property
    def range(self) -> tuple[float, float]:
        """Least and greatest value of all its maps, the difference left out."""
        low, high = ctypes.c_float(), ctypes.c_float()
        lib.wf_explanation_range(
            self._handle, ctypes.byref(low), ctypes.byref(high)
        )
        return low.value, high.value

    def evaluate(
        self, pair: str = "mate", side: str = "probe", **settings: Any
    ) -> Evaluation:
        """Judges one of its maps; `settings` are those of
        `whyface.evaluate`."""
        _, other = self._place(pair, side)
        self._check_spatial("judged by removing pixels")
        sides = [self.crops["probe"].image, self.crops[pair].image]
        settings.setdefault("threshold", self.threshold or math.nan)
        return evaluate(
            self.model,
            sides[other],
            sides[1 - other],
            self.map(pair, side),
            **settings,
        )

    # ---- pictures ---------------------------------------------------------

    def save_figure(
        self,
        path: str | os.PathLike[str],
        *,
        colormap: str | None = None,
        opacity: float | None = None,
        footer: str | None = None,
    ) -> None:
        """Crops, maps over them on one scale, similarities, verdict.  The
        name's ending chooses .png, .svg or .pdf."""
        opts = figure_options(colormap, opacity)
        opts.footer = to_bytes(footer or self._footer(), "footer")
        if self.threshold is not None:
            opts.threshold = self.threshold.value
            opts.threshold_source = to_bytes(self.threshold.source, "source")
        for role, crop in self.crops.items():
            name = os.path.basename(crop.image.name)
            if name:
                caption = f"{role.replace('nonmate', 'non-mate')}: {name}"
                setattr(opts, role, caption.encode("utf-8", "replace"))
        check(
            lib.wf_figure_explanation,
            self._handle,
            ctypes.byref(opts),
            path_bytes(path),
        )

    def _footer(self) -> str:
        info = self.model.info
        hash_ = f" (sha256 {info.sha256[:12]})" if info.sha256 else ""
        seed = (
            f", seed {self.options['seed']}" if "seed" in self.options else ""
        )
        return (
            f"whyface {__version__}, model {info.name}{hash_}, {self.method}: "
            f"{self.forwards} model calls{seed}"
        )

    def overlay(
        self,
        pair: str = "mate",
        side: str = "probe",
        *,
        low: float | None = None,
        high: float | None = None,
        colormap: str | None = None,
        opacity: float | None = None,
    ) -> Image:
        """One map over its crop, colours from `low` to `high`; None: the range
        of all maps, which makes them comparable."""
        index, other = self._place(pair, side)
        self._check_spatial("laid over it")
        least, greatest = self.range
        opts = figure_options(colormap, opacity)
        out = ctypes.c_void_p()
        role = pair if other else "probe"
        check(
            lib.wf_figure_overlay,
            self.crops[role].image._handle,
            lib.wf_explanation_map(self._handle, index, other),
            least if low is None else low,
            greatest if high is None else high,
            ctypes.byref(opts),
            ctypes.byref(out),
        )
        return Image(out.value or 0)

    def _repr_png_(self) -> bytes:
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "figure.png")
            self.save_figure(path)
            with open(path, "rb") as file:
                return file.read()

    def __repr__(self) -> str:
        pairs = ", ".join(
            f"{pair} {self.similarity(pair):.3f}"
            for pair in list(self.crops)[1:]
        )
        return (
            f"<whyface.Explanation by {self.method} of model "
            f"'{self.model.info.name}': similarity {pairs}; {self.forwards} "
            f"model calls>"
        )


def _warn_of_support(explanation: Explanation) -> None:
    """A non-mate need not be seen as a face is: the mated pair counts."""
    for side, role in (("probe", "probe"), ("other", "mate")):
        if explanation.support("mate", side) <= _SUPPORT_AGAINST:
            warnings.warn(
                f"the model does not answer as if the {role} were an aligned "
                f"face; check the crop, and the model's pre-processing",
                SupportWarning,
                stacklevel=3,
            )


Photo = Union[ImageSource, Crop]


def explain(
    model: Model,
    probe: Photo,
    mate: Photo,
    nonmate: Photo | None = None,
    *,
    method: str = "level-sets",
    preset: str | None = None,
    detector: DetectorLike | None = None,
    face: FaceRule | Sequence[FaceRule] = None,
    threshold: ThresholdLike = None,
    threads: int = 0,
    progress: Progress | None = None,
    **options: OptionValue,
) -> Explanation:
    """Which regions made the model find probe and mate similar and, with a
    non-mate, what the difference is.

    Photos are files' names, bytes or arrays.  With a `detector` the face is
    found in each and aligned; `face` says which, one rule for all or a list of
    them.  Without one they are aligned crops of the model's size.

    `method`, `preset` and further keywords (`masks=1000`, `seed=7`) are those
    of ``whyface.methods()``.  `threads` 0: OMP_NUM_THREADS, else all
    processors.  The same inputs give the same maps for any number of threads.
    What `progress` raises, and Ctrl-C, stop the work and are raised here.

    >>> picture = np.arange(64 * 64 * 3, dtype=np.uint8).reshape(64, 64, 3)
    >>> model = whyface.Model.from_function(
    ...     lambda x: x[:, :, ::8, ::8].reshape(len(x), -1),
    ...     width=64, height=64)
    >>> e = whyface.explain(model, picture, picture[::-1], method="occlusion")
    >>> e.map("mate", "probe").shape
    (64, 64)
    """
    chosen = Options(method, preset, options)
    limit = model.threshold(threshold)
    photos = [probe, mate] if nonmate is None else [probe, mate, nonmate]
    found = crops(photos, model, detector, face, threads, progress)
    pointers = [crop.image._handle for crop in found]
    out = ctypes.c_void_p()
    with Run(threads, progress) as run:
        run.call(
            lib.wf_explain,
            run.context,
            run.use(model._handle, model.info.name),
            chosen._handle,
            *pointers,
            *([None] if nonmate is None else []),
            ctypes.byref(out),
        )
        explanation = Explanation(out.value or 0, model, chosen, found, limit)
    _warn_of_support(explanation)
    return explanation
