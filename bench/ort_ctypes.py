"""ONNX Runtime from Python where there is no package for it: ctypes on the
table of functions of its C API (onnxruntime_c_api.h).  The table only grows at
its end, so the places below hold for every version.

The library is the job's "ort_library", else $WHYFACE_ORT, else that of npm's
onnxruntime-node.  Needs Debian's python3-onnx and python3-numpy.
"""
import ctypes
import glob
import os

import numpy as np

import job as jobs

API_VERSION = 11  # of early 2022; any later library serves it
FLOAT, ALL_OPTIMISATIONS, ARENA, DEFAULT_MEMORY = 1, 99, 1, 0
WARNING = 2

# Places in OrtApi.
PLACE = {
    'GetErrorMessage': 2, 'CreateEnv': 3, 'CreateSessionFromArray': 8,
    'Run': 9, 'CreateSessionOptions': 10,
    'SetSessionGraphOptimizationLevel': 23, 'SetIntraOpNumThreads': 24,
    'CreateTensorWithDataAsOrtValue': 49, 'GetTensorMutableData': 51,
    'GetTensorShapeElementCount': 64, 'GetTensorTypeAndShape': 65,
    'CreateCpuMemoryInfo': 69, 'ReleaseStatus': 93, 'ReleaseValue': 96,
    'ReleaseTensorTypeAndShapeInfo': 99,
}


class ApiBase(ctypes.Structure):
    _fields_ = [('GetApi', ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_uint32)),
                ('GetVersionString', ctypes.CFUNCTYPE(ctypes.c_char_p))]


def candidates(job):
    here = os.path.dirname(os.path.abspath(__file__))
    if job.get('ort_library'):
        return [job['ort_library']]
    if os.environ.get('WHYFACE_ORT'):
        return [os.environ['WHYFACE_ORT']]
    modules = [os.environ.get('WHYFACE_NPM', ''), 'node_modules',
               os.path.join(here, '..', 'node_modules')]
    found = []
    for folder in filter(None, modules):
        found += glob.glob(os.path.join(
            folder, 'onnxruntime-node/bin/napi-v*/linux/*/libonnxruntime.so*'))
    return found + ['libonnxruntime.so.1']


def load_library(job):
    tried = []
    for path in candidates(job):
        try:
            return ctypes.CDLL(path)
        except OSError as error:
            tried.append(str(error))
    raise RuntimeError('ONNX Runtime is not there; tried: ' + '; '.join(tried))


class OrtModel:
    """One image input, one embedding output."""

    def __init__(self, job):
        library = load_library(job)
        library.OrtGetApiBase.restype = ctypes.POINTER(ApiBase)
        base = library.OrtGetApiBase().contents
        self.name = f'ONNX Runtime {base.GetVersionString().decode()}'
        self.functions = {}
        self.table = ctypes.cast(base.GetApi(API_VERSION),
                                 ctypes.POINTER(ctypes.c_void_p))
        model = jobs.load_onnx(job['model'])
        constants = {c.name for c in model.graph.initializer}
        [source] = [i.name for i in model.graph.input
                    if i.name not in constants]
        self.source = (ctypes.c_char_p * 1)(source.encode())
        self.result = (ctypes.c_char_p * 1)(model.graph.output[0].name.encode())
        self.open(model.SerializeToString(), job['threads'])

    def function(self, name, result, *types):
        """The function at a place of the table; kept, as making it costs."""
        key = name, result, types
        if key not in self.functions:
            self.functions[key] = ctypes.CFUNCTYPE(result, *types)(
                self.table[PLACE[name]])
        return self.functions[key]

    def call(self, name, *arguments):
        """A function that returns a status; raises what it says."""
        types = [type(a) for a in arguments]
        status = self.function(name, ctypes.c_void_p, *types)(*arguments)
        if status:
            text = self.function('GetErrorMessage', ctypes.c_char_p,
                                 ctypes.c_void_p)(status).decode()
            self.release('ReleaseStatus', status)
            raise RuntimeError(f'ONNX Runtime: {name}: {text}')

    def make(self, name, *arguments):
        """A function whose last argument receives a pointer."""
        out = ctypes.c_void_p()
        self.call(name, *arguments, ctypes.pointer(out))
        return out

    def release(self, name, pointer):
        self.function(name, None, ctypes.c_void_p)(pointer)

    def open(self, data, threads):
        c_int, size = ctypes.c_int, ctypes.c_size_t
        self.environment = self.make('CreateEnv', c_int(WARNING),
                                     ctypes.c_char_p(b'bench'))
        options = self.make('CreateSessionOptions')
        self.call('SetIntraOpNumThreads', options, c_int(threads))
        self.call('SetSessionGraphOptimizationLevel', options,
                  c_int(ALL_OPTIMISATIONS))
        self.session = self.make('CreateSessionFromArray', self.environment,
                                 ctypes.c_char_p(data), size(len(data)),
                                 options)
        self.memory = self.make('CreateCpuMemoryInfo', c_int(ARENA),
                                c_int(DEFAULT_MEMORY))

    def tensor(self, inputs):
        """On the memory of an array, which must stay."""
        size = ctypes.c_size_t
        return self.make('CreateTensorWithDataAsOrtValue', self.memory,
                         ctypes.c_void_p(inputs.ctypes.data),
                         size(inputs.nbytes),
                         (ctypes.c_int64 * 4)(*inputs.shape), size(4),
                         ctypes.c_int(FLOAT))

    def run(self, x):
        """A new value, the result."""
        one = ctypes.c_size_t(1)
        return self.make('Run', self.session, ctypes.c_void_p(), self.source,
                         ctypes.pointer(x), one, self.result, one)

    def embed(self, inputs):
        """n x channels x height x width to n x dim, both NumPy's."""
        inputs = np.ascontiguousarray(inputs, np.float32)
        x = self.tensor(inputs)
        y = self.run(x)
        data, count = self.make('GetTensorMutableData', y), ctypes.c_size_t()
        info = self.make('GetTensorTypeAndShape', y)
        self.call('GetTensorShapeElementCount', info, ctypes.pointer(count))
        values = ctypes.cast(data, ctypes.POINTER(ctypes.c_float))
        out = np.ctypeslib.as_array(values, (count.value,)).copy()
        self.release('ReleaseTensorTypeAndShapeInfo', info)
        self.release('ReleaseValue', y)
        self.release('ReleaseValue', x)
        return out.reshape(len(inputs), -1)

    def bind(self, inputs):
        """A function that runs the model on these inputs, for its time."""
        x = self.tensor(inputs)

        def run(keep=inputs):
            self.release('ReleaseValue', self.run(x))
        return run
