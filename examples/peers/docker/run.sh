#!/bin/sh
# The engine of root/ at the socket root/engine.sock: without a bridge and without rules of a firewall. It wants root.
root="$PWD/root"
export PATH="$root/usr/sbin:$root/usr/bin:$PATH"
export LD_LIBRARY_PATH="$root/lib/x86_64-linux-gnu:$root/usr/lib/x86_64-linux-gnu"
echo '{}' > "$root/config.json"
rm -f "$root/engine.pid" "$root/engine.sock"
exec dockerd --config-file "$root/config.json" --data-root "$root/data" --exec-root "$root/exec" \
  --host "unix://$root/engine.sock" --pidfile "$root/engine.pid" --iptables=false --ip6tables=false --bridge=none \
  --storage-driver=vfs
