"""usage: console.py PAGE WHYFACE-FOLDER

Runs the commands of a page's ```console blocks, in order, in one shell and one
scratch folder, and compares what they print with what the page shows.  A ```c
block that begins with "/* NAME.c" is written to that file before.  The registry
of models is $WHYFACE_HOME if that is set, else an empty one; photos and models
are those of $WHYFACE_NPM, else of the checkout's node_modules.

    $ command
    what it prints; '...' stands for anything
    [exit status 1]     where it is not 0

A command without output below it may print anything.
"""
import os
import pathlib
import re
import subprocess
import sys
import tempfile

END = 'end of the output:'


def commands(page):
    """[(command, [expected line])] of the page."""
    found = []
    for block in re.findall(r'^```console\n(.*?)^```', page, re.S | re.M):
        for line in block.splitlines():
            if line.startswith('$ '):
                found.append((line[2:], []))
            else:
                found[-1][1].append(line)
    return found


def matches(expected, printed):
    lines = [re.escape(line.rstrip()).replace(r'\.\.\.', '.*')
             for line in expected]
    # A line that is '...' alone stands for any number of lines.
    pattern = ''.join('(?:.*\n)*' if line == '.*' else f'{line}[ ]*\n'
                      for line in lines)
    return re.fullmatch(pattern, printed) is not None


class Shell:
    def __init__(self, folder, path, home):
        environment = os.environ | {'PATH': f'{path}:{os.environ["PATH"]}',
                                    'LC_ALL': 'C.UTF-8'}
        environment.setdefault('WHYFACE_HOME', home)
        for name in ('WHYFACE_MODEL', 'WHYFACE_DETECTOR'):
            environment.pop(name, None)
        self.process = subprocess.Popen(
            ['bash', '--norc'], cwd=folder, env=environment, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT)

    def run(self, command):
        """What the command prints, with its exit status unless that is 0."""
        self.process.stdin.write(f'{command} </dev/null\necho "{END} $?"\n')
        self.process.stdin.flush()
        printed = ''
        for line in self.process.stdout:
            at = line.find(END)
            if at >= 0:
                printed += line[:at] + ('\n' if at else '')
                status = int(line[at + len(END):])
                return printed + (f'[exit status {status}]\n' if status else '')
            printed += line
        return printed + '[the shell has ended]\n'


def main():
    page = pathlib.Path(sys.argv[1])
    npm = pathlib.Path(os.environ.get(
        'WHYFACE_NPM', pathlib.Path(__file__).parents[2] / 'node_modules'))
    if not (npm / '@vladmandic/face-api/demo/sample3.jpg').exists():
        print(f"SKIPPED: '{npm}' has no photos; set WHYFACE_NPM to the folder "
              'that has them', file=sys.stderr)
        sys.exit(77)
    failures = 0
    text = page.read_text()
    found = commands(text)
    with tempfile.TemporaryDirectory() as folder:
        os.symlink(npm.resolve(), f'{folder}/node_modules')
        for block in re.findall(r'^```c\n(.*?)^```', text, re.S | re.M):
            name = re.match(r'/\* (\w+\.c)\b', block)
            if name:
                pathlib.Path(folder, name[1]).write_text(block)
        shell = Shell(folder, sys.argv[2], f'{folder}/home')
        for command, expected in found:
            printed = shell.run(command)
            wanted = expected or ['...']
            failed = '[exit status' in printed and \
                not any('[exit status' in line for line in expected)
            if failed or not matches(wanted, printed):
                failures += 1
                print(f'FAILED: $ {command}\nprinted:\n{printed}'
                      'the page shows:\n' + '\n'.join(expected))
        shell.process.stdin.close()
        shell.process.wait()
    if not found:
        print(f'{page.name}: no commands')
    print(f'{page.name}: {len(found)} commands, {failures} failures')
    sys.exit(1 if failures or not found else 0)


main()
