#!/bin/sh
# Installs what MOMO needs and the machine lacks: the distribution's servers, then the locked Python packages in .venv.
# `setup.sh test` also installs what only the tests run: Prometheus with promtool, Chromium and nginx;
# `setup.sh image` what builds images without a Docker engine.
# Does nothing, quietly, when nothing is missing. Exit 2 with one clear line when something has to be done by hand.
set -eu
cd "$(dirname "$0")/.."
PATH="$PATH:/usr/lib/rabbitmq/bin:/usr/local/sbin:/usr/sbin:/sbin"
python=${PYTHON:-python3}
purpose=${1:-}

give_up() {
    echo "setup: $1" >&2
    exit 2
}

has() { command -v "$1" >/dev/null 2>&1; }

missing_packages() {
    "$python" -c 'import ensurepip' 2>/dev/null || echo python3-venv
    { has rabbitmq-server && has epmd; } || echo rabbitmq-server
    { has mariadbd && has mariadb-install-db; } || echo mariadb-server
    has redis-server || echo redis-server
    if [ "$purpose" = test ]; then
        { has prometheus && has promtool; } || echo prometheus
        has chromium || echo chromium
        has nginx || echo nginx-light
        has ip || echo iproute2
    fi
    if [ "$purpose" = image ]; then
        has buildah || echo buildah
        has debootstrap || echo debootstrap
    fi
}

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

install_packages() {
    echo "setup: installing with apt-get: $*"
    [ "$(id -u)" = 0 ] || has sudo || give_up "not root and no sudo; as root run: apt-get install --no-install-recommends $*"
    # The packages would start services of their own; ours are private. A policy that is there already is respected.
    policy=/usr/sbin/policy-rc.d
    if [ ! -e "$policy" ]; then
        trap 'as_root rm -f "$policy"' EXIT
        trap 'exit 130' INT
        trap 'exit 143' TERM HUP
        printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null
        as_root chmod 755 "$policy"
    fi
    log=$(mktemp)
    if ! { as_root apt-get -q update && as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get -q -y --no-install-recommends install "$@"; } >"$log" 2>&1; then
        tail -n 20 "$log" >&2
        give_up "apt-get could not install $*: see above (all of it in $log)"
    fi
    rm -f "$log"
}

install_python_packages() {
    "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
        give_up "$("$python" --version) is too old: MOMO needs Python 3.11 or later (PYTHON=/path/to/python3.11 make setup)"
    echo "setup: installing the Python packages of requirements.lock into .venv"
    rm -f .venv/setup.stamp
    .venv/bin/python -c '' 2>/dev/null || "$python" -m venv --clear .venv
    # uv lives beside the packages: a sync removes whatever the lock does not name.
    if ! .venv/uv/bin/uv --version 2>/dev/null | grep -qF "uv $(sed -n 's/^uv==\([^ ]*\).*/\1/p' requirements-uv.lock)"; then
        .venv/bin/python -m pip --version >/dev/null 2>&1 || .venv/bin/python -m ensurepip >/dev/null
        rm -rf .venv/uv
        .venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes \
            --target .venv/uv -r requirements-uv.lock
    fi
    . compose/index.sh
    follow_pip_configuration
    export VIRTUAL_ENV="$PWD/.venv"
    .venv/uv/bin/uv pip sync --quiet --require-hashes requirements.lock
    .venv/uv/bin/uv pip install --quiet --no-deps --no-build-isolation -e .
    stamp >.venv/setup.stamp
}

stamp() { cat requirements.lock requirements-uv.lock pyproject.toml compose/setup.sh | cksum; }

has "$python" || give_up "$python is not installed: install Python 3.11 or later"
packages=$(missing_packages)
if [ -n "$packages" ]; then
    # shellcheck disable=SC2086  # one word a package
    has apt-get || give_up "install these by hand (named as in Debian), then run this again: $(echo $packages)"
    # shellcheck disable=SC2086
    install_packages $packages
fi
if [ "$(cat .venv/setup.stamp 2>/dev/null)" != "$(stamp)" ]; then
    install_python_packages
fi
