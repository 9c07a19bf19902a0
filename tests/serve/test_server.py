"""usage: test_server.py WHYFACE

What 'whyface serve' answers to those who do not behave: broken and huge bodies,
tricks with paths, strangers' pages, slow clients and clients that go away.
"""
import os
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import threading
import time
import zlib

from server import (BOUNDARY, CHEAP, FORM_TYPE, GROUP, MODEL, PHOTOS, SHARED,
                    WHYFACE, Server, form, need, part, read, run_all, text)

need(MODEL, f'{SHARED}/models/mtcnn_pnet.onnx', PHOTOS['mate'],
     f'{SHARED}/data/hard/no_face.png', GROUP)

JPEG = read(PHOTOS['probe'])
MIB = 1 << 20

server = Server('--max-upload', '1', '--max-jobs', '4', '--rate', '100000',
                '--grace', '4')


def check(answer, status, words):
    """An error in JSON: one sentence for people, without full stop."""
    assert answer.status == status, (status, answer)
    assert answer.headers['content-type'] == 'application/json', answer
    assert words in answer.message, answer
    assert '\n' not in answer.message and not answer.message.endswith('.')


def is_alive():
    assert server.get('/api/info').status == 200
    assert server.process.poll() is None


# ---- what is served ---------------------------------------------------------

def pages_and_headers():
    for path, kind in (('/', 'text/html'), ('/style.css', 'text/css'),
                       ('/page.js', 'text/javascript'),
                       ('/beat.js', 'text/javascript'),
                       ('/icon.svg', 'image/svg+xml')):
        answer = server.get(path)
        assert answer.status == 200, answer
        assert answer.headers['content-type'].startswith(kind), answer
        policy = answer.headers['content-security-policy']
        assert policy.startswith("default-src 'none'; script-src 'self'")
        assert 'unsafe' not in policy
        assert answer.headers['x-content-type-options'] == 'nosniff'
        assert answer.headers['referrer-policy'] == 'no-referrer'
        assert answer.headers['cache-control'] == 'no-store'
    assert server.request('HEAD', '/').body == b''
    info = server.get('/api/info').json
    methods = {m['name']: m for m in info['methods']}
    assert methods['level-sets']['default'], info
    assert methods['level-sets']['forwards'] == 24, info
    assert 'frequency' not in methods, 'its maps do not lie on the face'
    assert info['photo_bytes'] == MIB and info['threshold']['value'] == 0.27


def wrong_method():
    check(server.request('PUT', '/', {'X-Whyface-Token': server.token}), 405,
          'expected GET')
    check(server.post('/api/info', b'{}'), 404, 'nothing to send')


# ---- who asks ---------------------------------------------------------------

def strangers():
    check(server.get('/', Host='evil.example'), 403, 'not called')
    check(server.get('/', Host=f'127.0.0.1.evil.example:{server.port}'), 403,
          'not called')
    check(server.get('/api/info', Host=''), 403, 'not called')
    for host in ('localhost', '127.0.0.1', '[::1]:1', 'LOCALHOST:9'):
        assert server.get('/', Host=host).status == 200, host
    body = form([part('probe', JPEG), part('mate', JPEG)])
    for headers, words in (
            ({'X_Whyface_Token': 'x' * 32}, 'older than the server'),
            ({'X_Whyface_Token': None}, 'older than the server'),
            ({'Origin': 'http://evil.example'}, 'another site'),
            ({'Origin': 'null'}, 'another site'),
            ({'Origin': f'http://127.0.0.1:{server.port + 1}'}, 'another site'),
            ({'Sec_Fetch_Site': 'cross-site'}, 'another site')):
        check(server.post('/api/jobs', body, FORM_TYPE, **headers), 403, words)
    check(server.request('DELETE', '/api/jobs/' + 'a' * 32), 403, 'older')
    # HTTP/1.1 without Host is refused before it gets to us.
    assert server.request('GET', '/', {'Host': None}).status == 400


# ---- broken bodies ----------------------------------------------------------

