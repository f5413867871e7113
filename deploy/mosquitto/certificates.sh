#!/bin/sh
# Makes an authority of one's own, the broker's certificate, and one for each client that is to have one.
#
#   certificates.sh [OPTIONS] server NAME|ADDRESS …   the broker's, for all that clients may call it: server.pem, server.key
#   certificates.sh [OPTIONS] server                  the same names again, if fewer than 60 days are left
#   certificates.sh [OPTIONS] node NAME|ADDRESS …     that of a node of a cluster (deploy/nats): server to all, client of its peers
#   certificates.sh [OPTIONS] client NAME             a client's: NAME.pem, NAME.key
#
#   -d FOLDER   where they lie and go; else /etc/mosquitto/certs
#   -t DAYS     how long the certificate is good; else a server's 397, a client's 1825
#
# Devices need ca.pem and no more. The authority is made at the first run and lasts 20 years. It can be run again at any
# time: a key that is there is never overwritten, a certificate only replaced by its successor.
# Whoever has ca.key can pretend to be the broker: keep a copy offline, for without it every device needs a new ca.pem.
set -eu
umask 077

fail() {
    echo "certificates.sh: $*" >&2
    exit 1
}

usage() {
    sed -n '2,/^set/{/^# \{0,1\}/!d;s///;p}' "$0" >&2
    exit 2
}

# key FILE: makes a private key unless it is there. P-256 is what small devices can do, too.
key() {
    [ -e "$1" ] && return
    openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$new/key"
    mv "$new/key" "$1"
}

# put FILE: lays the new certificate in its place, whole or not at all.
put() {
    chmod 644 "$new/pem"
    sync "$new/pem"
    mv "$new/pem" "$1"
}

authority() {
    [ -e ca.pem ] && return
    key ca.key
    cat > "$new/cnf" <<-END
		[req]
		distinguished_name = named
		x509_extensions = authority
		prompt = no
		[named]
		CN = safetyd authority $(openssl rand -hex 4)
		[authority]
		basicConstraints = critical, CA:TRUE, pathlen:0
		keyUsage = critical, keyCertSign, cRLSign
		subjectKeyIdentifier = hash
	END
    openssl req -new -x509 -config "$new/cnf" -key ca.key -sha256 -days 7300 -out "$new/pem"
    put ca.pem
    echo "Made an authority: ca.pem is for every device, ca.key for nobody; keep a copy of it offline."
}

# certify FILE NAME DAYS EXTENSION…: signs FILE.key as NAME.
certify() {
    file=$1 name=$2 days=$3
    shift 3
    [ -e ca.key ] || fail "ca.key is not in $folder; certificates can be made only where the authority's key is"
    printf '%s\n' "$@" 'basicConstraints = critical, CA:FALSE' 'keyUsage = critical, digitalSignature' \
        'subjectKeyIdentifier = hash' 'authorityKeyIdentifier = keyid' > "$new/extensions"
    openssl req -new -key "$file.key" -subj "/CN=$name" -out "$new/request"
    openssl x509 -req -in "$new/request" -CA ca.pem -CAkey ca.key -sha256 -days "$days" \
        -set_serial "0x$(openssl rand -hex 16)" -extfile "$new/extensions" -out "$new/pem" 2> "$new/said" \
        || fail "$(cat "$new/said")"
    put "$file.pem"
    echo "Made $folder/$file.pem, good until $(end "$file.pem")."
}

end() {
    openssl x509 -in "$1" -noout -enddate | sed 's/.*=//'
}

# named CERTIFICATE: its names as they are asked for, "DNS:a,IP:10.0.0.5".
named() {
    openssl x509 -in "$1" -noout -ext subjectAltName | sed -n 's/IP Address:/IP:/g;s/ //g;2p'
}

# The broker reads its key as its own user, which may have come after the key.
hand_over_key() {
    if [ "$(id -u)" = 0 ] && id mosquitto > "$new/said" 2>&1; then
        chown mosquitto server.key
    fi
}

server() {
    names=
    for each in "$@"; do
        case $each in
            '' | -* | *[!A-Za-z0-9.:*-]*) fail "'$each' is neither a name nor an address" ;;
            *:*) names="$names,IP:$each" ;;
            *[!0-9.]*) names="$names,DNS:$each" ;;
            *) names="$names,IP:$each" ;;
        esac
    done
    names=${names#,}
    if [ -e server.pem ]; then
        present=$(named server.pem)
        names=${names:-$present}
        if [ "$names" = "$present" ] && openssl x509 -in server.pem -noout -checkend 5184000 > "$new/said" \
            && openssl verify -CAfile ca.pem server.pem > "$new/said" 2>&1; then
            hand_over_key
            echo "Nothing to do: $folder/server.pem is good until $(end server.pem), for $present."
            return
        fi
    fi
    [ -n "$names" ] || fail "there is no server.pem in $folder yet; say how clients call the broker: certificates.sh server NAME|ADDRESS …"
    first=${names%%,*}
    key server.key
    hand_over_key
    certify server "${first#*:}" "${days:-397}" "extendedKeyUsage = $usages" "subjectAltName = $names"
    if [ "$folder" = /etc/mosquitto/certs ] && systemctl is-active --quiet mosquitto 2> "$new/said"; then
        systemctl reload mosquitto
    fi
}

client() {
    case $1 in
        '' | -* | ca | server | *[!A-Za-z0-9._-]*) fail "'$1' cannot be a client's name: letters, digits, '.', '_' and '-'; neither ca nor server" ;;
    esac
    [ ! -e "$1.pem" ] || fail "$folder/$1.pem is there, good until $(end "$1.pem"); move it away to have another"
    key "$1.key"
    certify "$1" "$1" "${days:-1825}" 'extendedKeyUsage = clientAuth'
}

folder=/etc/mosquitto/certs days='' usages=serverAuth
while getopts d:t: option; do
    case $option in
        d) folder=$OPTARG ;;
        t) days=$OPTARG ;;
        *) usage ;;
    esac
done
shift $((OPTIND - 1))
[ $# -ge 1 ] || usage
command -v openssl > /dev/null || fail "openssl is missing; on Debian: apt-get install openssl"
[ -d "$folder" ] || (umask 022 && mkdir -p "$folder")
cd "$folder"
folder=$(pwd)
new=$(mktemp -d ./.new.XXXXXX)
trap 'rm -rf "$new"' EXIT
trap 'exit 1' HUP INT TERM

asked=$1
shift
case $asked in
    server | node)
        [ "$asked" = server ] || usages='serverAuth, clientAuth'
        [ $# -gt 0 ] || [ -e server.pem ] || server
        authority
        server "$@"
        ;;
    client)
        [ $# = 1 ] || usage
        authority
        client "$1"
        ;;
    *) usage ;;
esac
openssl x509 -in ca.pem -noout -checkend 63072000 > "$new/said" \
    || echo "The authority itself ends on $(end ca.pem): make another and give its ca.pem to every device in time." >&2
