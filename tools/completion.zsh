
# What is registered, and files: __whyface_registered model|detector
__whyface_registered()
{
    local kind name rest
    local -a names
    _call_program registered whyface models list 2>/dev/null |
        while read -r kind name rest; do
            [[ $kind != $1 ]] || names+=($name)
        done
    _alternative "registered:registered $1:($names)" 'files:file:_files'
}

# Sets REPLY to the method that the command line names.
__whyface_method()
{
    local i
    __whyface_known ''
    REPLY=${reply[1]%%:*}
    for ((i = 1; i < CURRENT; i++)); do
        case $words[i] in
        --method) REPLY=$words[i+1] ;;
        --method=*) REPLY=${words[i]#--method=} ;;
        esac
    done
}

__whyface_methods()
{
    local -a reply offered
    __whyface_known ''
    offered=($reply)
    compset -P '*=' # NAME=METHOD
    _describe -t methods method offered
}

__whyface_presets()
{
    local REPLY
    local -a reply offered
    __whyface_method
    __whyface_known "$REPLY"
    offered=($reply)
    _describe -t presets preset offered
}

# __whyface_choose NAME: a command of '' or a sub-command of NAME.
__whyface_choose()
{
    local -a reply offered
    __whyface_parts "$1"
    offered=($reply)
    _describe -t commands command offered
}

# __whyface_run NAME: options and operands of a command.
__whyface_run()
{
    local REPLY
    local -a reply specs
    local __whyface_takes_method_options=0
    __whyface_command_specs "$1"
    specs=($reply)
    if ((__whyface_takes_method_options)); then
        __whyface_method
        __whyface_method_specs "$REPLY"
        # Of two options of a name, the command's own counts.
        local spec name
        for spec in $reply; do
            name=${${spec#\*}%%=*}
            [[ -n ${(M)specs:#*$name(=|\[)*} ]] || specs+=($spec)
        done
    fi
    _arguments -s -S $specs
}

_whyface()
{
    local curcontext=$curcontext state state_descr command
    local -a line reply
    typeset -A opt_args
    _arguments -C '(- *)--help[list the commands]' \
        '(- *)--version[version, compiler, engine]' \
        '1:command: __whyface_choose ""' '*::argument:->arguments'
    [[ $state == arguments ]] || return
    command=$words[1]
    if [[ $command == help ]]; then
        case $CURRENT in
        2) __whyface_choose '' ;;
        3) __whyface_choose "$words[2]" ;;
        esac
        return
    fi
    __whyface_parts "$command"
    if (($#reply == 0)); then
        __whyface_run "$command"
    elif ((CURRENT == 2)); then
        __whyface_choose "$command"
    else
        command+=" $words[2]"
        shift words
        ((CURRENT--))
        __whyface_run "$command"
    fi
}

_whyface "$@"
