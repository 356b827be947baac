# Everything that one does with this project; `just` alone lists it.

set shell := ["bash", "-euo", "pipefail", "-c"]
set ignore-comments

# `just WORKERS=4 capacity` and `WORKERS=4 just capacity` reach the tool this way; empty is "not given".
export WORKERS := env("WORKERS", "")

plimsoll := '"${CARGO_TARGET_DIR:-target}"/release/plimsoll'

_list:
    @"{{ just_executable() }}" --list --unsorted

# Find the capacity: just capacity WORKERS=4 P99_MS=250
[group('measure')]
[no-exit-message]
[positional-arguments]
capacity *ARGS: _build
    @{{ plimsoll }} capacity "$@"

# The capacity of several numbers of workers, and how many the goal needs: just scale WORKERS=1,2,4,8 GOAL_RPS=1500
[group('measure')]
[no-exit-message]
[positional-arguments]
scale *ARGS: _build
    @{{ plimsoll }} scale "$@"

# The same campaign in virtual time, in seconds and without a server: just rehearse WORKERS=4 SERVICE_LAW=exp
[group('measure')]
[no-exit-message]
[positional-arguments]
rehearse *ARGS: _build
    @{{ plimsoll }} rehearse "$@"

# Retell a finished search, trial by trial: just explain results/latest
[group('measure')]
[no-exit-message]
[positional-arguments]
explain *ARGS: _build
    @{{ plimsoll }} explain "$@"

# Is this run worse than that one? just compare results/before/latest results/after/latest
[group('measure')]
[no-exit-message]
[positional-arguments]
compare *ARGS: _build
    @{{ plimsoll }} compare "$@"

# Print the path of a run's page, and open it where there is a desktop: just open results/latest
[group('measure')]
[no-exit-message]
[positional-arguments]
open *ARGS: _build
    @{{ plimsoll }} open "$@"

# Judge a finished run by a sign-off file: just signoff results/latest --slo slo.toml
[group('measure')]
[no-exit-message]
[positional-arguments]
signoff *ARGS: _build
    @{{ plimsoll }} signoff "$@"

# Send from this machine for a run whose coordinator is elsewhere: just agent NATS=nats://bus:4222 ALLOW_TARGET=service:8080
[group('measure')]
[no-exit-message]
[positional-arguments]
agent *ARGS: _build
    @{{ plimsoll }} agent "$@"

# Offer one fixed rate: just load RPS=200 DURATION_S=10
[group('measure')]
[no-exit-message]
[positional-arguments]
load *ARGS: _build
    @{{ plimsoll }} load "$@"

# Send edge documents and odd requests, and show what the target makes of each: just edge TARGET=http://127.0.0.1:8080
[group('measure')]
[no-exit-message]
[positional-arguments]
edge *ARGS: _build
    @{{ plimsoll }} edge "$@"

# Print every setting and where its value came from: just config WORKERS=4
[group('measure')]
[no-exit-message]
[positional-arguments]
config *ARGS: _build
    @{{ plimsoll }} config "$@"

# Run all tests; with STRICT=1 a test that lacks its tools fails instead of being skipped
[group('develop')]
test: _cargo
    # The tests choose their own number of workers.
    unset WORKERS; cargo test --release --workspace

# The error of the answer, measured: 200 whole searches of each kind of service in virtual time, 200 pairs of builds told apart, then 40 searches in earnest (SEEDS=20, PAIRS=20, PRESET=quick, ONLY=pause, GROUP=hard, LOOPBACK=0 make it shorter)
[group('develop')]
prove: _build
    cargo bench --bench unique
    cargo bench --bench prove

# How fast the parts are, how exact the tool is, and what a request costs beside other tools (RUNS=3 SECONDS=10 make it shorter)
[group('develop')]
bench: _build
    cargo bench --bench speed
    cargo bench --bench instructions
    cargo bench --bench exact
    cargo bench --bench peers

# A real OpenSearch on this machine to measure, fetched at the first time: just opensearch up, just opensearch status, just opensearch down
[group('develop')]
[no-exit-message]
[positional-arguments]
opensearch *ARGS:
    @tests/engines/engine opensearch "$@"

# A real Elasticsearch on this machine to measure, fetched at the first time: just elasticsearch up, just elasticsearch status, just elasticsearch down
[group('develop')]
[no-exit-message]
[positional-arguments]
elasticsearch *ARGS:
    @tests/engines/engine elasticsearch "$@"

# Hostile input for what parses bytes, SECONDS long: just fuzz answers, just fuzz journal, just fuzz wire
[group('develop')]
fuzz target="answers" seconds="60": _cargo
    #!/usr/bin/env bash
    set -euo pipefail
    # Coverage is a matter of the compiler's ordinary flags; only an address sanitizer would need a nightly one.
    flags="-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 --cfg fuzzing"
    for part in inline-8bit-counters pc-table trace-compares; do
        flags="$flags -Cllvm-args=-sanitizer-coverage-$part"
    done
    host=$(rustc -vV | sed -n 's/^host: //p')
    # With a target named, build scripts are built without the flags.
    RUSTFLAGS="$flags" cargo build --release --target "$host" --manifest-path fuzz/Cargo.toml
    mkdir -p "fuzz/corpus/{{ target }}" fuzz/artifacts
    "fuzz/target/$host/release/{{ target }}" -max_total_time={{ seconds }} -artifact_prefix=fuzz/artifacts/ \
        "fuzz/corpus/{{ target }}" "fuzz/seeds/{{ target }}"

# Format, lints, tests and docs, as they must be before a commit
[group('develop')]
check: _cargo && test
    cargo fmt --all --check
    cargo clippy --release --workspace --all-targets -- -D warnings
    cargo clippy --release --package plimsoll --no-default-features --all-targets -- -D warnings
    RUSTDOCFLAGS=-Dwarnings cargo doc --no-deps --workspace --quiet

[no-exit-message]
[private]
_build: _cargo
    @test -x {{ plimsoll }} || echo "building, a minute or two the first time …" >&2
    @cargo build --release --workspace --quiet || { echo "plimsoll: the build failed, see above" >&2; exit 70; }

[no-exit-message]
[private]
_cargo:
    @command -v cargo >/dev/null || { echo "plimsoll: cargo is missing; install Rust from https://rustup.rs and open a new shell" >&2; exit 70; }
