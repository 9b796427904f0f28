#!/bin/sh
# The programs of that node, by their names. What changes it is written down.
name=${0##*/}
case $name in
cat)
  case $1 in
  /proc/*) exec /bin/cat "$D/${1##*/}" ;;
  *) exec /bin/cat "$@" ;;
  esac
  ;;
blkid)
  case $* in
  *PART_ENTRY_TYPE*) exec echo 0x82 ;;
  *) exec /bin/cat "$D/blkid" ;;
  esac
  ;;
esac
[ "$*" = --version ] || echo "$name $*" >>"$D/changes"
case $name in
swapoff) : >"$D/swaps" ;;
mkfs.ext3) echo '/dev/sda2: LABEL="jump2nr" TYPE="ext3"' >"$D/blkid" ;;
mount) echo '/dev/sda2 /media/jump ext3 rw 0 0' >>"$D/mounts" ;;
reboot | drop) kill -9 "$SESSION" ;;
esac
