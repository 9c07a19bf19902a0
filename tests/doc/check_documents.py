"""usage: check_documents.py WHYFACE SOURCE-FOLDER

What documents say about things that can be looked up:
- every line 'whyface ...' in a block of code has a command and options that
  the command has;
- every link to a file of the checkout leads to one, with its heading;
- every method has a page that gives an equation, and every page of doc/ is in
  its index;
- NOTICE names every Debian package of scripts/lib.sh, every npm package of
  package.json and every library of scripts/check-layers;
- CITATION.cff has what its format asks for, and this version.
"""
import json
import pathlib
import re
import subprocess
import sys

import yaml

whyface, source = sys.argv[1], pathlib.Path(sys.argv[2])
faults = []
PAGES = [source / 'README.md', source / 'CONTRIBUTING.md',
         source / 'TESTING.md', *sorted(source.glob('doc/**/*.md')),
         *sorted(source.glob('bench/*.md'))]


def run(*arguments):
    return subprocess.run([whyface, *arguments], check=True,
                          capture_output=True, text=True).stdout


def fault(page, what):
    faults.append(f'{page.relative_to(source)}: {what}')


# ---- commands --------------------------------------------------------------

def command_table():
    """{words of a command: (its options, whether those of methods too)}."""
    def listed(text):
        return re.findall(r'^  (\S+) {2,}\S', text, re.M)

    def options(*words):
        text = run('help', *words)
        found = set(re.findall(r'^  .{4}--([a-z0-9-]+)', text, re.M))
        found |= set(re.findall(r'^  -(\w), --', text, re.M))
        takes = subprocess.run([whyface, *words, '--seed', '1', '--help'],
                               capture_output=True).returncode == 0
        return found, takes

    table = {}
    for name in listed(run('help').split('\n\n')[2]):
        about = run('help', name).split('\nExample:')[0]
        table[name,] = options(name)
        parts = [] if re.search(r'^(Common o|O)ptions:', about, re.M) else \
            listed(about)
        for part in parts:
            table[name, part] = options(name, part)
    return table


def method_options():
    names = re.findall(r'^(\S+) .*\d  \S', run('methods'), re.M)
    return {option for name in names for option in
            re.findall(r'^  --(\S+)', run('methods', name), re.M)}


def code_lines(text):
    """Lines of code: fenced, or indented by four spaces after an empty line."""
    fenced = False
    for line in re.sub(r'\\\n *', '', text).splitlines():
        if line.startswith('```'):
            fenced = not fenced
        elif fenced or line.startswith('    '):
            yield line.strip().removeprefix('$ ')


def check_commands(page, text, table, of_methods):
    for line in code_lines(text):
        words = re.sub(r'\s#.*', '', line).split()
        if not words or words[0] != 'whyface' or len(words) < 2 or \
                not re.fullmatch(r'[a-z-]+', words[1]) or words[1] == 'help':
            continue
        command = tuple(words[1:3]) if tuple(words[1:3]) in table else \
            (words[1],)
        if command not in table:
            fault(page, f"no command in '{line}'")
            continue
        options, takes = table[command]
        for word in re.findall(r'(?<=\s)--?([a-z][a-z0-9-]*)', line):
            if word not in options and not (takes and word in of_methods):
                fault(page, f"no option '{word}' in '{line}'")


# ---- links -----------------------------------------------------------------

def anchors(text):
    """Names of headings, as they are linked to."""
    return {re.sub(r'[^\w\- ]', '', title.lower()).strip().replace(' ', '-')
            for title in re.findall(r'^#+ (.*)$', text, re.M)}


def check_links(page, text):
    for link in re.findall(r'\]\(([^)\s]+)\)', text):
        if re.match(r'[a-z]+:', link):
            continue
        place, _, heading = link.partition('#')
        target = page.parent / place if place else page
        if not target.exists():
            fault(page, f"the link '{link}' leads nowhere")
        elif heading and heading not in anchors(target.read_text()):
            fault(page, f"'{link}': there is no such heading")


# ---- methods, index --------------------------------------------------------

EQUATION = re.compile(r'^    .*\S.* = .*\S', re.M)


def check_methods():
    pages = {p: p.read_text() for p in source.glob('doc/methods/*.md')
             if p.name != 'README.md'}
    for page, text in pages.items():
        if not EQUATION.search(text):
            fault(page, 'has no equation')
    for name in re.findall(r'^(\S+) .*\d  \S', run('methods'), re.M):
        if not any(page.stem == name or re.search(
                rf'(^#+ .*\b|`|\*\*){re.escape(name)}(`|\*\*|[,:]|$)', text,
                re.M | re.I) for page, text in pages.items()):
            faults.append(f"doc/methods: no page has '{name}'")


def check_index():
    index = source / 'doc/README.md'
    text = index.read_text()
    for page in source.glob('doc/*.md'):
        if page != index and f']({page.name})' not in text:
            fault(index, f'lacks {page.name}')


# ---- notices, citation -----------------------------------------------------

def check_notice():
    notice = source / 'NOTICE'
    text = notice.read_text()
    words = set(re.findall(r'[\w.+-]*\w', text))
    lists = re.findall(r'^WF_\w+_PACKAGES=\((.*?)\)',
                       (source / 'scripts/lib.sh').read_text(), re.S | re.M)
    for name in ' '.join(lists).split():
        if name not in words:
            fault(notice, f'lacks the Debian package {name}')
    npm = json.loads((source / 'package.json').read_text())
    for name, version in (npm['dependencies'] | npm['devDependencies']).items():
        if f'{name} {version}' not in text:
            fault(notice, f'lacks the npm package {name} {version}')
    layers = (source / 'scripts/check-layers').read_text()
    owners = re.search(r'^OWNERS = {(.*?)^}', layers, re.S | re.M)[1]
    for pattern in re.findall(r"r'([^']+)':", owners):
        for header in pattern.split('|'):
            library = re.sub(r'\\.*|/$|^lib|lib$|\d+$', '', header)
            if library.lower() not in text.lower():
                fault(notice, f"lacks the library of the headers '{header}'")


def check_citation():
    """What version 1.2.0 of the Citation File Format requires."""
    citation = source / 'CITATION.cff'
    content = yaml.safe_load(citation.read_text())
    version = re.search(r'project\(whyface VERSION (\S+)',
                        (source / 'CMakeLists.txt').read_text())[1]
    wanted = {'cff-version': '1.2.0', 'version': version, 'type': 'software',
              'license': 'Apache-2.0'}
    for field, value in wanted.items():
        if content.get(field) != value:
            fault(citation, f"'{field}' is not '{value}'")
    for field in ('message', 'title'):
        if not isinstance(content.get(field), str):
            fault(citation, f"lacks '{field}'")
    for entry in [content, *content.get('references', [])]:
        if 'type' not in entry or 'title' not in entry or not all(
                'name' in author or 'family-names' in author
                for author in entry.get('authors') or [{}]):
            fault(citation, f"'{entry.get('title')}' lacks type or authors")


def main():
    table, of_methods = command_table(), method_options()
    for page in PAGES:
        text = page.read_text()
        check_commands(page, text, table, of_methods)
        check_links(page, text)
    check_methods()
    check_index()
    check_notice()
    check_citation()
    print('\n'.join(faults) or f'{len(PAGES)} pages: ok')
    sys.exit(1 if faults else 0)


main()
