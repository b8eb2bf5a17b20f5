# shellcheck shell=bash
# A newer C library beside the machine's own, for `./bench`: from glibc 2.41 on, on Linux 6.11 or later,
# `getrandom` answers in the process. It is Debian 13's, fetched through apt into a folder and used by no
# program that is not started through it.

MODERN_GLIBC=2.41

# The version that this machine's programs run with; nothing on another C library.
machine_glibc() { getconf GNU_LIBC_VERSION 2>/dev/null | sed -n 's/^glibc //p'; }

# Whether version $1 is at least $2.
at_least() { [ "$(printf '%s\n%s\n' "$1" "$2" | sort -V | head -n 1)" = "$2" ]; }

# Unpacks it into the folder $1. Fails where there is no apt or no way to Debian.
fetch_modern_glibc() {
    local folder=$1 options
    [ -x "$folder/run" ] && return
    command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null || return 1
    rm -rf "$folder"
    mkdir -p "$folder"/lists/partial "$folder"/archives/partial
    # From where this machine has its own Debian.
    local mirror
    mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Origin: Debian' 'Component: main' |
        grep '/debian/$' | head -n 1)
    [ -n "$mirror" ] || return 1
    echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror trixie main" >"$folder/sources.list"
    options=(-qq -o Dir::Etc::SourceList="$folder/sources.list" -o Dir::Etc::SourceParts=/dev/null
        -o Dir::State::Lists="$folder/lists" -o Dir::Cache::Archives="$folder/archives")
    # As whoever calls this, who may not be able to change the user.
    options+=(-o APT::Sandbox::User="$(id -un)" -o Debug::NoLocking=true)
    (cd "$folder" && apt-get "${options[@]}" update && apt-get "${options[@]}" download libc6 &&
        dpkg-deb -x libc6_*.deb root) >"$folder/log" 2>&1 || return 1
    rm -rf "$folder/lists" "$folder/archives"
    local loader libraries
    loader=$(compgen -G "$folder/root/usr/lib/*/ld-linux-*.so.*" | head -n 1) || return 1
    libraries=$(dirname "$loader")
    # The machine's own folders after it, for every other library.
    cat >"$folder/run" <<EOF
#!/bin/sh
exec "$loader" --library-path "$libraries:$(machine_libraries)" "\$@"
EOF
    chmod +x "$folder/run"
}

machine_libraries() {
    local loader
    loader=$(ldd "$(command -v sh)" | sed -n 's/^[[:space:]]*\(\/[^ ]*ld-linux[^ ]*\).*/\1/p')
    # Where the loader looks by itself.
    "$loader" --help | sed -n 's/^ *\(\/[^ ]*\) (system search path)$/\1/p' | paste -sd :
}
