"""whyface.h for ctypes: the types and the functions that the package uses.

Names are those of the header.  tests/python/test_header.py compares layouts,
numbers and prototypes with the header itself, so keep the two in step there.

Objects behind a pointer (wf_model, wf_image, ...) are c_void_p here, as are
pointers to plain numbers.
"""

from __future__ import annotations

import ctypes
from ctypes import (
    CFUNCTYPE,
    POINTER,
    Structure,
    c_char,
    c_char_p,
    c_double,
    c_float,
    c_int,
    c_int64,
    c_size_t,
    c_uint32,
    c_uint64,
    c_void_p,
)
from enum import IntEnum
from typing import Any


class wf_status(IntEnum):
    """What a function of the library returns."""

    WF_OK = 0
    WF_EINVAL = 1
    WF_ENOMEM = 2
    WF_ECANCELED = 3
    WF_EUNSUPPORTED = 4
    WF_EINTERNAL = 5
    WF_ELIMIT = 6
    WF_EIO = 10
    WF_ENOENT = 11
    WF_EEXIST = 12
    WF_EIMAGE = 20
    WF_EONNX = 30
    WF_EOPERATOR = 31
    WF_ESHAPE = 32
    WF_EBACKEND = 40
    WF_EEMBEDDING = 41
    WF_EGRADIENT = 42
    WF_ENOFACE = 50
    WF_EAMBIGUOUS = 51
    WF_EMANIFEST = 60
    WF_EMAP = 80


class wf_colour(IntEnum):
    WF_RGB = 0
    WF_BGR = 1
    WF_GREY = 2


class wf_randomise(IntEnum):
    WF_RANDOMISE_NORMAL = 0
    WF_RANDOMISE_SHUFFLE = 1


class wf_domain(IntEnum):
    WF_DOMAIN_SPATIAL = 0
    WF_DOMAIN_FREQUENCY = 1


class wf_pair(IntEnum):
    WF_PAIR_MATE = 0
    WF_PAIR_NONMATE = 1


class wf_side(IntEnum):
    WF_SIDE_PROBE = 0
    WF_SIDE_OTHER = 1


class wf_crossing_state(IntEnum):
    WF_NOT_ASKED = 0
    WF_CROSSED = 1
    WF_AT_ONCE = 2
    WF_NEVER = 3


ENUMS: list[type[IntEnum]] = [
    wf_status,
    wf_colour,
    wf_randomise,
    wf_domain,
    wf_pair,
    wf_side,
    wf_crossing_state,
]

LANDMARKS = 5  # WF_LANDMARKS
MAX_THRESHOLDS = 8  # WF_MAX_THRESHOLDS

c_points = (c_float * 2) * LANDMARKS


class wf_error(Structure):
    _fields_ = [("code", c_int), ("message", c_char * 1024)]


class wf_face(Structure):
    _fields_ = [
        ("x", c_float),
        ("y", c_float),
        ("width", c_float),
        ("height", c_float),
        ("score", c_float),
        ("landmarks", c_points),
    ]


class wf_detector_opts(Structure):
    _fields_ = [
        ("struct_size", c_size_t),
        ("score", c_float),
        ("min_face", c_float),
    ]


class wf_threshold(Structure):
    _fields_ = [
        ("name", c_char * 16),
        ("value", c_double),
        ("fmr", c_double),
        ("fnmr", c_double),
        ("source", c_char * 192),
    ]


class wf_model_info(Structure):
    _fields_ = [
        ("struct_size", c_size_t),
        ("name", c_char * 64),
        ("width", c_int),
        ("height", c_int),
        ("dim", c_int),
        ("colour", c_int),
        ("mean", c_float * 3),
        ("scale", c_float * 3),
        ("points", c_points),
        ("n_thresholds", c_int),
        ("thresholds", wf_threshold * MAX_THRESHOLDS),
        ("licence", c_char * 64),
        ("source", c_char * 192),
        ("sha256", c_char * 65),
        ("backend", c_char * 32),
        ("path", c_char * 1024),
        ("guessed", c_int),
        ("precision", c_char * 32),
        ("backend_detail", c_char * 128),
    ]


