#!/bin/sh
# Makes seeds for the target `keystores`: keys of every form with a certificate. None are committed.
set -eu
cd "$(dirname "$0")"
out=corpus/keystores
mkdir -p "$out"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for kind in "rsa:RSA -pkeyopt rsa_keygen_bits:2048" "ec:EC -pkeyopt ec_paramgen_curve:P-256" "ed:ED25519"; do
    name=${kind%%:*}
    # The algorithm is several words.
    # shellcheck disable=SC2086
    openssl genpkey -algorithm ${kind#*:} -out "$work/$name.key" 2>/dev/null
    openssl req -x509 -new -key "$work/$name.key" -subj "/CN=$name" -days 30 -out "$work/$name.pem"
    openssl pkey -in "$work/$name.key" -traditional -out "$work/$name.old" 2>/dev/null || cp "$work/$name.key" "$work/$name.old"
    for form in key old; do
        { cat "$work/$name.$form"; echo ====; cat "$work/$name.pem"; echo ====; cat "$work/$name.pem"; } >"$out/$name.$form"
    done
done
{ cat "$work/rsa.key"; echo ====; cat "$work/ec.pem" "$work/rsa.pem"; echo ====; cat "$work/ec.pem" "$work/rsa.pem"; } >"$out/chain"
