"""Faces: found in a photo, chosen, and warped to a model's crop."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Optional, Union

import numpy as np
from numpy.typing import NDArray

from . import _ffi
from ._errors import (
    InvalidArgumentError,
    ShapeError,
    check,
    to_bytes,
    to_text,
)
from ._image import Image, ImageSource, load_image
from ._library import lib
from ._memory import Handle
from ._model import Model
from ._names import default_name, path_list
from ._run import Progress, Run

LANDMARKS = (
    "eye left",
    "eye right",
    "nose tip",
    "mouth left",
    "mouth right",
)  #: as they lie in the picture


@dataclass(frozen=True, eq=False)
class Face:
    """A face in a photo, in its pixels."""

    x: float  #: upper left corner of the box
    y: float
    width: float
    height: float
    score: float  #: the detector's confidence, 0 to 1
    landmarks: NDArray[np.float32]  #: 5 x 2, see `LANDMARKS`

    @classmethod
    def _from(cls, f: _ffi.wf_face) -> Face:
        points = np.array(f.landmarks, np.float32)
        return cls(f.x, f.y, f.width, f.height, f.score, points)

    def _to(self) -> _ffi.wf_face:
        face = _ffi.wf_face(self.x, self.y, self.width, self.height, self.score)
        points = np.asarray(self.landmarks, np.float32)
        if points.shape != (_ffi.LANDMARKS, 2):
            raise InvalidArgumentError(
                f"landmarks have the shape {points.shape}; expected "
                f"{_ffi.LANDMARKS} x 2"
            )
        for point, (x, y) in zip(face.landmarks, points.tolist()):
            point[:] = x, y
        return face


def _array(faces: Sequence[Face]) -> Any:
    return (_ffi.wf_face * len(faces))(*(face._to() for face in faces))


class Detector:
    """Finds faces in photos.

    `source` is the name of a registered detector, a folder with its ONNX files,
    or a list of the files (MTCNN, YuNet, SCRFD or RFB-320); None: the one that
    $WHYFACE_DETECTOR names, else the only one registered.  `score` is the
    lowest that counts as a face, `min_face` the smallest searched for, in
    pixels; 0: the detector's defaults.  Threads may share a detector; their
    calls take turns.
    """

    def __init__(
        self,
        source: (
            str | os.PathLike[str] | Sequence[str | os.PathLike[str]] | None
        ) = None,
        *,
        score: float = 0,
        min_face: float = 0,
    ) -> None:
        paths, n = path_list(
            default_name("detector") if source is None else source
        )
        opts = _ffi.wf_detector_opts()
        lib.wf_detector_opts_init(ctypes.byref(opts))
        opts.score, opts.min_face = score, min_face
        out = ctypes.c_void_p()
        check(
            lib.wf_detector_open,
            paths,
            n,
            ctypes.byref(opts),
            ctypes.byref(out),
        )
        self._handle = Handle(out.value or 0, lib.wf_detector_free, "detector")
        self.kind = to_text(lib.wf_detector_kind(out))  #: "mtcnn", ...

    def detect(
        self,
        photo: ImageSource,
        *,
        threads: int = 0,
        progress: Progress | None = None,
    ) -> list[Face]:
        """All faces of a photo, from left to right."""
        image = load_image(photo)
        with Run(threads, progress) as run:
            detector = run.use(self._handle, self.kind)
            capacity, count = 0, ctypes.c_size_t(32)
            while count.value > capacity:
                capacity = count.value
                faces = (_ffi.wf_face * capacity)()
                run.call(
                    lib.wf_detect,
                    run.context,
                    detector,
                    image._handle,
                    faces,
                    capacity,
                    ctypes.byref(count),
                )
        return [Face._from(face) for face in faces[: count.value]]

    def close(self) -> None:
        """Frees the detector, as soon as no thread uses it."""
        self._handle.close()

    def __enter__(self) -> Detector:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<whyface.Detector {self.kind}>"


#: A detector, or what `Detector` takes.
DetectorLike = Union[
    Detector, str, "os.PathLike[str]", Sequence[Union[str, "os.PathLike[str]"]]
]

#: Which face of a photo: None (the only one, or by far the largest), a number
#: from 1 (from left to right), "left", "right", "largest", "best", "centre" or
#: "X,Y" (the face there).
FaceRule = Union[None, int, str]


def _detector(detector: DetectorLike) -> Detector:
    return detector if isinstance(detector, Detector) else Detector(detector)


def detect(
    photo: ImageSource,
    detector: DetectorLike | None = None,
    *,
    threads: int = 0,
    progress: Progress | None = None,
) -> list[Face]:
    """All faces of a photo, from left to right."""
    found = Detector() if detector is None else _detector(detector)
    return found.detect(photo, threads=threads, progress=progress)


def choose_face(
    faces: Sequence[Face], photo: ImageSource, face: FaceRule = None
) -> int:
    """Index of the face that a rule picks; NoFaceError, AmbiguousFaceError."""
    image = load_image(photo)
    index = ctypes.c_size_t()
    check(
        lib.wf_face_choose,
        _array(faces),
        len(faces),
        image._handle,
        None if face is None else to_bytes(str(face), "face rule"),
        os.fsencode(image.name or "the photo"),
        ctypes.byref(index),
    )
    return index.value


def draw_faces(photo: ImageSource, faces: Sequence[Face]) -> Image:
    """The photo with numbered boxes and landmarks."""
    out = ctypes.c_void_p()
    check(
        lib.wf_figure_faces,
        load_image(photo)._handle,
        _array(faces),
        len(faces),
        ctypes.byref(out),
    )
    return Image(out.value or 0)


def align(photo: ImageSource, face: Face, model: Model) -> Image:
    """The crop that the model takes: a similarity transform of the landmarks to
    the model's template."""
    image = load_image(photo)
    raw = face._to()
    out = ctypes.c_void_p()
    with model._handle.use() as pointer:
        check(
            lib.wf_align,
            image._handle,
            ctypes.byref(raw),
            lib.wf_model_get_info(pointer),
            ctypes.byref(out),
        )
    return Image(out.value or 0, image.name)


