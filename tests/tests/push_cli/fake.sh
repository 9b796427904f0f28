#!/bin/sh
# Acts jumpinit for a node that is only a directory.
D=@DIR@
tell() { printf '{"uptime_ms":%s,"stage":"%s",%s}\n' "$1" "$2" "$3"; }
have() { if [ -e "$D/$1" ]; then wc -c <"$D/$1"; else echo 0; fi; }
# Every order, to be looked at later: no secret may be among the arguments.
echo "$*" >>"$D/orders"
# EX_PROTOCOL: the node belongs to another run.
other() { if [ -e "$D/other-run" ]; then echo 'error: run bb is under way on this node; this order is of run aa' >&2; exit 76; fi; }
case $1 in
--version) echo 'jumpinit fake' ;;
facts)
  dirname "$0" >"$D/work"
  cat "$D/facts.json"
  ;;
status) cat "$D/status.json" ;;
stage)
  # EX_TEMPFAIL: an earlier call still holds the node.
  [ ! -e "$D/busy" ] || { rm "$D/busy"; exit 75; }
  other
  [ ! -e "$D/slow" ] || { touch "$D/slow-now"; seconds=$(cat "$D/slow"); sleep "${seconds:-60}"; }
  cp "$3/bundle.json" "$D/bundle.json"
  [ -s "$3/toolbox.tar" ] || exit 1
  if [ -e "$D/fail-hook" ]; then
    tell 900 stage '"event":"begin","step":"hook-prep","hook":"drain"'
    tell 950 stage '"event":"said","step":"hook-prep","hook":"drain","text":"drained\n"'
    tell 990 stage '"event":"failed","code":"hook-failed","step":"hook-prep","hook":"drain","error":"no luck","next":"old-unarmed"'
    exit 1
  fi
  if [ ! -e "$D/begun" ]; then
    touch "$D/begun"
    tell 1000 stage '"event":"begin","step":"make-landing"'
    tell 1500 stage '"event":"done","step":"make-landing","millis":500'
  fi
  [ ! -e "$D/die" ] || kill -9 $$
  if [ -e "$D/fail" ]; then
    tell 1600 stage '"event":"failed","code":"mkfs-failed","step":"make-landing","error":"mkfs broke","next":"old-unarmed"'
    exit 1
  fi
  for image in jump target; do
    if [ "$(have $image)" -lt "$(have $image.tar.zst)" ]; then
      tell 2000 stage "\"event\":\"need\",\"image\":\"$image\",\"offset\":$(have $image)"
      exit 0
    fi
  done
  tell 3000 stage '"event":"complete"'
  ;;
arm)
  other
  [ ! -e "$D/slow-arm" ] || { touch "$D/slow-arm-now"; sleep 60; }
  [ ! -e "$D/break-arm" ] || { rm "$D/break-arm"; touch "$D/break-arm-now"; sleep 60; }
  touch "$D/armed"
  tell 3500 armed '"event":"complete"'
  ;;
receive)
  if [ -e "$D/swallow" ]; then cat >"$D/swallowed"; exit 0; fi
  if grep -q '"system":"jump"' "$D/status.json"; then
    cat >>"$D/next"
    exit 0
  fi
  if [ -e "$D/break" ] && [ "$3" = target ]; then
    rm "$D/break"
    head -c 100000 >>"$D/$3"
    touch "$D/break-now"
    sleep 60
  fi
  cat >>"$D/$3"
  ;;
reboot) touch "$D/reboot" ;;
take-back)
  other
  if [ -e "$D/nothing" ]; then
    echo 'error: there is nothing of a run on this node' >&2
    exit 66
  fi
  while [ "$1" != --work ]; do shift; done
  [ ! -e "$2/plan.json" ] || cp "$2/plan.json" "$D/handed-plan.json"
  touch "$D/taken-back"
  tell 9000 armed '"event":"complete"'
  ;;
hello) cat >"$D/hello.new" && mv "$D/hello.new" "$D/hello" ;;
turn-back) touch "$D/turned-back" ;;
resume)
  other
  touch "$D/resumed"
  ;;
exchange)
  cp "$3/bundle.json" "$D/next-bundle.json"
  if [ "$(have next)" -lt "$(have other.tar.zst)" ]; then
    tell 4000 stuck "\"event\":\"need\",\"image\":\"target\",\"offset\":$(have next)"
    exit 0
  fi
  tell 5000 stuck '"event":"complete"'
  ;;
kept) cat "$D/kept.json" ;;
events)
  if [ "$2" = --failed-boot ]; then
    cat "$D"/failed-boot-*
  else
    cat "$D/jump-events"
  fi
  ;;
esac
