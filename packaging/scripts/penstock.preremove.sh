#!/bin/sh
# deb: "remove" or "upgrade VERSION"; rpm: how many versions stay. An upgrade leaves the service as it is.
set -e
case "$1" in
remove | 0)
	if [ -d /run/systemd/system ]; then
		systemctl --no-reload disable --now penstock.service
	fi
	;;
esac
