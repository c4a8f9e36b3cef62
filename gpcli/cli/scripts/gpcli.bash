# bash completion for gpcli. In ~/.bashrc: eval "$(gpcli completion bash)"

_gpcli() {
    local current=${COMP_WORDS[COMP_CWORD]} line word
    local -a typed=("${COMP_WORDS[@]:1:COMP_CWORD}")
    COMPREPLY=()
    # Quotes and backslashes belong to the shell, not to the words.
    typed=("${typed[@]//[\\\"\']/}")
    [[ $current == = ]] && current=
    while IFS= read -r line; do
        if [[ $line == :files ]]; then
            compopt -o filenames 2>/dev/null
            while IFS= read -r word; do COMPREPLY+=("$word"); done < <(compgen -f -- "$current")
            return
        fi
        printf -v word %q "${line%%$'\t'*}"
        COMPREPLY+=("$word")
    done < <("${COMP_WORDS[0]}" __complete "${typed[@]}" 2>/dev/null)
}

complete -F _gpcli gpcli