def broken_forms():
    whole = form([part('probe', JPEG), part('mate', JPEG)])
    jobs = '/api/jobs'
    check(server.post(jobs, whole[:-30], FORM_TYPE), 400, 'form is broken')
    check(server.post(jobs, whole[:500], FORM_TYPE), 400, 'form is broken')
    check(server.post(jobs, b'\r\n' * 1000, FORM_TYPE), 400, 'probe is missing')
    check(server.post(jobs, os.urandom(5000), FORM_TYPE), 400, '')
    check(server.post(jobs, b'', FORM_TYPE), 400, '')
    check(server.post(jobs, whole, 'multipart/form-data'), 400, 'broken')
    check(server.post(jobs, whole, 'multipart/form-data; boundary='), 400, '')
    check(server.post(jobs, whole, 'multipart/form-data; boundary=other'), 400,
          '')
    check(server.post(jobs, whole, 'text/plain'), 415, 'multipart/form-data')
    check(server.post(jobs, whole, None), 415, 'multipart/form-data')
    check(server.send([part('probe', JPEG)]), 400, 'mate is missing')
    check(server.send([part('mate', JPEG)]), 400, 'probe is missing')
    check(server.send([part('probe', JPEG), part('mate', b'')]), 400,
          'mate is an empty file')
    check(server.send([part('probe', JPEG)] * 2), 400, 'sent twice')
    check(server.send([part('mugshot', JPEG)]), 400, "a field 'mugshot'")
    check(server.send([part('x' * 3000, JPEG)]), 400, '')
    check(server.send([b'--' + BOUNDARY.encode() + b'\r\n\r\nno name\r\n']),
          400, '')
    photos = [part('probe', JPEG), part('mate', JPEG)]
    check(server.send(photos + [text('method', 'guess')]), 400, "'guess'")
    check(server.send(photos + [text('method', 'frequency')]), 400,
          "'frequency'")
    check(server.send(photos + [text('method', 'x' * 9999)]), 400, 'longer')
    is_alive()


def broken_choices():
    path = '/api/jobs/' + 'a' * 32 + '/faces'
    for body in (b'', b'{', b'[]', b'\xff' * 20, b'[' * 900):
        check(server.post(path, body), 400, 'expected JSON')
    check(server.post(path, b'{}'), 404, 'no such comparison')
    check(server.post(path, b' ' * 2000), 413, 'larger')
    check(server.post(path, b'{}', 'text/html'), 415, 'application/json')


def no_photos():
    """What is no photo of a face is named by its place and its name."""
    for data, name, words in (
            (b'hello', 'letter.txt', "'letter.txt' is not a JPEG, PNG or WebP"),
            (b'GIF89a' + bytes(100), 'cat.gif', "'cat.gif' is a GIF"),
            (JPEG[:2000], 'half.jpg', "'half.jpg'"),
            (read(f'{SHARED}/data/hard/no_face.png'), 'wall.png',
             "no face was found in 'wall.png'")):
        answer = server.send([part('probe', JPEG), part('mate', data, name)])
        assert answer.status == 201, answer
        told = server.wait(answer.json['id'], 'failed')
        assert told['error']['field'] == 'mate', told
        assert words in told['error']['message'], told
        assert '/' not in told['error']['message'].replace('JPEG/', ''), told
        server.delete(answer.json['id'])


