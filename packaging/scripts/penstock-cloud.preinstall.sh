#!/bin/sh
# The user that the service runs as: no login, no home of its own.
set -e
if ! getent passwd penstock-cloud >/dev/null; then
	useradd --system --user-group --no-create-home --home-dir /var/lib/penstock-cloud --shell /usr/sbin/nologin penstock-cloud
fi
