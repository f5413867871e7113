#!/bin/sh
# Gives a sensor, a bridge or safetyd itself an account at the broker, with topics of its own and a password that is
# shown once.
#
#   account.sh [-d FOLDER] add safetyd                      the daemon's own account
#   account.sh [-d FOLDER] add readings/maple/12[/north]    a sensor on our own topics, called as its topic without the
#   account.sh [-d FOLDER] add power/maple/ups              root: it may say that topic and no other
#   account.sh [-d FOLDER] add NAME TOPIC …                 anything else: it may say these topics, wildcards allowed,
#                                                           and hear those written as read:TOPIC
#   account.sh [-d FOLDER] password NAME                    another password
#   account.sh [-d FOLDER] remove NAME
#   account.sh [-d FOLDER] list
#
#   account.sh add zigbee 'zigbee2mqtt/#'
#   account.sh add plug-gym 'tele/plug-gym/#' 'stat/plug-gym/#'
#
# The password alone goes to standard output. FOLDER is /etc/mosquitto unless said; the files there are safetyd.passwd and
# safetyd.acl, which begins as accounts.acl beside this script. One account a device: two with the same throw each other out.
set -eu
umask 077

fail() {
    echo "account.sh: $*" >&2
    exit 1
}

usage() {
    sed -n '2,/^set/{/^# \{0,1\}/!d;s///;p}' "$0" >&2
    exit 2
}

# put NEW FILE: lays a file in its place, whole or not at all, for the broker's own user to read.
put() {
    if [ "$(id -u)" = 0 ] && id mosquitto > "$new/said" 2>&1; then
        chown mosquitto "$1"
    fi
    sync "$1"
    mv "$1" "$2"
}

has_account() {
    awk -F: -v name="$1" '$1 == name { found = 1 } END { exit !found }' "$passwords"
}

without_account() {
    awk -F: -v name="$1" '$1 != name' "$passwords"
}

# What an account may do stands from its line "user NAME" to the next account.
without_topics() {
    awk -v name="$1" '$1 == "user" { skips = ($2 == name) } $1 == "pattern" { skips = 0 } !skips' "$access"
}

# set_password NAME: never in an argument, where every user of the machine could read it.
set_password() {
    password=$(openssl rand -hex 16)
    printf '%s:%s\n' "$1" "$password" > "$new/one"
    "$mosquitto_passwd" -U "$new/one"
    { without_account "$1"; cat "$new/one"; } > "$new/passwords"
    put "$new/passwords" "$passwords"
}

told() {
    reload
    [ ! -t 1 ] || printf 'password, shown only now: ' >&2
    echo "$password"
}

# A broker that runs learns of it at once, and who has lost the account is thrown out.
reload() {
    if [ "$folder" = /etc/mosquitto ] && systemctl is-active --quiet mosquitto 2> "$new/said"; then
        systemctl reload mosquitto
    fi
}

add() {
    name=$1
    shift
    case $name in
        '' | -* | /* | */ | *//* | *[!A-Za-z0-9._/-]*) fail "'$name' cannot be an account's name: letters, digits, '.', '_', '-' and '/'" ;;
        safetyd | readings/*/* | power/*) [ $# = 0 ] || fail "'$name' has its topics by its name; leave the others out" ;;
        *) [ $# -gt 0 ] || fail "say which topics '$name' may say: account.sh add $name TOPIC …" ;;
    esac
    ! has_account "$name" || fail "'$name' has an account; for another password: account.sh password $name"
    for topic in "$@"; do
        case ${topic#read:} in
            '' | [+#]* | *[!/][+#]* | *[+#][!/]* | *'#/'* | ' '* | *' ' | *"
"*) fail "'$topic' cannot be a topic here: '+' is a whole level, '#' the last; neither is the first; no space at an end" ;;
        esac
    done
    if [ $# -gt 0 ]; then
        without_topics "$name" > "$new/access"
        printf '\nuser %s\n' "$name" >> "$new/access"
        for topic in "$@"; do
            case $topic in
                read:*) printf 'topic read %s\n' "${topic#read:}" ;;
                *) printf 'topic write %s\n' "$topic" ;;
            esac
        done >> "$new/access"
        put "$new/access" "$access"
    fi
    set_password "$name"
    told
}

remove() {
    has_account "$1" || fail "nobody has the account '$1'; account.sh list shows all"
    [ "$1" = safetyd ] || { without_topics "$1" | cat -s > "$new/access" && put "$new/access" "$access"; }
    without_account "$1" > "$new/passwords"
    put "$new/passwords" "$passwords"
    reload
}

folder=/etc/mosquitto
while getopts d: option; do
    case $option in
        d) folder=$OPTARG ;;
        *) usage ;;
    esac
done
shift $((OPTIND - 1))
[ $# -ge 1 ] || usage
mosquitto_passwd=$(command -v mosquitto_passwd) || fail "mosquitto_passwd is missing; on Debian: apt-get install mosquitto"
command -v openssl > /dev/null || fail "openssl is missing; on Debian: apt-get install openssl"
[ -d "$folder" ] || fail "there is no folder $folder"
passwords=$folder/safetyd.passwd access=$folder/safetyd.acl
new=$(mktemp -d "$folder/.new.XXXXXX")
trap 'rm -rf "$new"' EXIT
trap 'exit 1' HUP INT TERM
[ -e "$access" ] || { cat "$(dirname "$0")/accounts.acl" > "$new/access" && put "$new/access" "$access"; }
[ -e "$passwords" ] || { : > "$new/passwords" && put "$new/passwords" "$passwords"; }

asked=$1
shift
case $asked:$# in
    add:0 | password:0 | remove:0) usage ;;
    add:*) add "$@" ;;
    password:1)
        has_account "$1" || fail "nobody has the account '$1'; account.sh list shows all"
        set_password "$1"
        told
        ;;
    remove:1) remove "$1" ;;
    list:0) cut -d: -f1 "$passwords" ;;
    *) usage ;;
esac
