"""A running 'whyface serve' and raw HTTP to it, for the tests of this folder."""
import atexit
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

SOURCE = os.environ['WF_SOURCE_DIR']
SHARED = os.environ.get('WHYFACE_SHARED', os.path.join(SOURCE, '../shared'))
NPM = os.environ.get('WHYFACE_NPM', os.path.join(SOURCE, 'node_modules'))
WHYFACE = sys.argv[1]

MODEL = f'{SHARED}/models/mobilefacenet_arcface_128.onnx'
DETECTOR = ','.join(f'{SHARED}/models/mtcnn_{n}net.onnx' for n in 'pro')
LFW = f'{SHARED}/data/lfw/images'
PHOTOS = {'probe': f'{LFW}/Abel_Pacheco/Abel_Pacheco_0001.jpg',
          'mate': f'{LFW}/Abel_Pacheco/Abel_Pacheco_0004.jpg',
          'nonmate': f'{LFW}/Aaron_Sorkin/Aaron_Sorkin_0001.jpg'}
GROUP = f'{NPM}/@vladmandic/face-api/demo/sample3.jpg'
# Nothing here looks at a map: few model calls are enough.
CHEAP = ['-q', '-m', MODEL, '-d', DETECTOR, '--threshold', '0.27',
         '--budget', '24', '--evidence', 'none']


def need(*paths):
    for path in paths:
        if not os.path.exists(path):
            print(f"SKIPPED: '{path}' is not there; WHYFACE_SHARED and "
                  'WHYFACE_NPM are the folders with test data')
            sys.exit(77)


class Server:
    """A server with its own place for temporary folders."""

    def __init__(self, *options):
        self.runtime = tempfile.mkdtemp()
        environment = dict(os.environ, XDG_RUNTIME_DIR=self.runtime)
        self.process = subprocess.Popen(
            [WHYFACE, 'serve', '--port', '0', *CHEAP, *options],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env=environment)
        atexit.register(self.process.kill)  # whatever happens to the test
        line = self.process.stdout.readline()
        found = re.match(r'http://127\.0\.0\.1:(\d+)/$', line)
        if not found:
            raise AssertionError(f'no address: {line!r} '
                                 f'{self.process.stderr.read()!r}')
        self.port = int(found[1])
        page = self.get('/').body.decode()
        self.token = re.search(r'whyface-token" content="(\w{32})"', page)[1]

    def folders(self):
        """The private folders that there are: one, or none after the end."""
        return os.listdir(self.runtime)

    def memory(self):
        """Resident KiB that are not files."""
        with open(f'/proc/{self.process.pid}/status') as f:
            return int(re.search(r'RssAnon:\s+(\d+)', f.read())[1])

    def jobs(self):
        """Folders of jobs."""
        return os.listdir(os.path.join(self.runtime, self.folders()[0]))

    def stop(self, number=signal.SIGINT):
        """Its exit status; no private folder is left."""
        self.process.send_signal(number)
        status = self.process.wait(60)
        for _ in range(200):  # the second process may be later
            if not self.folders():
                break
            time.sleep(0.05)
        left = self.folders()
        shutil.rmtree(self.runtime)
        assert not left, f'left behind: {left}'
        return status

    # ---- raw HTTP --------------------------------------------------------

    def connect(self, source=None):
        return socket.create_connection(
            ('127.0.0.1', self.port), 60,
            source_address=(source, 0) if source else None)

    def exchange(self, data):
        """Sends bytes as they are; the answer, however the sending ends."""
        with self.connect() as s:
            try:
                s.sendall(data)
            except (BrokenPipeError, ConnectionResetError):
                pass
            return Answer(receive(s))

    def request(self, method, path, headers=(), body=b''):
        lines = {'Host': f'127.0.0.1:{self.port}', **dict(headers)}
        if body or method == 'POST':
            lines.setdefault('Content-Length', len(body))
        head = ''.join(f'{k}: {v}\r\n' for k, v in lines.items()
                       if v is not None)
        return self.exchange(f'{method} {path} HTTP/1.1\r\n{head}\r\n'.encode()
                             + body)

    def get(self, path, **headers):
        return self.request('GET', path, headers)

    def post(self, path, body, type='application/json', **headers):
        return self.request('POST', path, {
            'X-Whyface-Token': self.token, 'Content-Type': type,
            **{k.replace('_', '-'): v for k, v in headers.items()}}, body)

    def delete(self, job):
        return self.request('DELETE', f'/api/jobs/{job}',
                            {'X-Whyface-Token': self.token})

    # ---- jobs ------------------------------------------------------------

    def send(self, parts, **headers):
        return self.post('/api/jobs', form(parts), FORM_TYPE, **headers)

    def submit(self, **others):
        """A probe and a mate, each a single face, unless given otherwise."""
        photos = {'probe': PHOTOS['probe'], 'mate': PHOTOS['mate'], **others}
        answer = self.send([part(role, read(path), os.path.basename(path))
                            for role, path in photos.items()])
        assert answer.status == 201, answer
        return answer.json['id']

    def state(self, job):
        answer = self.get(f'/api/jobs/{job}')
        return answer.json if answer.status == 200 else None

    def wait(self, job, *states):
        """Asks until the job has one of the states; what the server says."""
        for _ in range(2000):
            told = self.state(job)
            assert told, f'the job went while waiting for {states}'
            if told['state'] in states:
                return told
            assert told['state'] not in ('done', 'failed'), told
            time.sleep(0.05)
        raise AssertionError(f'no {states} after a long time: {told}')


class Answer:
    def __init__(self, data):
        head, _, self.body = data.partition(b'\r\n\r\n')
        lines = head.decode('latin-1').split('\r\n')
        words = lines[0].split(' ')
        self.status = int(words[1]) if len(words) > 1 else None
        self.headers = {k.lower(): v for k, _, v in
                        (line.partition(': ') for line in lines[1:])}

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def message(self):
        return self.json['error']['message']

    def __repr__(self):
        return f'{self.status} {self.headers} {self.body[:300]!r}'


def receive(s):
    data = b''
    try:
        while chunk := s.recv(65536):
            data += chunk
    except ConnectionResetError:
        pass
    return data


def read(path):
    with open(path, 'rb') as f:
        return f.read()


BOUNDARY = 'line-that-no-photo-contains'
FORM_TYPE = f'multipart/form-data; boundary={BOUNDARY}'


def part(name, data, file_name='photo.jpg'):
    return (f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"; '
            f'filename="{file_name}"\r\nContent-Type: image/jpeg\r\n\r\n'
            ).encode() + data + b'\r\n'


def text(name, value):
    return (f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"'
            f'\r\n\r\n{value}\r\n').encode()


def form(parts):
    return b''.join(parts) + f'--{BOUNDARY}--\r\n'.encode()


def run_all(functions):
    """Each function is a test; exit status 1 if any fails."""
    failed = 0
    for function in functions:
        start = time.monotonic()
        try:
            function()
            verdict = 'ok'
        except Exception as error:  # the others are still worth running
            import traceback
            traceback.print_exc()
            verdict = f'FAILED: {error}'
            failed += 1
        print(f'{function.__name__}: {verdict} '
              f'({time.monotonic() - start:.1f} s)', flush=True)
    sys.exit(1 if failed else 0)
