#!/bin/sh
# Starts Redis for the users whose passwords are mounted, and for nobody else. Nothing is written to disk: Redis holds only
# what may be lost. The configuration goes through stdin, where no other process sees it.
#   sh start.sh [FOLDER OF SECRETS [PORT]]
set -eu
secrets=${1:-/run/secrets}

users() {
    for file in "$secrets"/momo_*; do
        password=$(cat "$file")
        echo "user ${file##*/} on #$(printf %s "$password" | sha256sum | cut -d ' ' -f 1) ~* &* +@all -@dangerous"
    done
}

exec redis-server - <<CONFIGURATION
port ${2:-6379}
save ""
appendonly no
maxmemory 192mb
maxmemory-policy allkeys-lru
user default off
$(users)
CONFIGURATION
