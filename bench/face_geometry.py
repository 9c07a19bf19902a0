#!/usr/bin/python3
"""usage: face_geometry.py LIBWHYFACE.so WHYFACE LFW NPM-MODELS [PHOTOS]

What the five landmarks of a face say about its parts and its pose, against two
networks that see the picture: PHOTOS [400] photos of LFW, evenly spaced in
landmarks_mtcnn.csv, whose landmarks are used.

1. Where the 68 landmarks (iBUG's numbering) of fr_landmark.onnx lie in the
   regions of wf_region_map: the share of points whose largest weight is that
   region's.
2. The angles of wf_assess against those of fr_pose.onnx (a Hopenet: yaw, pitch
   and roll by softmax over 66 bins of 3 degrees, with signs turned to ours).
   The slope is that of the principal axis, because both are inexact.
3. How much of the variance of yaw and pitch lies between people (intraclass
   correlation of all photos of people with two or more): an angle of the head
   should not tell who it is.

NPM-MODELS is the folder model/ of the npm package
faceplugin-face-recognition-js.  Needs Debian's python3-numpy, -pil, -onnx and
-torch.
"""
import csv
import ctypes as c
import json
import subprocess
import sys

import numpy as np
import torch
from onnx import helper, numpy_helper
from PIL import Image

import job as jobs
from torch_model import OPERATORS, TorchModel

POINTS, REGIONS, QUALITIES = 5, 8, 13
GROUPS = {
    'brows': (range(17, 27), {'eyebrows'}),
    'eyes': (range(36, 48), {'eyes'}),
    'bridge and tip of the nose': (range(27, 31), {'nose'}),
    'base of the nose': (range(31, 36), {'nose', 'mouth'}),
    'lips': (range(48, 68), {'mouth'}),
    'jaw, lower half': (range(4, 13), {'chin and jawline', 'outside'}),
    'jaw, upper ends': ([0, 1, 2, 3, 13, 14, 15, 16],
                        {'cheeks', 'outside', 'chin and jawline'}),
}


class Error(c.Structure):
    _fields_ = [('code', c.c_int), ('message', c.c_char * 1024)]


class Face(c.Structure):
    _fields_ = [('x', c.c_float), ('y', c.c_float), ('width', c.c_float),
                ('height', c.c_float), ('score', c.c_float),
                ('landmarks', c.c_float * 2 * POINTS)]


class Quality(c.Structure):
    _fields_ = [('name', c.c_char_p), ('unit', c.c_char_p),
                ('value', c.c_double), ('fair', c.c_double),
                ('poor', c.c_double), ('level', c.c_int),
                ('text', c.c_char * 160)]


class Library:
    def __init__(self, path):
        self.lib = c.CDLL(path)
        self.lib.wf_map_values.restype = c.POINTER(c.c_float)
        self.lib.wf_region_name.restype = c.c_char_p
        self.info = c.create_string_buffer(1 << 16)
        self.lib.wf_model_info_init(self.info)
        self.names = [self.lib.wf_region_name(c.c_size_t(i)).decode()
                      for i in range(REGIONS)]

    def call(self, name, *arguments):
        error = Error()
        if getattr(self.lib, name)(*arguments, c.byref(error)):
            raise RuntimeError(f'{name}: {error.message.decode()}')

    def regions(self, points, width, height):
        """height x width x regions, from landmarks in the picture's pixels."""
        maps = []
        for i in range(REGIONS):
            out = c.c_void_p()
            self.call('wf_region_map', c.c_size_t(i), points, width, height,
                      c.byref(out))
            values = self.lib.wf_map_values(out)
            maps.append(np.ctypeslib.as_array(values, (height, width)).copy())
            self.lib.wf_map_free(out)
        return np.stack(maps, -1)

    def angles(self, path, face):
        photo, crop = c.c_void_p(), c.c_void_p()
        rows = (Quality * QUALITIES)()
        self.call('wf_image_load', path.encode(), c.byref(photo))
        self.call('wf_align', photo, c.byref(face), self.info, c.byref(crop))
        self.call('wf_assess', photo, c.byref(face), crop, self.info, rows)
        self.lib.wf_image_free(photo)
        self.lib.wf_image_free(crop)
        values = {row.name.decode(): row.value for row in rows}
        return [values['pose: ' + k] for k in ('yaw', 'pitch', 'roll')]


