# shellcheck shell=bash
# Bash completion of taskw. What may stand where the cursor is says the checkout whose taskw is typed.

_taskw() {
  local command=${COMP_WORDS[0]/#\~/$HOME} line=${COMP_LINE:0:COMP_POINT} words candidate current ends
  COMPREPLY=()
  command=$(command -v -- "$command") || return
  # Bash has split the words at colons and equals signs, too.
  read -ra words <<<"$line"
  words=("${words[@]:1}")
  case $line in *[[:space:]]) words+=('') ;; esac
  current=${words[${#words[@]} - 1]-}
  # It replaces what follows the last of those only.
  ends=$current
  case $COMP_WORDBREAKS in *:*) ends=${ends##*:} ;; esac
  case $COMP_WORDBREAKS in *=*) ends=${ends##*=} ;; esac
  current=${current%"$ends"}
  while IFS=$'\t' read -r candidate _; do
    case $candidate in
      '') ;;
      :files)
        compopt -o filenames 2>/dev/null
        while IFS= read -r candidate; do COMPREPLY+=("$candidate"); done < <(compgen -f -- "$ends")
        ;;
      *) COMPREPLY+=("${candidate#"$current"}") ;;
    esac
  done < <("$command" node "${command%/*}/scripts/completion.ts" --complete -- "${words[@]}" 2>/dev/null </dev/null)
}

complete -F _taskw taskw
