#!/bin/sh
# Unpacks the module of a Debian package, for the nginx that is installed, into root/.
set -e
command -v nginx > /dev/null || { echo 'nginx is not installed' >&2; exit 1; }
mkdir -p root
cd root
apt-get download -q "$1" > /dev/null
dpkg -x "$1"_*.deb .
dpkg-deb -f "$1"_*.deb Version > version
rm "$1"_*.deb
