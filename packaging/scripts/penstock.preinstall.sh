#!/bin/sh
# The user that the service runs as: no login, no home of its own.
set -e
if ! getent passwd penstock >/dev/null; then
	useradd --system --user-group --no-create-home --home-dir /var/lib/penstock --shell /usr/sbin/nologin penstock
fi
