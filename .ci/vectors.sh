# shellcheck shell=bash
# Fetches the CAVP AES-GCM vectors once and exports EF_TEST_CAVP_DIR. Without a network it leaves that
# unset, and the test then tells, or fails with CI=true.

fetch_vectors() {
    [ -z "${EF_TEST_CAVP_DIR:-}" ] || return 0
    local cache folder work
    cache=${CARGO_TARGET_DIR:-$PWD/target}/test-cache
    # The pinned version and hash are part of the name: another pin fetches anew.
    folder=$cache/cavp-$(sha256sum .ci/vectors.txt | cut -c1-16)
    if [ ! -d "$folder" ]; then
        mkdir -p "$cache"
        work=$(mktemp -d "$cache/fetch.XXXXXX")
        if ! python3 -m pip -q download --no-deps --require-hashes -r .ci/vectors.txt -d "$work" >"$work/log" 2>&1; then
            tail -n 5 "$work/log" >&2
            rm -rf "$work"
            echo "The CAVP vectors could not be fetched." >&2
            return 0
        fi
        mkdir "$work/gcm"
        python3 - "$work" <<'PYTHON'
import pathlib, sys, zipfile
work = pathlib.Path(sys.argv[1])
with zipfile.ZipFile(next(work.glob("*.whl"))) as wheel:
    for name in wheel.namelist():
        if "/ciphers/AES/GCM/" in name and name.endswith(".rsp"):
            (work / "gcm" / pathlib.PurePosixPath(name).name).write_bytes(wheel.read(name))
PYTHON
        # Last and at once: a folder that is there is whole.
        mv -T "$work/gcm" "$folder" 2>/dev/null || [ -d "$folder" ]
        rm -rf "$work"
    fi
    export EF_TEST_CAVP_DIR=$folder
}
