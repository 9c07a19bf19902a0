"""Comparing faces, and measuring how well that goes."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Optional

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import _ffi
from ._errors import InvalidArgumentError, ShapeError, check, integer
from ._face import Crop, DetectorLike, FaceRule, crops
from ._image import ImageSource
from ._library import lib
from ._model import Model, Threshold, ThresholdLike
from ._run import Progress


def embed(
    model: Model,
    crops: ImageSource | Sequence[ImageSource],
    *,
    threads: int = 0,
    progress: Progress | None = None,
) -> NDArray[np.float32]:
    """`Model.embed`: D numbers of one aligned crop, N x D of several."""
    return model.embed(crops, threads=threads, progress=progress)


def similarity(a: ArrayLike, b: ArrayLike) -> float:
    """Cosine similarity of two embeddings, -1 to 1; 0 if one is all zero.

    >>> whyface.similarity([1, 0], [1, 1])
    0.7071067811865475
    """
    first = np.ascontiguousarray(a, np.float32)
    second = np.ascontiguousarray(b, np.float32)
    if first.ndim != 1 or first.shape != second.shape:
        raise ShapeError(
            f"embeddings have the shapes {first.shape} and {second.shape}; "
            f"expected two of one length"
        )
    return float(
        lib.wf_similarity(first.ctypes.data, second.ctypes.data, len(first))
    )


@dataclass(frozen=True, eq=False)
class Verification:
    """Whether a model finds two faces similar enough."""

    similarity: float
    threshold: Optional[Threshold]  #: None: the model has none
    crops: tuple[Crop, Crop]  #: the aligned faces, and where they lie

    @property
    def match(self) -> Optional[bool]:
        """None without a threshold."""
        if self.threshold is None:
            return None
        return self.similarity >= self.threshold.value

    @property
    def verdict(self) -> str:
        """ "match", "no match", or "" without a threshold."""
        return {True: "match", False: "no match", None: ""}[self.match]

    def __repr__(self) -> str:
        limit = (
            "no threshold known"
            if self.threshold is None
            else f"threshold {self.threshold.value:.3f}: {self.verdict}"
        )
        return (
            f"<whyface.Verification, similarity {self.similarity:.3f}, {limit}>"
        )


def verify(
    model: Model,
    probe: ImageSource | Crop,
    other: ImageSource | Crop,
    *,
    detector: DetectorLike | None = None,
    face: FaceRule | Sequence[FaceRule] = None,
    threshold: ThresholdLike = None,
    threads: int = 0,
    progress: Progress | None = None,
) -> Verification:
    """Compares two faces.  `detector`, `face` and `threshold` as in
    `explain`."""
    limit = model.threshold(threshold)
    found = crops([probe, other], model, detector, face, threads, progress)
    a, b = model.embed(
        [c.image for c in found], threads=threads, progress=progress
    )
    return Verification(similarity(a, b), limit, (found[0], found[1]))


@dataclass(frozen=True)
class Rates:
    """How well similarities tell mated pairs from non-mated ones."""

    mated: int  #: pairs
    nonmated: int
    accuracy: float  #: mean over folds, the threshold chosen on the others
    accuracy_sd: float
    eer: float  #: equal error rate
    thresholds: tuple[Threshold, ...]  #: for `Model.store_thresholds`


def rates(
    scores: ArrayLike,
    mated: ArrayLike,
    fold: ArrayLike | None = None,
    *,
    source: str = "",
) -> Rates:
    """Verification rates and thresholds from N similarities; `mated[i]` says
    whether pair i is mated, `fold[i]` its fold from 0 (None: ten in order,
    LFW's protocol).  `source` says in the thresholds where they come from."""
    s = np.ascontiguousarray(scores, np.float64)
    m = np.ascontiguousarray(np.asarray(mated) != 0, np.uint8)
    f = None if fold is None else np.ascontiguousarray(fold, np.intc)
    if (
        s.ndim != 1
        or m.shape != s.shape
        or (f is not None and f.shape != s.shape)
    ):
        raise InvalidArgumentError(
            f"scores, mated and fold have the shapes {s.shape}, {m.shape}"
            f"{'' if f is None else f', {f.shape}'}; expected N of each"
        )
    raw = _ffi.wf_rates()
    check(
        lib.wf_rates_compute,
        s.ctypes.data,
        m.ctypes.data,
        None if f is None else f.ctypes.data,
        len(s),
        ctypes.byref(raw),
    )
    found = []
    for t in raw.thresholds[: raw.n_thresholds]:
        own = Threshold._from(t)
        found.append(
            Threshold(
                own.value, own.name, own.fmr, own.fnmr, source or own.source
            )
        )
    return Rates(
        raw.mated,
        raw.nonmated,
        raw.accuracy,
        raw.accuracy_sd,
        raw.eer,
        tuple(found),
    )


@dataclass(frozen=True)
class Interval:
    """A mean and its confidence interval; NaN: too few values."""

    mean: float
    low: float
    high: float
    n: int


def bootstrap_mean(
    values: ArrayLike,
    confidence: float = 0.95,
    *,
    resamples: int = 10000,
    seed: int = 1,
) -> Interval:
    """Mean of the values (NaN are left out) and its percentile bootstrap
    interval (Efron 1979).  For a paired comparison pass the differences."""
    v = np.ascontiguousarray(values, np.float64).ravel()
    out = _ffi.wf_interval()
    check(
        lib.wf_bootstrap_mean,
        v.ctypes.data,
        len(v),
        confidence,
        integer(resamples, "resamples", 1, 1000000),
        integer(seed, "seed", 0, 2**64 - 1),
        ctypes.byref(out),
    )
    return Interval(out.mean, out.low, out.high, out.n)
