# shellcheck shell=bash
# Installs, on Debian and its relatives, what the tests need and the machine lacks.

# The newest PostgreSQL: Debian keeps its server programs out of PATH.
postgres_bin() {
    local initdb
    initdb=$(compgen -G '/usr/lib/postgresql/*/bin/initdb' | sort -V | tail -n 1) || true
    dirname "${initdb:-$(command -v initdb || echo /nowhere/initdb)}"
}

# What the build of the FIPS module needs. Nobody else needs it, so only `.ci/run` installs it.
FIPS_TOOLS="cmake make go perl"
has_fips_tools() {
    local tool
    for tool in $FIPS_TOOLS; do command -v "$tool" >/dev/null || return 1; done
}

# Where they can't be installed, FIPS is not tested, and the run says so: that alone is no failure.
install_fips_tools() {
    local tool missing=()
    for tool in $FIPS_TOOLS; do
        command -v "$tool" >/dev/null && continue
        case $tool in go) missing+=(golang-go) ;; *) missing+=("$tool") ;; esac
    done
    install_missing "${missing[@]}" || true
}

# The packages of what is not here, by capability: a server from elsewhere than Debian will do.
missing_packages() {
    local missing=()
    # Ordinary users have no sbin in PATH.
    local PATH=$PATH:/usr/sbin
    echo '#include <stdlib.h>' | cc -E -x c - >/dev/null 2>&1 || missing+=(gcc libc6-dev)
    command -v pkg-config >/dev/null || missing+=(pkg-config)
    pkg-config --exists libpq 2>/dev/null || missing+=(libpq-dev)
    pkg-config --exists libmariadb 2>/dev/null || pkg-config --exists mysqlclient 2>/dev/null || missing+=(libmariadb-dev)
    if ! [ -x "$(postgres_bin)/initdb" ] || ! command -v psql >/dev/null; then missing+=(postgresql); fi
    if ! command -v mariadbd >/dev/null || ! command -v mariadb-install-db >/dev/null; then missing+=(mariadb-server); fi
    python3 -m pip --version >/dev/null 2>&1 || missing+=(python3-pip)
    echo "${missing[@]}"
}

install_packages() {
    local packages
    packages=$(missing_packages)
    # shellcheck disable=SC2086 # one word per package
    install_missing $packages
}

install_missing() {
    local as_root=()
    [ $# -gt 0 ] || return 0
    [ "$(id -u)" = 0 ] || as_root=(sudo)
    # The first sudo asks for the password where there is somebody to ask.
    if ! command -v apt-get >/dev/null || ! "${as_root[@]}" true; then
        echo "Missing on this machine, by their names in Debian: $*" >&2
        echo "Install them, or run this as root or with sudo where there is apt-get." >&2
        return 1
    fi
    echo "Installing: $*"
    deny_service_starts "${as_root[@]}"
    local log status=0
    log=$(mktemp)
    { "${as_root[@]}" apt-get -qq update &&
        "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
            apt-get -qq -y --no-install-recommends install "$@"; } </dev/null >"$log" 2>&1 || status=$?
    allow_service_starts
    if [ "$status" != 0 ]; then
        cat "$log" >&2
        echo "This failed: apt-get --no-install-recommends install $*" >&2
    fi
    rm -f "$log"
    return "$status"
}

# Debian starts a server when it is installed, unless this file forbids it. One that is here already is
# the machine's own policy and stays.
POLICY=/usr/sbin/policy-rc.d
policy_is_ours=()

deny_service_starts() {
    [ ! -e "$POLICY" ] || return 0
    # Before it is there, so that an interrupt in between leaves nothing.
    policy_is_ours=("$@" rm -f "$POLICY")
    printf '#!/bin/sh\nexit 101\n' | "$@" tee "$POLICY" >/dev/null
    "$@" chmod 755 "$POLICY"
}

# Also called on every way out of the script that called install_packages.
allow_service_starts() {
    [ "${#policy_is_ours[@]}" -gt 0 ] || return 0
    "${policy_is_ours[@]}"
    policy_is_ours=()
}
