#!/bin/sh
# deb calls this with "configure OLD-VERSION", rpm with the number of versions that are there now.
set -e
# init runs as the service's user and writes cloud.yaml; keys and data go through the links in /etc/penstock-cloud to
# /var/lib, which is all that the running service may write.
install -d -o penstock-cloud -g penstock-cloud -m 0700 /var/lib/penstock-cloud /var/lib/penstock-cloud/pki /var/lib/penstock-cloud/data
if [ -d /run/systemd/system ]; then
	systemctl daemon-reload
	systemctl try-restart penstock-cloud.service
fi
if { [ "$1" = configure ] && [ -z "$2" ]; } || [ "$1" = 1 ]; then
	echo "penstock-cloud: make its configuration, keys and admin token, then start it:"
	echo "  runuser -u penstock-cloud -- penstock-cloud init --dir /etc/penstock-cloud --host NAME"
	echo "  systemctl enable --now penstock-cloud"
fi