def pictures_that_unfold():
    """A small file with a picture of many pixels is not unfolded."""
    def chunk(kind, data):
        return (struct.pack('>I', len(data)) + kind + data
                + struct.pack('>I', zlib.crc32(kind + data)))
    side = 12000
    pixels = zlib.compressobj(9)
    row = bytes(side // 8 + 1)  # one bit a pixel; 3 bytes when it is read
    rows = b''.join(pixels.compress(row) for _ in range(side)) + pixels.flush()
    bomb = (b'\x89PNG\r\n\x1a\n'
            + chunk(b'IHDR', struct.pack('>IIBBBBB', side, side, 1, 0, 0, 0, 0))
            + chunk(b'IDAT', rows) + chunk(b'IEND', b''))
    assert len(bomb) < MIB
    job = server.send([part('probe', bomb, 'large.png'), part('mate', JPEG)])
    told = server.wait(job.json['id'], 'failed')
    assert "'large.png' has 12000 x 12000 pixels; this server takes at most " \
        '50 million' in told['error']['message'], told
    server.delete(job.json['id'])


# ---- huge bodies ------------------------------------------------------------

def huge_bodies():
    head = (f'POST /api/jobs HTTP/1.1\r\nHost: localhost\r\n'
            f'X-Whyface-Token: {server.token}\r\nContent-Type: {FORM_TYPE}\r\n')
    # Refused by what it says, before a byte of it is sent.
    check(server.exchange(f'{head}Content-Length: 9999999999\r\n\r\n'.encode()),
          413, 'larger')
    # Refused while it is being sent.
    check(server.exchange(f'{head}Content-Length: {64 * MIB}\r\n\r\n'.encode()
                          + bytes(64 * MIB)), 413, 'larger')
    # A photo over its limit within a form that is not.
    answer = server.send([part('probe', bytes(MIB + 1)), part('mate', JPEG)])
    check(answer, 413, 'the probe is larger')
    assert answer.json['error']['field'] == 'probe'
    # Without a length.
    chunk = f'{MIB:x}\r\n'.encode() + bytes(MIB) + b'\r\n'
    chunked = f'{head}Transfer-Encoding: chunked\r\n\r\n'.encode()
    check(server.exchange(chunked + chunk * 5 + b'0\r\n\r\n'), 413, 'larger')
    # Without an end: cut off.
    answer = server.exchange(chunked + chunk * 40)
    assert answer.status in (None, 413), answer
    is_alive()


def lying_lengths():
    head = (f'POST /api/jobs HTTP/1.1\r\nHost: localhost\r\n'
            f'X-Whyface-Token: {server.token}\r\nContent-Type: {FORM_TYPE}\r\n')
    body = form([part('probe', JPEG), part('mate', JPEG)])
    for length in ('-1', 'many', '1e9', '99999999999999999999999'):
        answer = server.exchange(
            f'{head}Content-Length: {length}\r\n\r\n'.encode() + body)
        assert answer.status is None or answer.status >= 400, answer
    # Fewer bytes than are sent: a form that is cut.
    check(server.exchange(f'{head}Content-Length: 100\r\n\r\n'.encode() + body),
          400, 'broken')
    # More than are sent: the job is forgotten with the connection.
    for _ in range(10):  # more than there may be at once
        with server.connect() as s:
            s.sendall(f'{head}Content-Length: 90000\r\n\r\n'.encode()
                      + body[:1000])
    server.exchange(b'NONSENSE\r\n\r\n')
    server.delete(server.submit())
    is_alive()


# ---- paths ------------------------------------------------------------------

def paths():
    job = server.submit()
    server.wait(job, 'done')
    for path in ('/etc/passwd', '/../../etc/passwd', '/%2e%2e/%2e%2e/etc/passwd',
                 '/pages/index.html', '/style.css/', '//', '/api', '/api/',
                 '/api/jobs', '/api/jobs/', '/api/jobs/..',
                 '/api/jobs/' + 'a' * 5000, f'/api/jobs/{job.upper()}x',
                 f'/api/jobs/{job}/', f'/api/jobs/{job}/files/',
                 f'/api/jobs/{job}/files/../photo-probe.jpg',
                 f'/api/jobs/{job}/files/photo-probe.jpg',
                 f'/api/jobs/{job}/files/./figure.png',
                 f'/api/jobs/{job}/files/%2fetc%2fpasswd',
                 f'/api/jobs/{job}/files/figure.png%00.html',
                 f'/api/jobs/%2e%2e/files/figure.png',
                 f'/api/jobs/{job}/files/..%2f..%2f..%2fetc%2fpasswd'):
        answer = server.get(path)
        assert answer.status in (400, 404, 414), (path, answer)
        assert b'root:' not in answer.body
    server.delete(job)
    # Names of files are for people, and nothing is written to them.
    before = set(os.listdir('/tmp'))
    for sent, shown in (('../../../tmp/evil.jpg', 'evil.jpg'),
                        ('/tmp/evil.jpg', 'evil.jpg'),
                        ('C:\\\\a\\\\evil.jpg', 'evil.jpg'),
                        ('..', '..'), ('/', 'probe'), ('', 'probe'),
                        ('a\tb\x1b[31m.jpg', 'ab[31m.jpg'),
                        ('<img src=x>.jpg', '<img src=x>.jpg'),
                        ('\xe9' * 300, '\xe9' * 63)):
        answer = server.send([part('probe', JPEG, sent), part('mate', JPEG)])
        assert answer.status == 201, (sent, answer)
        told = server.state(answer.json['id'])
        assert told['photos']['probe']['name'] == shown, (sent, told)
        server.delete(answer.json['id'])
    assert 'evil.jpg' not in set(os.listdir('/tmp')) - before
    root = os.path.join(server.runtime, server.folders()[0])
    for folder, _, files in os.walk(root):
        assert os.stat(folder).st_mode & 0o777 == 0o700, folder
        for name in files:
            assert name.startswith(('photo-', 'face', 'map-', 'error-', 'crop-',
                                    'figure.', 'result.', 'report.')), name


# ---- jobs -------------------------------------------------------------------

def a_whole_job():
    job = server.submit(probe=GROUP, nonmate=PHOTOS['nonmate'])
    told = server.wait(job, 'choosing')
    faces = told['photos']['probe']['faces']
    assert len(faces) == 3 and told['photos']['probe']['chosen'] is None, told
    assert told['photos']['mate']['chosen'] == 1
    base = f'/api/jobs/{job}'
    picture = server.get(f'{base}/files/{told["photos"]["probe"]["picture"]}')
    assert picture.body[:3] == b'\xff\xd8\xff', picture
    assert server.get(f'{base}/files/{faces[2]["crop"]}').body[1:4] == b'PNG'
    check(server.post(f'{base}/faces', b'{}'), 400, 'the face of the probe')
    check(server.post(f'{base}/faces', b'{"probe": 4}'), 400, '1 to 3')
    check(server.post(f'{base}/faces', b'{"probe": 0}'), 400, '1 to 3')
    check(server.post(f'{base}/faces', b'{"probe": "2"}'), 400, '1 to 3')
    check(server.post(f'{base}/faces', b'{"probe": 2, "mate": 2}'), 400,
          'the face of the mate')
    assert server.post(f'{base}/faces', b'{"probe": 2}').status == 200
    check(server.post(f'{base}/faces', b'{"probe": 2}'), 400, 'already')
    told = server.wait(job, 'done')
    result = told['result']
    assert set(result['pairs']) == {'mate', 'nonmate'}, told
    assert {'figure.png', 'result.json', 'report.html', 'report.json'} <= \
        set(result['files']), told
    for name in result['files']:
        answer = server.get(f'{base}/files/{name}')
        assert answer.status == 200 and answer.body, (name, answer)
        assert 'unsafe' not in answer.headers['content-security-policy'] or \
            'sandbox' in answer.headers['content-security-policy']
    report = server.get(f'{base}/files/report.html')
    policy = report.headers['content-security-policy']
    assert policy.startswith('sandbox allow-scripts') and \
        'allow-same-origin' not in policy, policy
    assert b'sample3.jpg' in report.body
    assert server.runtime.encode() not in report.body, 'a path of the server'
    stored = server.get(f'{base}/files/result.json').json
    assert stored['photos']['probe']['face'] == 2
    assert stored['pairs']['mate']['similarity'] == \
        result['pairs']['mate']['similarity']
    assert server.delete(job).status == 200
    check(server.get(base), 404, 'no such comparison')
    check(server.delete(job), 404, 'no such comparison')


def two_at_once():
    first, second = server.submit(), server.submit()
    told = server.state(second)
    assert told['state'] == 'queued' and told['place'] == 1, told
    third = server.submit()
    assert server.state(third)['place'] == 2
    waiting = [threading.Thread(target=server.wait, args=(job, 'done'))
               for job in (first, second, third)]
    for thread in waiting:
        thread.start()
    for thread in waiting:
        thread.join()
    for job in (first, second, third):
        assert server.state(job)['state'] == 'done'
        server.delete(job)


def full_queue():
    jobs = [server.submit() for _ in range(4)]
    answer = server.send([part('probe', JPEG), part('mate', JPEG)])
    check(answer, 503, '4 comparisons are under way')
    assert int(answer.headers['retry-after']) > 0
    for job in jobs:
        assert server.delete(job).status == 200
    # The one that was being worked on leaves within a step of the work.
    for _ in range(400):
        if not server.jobs():
            break
        time.sleep(0.05)
    server.delete(server.submit())


def clients_that_go():
    """A job that nobody asks about is cancelled; the queue goes on."""
    gone = [server.submit() for _ in range(3)]
    for _ in range(400):  # grace: 4 s
        if not server.jobs():
            break
        time.sleep(0.1)
    for job in gone:
        assert server.state(job) is None
    job = server.submit()
    server.wait(job, 'done')
    server.delete(job)


def cut_while_reading():
    """Clients that close while they are being answered."""
    for _ in range(50):
        s = server.connect()
        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                     b'\1\0\0\0\0\0\0\0')
        s.sendall(b'GET /page.js HTTP/1.1\r\nHost: localhost\r\n\r\n')
        s.close()
    is_alive()