class wf_model_opts(Structure):
    _fields_ = [
        ("struct_size", c_size_t),
        ("backend", c_char_p),
        ("precision", c_char_p),
        ("ort_library", c_char_p),
        ("ort_provider", c_char_p),
        ("batch", c_size_t),
    ]


class wf_layer(Structure):
    _fields_ = [
        ("node", c_char * 96),
        ("op", c_char * 32),
        ("weights", c_size_t),
    ]


class wf_registry_entry(Structure):
    _fields_ = [
        ("name", c_char_p),
        ("kind", c_char_p),
        ("path", c_char_p),
        ("note", c_char_p),
        ("usable", c_int),
    ]


class wf_rates(Structure):
    _fields_ = [
        ("mated", c_size_t),
        ("nonmated", c_size_t),
        ("accuracy", c_double),
        ("accuracy_sd", c_double),
        ("eer", c_double),
        ("thresholds", wf_threshold * 5),
        ("n_thresholds", c_int),
    ]


class wf_method_option(Structure):
    _fields_ = [
        ("name", c_char_p),
        ("type", c_char_p),
        ("fallback", c_char_p),
        ("choices", c_char_p),
        ("minimum", c_double),
        ("maximum", c_double),
        ("help", c_char_p),
    ]


class wf_method_preset(Structure):
    _fields_ = [("name", c_char_p), ("values", c_char_p), ("help", c_char_p)]


class wf_method(Structure):
    _fields_ = [
        ("name", c_char_p),
        ("kind", c_char_p),
        ("help", c_char_p),
        ("source", c_char_p),
        ("options", POINTER(wf_method_option)),
        ("presets", POINTER(wf_method_preset)),
        ("domain", c_int),
        ("white_box", c_int),
    ]


class wf_explain_stats(Structure):
    _fields_ = [
        ("forwards", c_uint64),
        ("backwards", c_uint64),
        ("batch", c_uint32),
        ("seconds", c_double),
        ("seconds_model", c_double),
        ("identical_probe_mate", c_int),
        ("identical_probe_nonmate", c_int),
    ]


class wf_crossing(Structure):
    _fields_ = [("share", c_double), ("state", c_int)]


class wf_evaluate_opts(Structure):
    _fields_ = [
        ("struct_size", c_size_t),
        ("fill", c_int),
        ("threshold", c_double),
        ("both_orders", c_int),
        ("exact", c_int),
        ("steps", c_int),
        ("seed", c_uint64),
    ]


class wf_evaluation(Structure):
    _fields_ = [
        ("similarity", c_double),
        ("empty", c_double),
        ("accepted", c_int),
        ("deletion", wf_crossing * 2),
        ("insertion", wf_crossing * 2),
        ("deletion_auc", c_double * 2),
        ("insertion_auc", c_double * 2),
        ("constant", c_int),
        ("forwards", c_uint64),
        ("seconds", c_double),
    ]


class wf_likeness(Structure):
    _fields_ = [
        ("pearson", c_double),
        ("spearman", c_double),
        ("ssim", c_double),
        ("top", c_double),
    ]


class wf_region_share(Structure):
    _fields_ = [("area", c_double), ("mass", c_double), ("top", c_double)]


class wf_interval(Structure):
    _fields_ = [
        ("mean", c_double),
        ("low", c_double),
        ("high", c_double),
        ("n", c_size_t),
    ]


class wf_figure_opts(Structure):
    _fields_ = [
        ("struct_size", c_size_t),
        ("colormap", c_char_p),
        ("opacity", c_float),
        ("threshold", c_double),
        ("threshold_source", c_char_p),
        ("probe", c_char_p),
        ("mate", c_char_p),
        ("nonmate", c_char_p),
        ("footer", c_char_p),
    ]


