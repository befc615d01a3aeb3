#!/bin/sh
# Removing keeps the state: keys and telemetry. Only deb's purge deletes it, and what init wrote. The user stays,
# so that nobody else ever gets its number.
set -e
if [ -d /run/systemd/system ]; then
	systemctl daemon-reload
fi
if [ "$1" = purge ]; then
	rm -rf /var/lib/penstock-cloud /etc/penstock-cloud
fi