# ---- limits -----------------------------------------------------------------

def memory_is_flat():
    def misbehave(times):
        whole = form([part('probe', JPEG), part('mate', JPEG)])
        for i in range(times):
            server.post('/api/jobs', whole[:-20 - i], FORM_TYPE)
            server.send([part('probe', JPEG)])
            server.send([part('probe', bytes(MIB + 1))])
            server.get('/' + 'x' * 500)
            server.get('/', Host='evil.example')
            server.post('/api/jobs/' + 'b' * 32 + '/faces', b'{')
            server.exchange(os.urandom(300) + b"\r\n\r\n")
            job = server.send([part('probe', b'x'), part('mate', b'y')])
            if job.status == 201:  # 503: the worker still has the last ones
                server.delete(job.json['id'])
    misbehave(20)
    before = server.memory()
    misbehave(60)
    grown = server.memory() - before
    print(f'    480 bad requests: {grown} KiB more of {before}')
    # AddressSanitizer keeps what was freed for a while, and looks for leaks.
    sanitized = b'__asan_init' in read(WHYFACE)
    assert sanitized or grown < 2048, f'{grown} KiB more after 480 bad requests'
    assert not server.jobs()


def slow_clients():
    """From another address, so that its share of connections is not ours."""
    slow = []
    for _ in range(40):
        s = server.connect('127.0.0.2')
        s.sendall(b'GET / HTTP/1.1\r\nHost: localhost\r\n')
        slow.append(s)
    is_alive()
    # Each sends a little before it would count as idle, and is cut anyway.
    for _ in range(60):
        for s in slow[:]:
            try:
                s.sendall(b'X-Slow: 1\r\n')
                s.settimeout(0.001)
                if s.recv(1) == b'':
                    raise ConnectionResetError
            except (BrokenPipeError, ConnectionResetError):
                slow.remove(s)
            except TimeoutError:
                pass
        if not slow:
            break
        time.sleep(0.5)
    assert not slow, f'{len(slow)} slow clients are still there'
    is_alive()


