#compdef taskw
# Zsh completion of taskw. What may stand where the cursor is says the checkout whose taskw is typed.

_taskw() {
  local command line value about
  local -a lines candidates
  command=$(whence -p -- ${words[1]/#\~/$HOME}) || return
  lines=(${(f)"$($command node ${command:h}/scripts/completion.ts --complete -- "${(@Q)words[2,CURRENT-1]}" "$PREFIX" 2>/dev/null </dev/null)"})
  if [[ $lines == :files ]]; then
    _files
    return
  fi
  for line in $lines; do
    value=${line%%$'\t'*} about=${line#$value}
    # A colon ends the value.
    value=${value//:/\\:}
    candidates+=("$value${about/$'\t'/:}")
  done
  _describe -t words 'taskw' candidates
}

whence compdef >/dev/null || { autoload -Uz compinit && compinit }
compdef _taskw taskw