class wf_series(Structure):
    _fields_ = [
        ("label", c_char_p),
        ("n", c_size_t),
        ("x", c_void_p),
        ("y", c_void_p),
        ("low", c_void_p),
        ("high", c_void_p),
        ("dashed", c_int),
    ]


class wf_plot_opts(Structure):
    _fields_ = [
        ("struct_size", c_size_t),
        ("title", c_char_p),
        ("x_label", c_char_p),
        ("y_label", c_char_p),
        ("log_x", c_int),
        ("at_ends", c_int),
    ]


STRUCTURES: list[type[Structure]] = [
    wf_error,
    wf_face,
    wf_detector_opts,
    wf_threshold,
    wf_model_info,
    wf_model_opts,
    wf_layer,
    wf_registry_entry,
    wf_rates,
    wf_method_option,
    wf_method_preset,
    wf_method,
    wf_explain_stats,
    wf_crossing,
    wf_evaluate_opts,
    wf_evaluation,
    wf_likeness,
    wf_region_share,
    wf_interval,
    wf_figure_opts,
    wf_series,
    wf_plot_opts,
]

wf_progress_fn = CFUNCTYPE(c_int, c_char_p, c_uint64, c_uint64, c_void_p)
wf_embed_fn = CFUNCTYPE(c_int, c_void_p, c_size_t, c_void_p, c_void_p)

_error = POINTER(wf_error)
_out = POINTER(c_void_p)  # wf_X **
_strings = POINTER(c_char_p)  # const char *const *

