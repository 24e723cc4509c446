# Fish completion of taskw. What may stand where the cursor is says the checkout whose taskw is typed.

function __taskw_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    set -l program (command -s -- (string replace -r '^~' $HOME -- $words[1])); or return
    set -l found ($program node (dirname $program)/scripts/completion.ts --complete -- $words[2..-1] "$current" 2>/dev/null </dev/null)
    if test "$found" = :files
        __fish_complete_path "$current"
    else
        printf '%s\n' $found
    end
end

complete -c taskw -f -a '(__taskw_complete)'
