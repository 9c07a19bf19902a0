# usage: candidates.zsh COMPLETION <LINES: what zsh offers at the end of each
# line, one candidate a line, after a line "== LINE".
#
# A second, interactive zsh runs in a pseudo-terminal.  Its compadd, which every
# candidate passes through, writes the matches to a file.
zmodload zsh/zpty || exit 77
export WF_COMPLETION=$1 WF_FOUND=$(mktemp) WF_SETUP=$(mktemp)
cat >$WF_SETUP <<'EOF'
PS1=
autoload -Uz compinit && compinit -D -u
_whyface() { source $WF_COMPLETION }
compdef _whyface whyface
compadd() {
    # With these it only asks which of some words match.
    if [[ "${@[1,(i)(-|--)]}" != *-(O|A|D)\ * ]]; then
        local -a matches
        builtin compadd -A matches "$@"
        # Those of options come with the '=' that a value follows.
        ((#matches == 0)) || print -rl -- ${matches%=} >>$WF_FOUND
    fi
    builtin compadd "$@"
}
bindkey '^I' complete-word
finish() { BUFFER=; print -r done:$((1 + 1)) }
zle -N finish
bindkey '^T' finish
print ready:$((1 + 1))
EOF
listen() { local text; zpty -r shell text "*$1*" }
zpty shell zsh -f -i
zpty -w shell 'source $WF_SETUP'
listen 'ready:2'
while IFS= read -r line; do
    : >$WF_FOUND
    zpty -w -n shell "$line"$'\t'$'\x14'
    listen 'done:2'
    print -r -- "== $line"
    cat $WF_FOUND
done
zpty -d shell
rm -f $WF_FOUND $WF_SETUP
