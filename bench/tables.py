#!/usr/bin/python3
"""usage: tables.py FILE.json...

Markdown of what 'whyface bench engine --json' and 'whyface bench explain --json'
printed: one section a file.
"""
import json
import sys


def number(value, digits):
    return '-' if value is None else f'{value:.{digits}f}'


def spread(s, digits=2):
    """Median with quartiles."""
    if s['median'] is None:
        return '-'
    low, high = s['quartiles']
    return f"{s['median']:.{digits}f} ({low:.{digits}f} .. {high:.{digits}f})"


def percent(value):
    return '-' if value is None else f'{100 * value:.1f} %'


def table(heads, rows):
    print('| ' + ' | '.join(heads) + ' |')
    print('|' + '---|' * len(heads))
    for row in rows:
        print('| ' + ' | '.join(row) + ' |')
    print()


def print_machine(r):
    m = r['machine']
    print(f"{m['cpu']}, {m['threads']} of {m['processors']} processors, load "
          f"{number(m['load'], 2)} at the start, other work took "
          f"{percent(m['other_work'])} of the processors' time. whyface "
          f"{m['whyface']}, {m['compiler']}, {m['engine']}. {r['rounds']} "
          f"rounds; medians, quartiles in brackets.\n")
    for c in r['contenders']:
        if c['absent']:
            print(f"{c['name']} was not measured: {c['absent']}.\n")


def print_engine(r):
    peak = r['machine']['peak']
    print(f"### {r['model']['name']}: a forward pass\n")
    print_machine(r)
    macs = r['macs']
    print(f"{number(macs and macs / 1e9, 3)} G multiply-adds an image. The "
          f"machine's peak: f32 {number(peak['f32_gflops'], 0)}, bf16 "
          f"{number(peak['bf16_gflops'], 0)} and int8 "
          f"{number(peak['int8_gops'], 0)} G operations/s; memory "
          f"{number(peak['memory_gb_s'], 1)} GB/s.\n")
    present = [c for c in r['contenders'] if not c['absent']]
    batches = [b['batch'] for b in present[0]['batches']]
    table(['ms an image'] + [f'batch {b}' for b in batches],
          [[c['name']] + [number(b['ms_an_image']['median'], 3)
                          for b in c['batches']] for c in present])
    rows = []
    for c in present:
        best = [b for b in c['batches'] if b['batch'] == c['best_batch']]
        if best:
            rows.append([
                f"{c['name']} ({c['engine']})", str(c['best_batch']),
                spread(best[0]['ms_an_image'], 3), number(best[0]['gflops'], 0),
                percent(best[0]['share_of_peak']), spread(c['ratio_best_batch']),
                spread(c['ratio_batch_1']), number(c['cosine'], 6)])
    table(['contender', 'best batch', 'ms an image', 'GFLOP/s', 'of peak',
           'times ONNX Runtime, best batch each', 'the same, batch 1',
           'cosine with native f32'], rows)
    if r['profile']:
        print_profile(r['profile'])


def print_profile(profile):
    kinds = {}
    for step in profile['steps']:
        kinds[step['kind']] = kinds.get(step['kind'], 0) + step['seconds']
    total = sum(kinds.values())
    print(f"Where the time of {profile['contender']} goes, batch "
          f"{profile['batch']}:\n")
    table(['kind of step', 'ms a run', 'share'],
          [[kind, number(1e3 * seconds, 3), percent(seconds / total)]
           for kind, seconds in sorted(kinds.items(), key=lambda k: -k[1])])


def print_explain(r):
    print(f"### {r['model']['name']}: a triplet, {r['masks']} masks\n")
    print_machine(r)
    table(['contender', 'seconds', 'of it masks, model, maps', 'peak MiB',
           'times torch-loop', 'times ort-loop', 'cosine of embeddings'],
          [[f"{c['name']} ({c['engine']})", spread(c['seconds']),
            number(c['seconds_explain']['median'], 2),
            number(c['peak_memory_mib']['median'], 0),
            spread(c['ratio_torch_loop']), spread(c['ratio_ort_loop']),
            number(c['cosine'], 6)]
           for c in r['contenders'] if not c['absent']])


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    for path in sys.argv[1:]:
        with open(path, encoding='utf-8') as file:
            result = json.load(file)
        (print_engine if result['bench'] == 'engine' else print_explain)(result)


if __name__ == '__main__':
    main()
