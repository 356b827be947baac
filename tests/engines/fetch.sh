# shellcheck shell=bash
# Where an engine comes from: the Java that can run it, and its distribution from Maven.
#
# Sourced by `engine`, which sets `engine` and has `say`, `unavailable` and `has`.
# What is fetched are the servers' own distributions, published to Maven for integration tests: the
# server with few modules and no Java. OpenSearch is under the Apache licence; Elasticsearch may be
# taken under the AGPL, the SSPL or Elastic's own licence, and the AGPL allows tests like these.
# Nothing is changed in them, and nothing of them is passed on.

readonly OPENSEARCH=3.8.0 OPENSEARCH_ON_OLD_JAVA=2.19.4 ELASTICSEARCH=9.2.0
readonly MODERN_JAVA=21 OLD_JAVA=11
readonly FETCH_S=900
readonly CACHE=${PLIMSOLL_ENGINES:-${XDG_CACHE_HOME:-${HOME:-/var/tmp}/.cache}/plimsoll/engines}

# --- Who runs it, and with what ---------------------------------------------------------------

# Engines refuse root, so root hands them to the least of all users. Words before a command, not a
# function around it: a background process must be the engine itself, not a shell that waits for it.
plainly=()
((UID != 0)) || plainly=(setpriv "--reuid=$(id -u nobody)" "--regid=$(id -g nobody)" --clear-groups --)

owned_by_runner() { ((UID != 0)) || chown -R "$(id -u nobody):$(id -g nobody)" "$@"; }

# The major version of a Java that the engine's own user can start; 0 if it cannot.
java_version() {
    local major
    major=$("${plainly[@]}" "$1/bin/java" -version 2>&1 | sed -nE 's/.* version "(1\.)?([0-9]+).*/\2/p;' | head -n 1) || true
    printf '%s\n' "${major:-0}"
}

# The folder of the first Java of at least this version, looking where they are usually put.
java_home() {
    local least=$1 candidate
    for candidate in "${JAVA_HOME:+$JAVA_HOME/bin/java}" "$(command -v java || true)" /usr/lib/jvm/*/bin/java; do
        [[ -x $candidate ]] || continue
        candidate=$(dirname "$(dirname "$(readlink -f "$candidate")")")
        if (($(java_version "$candidate") >= least)); then printf '%s\n' "$candidate"; return; fi
    done
    return 1
}

install_package() {
    ((UID == 0)) && has apt-get || return 0
    say "installing $1"
    { apt-get -qq -o DPkg::Lock::Timeout=300 update && DEBIAN_FRONTEND=noninteractive \
        apt-get -qq -y -o DPkg::Lock::Timeout=300 install "$1"; } >&2 || true
}

# Sets `version` and `java`: what can run here.
# shellcheck disable=SC2154 # `engine` is set by who sources this.
choose() {
    version=$OPENSEARCH
    [[ $engine == opensearch ]] || version=$ELASTICSEARCH
    java_home "$OLD_JAVA" >/dev/null || install_package default-jdk-headless
    if java=$(java_home "$MODERN_JAVA"); then return; fi
    [[ $engine == opensearch ]] || unavailable "$engine $version needs Java $MODERN_JAVA or newer, and none is found"
    java=$(java_home "$OLD_JAVA") || unavailable "$engine needs Java, and none of version $OLD_JAVA or newer is found"
    version=$OPENSEARCH_ON_OLD_JAVA
}

# --- Fetching ---------------------------------------------------------------------------------

maven() {
    has mvn || install_package maven
    has mvn || unavailable "$engine is fetched with Maven, and mvn is not found"
    JAVA_HOME=$java mvn -q -B "$@" >"$fetching/log" 2>&1 || {
        grep -F ERROR "$fetching/log" | head -n 3 >&2
        unavailable "$engine $version could not be fetched"
    }
}

unpack() {
    if has unzip; then unzip -q "$1" -d "$2"
    elif has python3; then python3 -m zipfile -e "$1" "$2"
    elif [[ -x $java/bin/jar ]]; then (cd "$2" && "$java/bin/jar" xf "$1")
    else unavailable "nothing is found to unpack $1: no unzip, python3 or jar"; fi
    # Only unzip keeps what may be executed.
    chmod +x "$2"/*/bin/*
}

# In a subshell, so that the lock is never handed down to an engine.
fetch() (
    home=$CACHE/$engine-$version
    [[ ! -d $home ]] || exit 0
    mkdir -p "$CACHE"
    exec 9>"$CACHE/.lock"
    flock -w "$FETCH_S" 9 || unavailable "another fetch has been going on for $FETCH_S s"
    [[ ! -d $home ]] || exit 0
    say "fetching $engine $version"
    fetching=$(mktemp -d "$CACHE/fetching-XXXXXX")
    trap 'rm -rf "$fetching"' EXIT
    maven dependency:copy -DoutputDirectory="$fetching" \
        -Dartifact="org.$engine.distribution.integ-test-zip:$engine:$version:zip"
    unpack "$fetching/$engine-$version.zip" "$fetching"
    chmod -R a+rX "$fetching/$engine-$version"
    mv "$fetching/$engine-$version" "$home"
)
