
# What is registered: __whyface_registered PROGRAM model|detector
__whyface_registered()
{
    local kind name
    while read -r kind name _; do
        [ "$kind" != "$2" ] || echo "$name"
    done < <("$1" models list 2>/dev/null)
}

# Sets what stands before the cursor: command, method, option (whose value is
# next) and the number of operands.
__whyface_look_back()
{
    local i word last='' options=''
    command='' option='' operands=0 method=${__whyface_methods%% *}
    for ((i = 1; i < COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]}
        if [ "$word" = = ]; then
            # bash takes --option=value for three words.
            option=${option:-$last}
        elif [ -n "$option" ]; then
            [ "$option" != --method ] || method=$word
            last=$option option=''
        elif [ -z "$command" ]; then
            command=$word
            options=$(__whyface_options "$command")
        elif [ -n "$(__whyface_parts "$command")" ]; then
            command=$command-$word
            options=$(__whyface_options "$command")
        else
            last=''
            case $word in
            -*)
                [[ " $options " != *METHOD* ]] ||
                    options+=$(__whyface_method_options "$method")
                [[ " $options " != *" $word= "* ]] || option=$word
                ;;
            *) operands=$((operands + 1)) ;;
            esac
        fi
    done
    # The '=' itself, with nothing behind it yet.
    [ "$cur" != = ] || cur='' option=${option:-$last}
}

# __whyface_offer KIND [WORD...]: candidates that begin with $cur.
__whyface_offer()
{
    local kind=$1 words='' before=''
    shift
    case $kind in
    words) words=$* ;;
    list)
        words=$*
        [[ $cur != *,* ]] || before=${cur%,*},
        ;;
    methods) words=$__whyface_methods ;;
    presets) words=$(__whyface_presets "$method") ;;
    models) words=$(__whyface_registered "${COMP_WORDS[0]}" model) ;;
    detectors) words=$(__whyface_registered "${COMP_WORDS[0]}" detector) ;;
    esac
    mapfile -t COMPREPLY < <(
        compgen -P "$before" -W "$words" -- "${cur#"$before"}"
        case $kind in
        files | models | detectors) compgen -f -- "$cur" ;;
        folders) compgen -d -- "$cur" ;;
        esac
    )
    case $kind in
    files | folders | models | detectors) compopt -o filenames 2>/dev/null ;;
    list) compopt -o nospace 2>/dev/null ;;
    esac
}

_whyface()
{
    local command option operands method found cur=${COMP_WORDS[COMP_CWORD]}
    COMPREPLY=()
    __whyface_look_back
    if [ -z "$command" ]; then
        found="words $__whyface_commands --help --version"
    elif [ "$command" = help ]; then
        found=''
        [ "$operands" -gt 0 ] || found="words $__whyface_commands"
        [ "$operands" -ne 1 ] ||
            found="words $(__whyface_parts "${COMP_WORDS[2]}")"
    elif [ -n "$option" ]; then
        found=$(__whyface_value "$command$option")
        [ -n "$found" ] || found=$(__whyface_method_value "$method$option")
    elif [ -n "$(__whyface_parts "$command")" ]; then
        found="words $(__whyface_parts "$command") --help"
    elif [[ $cur == -* ]]; then
        found=$(__whyface_options "$command")
        [[ $found != METHOD* ]] ||
            found="${found#METHOD} $(__whyface_method_options "$method")"
        found="words ${found//=/}"
    else
        found=$(__whyface_operand "$command-$((operands + 1))")
        found=${found:-files}
    fi
    # Words, not a pattern: nothing in the tables is one.
    # shellcheck disable=SC2086
    [ -z "$found" ] || __whyface_offer $found
}

complete -F _whyface whyface
