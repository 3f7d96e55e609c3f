#!/bin/sh
# Makes the secrets that compose.yml mounts, at random, in compose/secrets (or the folder given): one file each. What is
# there already stays.
set -eu
folder=${1:-$(dirname "$0")/secrets}
mkdir -p "$folder"
# The folder is closed to others; its files are mounted one by one, and the servers that read them run as users of their own.
chmod 700 "$folder"
umask 022
echo '*' >"$folder/.gitignore"

secret() {
    [ -s "$folder/$1" ] && return
    # written beside and moved: an interrupted run leaves no half of a secret
    echo "$2$(od -An -vtx1 -N32 /dev/urandom | tr -d ' \n')" >"$folder/.$1"
    mv "$folder/.$1" "$folder/$1"
    echo "secrets: made $folder/$1"
}

# each process' user, on the broker, in the databases and in Redis
for user in gateway user meeting payment notification operator monitor; do secret "momo_$user" ''; done
# the administrator of the broker and the databases, who makes those users
secret admin ''
secret token_secret ''
secret grafana_admin ''
# the sandbox takes any key; for real payments this is the one that Toss gave you
secret toss_secret_key test_sk_
