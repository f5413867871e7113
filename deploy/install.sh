#!/usr/bin/env bash
# Installs safetyd on a Debian gateway, brings it up to date, takes a step back, and takes it away.
#
#   install.sh [--wheel FILE] [--mosquitto]   install, or upgrade; twice is as good as once
#   install.sh --rollback                     the release before this one, and its record if this one's is newer
#   install.sh --uninstall [--purge]          all of it but /etc/safetyd and /var/lib/safetyd; with --purge these too
#
# Rule: what people wrote is never overwritten, and a release replaces another only when all of it is there, its
# configuration is right and the record is copied.
#
#   /opt/safetyd/VERSION-HASH     a release: a virtual environment of the pinned versions, and safetyd
#   /opt/safetyd/current          the release that runs; `previous` is the one before
#   /etc/safetyd                  the configuration, made once; secrets/ holds one secret in each file
#   /var/lib/safetyd              the record; upgrades/ holds its copies from before the last two upgrades
set -euo pipefail
shopt -s inherit_errexit nullglob
umask 022  # the service's user reads what root installs

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
PYTHON=${PYTHON:-python3}
OPT=/opt/safetyd
ETC=/etc/safetyd
VAR=/var/lib/safetyd
UNIT=/etc/systemd/system/safetyd.service
COMMAND=/usr/local/bin/safetyd
DROP_IN=/etc/mosquitto/conf.d/safetyd.conf
export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1 PIP_ROOT_USER_ACTION=ignore

say() { echo "safetyd: $*"; }
fail() {
    echo "install.sh: $*" >&2
    exit 1
}

# systemd, where it runs: not in a chroot or while an image is made.

has_systemd() { [ -d /run/systemd/system ]; }

is_stopped=no
stop() {
    if has_systemd && systemctl is-active --quiet safetyd; then
        systemctl stop safetyd
        is_stopped=yes
        trap start EXIT  # whatever happens meanwhile
    fi
}
start() {
    [ "$is_stopped" = yes ] || return 0
    is_stopped=no
    systemctl start safetyd || fail "safetyd does not start; look at: journalctl -u safetyd -n 50, or go back: install.sh --rollback"
    say "it runs again"
}

# What is asked of the machine.

needs_root() { [ "$(id -u)" = 0 ] || fail "only root installs; run it with sudo"; }

needs_alone() {
    mkdir -p "$OPT"
    exec 9>"$OPT/.lock"
    flock --nonblock 9 || fail "another install.sh is at work; wait for its end"
}

needs_systemd() { command -v systemctl >/dev/null || fail "systemd is missing; on Debian: apt-get install systemd"; }

needs_python() {
    "$PYTHON" -c 'import sys, sqlite3, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
        || fail "$PYTHON is missing or older than 3.11; on Debian 12: apt-get install --no-install-recommends python3 python3-pip"
    local try
    for try in "$PYTHON -m pip" pip pip3; do
        if $try --python "$(command -v "$PYTHON")" --version >/dev/null 2>&1; then
            read -ra PIP <<<"$try"
            return
        fi
    done
    fail "pip 22.3 or newer is missing; on Debian: apt-get install --no-install-recommends python3-pip"
}

# A release.