@dataclass(frozen=True, eq=False)
class Crop:
    """An aligned crop, and where it comes from."""

    image: Image
    face: Optional[Face] = None  #: None: it was given as an aligned crop
    index: int = 0  #: which of the photo's faces
    count: int = 0  #: how many there are


def crop(
    photo: ImageSource | Crop,
    model: Model,
    detector: DetectorLike | None = None,
    face: FaceRule = None,
    *,
    threads: int = 0,
    progress: Progress | None = None,
) -> Crop:
    """A face of a photo as the model takes it.  Without a detector, `photo` is
    an aligned crop already and must have the model's size."""
    if isinstance(photo, Crop):
        return photo
    image = load_image(photo)
    if detector is None:
        if face is not None:
            raise InvalidArgumentError(
                f"to choose the face {face!r}, give a detector that finds them"
            )
        size = model.info.width, model.info.height
        if (image.width, image.height) != size:
            raise ShapeError(
                f"'{image.name or 'image'}' has {image.width} x {image.height} "
                f"pixels; an aligned crop for model '{model.info.name}' has "
                f"{size[0]} x {size[1]}: give a detector to have faces found "
                f"and aligned"
            )
        return Crop(image)
    faces = _detector(detector).detect(
        image, threads=threads, progress=progress
    )
    index = choose_face(faces, image, face)
    return Crop(
        align(image, faces[index], model), faces[index], index, len(faces)
    )


def crops(
    photos: Sequence[ImageSource | Crop],
    model: Model,
    detector: DetectorLike | None,
    face: FaceRule | Sequence[FaceRule],
    threads: int,
    progress: Progress | None,
) -> list[Crop]:
    """Of each photo one; `face` is one rule for all or a list of them."""
    if face is None or isinstance(face, (int, str)):
        rules: list[FaceRule] = [face] * len(photos)
    else:
        rules = list(face)
        if len(rules) != len(photos):
            raise InvalidArgumentError(
                f"{len(rules)} face rules for {len(photos)} photos"
            )
    if detector is not None:
        detector = _detector(detector)
    return [
        crop(photo, model, detector, rule, threads=threads, progress=progress)
        for photo, rule in zip(photos, rules)
    ]
