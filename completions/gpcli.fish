# fish completion for gpcli: gpcli completion fish > ~/.config/fish/completions/gpcli.fish

function __gpcli_complete
    set -l current (commandline -ct)
    # Quotes and backslashes belong to the shell, not to the word; a quote may be open.
    for end in '' "'" '"'
        set -l bare (string unescape -- "$current$end"); and set current $bare; and break
    end
    set -l typed (commandline -opc) "$current"
    set -l lines ($typed[1] __complete $typed[2..-1] 2>/dev/null)
    if test "$lines[1]" = :files
        set -l flag (string match -r -- '^--[^=]+=' "$typed[-1]")
        for path in (__fish_complete_path (string replace -- "$flag" '' "$typed[-1]"))
            echo "$flag$path"
        end
        return
    end
    printf '%s\n' $lines
end

complete -c gpcli -f -a '(__gpcli_complete)'