made_wheel() { # into a folder: the same source gives the same bytes
    [ -f "$HERE/pyproject.toml" ] || fail "there is no wheel in $HERE/dist and no source in $HERE; name one: --wheel FILE"
    say "building from $HERE" >&2
    cp -R "$HERE"/{pyproject.toml,README.md,LICENSE,safetyd} "$1"
    find "$1" -name __pycache__ -prune -exec rm -rf {} +
    "$PYTHON" -m venv --without-pip "$1/venv"
    "${PIP[@]}" --python "$1/venv/bin/python" install --quiet --require-hashes -r "$HERE/requirements/build.txt"
    (cd "$1" && SOURCE_DATE_EPOCH=315532800 "${PIP[@]}" --python venv/bin/python \
        wheel --quiet --no-deps --no-build-isolation --wheel-dir dist . >&2)
    echo "$1"/dist/*.whl
}

found_wheel() { # into a folder where it must be built
    local there
    there=("$HERE"/dist/*.whl)
    case ${#there[@]} in
        0) made_wheel "$1" ;;
        1) echo "${there[0]}" ;;
        *) fail "$HERE/dist holds ${#there[@]} wheels; name one: --wheel FILE" ;;
    esac
}

release_of() { # wheel: the folder of its release, VERSION and a hash of all that goes into it
    local name version
    name=$(basename "$1")
    [[ $name =~ ^safetyd-([0-9][^-]*)-.*\.whl$ ]] || fail "$1 is no wheel of safetyd; make one with: make wheel"
    version=${BASH_REMATCH[1]}
    echo "$OPT/$version-$(cat "$1" "$HERE/requirements/run.txt" | sha256sum | cut -c1-8)"
}

make_release() { # folder, wheel
    [ -e "$1/complete" ] && "$1/bin/safetyd" --help >/dev/null 2>&1 && return  # else its Python is another now
    say "making $1"
    rm -rf "$1"
    "$PYTHON" -m venv --without-pip "$1"
    "${PIP[@]}" --python "$1/bin/python" install --quiet --require-hashes -r "$HERE/requirements/run.txt"
    "${PIP[@]}" --python "$1/bin/python" install --quiet --no-deps "$2"
    "$1/bin/safetyd" --help >/dev/null || fail "the release in $1 does not run"
    sync -f "$1"
    touch "$1/complete"
}

current() { readlink "$OPT/current" || true; }

point() { # link, to: at no moment is there none
    ln -sfn "$2" "$OPT/.link"
    mv -T "$OPT/.link" "$OPT/$1"
}

forget_others() { # every release but the current and the previous
    local each
    for each in "$OPT"/*/; do
        each=${each%/}
        case $each in
            "$OPT/current" | "$OPT/previous" | "$(current)" | "$(readlink "$OPT/previous" || true)") ;;
            *) rm -rf "$each" ;;
        esac
    done
}

# The configuration.

make_configuration() {
    install -d -m 0755 "$ETC"
    install -d -m 0700 "$ETC/secrets"
    if [ -e "$ETC/safetyd.toml" ]; then
        say "$ETC is left as it is"
        return
    fi
    [ -e "$ETC/site.toml" ] || install -m 0644 "$HERE/config/site.toml" "$ETC/site.toml"
    sed 's|^url = "sqlite:.*|url = "sqlite:///'"$VAR"'/safetyd.db"|' "$HERE/config/safetyd.toml" >"$ETC/.new"
    mv "$ETC/.new" "$ETC/safetyd.toml"
    say "$ETC/safetyd.toml and site.toml are made: an example to write over"
}

