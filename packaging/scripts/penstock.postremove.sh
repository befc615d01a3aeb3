#!/bin/sh
# Removing keeps the state: identity, and samples that no cloud has stored yet. Only deb's purge deletes it. The user stays,
# so that nobody else ever gets its number.
set -e
if [ -d /run/systemd/system ]; then
	systemctl daemon-reload
fi
if [ "$1" = purge ]; then
	rm -rf /var/lib/penstock
fi
