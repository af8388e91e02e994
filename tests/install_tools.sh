#!/bin/sh
# What the tests need beside Python and Node: a browser, a Redis and a Java. Root gets them from
# Debian's packages; everybody else is told what is missing, and the tests fail rather than leave
# things out.
set -eu

missing=""
command -v chromium >/dev/null || command -v google-chrome >/dev/null || missing="$missing chromium"
command -v redis-server >/dev/null || missing="$missing redis-server"
# The Nu validator is written in Java. macOS has a `java` that only says that there is none.
java -version >/dev/null 2>&1 || missing="$missing default-jre-headless"
[ -z "$missing" ] && exit 0

if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "Installing$missing"
    apt-get update -qq
    # shellcheck disable=SC2086
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
    exit 0
fi
echo "The tests need:$missing. On Debian: sudo apt-get install$missing" >&2
exit 1