with_environment() ( # a command, with what systemd gives the daemon from the file; no process list shows it
    if [ -r "$ETC/environment" ]; then
        while IFS= read -r line || [ -n "$line" ]; do
            [[ $line =~ ^[[:space:]]*([A-Za-z_][A-Za-z0-9_]*)=[\"\']?(.*[^\"\'])[\"\']?[[:space:]]*$ ]] || continue
            export "${BASH_REMATCH[1]}=${BASH_REMATCH[2]}"
        done <"$ETC/environment"
    fi
    exec "$@"
)

safetyd() { # release, words
    local release=$1
    shift
    with_environment "$release/bin/safetyd" "$@" --config "$ETC/safetyd.toml"
}

# The record.

copy_record() { # release that made it, file
    local said
    if said=$(safetyd "$1" backup "$2" --force 2>&1 >/dev/null); then
        say "the record is copied to $2"
    elif [[ $said != *"there is none yet"* ]]; then
        fail "the record could not be copied, so nothing is changed: $said"
    fi
}

forget_old_copies() {
    find "$VAR/upgrades" -name '*.backup' -printf '%T@ %p\n' | sort -rn | tail -n +3 | cut -d' ' -f2- \
        | while IFS= read -r old; do rm -f "$old"; done
}

# The three things it does.

install_it() {
    local wheel=$1 scratch new old said
    needs_systemd
    needs_python
    scratch=$(mktemp -d)
    # shellcheck disable=SC2064  # the folder of now
    trap "rm -rf '$scratch'" EXIT
    [ -n "$wheel" ] || wheel=$(found_wheel "$scratch")
    [ -f "$wheel" ] || fail "there is no $wheel; make one with: make wheel"
    new=$(release_of "$wheel")
    old=$(current)
    make_release "$new" "$wheel"
    rm -rf "$scratch"
    trap - EXIT

    make_configuration
    safetyd "$new" check >/dev/null || fail "the configuration is faulty for ${new##*/}, so nothing is changed; mend it and come back"

    said=$(safetyd "$new" tickets --json 2>&1 >/dev/null) || [[ $said != *"newer safetyd"* ]] \
        || fail "the record is newer than ${new##*/}, so nothing is changed; install a newer one"

    if [ "$old" = "$new" ]; then
        say "${new##*/} is installed already"
    else
        stop
        if [ -n "$old" ] && [ -d "$VAR/" ]; then
            mkdir -p "$VAR/upgrades" || fail "the record could not be copied, so nothing is changed; make room for the folder $VAR/upgrades"
            copy_record "$old" "$VAR/upgrades/before-${new##*/}.backup"
            forget_old_copies
        fi
        [ -z "$old" ] || point previous "$old"
        point current "$new"
        forget_others
        say "${new##*/} is installed"
    fi
    ln -sfn "$OPT/current/bin/safetyd" "$COMMAND"
    install -D -m 0644 "$HERE/deploy/safetyd.service" "$UNIT"
    if has_systemd; then systemctl daemon-reload; fi
    systemctl --quiet enable safetyd  # in an image too
    start
    trap - EXIT
    if ! has_systemd || ! systemctl is-active --quiet safetyd; then
        say "write $ETC/site.toml, look at it with: safetyd check, and begin: systemctl start safetyd"
    fi
}

install_drop_in() {
    [ -d "${DROP_IN%/*}" ] || fail "Mosquitto is missing; on Debian: apt-get install mosquitto"
    if [ ! -e "$DROP_IN" ]; then
        install -m 0644 "$HERE/deploy/mosquitto.conf" "$DROP_IN"
        if has_systemd; then
            systemctl restart mosquitto || fail "Mosquitto does not start with $DROP_IN; look at: journalctl -u mosquitto -n 20"
        fi
        say "$DROP_IN is made"
    elif ! cmp -s "$HERE/deploy/mosquitto.conf" "$DROP_IN"; then
        say "$DROP_IN is left as it is; this release's is $HERE/deploy/mosquitto.conf"
    fi
}

roll_back() {
    local old now copy said
    now=$(current)
    old=$(readlink "$OPT/previous") || fail "there is no release before this one"
    [ -e "$old/complete" ] || fail "the release before this one is gone from $old"
    copy="$VAR/upgrades/before-${now##*/}.backup"
    stop
    if ! said=$(safetyd "$old" tickets --json 2>&1 >/dev/null); then
        case $said in
            *"there is none yet"*) ;;
            *"newer safetyd"*)
                [ -f "$copy" ] || fail "the record is newer than ${old##*/} and its copy from before is not at $copy"
                safetyd "$old" restore "$copy" --force
                say "the record is that of before the upgrade; what came since is kept beside it, in $VAR/*.replaced-*"
                ;;
            *) fail "${old##*/} cannot read the record, so nothing is changed: $said" ;;
        esac
    fi
    point current "$old"
    rm "$OPT/previous"
    start
    trap - EXIT
    say "${old##*/} is back"
}

uninstall() {
    if has_systemd; then systemctl stop safetyd 2>/dev/null || true; fi
    systemctl --quiet disable safetyd 2>/dev/null || true
    rm -f "$UNIT"
    if has_systemd; then systemctl daemon-reload; fi
    if [ "$(readlink "$COMMAND" || true)" = "$OPT/current/bin/safetyd" ]; then rm "$COMMAND"; fi
    if [ -e "$DROP_IN" ]; then
        if cmp -s "$HERE/deploy/mosquitto.conf" "$DROP_IN"; then
            rm "$DROP_IN"
            if has_systemd; then systemctl try-restart mosquitto || true; fi
        else
            say "$DROP_IN is left: it was changed"
        fi
    fi
    rm -rf "$OPT"
    if [ "$1" = yes ]; then
        rm -rf "$ETC" "$VAR" "${VAR%/*}/private/safetyd"
        say "it is gone, with configuration and record"
    else
        say "it is gone; $ETC and $VAR are left (--uninstall --purge deletes them too)"
    fi
}

do=install wheel='' mosquitto=no purge=no
while [ $# -gt 0 ]; do
    case $1 in
        --wheel)
            [ $# -gt 1 ] || fail "--wheel needs a file"
            wheel=$2
            shift
            ;;
        --mosquitto) mosquitto=yes ;;
        --rollback | --uninstall) do=${1#--} ;;
        --purge) purge=yes ;;
        -h | --help)
            sed -n '2,/^set /{/^set /d; s/^# \{0,1\}//; p}' "${BASH_SOURCE[0]}"
            exit
            ;;
        *) fail "$1 is nothing it knows; look at: install.sh --help" ;;
    esac
    shift
done
[ "$purge" = no ] || [ "$do" = uninstall ] || fail "--purge goes with --uninstall"

needs_root
needs_alone
case $do in
    install)
        if [ "$mosquitto" = yes ]; then install_drop_in; fi
        install_it "$wheel"
        ;;
    rollback) roll_back ;;
    uninstall) uninstall "$purge" ;;
esac
