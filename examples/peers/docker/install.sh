#!/bin/sh
# Unpacks the engine of Debian packages, without installing them, into root/.
set -e
mkdir -p root
cd root
for package in "$1" containerd runc libdevmapper1.02.1; do
  apt-get download -q "$package" > /dev/null
  dpkg -x "$package"_*.deb .
done
dpkg-deb -f "$1"_*.deb Version > version
rm ./*.deb
