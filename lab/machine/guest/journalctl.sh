#!/bin/sh
# `journalctl -u UNIT [-n LINES] [-f]` inside a machine: prints the unit's log file; other options are accepted and ignored.
unit='' lines=1000 follow=''
while [ $# -gt 0 ]; do
  case $1 in
    -u | --unit) unit=$2 && shift ;;
    --unit=*) unit=${1#*=} ;;
    -u*) unit=${1#-u} ;;
    -n | --lines) lines=$2 && shift ;;
    --lines=*) lines=${1#*=} ;;
    -n*) lines=${1#-n} ;;
    -f | --follow) follow=-F ;;
  esac
  shift
done
[ "$unit" ] || { echo 'journalctl: name a unit with -u' >&2 && exit 1; }
log=/var/log/${unit%.service}.log
[ -e "$log" ] || { echo '-- No entries --' && exit 0; }
exec tail -n "$lines" ${follow:+"$follow"} "$log"
