# shellcheck shell=bash
# Starts PostgreSQL, MariaDB and moto for the tests: each on a loopback port of its own, with its data in a
# folder that goes when they stop. Exports the EF_TEST_*_URL that the tests read. A URL that is set
# already is taken as it is, and that server neither started nor stopped.

servers_folder=
postgres_data=
mariadb_pid=
moto_pid=

start_servers() {
    servers_folder=$(mktemp -d "${TMPDIR:-/tmp}/encrypted-field-test.XXXXXX")
    # The servers run as users of their own when this is root.
    chmod 711 "$servers_folder"
    # A developer's own settings must not lead a client to another server.
    unset "${!PG@}" "${!MYSQL_@}"
    # Their messages are read below.
    export LC_ALL=C.UTF-8
    [ -n "${EF_TEST_POSTGRES_URL:-}" ] || start_postgres
    [ -n "${EF_TEST_MARIADB_URL:-}" ] || start_mariadb
    [ -n "${EF_TEST_SQLX_MACROS_URL:-}" ] || create_macros_database
}

stop_servers() {
    if [ -n "$postgres_data" ]; then
        (cd "$servers_folder" && as_user postgres "$(postgres_bin)/pg_ctl" -D "$postgres_data" -m immediate -w stop) >/dev/null 2>&1 || true
        # Else whoever starts servers next takes these for somebody's.
        unset EF_TEST_POSTGRES_URL EF_TEST_SQLX_MACROS_URL
    fi
    if [ -n "$mariadb_pid" ]; then
        # The data goes anyway, so nothing needs to be written back first.
        kill -KILL "$mariadb_pid" 2>/dev/null || true
        wait "$mariadb_pid" 2>/dev/null || true
        unset EF_TEST_MARIADB_URL
    fi
    if [ -n "$moto_pid" ]; then
        kill -KILL "$moto_pid" 2>/dev/null || true
        wait "$moto_pid" 2>/dev/null || true
        unset EF_TEST_MOTO_URL
    fi
    [ -z "$servers_folder" ] || rm -rf "$servers_folder"
    servers_folder='' postgres_data='' mariadb_pid='' moto_pid=''
}

# PostgreSQL and MariaDB refuse to run as root; anybody else runs them as they are.
as_user() {
    local user=$1
    shift
    if [ "$(id -u)" = 0 ]; then runuser -u "$user" -- "$@"; else "$@"; fi
}

data_folder() {
    local folder=$servers_folder/$2
    mkdir -m 700 "$folder"
    [ "$(id -u)" != 0 ] || chown "$1:" "$folder"
    echo "$folder"
}

# Below the ports that the kernel hands out for connections. One in use is found by failing to bind.
a_port() { echo $((20000 + RANDOM % 12000)); }

start_postgres() {
    local bin folder port log
    bin=$(postgres_bin)
    folder=$(data_folder postgres postgres)
    log=$folder/log
    # A language's collation, as most databases have: it is not byte-wise.
    local initdb=("$bin/initdb" -D "$folder/data" -U postgres -A trust -N -E UTF8 --locale=C.UTF-8)
    (cd "$folder" && as_user postgres "${initdb[@]}" --locale-provider=icu --icu-locale=en-US) >"$servers_folder/initdb.log" 2>&1 ||
        (cd "$folder" && as_user postgres "${initdb[@]}") >>"$servers_folder/initdb.log" 2>&1 ||
        { cat "$servers_folder/initdb.log" >&2 && return 1; }
    for _ in {1..20}; do
        port=$(a_port)
        postgres_data=$folder/data
        if (cd "$folder" && as_user postgres "$bin/pg_ctl" -D "$postgres_data" -l "$log" -w -o "-p $port -c listen_addresses=127.0.0.1 \
            -c unix_socket_directories= -c fsync=off -c max_connections=200" start) >/dev/null 2>&1; then
            export EF_TEST_POSTGRES_URL=postgres://postgres@127.0.0.1:$port/postgres
            return
        fi
        postgres_data=
        # Anything but a taken port will not get better.
        tail -n 20 "$log" | grep -q 'could not bind' || break
    done
    tail -n 50 "$log" >&2
    echo "PostgreSQL did not start" >&2
    return 1
}

