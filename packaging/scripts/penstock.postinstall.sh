#!/bin/sh
# deb calls this with "configure OLD-VERSION", rpm with the number of versions that are there now.
set -e
if [ -d /run/systemd/system ]; then
	systemctl daemon-reload
	systemctl try-restart penstock.service
fi
if { [ "$1" = configure ] && [ -z "$2" ]; } || [ "$1" = 1 ]; then
	echo "penstock: write /etc/penstock/gateway.yaml, then: penstock check && systemctl enable --now penstock"
fi
