# usage: candidates.bash COMPLETION <LINES: what bash offers at the end of each
# line, one candidate a line, after a line "== LINE".
. "$1"
function=$(complete -p whyface | sed 's/.*-F \([^ ]*\).*/\1/')
while IFS= read -r line; do
    # As bash does: words end at blanks, and '=' is a word.
    read -ra COMP_WORDS <<<"${line//=/ = }"
    [[ $line != *' ' ]] || COMP_WORDS+=('')
    COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
    COMP_LINE=$line COMP_POINT=${#line}
    "$function" whyface "${COMP_WORDS[COMP_CWORD]}" ''
    printf '%s\n' "== $line" "${COMPREPLY[@]}"
done
