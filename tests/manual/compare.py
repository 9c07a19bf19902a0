"""usage: compare.py WHYFACE MAN-FOLDER SOURCE-FOLDER

Renders every manual page with mandoc and compares it with what the command
itself says: 'whyface help COMMAND' for usage, text, options (letter, name,
metavar, help with its default) and example, 'whyface methods NAME' for the
options of methods.  Neither may have what the other lacks.
"""
import pathlib
import re
import shutil
import subprocess
import sys

whyface, folder, source = sys.argv[1], *map(pathlib.Path, sys.argv[2:])
faults = []
SECTIONS = ['NAME', 'SYNOPSIS', 'DESCRIPTION', 'OPTIONS', 'EXIT STATUS',
            'EXAMPLE', 'SEE ALSO']


def run(*command):
    return subprocess.run(command, check=True, capture_output=True,
                          text=True).stdout


def squeeze(text):
    return ' '.join(text.split())


def expect(page, what, found, wanted):
    if found != wanted:
        faults.append(f'{page}: {what}: the page has {found!r}, '
                      f'the command has {wanted!r}')


def render(page):
    """The page's sections: {title: text}, lines unbroken."""
    text = run('mandoc', '-T', 'utf8', '-O', 'width=900', str(page))
    # What is underlined is for the user to fill in: kept as {NAME}.
    text = re.sub('((?:_\b[^_])+)', lambda m: '{' + m[1][2::3] + '}', text)
    text = re.sub('.\b', '', text)
    sections, title = {}, None
    for line in text.splitlines()[1:-1]:
        if re.match(r'\S', line):
            title = line.strip()
            sections[title] = ''
        elif title:
            sections[title] += line + '\n'
    return sections


HEAD = r'(?:-(\w), )?--([a-z0-9-]+)'


def page_options(text):
    """[(letter, name, metavar, help)] of a section of tagged paragraphs."""
    options = []
    for line in text.splitlines():
        deep = len(line) - len(line.lstrip())
        head = re.fullmatch(HEAD + r'(?: \{(\S+)\})?(?: +(.*))?', line.strip())
        if deep == 7 and head:
            options.append([*head.groups()[:3], head[4] or ''])
        elif deep > 7 and options:
            options[-1][3] += ' ' + line
    return [(a, b, c, squeeze(d)) for a, b, c, d in options]


def help_parts(words):
    """usage, about, {sub-command: summary}, options, example of a help."""
    text = run(whyface, 'help', *words)
    usage, rest = text.split('\n', 1)
    rest, example = rest.split('\nExample:\n')
    about, *tables = re.split(r'^(?:Common o|O)ptions:\n', rest, flags=re.M)
    parts = dict(re.findall(r'^  (\S+) {2,}(\S.*)$', about, re.M))
    about = re.sub(r'^  \S+ {2,}\S.*\n', '', about, flags=re.M)
    options = []
    for line in ''.join(tables).splitlines():
        start = re.match(r'  (?:-\w,|   ) --', line)
        if start:
            # What is left of column 28 is the head, if it fits.
            alone = len(line) < 28 or line[26:28] != '  '
            head, text = (line, '') if alone else (line[:28], line[28:])
            found = re.fullmatch(HEAD + r'(?: (\S+))?', head.strip())
            options.append([*found.groups(), text])
        elif line.strip():
            options[-1][3] += ' ' + line
    options = [(a, b, c, squeeze(d)) for a, b, c, d in options]
    return squeeze(usage.removeprefix('usage: ')), squeeze(about), parts, options, \
        example.strip()


def check_lint(page):
    for command in (['mandoc', '-T', 'lint', '-W', 'warning', str(page)],
                    ['groff', '-man', '-T', 'utf8', '-ww', '-z', str(page)]):
        if not shutil.which(command[0]):
            continue
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode or done.stdout or done.stderr:
            faults.append(f'{page.name}: {command[0]}: '
                          f'{(done.stdout + done.stderr).strip()}')


