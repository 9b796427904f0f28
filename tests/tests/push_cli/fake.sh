#!/bin/sh
# Acts jumpinit for a node that is only a directory.
D=@DIR@
tell() { printf '{"uptime_ms":%s,"stage":"%s",%s}\n' "$1" "$2" "$3"; }
have() { if [ -e "$D/$1" ]; then wc -c <"$D/$1"; else echo 0; fi; }
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
  [ ! -e "$D/slow" ] || { touch "$D/slow-now"; sleep 60; }
  cp "$3/bundle.json" "$D/bundle.json"
  [ -s "$3/toolbox.tar" ] || exit 1
  if [ ! -e "$D/begun" ]; then
    touch "$D/begun"
    tell 1000 stage '"event":"begin","step":"make the landing file system"'
    tell 1500 stage '"event":"done","step":"make the landing file system","millis":500'
  fi
  if [ -e "$D/fail" ]; then
    tell 1600 stage '"event":"failed","step":"stage","error":"mkfs broke","next":"the old system stays"'
    exit 1
  fi
  for image in jump target; do
    if [ "$(have $image)" -lt "$(have $image.tar.zst)" ]; then
      tell 2000 stage "\"event\":\"need\",\"image\":\"$image\",\"offset\":$(have $image)"
      exit 0
    fi
  done
  tell 3000 armed '"event":"complete"'
  ;;
receive)
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
  touch "$D/taken-back"
  tell 9000 armed '"event":"complete"'
  ;;
esac
