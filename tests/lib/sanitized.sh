#!/usr/bin/env bash
# sanitized.sh FLAVOUR TEST...   run tests whose programs carry a sanitizer (build/FLAVOUR/bin), and take no report for an answer
#
# A report goes to a file, from whichever process it comes: a daemon that dies is started anew, and the test that killed
# it may well pass. A process with a report in it also dies of it at once.
set -u
flavour=$1; shift
root=$(cd "$(dirname "$0")/../.." && pwd)
reports=$root/build/$flavour/reports
rm -rf "$reports" && mkdir -p "$reports" || exit 1

common="log_path=$reports/report:abort_on_error=1:halt_on_error=1:exitcode=66:handle_abort=0"
export ASAN_OPTIONS="$common:detect_leaks=1:detect_stack_use_after_return=1:check_initialization_order=1"
export UBSAN_OPTIONS="$common:print_stacktrace=1"
export TSAN_OPTIONS="$common:second_deadlock_stack=1:suppressions=$root/tests/lib/tsan.supp:print_suppressions=0"
export PACS_BIN=$root/build/$flavour/bin

cd "$root" && prove --timer "$@"
code=$?
shopt -s nullglob
found=("$reports"/*)
[ ${#found[@]} = 0 ] && exit $code
echo "${#found[@]} reports of the $flavour build:"
cat "${found[@]}"
exit 1
