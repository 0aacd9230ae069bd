#!/usr/bin/env bash
# What does a measured call cost beside other crates, and does it keep what it promises? Prints Markdown tables; takes five minutes once built.
#   ci/long/peers.sh > tables.md   by hand, on a machine that does nothing else
#   ci/long/peers.sh --rounds N    the calls in N rounds rather than 61
#   ci/long/peers.sh --quick       that it builds, runs and counts right; its figures mean little
#   ci/long/peers.sh verify        calls each contestant 1,000 times and asks it how many it saw
# Ends with status 1 where a count is wrong, our memory grows, or our clock drifts. A bar that is not reached says **no** and fails nothing.
set -euo pipefail
here=$(realpath "$(dirname "$0")/../../benches/peers")
target=$(realpath -m "${CARGO_TARGET_DIR:-$here/target}")
export CARGO_TARGET_DIR="$target"
cd "$here"

cargo build --release --bins >&2
program() { "$target/release/$1" "${@:2}"; }

case "${1:-}" in
    verify | -h | --help) exec "$target/release/peers" "$@" ;;
esac
program peers verify >&2

calls=("$@") seconds=60 processes=9 endurance=() scrapes=101 threads=31
if [ "${1:-}" = --quick ]; then
    seconds=3 processes=1 endurance=(--quick) scrapes=3 threads=1
fi

failed=0
part() { echo; echo "## $1"; echo; program "${@:2}" || { echo "failed: $2" >&2; failed=1; }; }

# It sleeps, so it disturbs nobody.
drift=$(mktemp)
trap 'rm -f "$drift"' EXIT
program clock "$seconds" >"$drift" &
clock=$!

commit=$(git rev-parse --short HEAD 2>/dev/null || echo "not committed")
[ -z "$(git status --porcelain 2>/dev/null)" ] || commit="$commit, with changes"
echo "- Date: $(date -u +%Y-%m-%d); commit: $commit"
program peers "${calls[@]}" || { echo "failed: peers" >&2; failed=1; }
part "First calls" first "$processes"
part "As fast as they go, nobody reads" endurance "${endurance[@]}"
part "A scrape" scrape "$scrapes"
part "A scrape after more threads, 1k" scrape threads 1k "$scrapes"
part "A scrape after more threads, 10k" scrape threads 10k "$threads"
part "Recording while others scrape" scrape recording "$scrapes"
echo
echo "## Our clock and the system's"
echo
wait "$clock" || { echo "failed: clock" >&2; failed=1; }
cat "$drift"
exit "$failed"