# Function: what it returns and takes.
FUNCTIONS: dict[str, tuple[Any, list[Any]]] = {
    "wf_version": (c_char_p, []),
    "wf_build_info": (c_size_t, [c_char_p, c_size_t]),
    "wf_ctx_create": (c_int, [_out, _error]),
    "wf_ctx_free": (None, [c_void_p]),
    "wf_ctx_set_threads": (None, [c_void_p, c_int]),
    "wf_ctx_set_progress": (None, [c_void_p, wf_progress_fn, c_void_p]),
    "wf_image_load": (c_int, [c_char_p, _out, _error]),
    "wf_image_decode": (c_int, [c_void_p, c_size_t, c_char_p, _out, _error]),
    "wf_image_from_pixels": (
        c_int,
        [c_void_p, c_int, c_int, c_int, c_size_t, _out, _error],
    ),
    "wf_image_width": (c_int, [c_void_p]),
    "wf_image_height": (c_int, [c_void_p]),
    "wf_image_pixels": (c_void_p, [c_void_p]),
    "wf_image_save": (c_int, [c_void_p, c_char_p, _error]),
    "wf_image_encode": (
        c_int,
        [c_void_p, c_char_p, c_void_p, c_size_t, c_void_p, _error],
    ),
    "wf_image_free": (None, [c_void_p]),
    "wf_detector_opts_init": (None, [POINTER(wf_detector_opts)]),
    "wf_detector_open": (
        c_int,
        [_strings, c_size_t, POINTER(wf_detector_opts), _out, _error],
    ),
    "wf_detector_kind": (c_char_p, [c_void_p]),
    "wf_detector_free": (None, [c_void_p]),
    "wf_detect": (
        c_int,
        [
            c_void_p,
            c_void_p,
            c_void_p,
            POINTER(wf_face),
            c_size_t,
            c_void_p,
            _error,
        ],
    ),
    "wf_face_choose": (
        c_int,
        [
            POINTER(wf_face),
            c_size_t,
            c_void_p,
            c_char_p,
            c_char_p,
            c_void_p,
            _error,
        ],
    ),
    "wf_model_info_init": (None, [POINTER(wf_model_info)]),
    "wf_model_opts_init": (None, [POINTER(wf_model_opts)]),
    "wf_model_open": (c_int, [c_char_p, POINTER(wf_model_opts), _out, _error]),
    "wf_model_open_as": (
        c_int,
        [
            c_char_p,
            POINTER(wf_model_info),
            POINTER(wf_model_opts),
            _out,
            _error,
        ],
    ),
    "wf_model_from_callback": (
        c_int,
        [wf_embed_fn, c_void_p, POINTER(wf_model_info), _out, _error],
    ),
    "wf_model_set_batch": (c_int, [c_void_p, c_size_t, _error]),
    "wf_model_get_info": (POINTER(wf_model_info), [c_void_p]),
    "wf_model_free": (None, [c_void_p]),
    "wf_align": (
        c_int,
        [c_void_p, POINTER(wf_face), POINTER(wf_model_info), _out, _error],
    ),
    "wf_embed": (c_int, [c_void_p, c_void_p, _out, c_size_t, c_void_p, _error]),
    "wf_similarity": (c_double, [c_void_p, c_void_p, c_size_t]),
    "wf_model_layers": (c_int, [c_void_p, _out, _error]),
    "wf_layers_get": (POINTER(wf_layer), [c_void_p, c_size_t]),
    "wf_layers_free": (None, [c_void_p]),
    "wf_model_randomised": (
        c_int,
        [
            c_void_p,
            c_size_t,
            c_size_t,
            c_int,
            c_uint64,
            POINTER(wf_model_opts),
            _out,
            _error,
        ],
    ),
    "wf_home": (c_int, [c_char_p, c_size_t, _error]),
    "wf_registry_open": (c_int, [_out, _error]),
    "wf_registry_get": (POINTER(wf_registry_entry), [c_void_p, c_size_t]),
    "wf_registry_free": (None, [c_void_p]),
    "wf_registry_add_model": (
        c_int,
        [
            c_void_p,
            c_char_p,
            c_char_p,
            POINTER(wf_model_info),
            POINTER(wf_model_opts),
            c_int,
            _error,
        ],
    ),
    "wf_registry_add_detector": (
        c_int,
        [_strings, c_size_t, c_char_p, c_int, _error],
    ),
    "wf_model_store_thresholds": (
        c_int,
        [c_void_p, POINTER(wf_threshold), c_int, _error],
    ),
    "wf_rates_compute": (
        c_int,
        [c_void_p, c_void_p, c_void_p, c_size_t, POINTER(wf_rates), _error],
    ),
    "wf_map_create": (c_int, [c_void_p, c_int, c_int, _out, _error]),
    "wf_map_load": (c_int, [c_char_p, _out, _error]),
    "wf_map_width": (c_int, [c_void_p]),
    "wf_map_height": (c_int, [c_void_p]),
    "wf_map_values": (c_void_p, [c_void_p]),
    "wf_map_free": (None, [c_void_p]),
    "wf_method_get": (POINTER(wf_method), [c_size_t]),
    "wf_options_create": (c_int, [c_char_p, _out, _error]),
    "wf_options_set": (c_int, [c_void_p, c_char_p, c_char_p, _error]),
    "wf_options_preset": (c_int, [c_void_p, c_char_p, _error]),
    "wf_options_get": (c_char_p, [c_void_p, c_char_p]),
    "wf_options_method": (POINTER(wf_method), [c_void_p]),
    "wf_options_forwards": (c_int64, [c_void_p, c_int, c_int]),
    "wf_options_free": (None, [c_void_p]),
    "wf_explain": (
        c_int,
        [
            c_void_p,
            c_void_p,
            c_void_p,
            c_void_p,
            c_void_p,
            c_void_p,
            _out,
            _error,
        ],
    ),
    "wf_explanation_map": (c_void_p, [c_void_p, c_int, c_int]),
    "wf_explanation_error": (c_void_p, [c_void_p, c_int, c_int]),
    "wf_explanation_support": (c_double, [c_void_p, c_int, c_int]),
    "wf_explanation_difference": (c_void_p, [c_void_p]),
    "wf_explanation_domain": (c_int, [c_void_p]),
    "wf_explanation_similarity": (c_double, [c_void_p, c_int]),
    "wf_explanation_range": (None, [c_void_p, c_void_p, c_void_p]),
    "wf_explanation_stats": (None, [c_void_p, POINTER(wf_explain_stats)]),
    "wf_explanation_free": (None, [c_void_p]),
    "wf_fill_name": (c_char_p, [c_size_t]),
    "wf_fill_find": (c_int, [c_char_p, c_void_p, _error]),
    "wf_evaluate_opts_init": (None, [POINTER(wf_evaluate_opts)]),
    "wf_evaluate": (
        c_int,
        [
            c_void_p,
            c_void_p,
            c_void_p,
            c_void_p,
            c_void_p,
            POINTER(wf_evaluate_opts),
            POINTER(wf_evaluation),
            c_void_p,
            _error,
        ],
    ),
    "wf_map_random": (c_int, [c_int, c_int, c_uint64, _out, _error]),
    "wf_map_centred": (c_int, [c_int, c_int, _out, _error]),
    "wf_map_standardise": (c_int, [c_void_p, _out, _error]),
    "wf_map_compare": (
        c_int,
        [c_void_p, c_void_p, POINTER(wf_likeness), _error],
    ),
    "wf_map_in_region": (
        c_int,
        [c_void_p, c_void_p, POINTER(wf_region_share), _error],
    ),
    "wf_bootstrap_mean": (
        c_int,
        [
            c_void_p,
            c_size_t,
            c_double,
            c_uint32,
            c_uint64,
            POINTER(wf_interval),
            _error,
        ],
    ),
    "wf_colormap_name": (c_char_p, [c_size_t]),
    "wf_figure_opts_init": (None, [POINTER(wf_figure_opts)]),
    "wf_figure_explanation": (
        c_int,
        [c_void_p, POINTER(wf_figure_opts), c_char_p, _error],
    ),
    "wf_figure_overlay": (
        c_int,
        [
            c_void_p,
            c_void_p,
            c_float,
            c_float,
            POINTER(wf_figure_opts),
            _out,
            _error,
        ],
    ),
    "wf_figure_faces": (
        c_int,
        [c_void_p, POINTER(wf_face), c_size_t, _out, _error],
    ),
    "wf_plot_opts_init": (None, [POINTER(wf_plot_opts)]),
    "wf_plot": (
        c_int,
        [POINTER(wf_series), c_size_t, POINTER(wf_plot_opts), c_char_p, _error],
    ),
}


# Structures that carry their size: the function that fills one in.
OPTIONS: dict[str, type[Structure]] = {
    "wf_detector_opts_init": wf_detector_opts,
    "wf_model_info_init": wf_model_info,
    "wf_model_opts_init": wf_model_opts,
    "wf_evaluate_opts_init": wf_evaluate_opts,
    "wf_figure_opts_init": wf_figure_opts,
    "wf_plot_opts_init": wf_plot_opts,
}


def declare(library: ctypes.CDLL) -> None:
    """Gives the library's functions their types; AttributeError names one that
    the library does not have."""
    for name, (result, arguments) in FUNCTIONS.items():
        function = getattr(library, name)
        function.restype = result
        function.argtypes = arguments


def wrong_sizes(library: ctypes.CDLL) -> list[str]:
    """Structures that the library has with another size than this file."""
    wrong = []
    for init, structure in OPTIONS.items():
        # The library may write more than we know of.
        buffer = (ctypes.c_char * (ctypes.sizeof(structure) + 4096))()
        value = ctypes.cast(buffer, POINTER(structure))
        getattr(library, init)(value)
        if value.contents.struct_size != ctypes.sizeof(structure):
            wrong.append(structure.__name__)
    return wrong