class PoseNet:
    """fr_pose.onnx: angles in degrees from a picture of 224 x 224."""

    def __init__(self, path):
        graph = jobs.load_onnx(path).graph
        self.constants = {
            i.name: torch.from_numpy(numpy_helper.to_array(i).copy())
            for i in graph.initializer}
        self.source = graph.input[0].name
        self.results = [o.name for o in graph.output]
        self.nodes = [
            (n.op_type, list(n.input), list(n.output),
             {a.name: helper.get_attribute_value(a) for a in n.attribute})
            for n in graph.node]

    def run(self, x):
        values = dict(self.constants)
        values[self.source] = x
        for kind, inputs, outputs, attrs in self.nodes:
            if kind == 'Constant':
                value = numpy_helper.to_array(attrs['value']).copy()
                values[outputs[0]] = torch.from_numpy(value)
            elif kind == 'Split':
                parts = torch.split(values[inputs[0]], attrs['split'],
                                    attrs['axis'])
                values.update(zip(outputs, parts))
            else:
                values[outputs[0]] = OPERATORS[kind](
                    attrs, *(values[name] for name in inputs))
        return [values[name][0] for name in self.results]

    def angles(self, picture):
        x = (np.asarray(picture, np.float32) / 255 - [0.485, 0.456, 0.406]) / \
            [0.229, 0.224, 0.225]
        x = torch.from_numpy(x.transpose(2, 0, 1)[None].astype(np.float32))
        with torch.inference_mode():
            yaw, pitch, roll = (
                float(torch.softmax(bins, 0) @ torch.arange(66.0)) * 3 - 99
                for bins in self.run(x))
        return [-yaw, pitch, roll]


def landmarks_of(folder):
    with open(f'{folder}/landmarks_mtcnn.csv', encoding='utf-8') as file:
        rows = list(csv.reader(file))[1:]
    return {r[0]: np.array(r[1:], np.float32).reshape(POINTS, 2) for r in rows}


def face_of(landmarks):
    face = Face(score=1)
    for i, point in enumerate(landmarks):
        face.landmarks[i][:] = [float(v) for v in point]
    return face


def box_of(whyface, models, path):
    """Of the face nearest the photo's centre, None without one."""
    run = subprocess.run(
        [whyface, 'detect', '-q', '--json', '-d',
         f'{models}/fr_detect.onnx,{models}/fr_landmark.onnx', path],
        capture_output=True, text=True, check=True)
    faces = json.loads(run.stdout)['faces']
    if not faces:
        return None
    x, y, w, h = min((f['box'] for f in faces), key=lambda b: np.hypot(
        b[0] + b[2] / 2 - 125, b[1] + b[3] / 2 - 125))
    return (max(int(x), 0), max(int(y), 0), min(int(x + w), 250),
            min(int(y + h), 250))


def points68(net, photo, box):
    grey = photo.convert('L').crop(box).resize((64, 64), Image.BOX)
    x = np.asarray(grey, np.float32)[None, None] / 256
    out = net.embed(x)[0].reshape(-1, 2)
    return out * [box[2] - box[0], box[3] - box[1]] + box[:2]