def check_command(words, summary, method_options):
    name = '-'.join(['whyface', *words])
    page = folder / 'man1' / f'{name}.1'
    sections = render(page)
    usage, about, parts, options, example = help_parts(words)
    for title in SECTIONS:
        if title not in sections and (options or title != 'OPTIONS'):
            faults.append(f'{page.name}: no section {title}')
    sections = dict.fromkeys(SECTIONS, '') | sections
    expect(page.name, 'name', squeeze(sections['NAME']), f'{name} - {summary}')
    expect(page.name, 'synopsis', 
           re.sub('[{}]', '', squeeze(sections['SYNOPSIS'])), usage)
    described = squeeze(about + ' ' + ' '.join(
        f'{part} {what}' for part, what in parts.items()))
    expect(page.name, 'description', squeeze(sections['DESCRIPTION']),
           described)
    expect(page.name, 'options', page_options(sections['OPTIONS']), options)
    expect(page.name, 'example', squeeze(sections['EXAMPLE']), example)
    listed = {o[1] for o in page_options(sections.get('OPTIONS OF METHODS',
                                                      ''))}
    # Whether a command takes them is tried, not read.
    probe = subprocess.run([whyface, *words, '--masks', '1', '--help'],
                           capture_output=True, text=True)
    takes = probe.returncode == 0 and \
        not re.search(r'^  .{4}--masks ', probe.stdout, re.M)
    expect(page.name, 'options of methods', listed,
           method_options if takes else set())
    check_lint(page)
    return parts


def method_parts(name):
    """[(option or preset, metavar, help)] by 'whyface methods NAME'."""
    text = run(whyface, 'methods', name)
    options, _, presets = text.partition('\npresets:\n')
    rows = []
    for head, about, kind in re.findall(
            r'^  --(\S+) +(\S.*)\n +(\S.*)$', options, re.M):
        choice = re.fullmatch(r'(\S+) (\[.*\])', kind)
        span = re.fullmatch(r'(\S+), (.* to .*) (\[.*\])', kind)
        if span:
            rows.append((head, span[1], f'{about}; {span[2]} {span[3]}'))
        else:
            rows.append((head, choice[1], f'{about} {choice[2]}'))
    for head, about, values in re.findall(
            r'^  --preset (\S+)\n +(\S.*)\n +(\S.*)$', presets, re.M):
        rows.append(('preset', head, f'{about}: {values}'))
    return [(a, b, squeeze(c)) for a, b, c in rows]


def check_methods():
    """The page of methods; returns the names of all their options."""
    page = folder / 'man7' / 'whyface-methods.7'
    found, current = {}, None
    for line in render(page)['METHODS'].splitlines(keepends=True):
        title = re.fullmatch(r'   (\S.*)\n', line)
        if title:
            current = title[1]
            found[current] = ''
        elif current:
            found[current] += line
    names = re.findall(r'^(\S+) .*\d  \S', run(whyface, 'methods'), re.M)
    expect(page.name, 'methods', list(found), names)
    known = set()
    for name in names:
        wanted = method_parts(name)
        expect(page.name, name, [o[1:] for o in page_options(found[name])],
               wanted)
        known |= {row[0] for row in wanted} - {'preset'}
    check_lint(page)
    return known


def check_overview(commands):
    page = folder / 'man1' / 'whyface.1'
    sections = render(page)
    expect(page.name, 'commands',
           re.findall(r'whyface-(\S+)\(1\)\s+(\S.*)', sections['COMMANDS']),
           [('-'.join(words), summary) for words, summary in commands])
    expect(page.name, 'exit status',
           re.findall(r'(\d+) +(\S.*)', sections['EXIT STATUS']),
           re.findall(r'^  (\d+) +(\S.*)',
                      run(whyface, 'help').split('Exit status:')[1], re.M))
    # Every variable that the sources read is in the page and none besides.
    read = set()
    for path in [*source.glob('src/**/*.c'), *source.glob('app/*.c'),
                 *source.glob('cli/*.c')]:
        read |= set(re.findall(r'"(WHYFACE_[A-Z_]+)"', path.read_text()))
    read -= {'WHYFACE_OWN_SPINCOUNT'}
    expect(page.name, 'environment',
           sorted(set(re.findall(r'^ +(WHYFACE_[A-Z_]+)\b',
                                 sections['ENVIRONMENT'], re.M))),
           sorted(read))
    check_lint(page)


def main():
    if not shutil.which('mandoc'):
        print("SKIPPED: 'mandoc' is not installed", file=sys.stderr)
        sys.exit(77)
    options = check_methods()
    commands = []
    listing = run(whyface, 'help').split('\n\n')[2]
    for name, summary in re.findall(r'^  (\S+) +(\S.*)$', listing, re.M):
        commands.append(([name], summary))
        parts = check_command([name], summary, options)
        for part, what in parts.items():
            commands.append(([name, part], what))
            check_command([name, part], what, options)
    check_overview(commands)
    pages = {p.name for p in folder.glob('man?/*')}
    expect('pages', 'files', pages,
           {'whyface.1', 'whyface-methods.7'} |
           {'-'.join(['whyface', *words]) + '.1' for words, _ in commands})
    print('\n'.join(faults) or f'{len(pages)} pages: all as the command says')
    sys.exit(1 if faults else 0)


main()
