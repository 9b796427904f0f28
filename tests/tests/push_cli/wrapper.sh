#!/bin/sh
# sshd's ForceCommand: the paths of the node's systems lead into its directory. The login shell has
# the last word, as it has where nothing is forced.
D=@DIR@
command=$(printf '%s' "$SSH_ORIGINAL_COMMAND" | sed \
  -e "s#/etc/rc.local#$D/rc.local#g" \
  -e "s#/jump/log/events.jsonl#$D/jump-events#g" \
  -e "s#/jump/log/failed-boot-#$D/failed-boot-#g" \
  -e "s#/var/log/jump/#$D/new-log/#g" \
  -e "s#/proc/sys/kernel/random/boot_id#$D/boot_id#g" \
  -e "s#/usr/lib/jump/jumpinit#$D/new-jumpinit#g")
exec "$SHELL" -c "$command"