def print_regions(library, found):
    """`found`: for each photo the 68 points and the map of regions."""
    print('| landmarks | in | share, % | else in |\n|---|---|---|---|')
    for group, (indices, wanted) in GROUPS.items():
        counts = dict.fromkeys(library.names, 0)
        for points, regions in found:
            for x, y in np.rint(points[list(indices)]).astype(int):
                x, y = np.clip(x, 0, 249), np.clip(y, 0, 249)
                counts[library.names[int(regions[y, x].argmax())]] += 1
        total = sum(counts.values())
        good = sum(counts[name] for name in wanted)
        rest = ', '.join(f'{k} {100 * v / total:.1f}' for k, v in
                         sorted(counts.items(), key=lambda i: -i[1])
                         if k not in wanted and v >= 0.005 * total)
        print(f'| {group} | {" or ".join(sorted(wanted))} | '
              f'{100 * good / total:.1f} | {rest} |')


def print_angles(ours, theirs):
    print('\n| angle | correlation | slope | offset, degrees | '
          'median absolute difference, degrees |\n|---|---|---|---|---|')
    for i, name in enumerate(('yaw', 'pitch', 'roll')):
        a, b = ours[:, i], theirs[:, i]
        axes = np.linalg.eigh(np.cov(a, b))[1]
        slope = axes[1, 1] / axes[0, 1]
        print(f'| {name} | {np.corrcoef(a, b)[0, 1]:.3f} | {slope:.2f} | '
              f'{np.mean(a - b):.1f} | {np.median(abs(a - b)):.1f} |')


def intraclass(groups):
    """ICC(1), one-way random effects, groups of different sizes."""
    n = sum(map(len, groups))
    sizes = np.array([len(g) for g in groups])
    mean = np.concatenate(groups).mean()
    between = sum(len(g) * (g.mean() - mean) ** 2 for g in groups) / \
        (len(groups) - 1)
    within = sum(((g - g.mean()) ** 2).sum() for g in groups) / \
        (n - len(groups))
    k = (n - (sizes ** 2).sum() / n) / (len(groups) - 1)
    return (between - within) / (between + (k - 1) * within)


def print_identity(library, lfw, landmarks):
    people = {}
    for name, points in landmarks.items():
        people.setdefault(name.split('/')[0], []).append((name, points))
    people = [p for p in people.values() if len(p) > 1]
    angles = [np.array([library.angles(f'{lfw}/images/{n}', face_of(p))
                        for n, p in person]) for person in people]
    print(f'\nOf the variance over {sum(map(len, people))} photos of '
          f'{len(people)} people, between people: ' +
          ', '.join(f'{k} {100 * intraclass([a[:, i] for a in angles]):.0f} %'
                    for i, k in enumerate(('yaw', 'pitch', 'roll'))))


def main():
    if len(sys.argv) not in (5, 6):
        sys.exit(__doc__)
    path, whyface, lfw, models = sys.argv[1:5]
    wanted = int(sys.argv[5]) if len(sys.argv) > 5 else 400
    library = Library(path)
    job = {'threads': 2, 'model': f'{models}/fr_landmark.onnx'}
    landmark_net = TorchModel(job)
    pose_net = PoseNet(f'{models}/fr_pose.onnx')
    landmarks = landmarks_of(lfw)
    names = sorted(landmarks)
    found, ours, theirs, missing = [], [], [], 0
    for name in names[::max(len(names) // wanted, 1)][:wanted]:
        file = f'{lfw}/images/{name}'
        box = box_of(whyface, models, file)
        if not box:
            missing += 1
            continue
        photo = Image.open(file).convert('RGB')
        face = face_of(landmarks[name])
        found.append((points68(landmark_net, photo, box),
                      library.regions(face.landmarks, 250, 250)))
        ours.append(library.angles(file, face))
        x0, y0, x1, y1 = box
        wide = (max(x0 - (x1 - x0) // 4, 0), max(y0 - (y1 - y0) // 4, 0),
                min(x1 + (x1 - x0) // 4, 250), min(y1 + (y1 - y0) // 4, 250))
        theirs.append(pose_net.angles(
            photo.crop(wide).resize((224, 224), Image.BILINEAR)))
    print(f'{len(found)} photos, {missing} without a face\n')
    print_regions(library, found)
    print_angles(np.array(ours), np.array(theirs))
    print_identity(library, lfw, landmarks)


main()