start_mariadb() {
    local PATH=$PATH:/usr/sbin folder port log user=()
    folder=$(data_folder mysql mariadb)
    log=$servers_folder/mariadb.log
    [ "$(id -u)" != 0 ] || user=(--user=mysql)
    mariadb-install-db --no-defaults "${user[@]}" --datadir="$folder" --auth-root-authentication-method=normal \
        --skip-test-db >"$log" 2>&1 || { cat "$log" >&2 && return 1; }
    for _ in {1..20}; do
        port=$(a_port)
        # Nothing waits for the disk, as with PostgreSQL's fsync=off: the data goes anyway.
        # utf8mb4 is what Debian's configuration sets. Packet and log sizes: values of 16 MiB are stored.
        setsid mariadbd --no-defaults "${user[@]}" --datadir="$folder" --socket="$folder/socket" \
            --pid-file="$folder/pid" --bind-address=127.0.0.1 --port="$port" --character-set-server=utf8mb4 \
            --max-allowed-packet=64M --innodb-log-file-size=320M --innodb-flush-log-at-trx-commit=0 \
            --innodb-flush-method=nosync --skip-innodb-doublewrite --skip-sync-frm \
            </dev/null >"$log" 2>&1 &
        mariadb_pid=$!
        while kill -0 "$mariadb_pid" 2>/dev/null; do
            if grep -q 'ready for connections' "$log"; then
                mariadb --no-defaults -h 127.0.0.1 -P "$port" -u root -e 'CREATE DATABASE encrypted_field'
                export EF_TEST_MARIADB_URL=mysql://root@127.0.0.1:$port/encrypted_field
                return
            fi
            sleep 0.1
        done
        mariadb_pid=
        grep -q 'Address already in use' "$log" || break
    done
    tail -n 50 "$log" >&2
    echo "MariaDB did not start" >&2
    return 1
}

# KMS, S3 and Secrets Manager of AWS, in memory. After start_servers, which makes the folder of its log.
start_moto() {
    local folder log=$servers_folder/moto.log port
    folder=$(fetch_moto)
    [ -n "$folder" ] || return 0
    # `cryptography` is one of its dependencies, and the second implementation of the format needs it.
    export EF_TEST_PYTHONPATH=$folder
    [ -z "${EF_TEST_MOTO_URL:-}" ] || return 0
    for _ in {1..20}; do
        port=$(a_port)
        : >"$log"
        PYTHONPATH=$folder setsid python3 .ci/moto-server.py "$port" </dev/null >"$log" 2>&1 &
        moto_pid=$!
        while kill -0 "$moto_pid" 2>/dev/null; do
            if grep -q 'Running on' "$log"; then
                export EF_TEST_MOTO_URL=http://127.0.0.1:$port
                return
            fi
            sleep 0.1
        done
        moto_pid=
        grep -q 'already in use' "$log" || break
    done
    tail -n 50 "$log" >&2
    echo "moto did not start" >&2
    return 1
}

# Prints the folder of moto and what it needs, once fetched. Without a network it prints none and tells; the tests then tell, too,
# or fail with CI=true.
fetch_moto() {
    local cache folder work
    cache=${CARGO_TARGET_DIR:-$PWD/target}/test-cache
    # The pinned versions and the Python that they are for are part of the name: others fetch anew.
    folder=$cache/moto-$( (python3 --version && cat .ci/moto.txt) | sha256sum | cut -c1-16)
    if [ ! -d "$folder" ]; then
        mkdir -p "$cache"
        work=$(mktemp -d "$cache/fetch.XXXXXX")
        if ! python3 -m pip -q install --no-deps --only-binary :all: --require-hashes -r .ci/moto.txt --target "$work/moto" >"$work/log" 2>&1; then
            tail -n 5 "$work/log" >&2
            rm -rf "$work"
            echo "moto could not be fetched." >&2
            return 0
        fi
        # Last and at once: a folder that is there is whole.
        mv -T "$work/moto" "$folder" 2>/dev/null || [ -d "$folder" ]
        rm -rf "$work"
    fi
    echo "$folder"
}

# SQLx's query macros ask this one while the tests compile.
create_macros_database() {
    local name=encrypted_field_macros url
    url=${EF_TEST_POSTGRES_URL%/*}/$name
    export PGOPTIONS='-c client_min_messages=warning'
    psql -qX -v ON_ERROR_STOP=1 "$EF_TEST_POSTGRES_URL" -c "DROP DATABASE IF EXISTS $name" -c "CREATE DATABASE $name"
    psql -qX -v ON_ERROR_STOP=1 "$url" -f tests/sqlx-macros/schema.sql
    unset PGOPTIONS
    export EF_TEST_SQLX_MACROS_URL=$url
}