def rate_limit():
    limited = Server('--rate', '2')
    one = form([part('probe', JPEG), part('mate', JPEG)])
    for _ in range(2):
        answer = limited.post('/api/jobs', one, FORM_TYPE)
        assert answer.status == 201, answer
        limited.delete(answer.json['id'])
    answer = limited.post('/api/jobs', one, FORM_TYPE)
    check(answer, 429, 'too many comparisons')
    assert 0 < int(answer.headers['retry-after']) <= 30
    assert limited.get('/').status == 200
    # Killed without a chance to tidy up: nothing is left all the same.
    assert limited.stop(signal.SIGKILL) == -signal.SIGKILL


def storing():
    kept = tempfile.mkdtemp()
    storing_server = Server('--keep', kept, '--evidence', 'curves')
    job = storing_server.submit()
    cancelled = storing_server.submit()
    storing_server.delete(cancelled)
    # The maps are judged, and it is told how far that is.
    stages = set()
    while (told := storing_server.state(job))['state'] != 'done':
        if told['state'] == 'reporting' and 0 < told['progress']['share'] < 1:
            stages.add(told['progress']['stage'])
        time.sleep(0.05)
    assert 'judging the maps' in stages, stages
    storing_server.delete(job)
    assert storing_server.stop(signal.SIGTERM) == 0
    runs = os.listdir(kept)
    assert len(runs) == 1, runs
    files = os.listdir(f'{kept}/{runs[0]}')
    assert {'photo-probe.jpg', 'result.json', 'figure.png'} <= set(files), files
    assert read(f'{kept}/{runs[0]}/photo-mate.jpg') == read(PHOTOS['mate'])
    shutil.rmtree(kept)


def command_line():
    def run(*options):
        done = subprocess.run([WHYFACE, 'serve', *CHEAP, *options],
                              capture_output=True, text=True, timeout=60)
        return done.returncode, done.stdout, done.stderr
    status, out, err = run('--host', '0.0.0.0')
    assert status == 2 and not out and '--allow-remote' in err, (status, err)
    status, out, err = run('--port', str(server.port))
    assert status == 1 and 'Address already in use' in err, (status, err)
    status, out, err = run('--host', 'no.such.host.invalid')
    assert status == 2 and "'no.such.host.invalid'" in err, (status, err)
    status, out, err = run('--port', '70000')
    assert status == 2 and '--port' in err, (status, err)
    status, out, err = run('photo.jpg')
    assert status == 2 and 'too many arguments' in err, (status, err)


def stops_in_mid_run():
    server.submit()
    time.sleep(0.3)
    assert server.stop() == 0
    told = server.process.stderr.read()
    assert not told or 'Suppressions used' in told, told


run_all([pages_and_headers, wrong_method, strangers, broken_forms,
         broken_choices, no_photos, pictures_that_unfold, huge_bodies, lying_lengths, paths,
         a_whole_job, two_at_once, full_queue, clients_that_go,
         cut_while_reading, memory_is_flat, slow_clients, rate_limit, storing,
         command_line, stops_in_mid_run])
