#!/bin/sh
# first-process.sh COMMAND [ARGUMENT...]: the image's first process. Runs the sidecar as its child, and starts
# it again when it crashes or is killed.
#
# The kernel ends every process of a container with the first one, and so those that keep AF_XDP queues held
# (src/xdp). This one reads nothing that anybody sends and stays at about 1 MiB, so the out-of-memory killer
# takes the sidecar. No score is set for that: a raised one would have the whole machine's killer take the
# sidecar first. It reaps orphans, since `wait` takes in whatever child has ended.
#
# It ends with the sidecar's code when a signal has asked for the end (SIGTERM, SIGINT), or the code says that
# another start would end alike. Known limit: the container's end, in order or not, frees the queues.
set -u

MAX_PAUSE=8
RAN_WELL=60
# What the sidecar never ends with; EX_OSERR of sysexits.
NO_PROCESS=71
child=
ending=
signalled=
insisting=
code=0
now=0

# dash has a child in the background ignore SIGINT, so both are sent as SIGTERM. A child that has been forked
# and is no program yet loses a signal: it is sent again each second, by a process of its own, so that the end
# is seen at once.
pass_on() {
  ending=1
  signalled=1
  [ -n "$child" ] || return 0
  kill -TERM "$child" 2>/dev/null
  [ -z "$insisting" ] || return 0
  command eval '{ while sleep 1 && kill -TERM "$child"; do :; done; } >/dev/null 2>&1 &' && insisting=$!
}
trap pass_on TERM INT
# Whoever read what is written here has gone: no reason to end.
trap : PIPE

# Runs a command to its end, through signals. `code` becomes its exit code, NO_PROCESS if there can be no new
# process now.
run() {
  child=
  code=$NO_PROCESS
  # `command`: a fork that fails would else end this shell.
  command eval '"$@" &' || return 0
  child=$!
  [ -z "$ending" ] || pass_on
  while :; do
    wait "$child"
    status=$?
    # 127: no such child any more, which ended just before a signal came.
    [ "$status" -eq 127 ] && [ "$code" -ne "$NO_PROCESS" ] || code=$status
    [ -n "$signalled" ] || break
    signalled=
  done
  child=
}

# Seconds, of no clock that can be set.
read_uptime() {
  IFS=. read -r now _ </proc/uptime
}

rest() {
  run sleep "$1"
  [ "$code" -eq "$NO_PROCESS" ] || return 0
  # Not even sleep(1) can be started: the limit of processes is reached.
  turns=0
  while [ "$turns" -lt 300000 ]; do turns=$((turns + 1)); done
}

pause=0
while :; do
  read_uptime
  started=$now
  run "$@"
  ended=$code
  [ -z "$ending" ] || break
  # In order; the command line; a setting; no such program.
  case $ended in 0 | 64 | 78 | 126 | 127) break ;; esac
  read_uptime
  [ $((now - started)) -lt "$RAN_WELL" ] || pause=0
  how="ended with code $ended"
  [ "$ended" -le 128 ] || how="was ended by signal $((ended - 128))"
  [ "$ended" -ne 137 ] || how="$how, as by the out-of-memory killer"
  [ "$ended" -ne "$NO_PROCESS" ] || how="cannot be started, as there can be no new process"
  echo "egress: the sidecar $how; the rules stay; it is started again in $pause s" >&2
  rest "$pause"
  [ -z "$ending" ] || break
  pause=$((pause == 0 ? 1 : pause * 2))
  [ "$pause" -le "$MAX_PAUSE" ] || pause=$MAX_PAUSE
done
[ -z "$insisting" ] || kill "$insisting" 2>/dev/null
exit "$ended"
