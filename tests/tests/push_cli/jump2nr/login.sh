#!/bin/sh
# sshd's ForceCommand: a node whose partitions are files of the bench.
D=@DIR@
PATH=$D/bin:$PATH SESSION=$PPID
export D PATH SESSION
exec "$SHELL" -c "$SSH_ORIGINAL_COMMAND"
