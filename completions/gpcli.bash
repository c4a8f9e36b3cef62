# bash completion for gpcli. In ~/.bashrc: eval "$(gpcli completion bash)"

_gpcli() {
    local current=${COMP_WORDS[COMP_CWORD]} line word
    local -a typed=()
    COMPREPLY=()
    for word in "${COMP_WORDS[@]:1:COMP_CWORD}"; do
        _gpcli_unquote "$word"
        typed+=("$REPLY")
    done
    [[ $current == = ]] && current=
    while IFS= read -r line; do
        if [[ $line == :files ]]; then
            compopt -o filenames 2>/dev/null
            while IFS= read -r word; do COMPREPLY+=("$word"); done < <(compgen -f -- "$current")
            return
        fi
        _gpcli_quote "${line%%$'\t'*}" "$current"
        COMPREPLY+=("$REPLY")
    done < <("${COMP_WORDS[0]}" __complete "${typed[@]}" 2>/dev/null)
}

# Quotes and backslashes belong to the shell, not to the word: REPLY is without them.
_gpcli_unquote() {
    local rest=$1 quote= sign
    REPLY=
    while [[ -n $rest ]]; do
        sign=${rest:0:1} rest=${rest:1}
        if [[ $sign == \\ && $quote != \' && ( -z $quote || $rest == [\$\`\"\\]* ) ]]; then
            REPLY+=${rest:0:1} rest=${rest:1}
        elif [[ -n $quote && $sign == "$quote" ]]; then
            quote=
        elif [[ -z $quote && $sign == [\"\'] ]]; then
            quote=$sign
        else
            REPLY+=$sign
        fi
    done
}

# REPLY is the word as it stands after what was typed, which may have opened a quote.
_gpcli_quote() {
    local sign
    REPLY=$1
    case $2 in
        \'*) REPLY=${REPLY//\'/\'\\\'\'} ;;
        \"*) for sign in \\ \" \$ \`; do REPLY=${REPLY//"$sign"/\\"$sign"}; done ;;
        *) printf -v REPLY %q "$REPLY"; REPLY=${REPLY//\\,/,} ;;
    esac
}

complete -F _gpcli gpcli
