#!/bin/bash
# usage: test_completion.sh bash|zsh WHYFACE COMPLETION
#
# Has the shell complete a handful of command lines, in a folder with a photo
# and two folders; what is registered comes from a program that stands in for
# whyface.
set -uo pipefail

shell=$1 whyface=$2 completion=$3
here=$(cd "$(dirname "$0")" && pwd)
command -v "$shell" >/dev/null || {
    echo "SKIPPED: '$shell' is not installed" >&2
    exit 77
}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

mkdir -p "$work/bin" "$work/here/photos" "$work/here/plots"
touch "$work/here/photos/a face.jpg" "$work/here/probe.jpg"
cat >"$work/bin/whyface" <<'EOF'
#!/bin/sh
[ "$*" = 'models list' ] || exit 1
echo 'model     arcface-r50                  512-d, 112x112, 4 thresholds'
echo 'model     mobilefacenet                512-d, 112x112, 4 thresholds'
echo 'detector  mtcnn                        mtcnn'
EOF
chmod +x "$work/bin/whyface"

# cases: 'offers' exactly these, 'includes' these among others, 'lacks' these
# among others; each is: what, line, words.
cases()
{
    local commands parts options command
    mapfile -t commands < <("$whyface" help |
        sed -n '/^usage/,/^.whyface help/s/^  \([^ ]*\) .*/\1/p')
    mapfile -t parts < <("$whyface" help bench |
        sed -n 's/^  \([a-z]*\)  .*/\1/p')
    "$1" includes 'whyface ' "${commands[@]}" help
    "$1" offers 'whyface cal' calibrate
    "$1" offers 'whyface help cal' calibrate
    "$1" includes 'whyface bench ' "${parts[@]}"
    "$1" offers 'whyface bench rep' report

    # Every long option of the help; where no method's come in, no other.
    for command in explain sanity models 'bench run'; do
        # shellcheck disable=SC2086
        mapfile -t options < <("$whyface" help $command |
            grep -oP '^  (-\w,|   ) \K--[a-z0-9-]+')
        case $command in
        explain | sanity) "$1" includes "whyface $command --" "${options[@]}" ;;
        *) "$1" offers "whyface $command --" "${options[@]}" ;;
        esac
    done
    "$1" includes 'whyface explain --' --round --spread
    "$1" lacks 'whyface explain --' --patches
    "$1" includes 'whyface explain --method s-rise --' --patches
    "$1" lacks 'whyface explain --method s-rise --' --spread

    "$1" offers 'whyface evaluate --fill ' mean black blur road
    "$1" offers 'whyface evaluate --fill=bl' black blur
    "$1" offers 'whyface evaluate --explain paper=minp' minplus
    "$1" offers 'whyface explain --colormap c' cubehelix
    "$1" offers 'whyface explain --method level' level-sets
    "$1" offers 'whyface explain --method s-rise --preset ' paper
    # shellcheck disable=SC2046
    "$1" offers 'whyface explain --method s-rise --estimator ' \
        $("$whyface" methods s-rise | grep -A1 -e '--estimator' |
            sed -n '2s/ \[.*//; 2s/|/ /gp')
    "$1" offers 'whyface methods kern' kernelshap
    "$1" offers 'whyface models tu' tune
    "$1" offers 'whyface explain -o p' photos plots
    "$1" includes 'whyface detect pr' probe.jpg
    "$1" offers 'whyface bench run x.db --nonmate ' random hardest none

    "$1" offers 'whyface verify -m arc' arcface-r50
    "$1" offers 'whyface verify --model mob' mobilefacenet
    "$1" offers 'whyface detect --detector m' mtcnn
    "$1" includes 'whyface verify --model ' arcface-r50 mobilefacenet probe.jpg
    "$1" offers 'whyface models show mob' mobilefacenet
}

print_line()
{
    printf '%s\n' "$2"
}

failures=0
complain()
{
    failures=$((failures + 1))
    echo "FAILED: $*"
}

check()
{
    local what=$1 line=$2 found wanted missing
    shift 2
    found=$(awk -v line="== $line" '/^== / { on = $0 == line; next } on' \
        "$work/found" | grep . | sort -u)
    wanted=$(printf '%s\n' "$@" | sort -u)
    missing=$(comm -13 <(echo "$found") <(echo "$wanted"))
    case $what in
    offers) [ "$found" = "$wanted" ] ;;
    includes) [ -z "$missing" ] ;;
    lacks) [ -n "$found" ] && [ "$missing" = "$wanted" ] ;;
    esac || complain "'$line' $what" $wanted ', but got' $found
}

export LC_ALL=C
cases print_line |
    (cd "$work/here" && PATH=$work/bin:$PATH \
        "$shell" "$here/candidates.$shell" "$completion") >"$work/found"
cases check
[ "$failures" -eq 0 ] && echo "all passed"
