#!/usr/bin/env bash
# The life of an identity on the command line: key log, rotation, compromise, forks, deactivation, handshakes.
set -euo pipefail
export ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}verify_asan_link_order=0 # names.so is preloaded
source "$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)/lib.sh"
need aip-did aip-token
export HOME=$work/home
unset XDG_STATE_HOME
mkdir "$HOME"
cd "$work"
passed=0 failed=0 skipped=0

verdict() { # ok|FAIL|skip TEXT
    printf '%-4s %s\n' "$1" "$2"
    case $1 in
    ok) passed=$((passed + 1)) ;;
    skip) skipped=$((skipped + 1)) ;;
    *) failed=$((failed + 1)) ;;
    esac
}

# also NAME COMMAND…: this holds as well; says and complains look at what the last command printed.
also() {
    local name=$1
    shift
    if "$@" >"$work/also" 2>&1; then verdict ok "$name"; else verdict FAIL "$name: $(head -c 300 "$work/also")"; fi
}

# check NAME COMMAND…: the command succeeds. What it prints stays in $work/out and $work/err.
check() {
    local name=$1 status=0
    shift
    "$@" >"$work/out" 2>"$work/err" || status=$?
    if [ "$status" = 0 ]; then verdict ok "$name"; else verdict FAIL "$name: exit $status: $(head -c 300 "$work/err")"; fi
}

# refuses CODE NAME COMMAND…: the command fails for this reason and with the exit code of its class.
refuses() {
    local wanted=$1 name=$2 status=0 class=1
    shift 2
    case $wanted in
    usage | keyfile.* | config.* | store.invalid) class=2 ;;
    io | memory | store.unavailable | fetch.unreachable) class=3 ;;
    esac
    "$@" >"$work/out" 2>"$work/err" || status=$?
    if [ "$status" = "$class" ] && grep -q ": $wanted: " "$work/err"; then
        verdict ok "$name: $wanted"
    else
        verdict FAIL "$name: wanted $wanted, exit $class; exit $status: $(head -c 300 "$work/err")"
    fi
}

did() { "$bin/aip-did" "$@"; }
says() { grep -q -F -- "$1" "$work/out"; }                     # TEXT: the last command printed it
complains() { grep -q -F -- "$1" "$work/err"; }                # TEXT: on standard error
entry_time() { sed -n "$(($2 + 1))s/.*\"time\":\([0-9]*\).*/\1/p" "$1"; } # LOG VERSION
entries() { wc -l <"$1"; }

# issue KEY [OPTION…]: a token for the worker, on standard output.
issue() {
    local key=$1
    shift
    "$bin/aip-token" issue --key "$key" --to "$worker" --scope tool:search --max-depth 2 --ttl 1h "$@"
}

# judge TOKEN_FILE [OPTION…]: is the token good, its root being the owner?
judge() {
    local token=$1
    shift
    "$bin/aip-token" verify --trust "$owner" "$@" <"$token"
}

no_leftovers() { [ -z "$(find . -name '*.new-*')" ]; }
untouched() { cmp -s "$1" "$1.before" && [ ! -e "$2" ] && no_leftovers; } # LOG NEW_KEY_FILE

beginnings() {
    worker=$(did create --out worker.key)
    owner=$(did create --out k1 --log log.jsonl --next-out k2)
    check 'a log verifies' did log verify log.jsonl
    also 'it is at version 0' says 'version 0'
    also 'its next key file has the number 2' grep -q "\"did\":\"$owner\",\"number\":2,\"key\":\"z6Mk" k2
    also 'key files have mode 0600' test "$(stat -c %a k1 k2 | sort -u)" = 600
    cp log.jsonl log.jsonl.before
    refuses usage 'create over an existing log' did create --out k9 --log log.jsonl --next-out k10
    also 'nothing came of it' test ! -e k9 -a ! -e k10
    also 'the log is as it was' untouched log.jsonl k9
    refuses keyfile.exists 'create over an existing next key' did create --out k9 --log other.jsonl --next-out k2
    refuses usage 'a log without a next key' did create --out k9 --log other.jsonl
    also 'no file came of these' test ! -e k9 -a ! -e other.jsonl
    refuses keyfile.invalid 'a log begun by a later key' did log start --key k2 --log other.jsonl --next-out k9
    did create --out late.key >late.did
    check 'a log begun later' did log start --key late.key --log late.jsonl --next-out late.2
    check 'which verifies' did log verify late.jsonl --json
    also 'and is of that identity' says "\"did\":\"$(<late.did)\",\"version\":0"
    sed 's/"version":0/"version":1/' late.jsonl >changed.jsonl
    refuses log.prev 'a log that does not begin at 0' did log verify changed.jsonl
    sed 's/"time":1/"time":2/' late.jsonl >changed.jsonl
    refuses log.time 'a log from the future' did log verify changed.jsonl
    : >changed.jsonl
    refuses log.malformed 'an empty log' did log verify changed.jsonl
    head -c 100 late.jsonl >changed.jsonl
    refuses log.malformed 'a torn log' did log verify changed.jsonl
}

rotation() {
    issue k1 --now $(($(date +%s) - 5)) >old.token
    cp log.jsonl log.jsonl.before
    refuses log.key 'rotation by the current key' did rotate --log log.jsonl --key k1 --next-out k3
    also 'nothing was written' untouched log.jsonl k3
    refuses log.key 'rotation by a key of somebody else' did rotate --log log.jsonl --key late.2 --next-out k3
    refuses log.key 'rotation by a first key of somebody else' did rotate --log log.jsonl --key worker.key --final
    also 'nothing was written' untouched log.jsonl k3
    refuses usage 'neither a next key nor the last' did rotate --log log.jsonl --key k2
    refuses usage 'a next key and the last' did rotate --log log.jsonl --key k2 --final --next-out k3
    refuses keyfile.exists 'a next key file that is there' did rotate --log log.jsonl --key k2 --next-out k1
    refuses usage 'a compromised key that the log does not have' \
        did rotate --log log.jsonl --key k2 --next-out k3 --compromised '#key-2'
    refuses io 'a log that is not there' did rotate --log missing.jsonl --key k2 --next-out k3
    also 'nothing was written' untouched log.jsonl k3
    chmod 640 log.jsonl
    check 'rotation' did rotate --log log.jsonl --key k2 --next-out k3
    also 'prints the identity and its version' test "$(<out)" = "$owner"$'\n''version 1'
    also 'keeps the mode of the log' test "$(stat -c %a log.jsonl)" = 640
    also 'leaves nothing beside it' no_leftovers
    also 'the log goes on from the old one' cmp -s log.jsonl.before <(head -n 1 log.jsonl)
    refuses log.key 'the same rotation again' did rotate --log log.jsonl --key k2 --next-out k9

    check 'a token of key 1 from before stays good' judge old.token --log log.jsonl
    check 'a backdated one of key 1 is good too' judge <(issue k1 --now $(($(date +%s) - 9))) --log log.jsonl
    issue k1 >late.token
    refuses did.key.retired 'a token of key 1 from after it' judge late.token --log log.jsonl
    check 'which a verifier without the log accepts' judge late.token
    issue k2 --now "$(entry_time log.jsonl 1)" >new.token
    check 'a token of key 2' judge new.token --log log.jsonl
    also 'names its key' grep -q -F "$owner#key-2" <(cut -d. -f1 new.token | tr '_-' '/+' | base64 -d 2>/dev/null)
    refuses diddoc.key.not_found 'it for a verifier without the log' judge new.token
    issue k2 --now $(($(entry_time log.jsonl 1) - 1)) >early.token
    refuses did.key.retired 'a token of key 2 from before it' judge early.token --log log.jsonl
    "$bin/aip-token" issue --key worker.key --to "$owner" --scope 'tool:*' --max-depth 3 --ttl 1h \
        --now "$(entry_time log.jsonl 1)" >root.token
    "$bin/aip-token" delegate --key k2 --to "$(did create --out friend.key)" --scope tool:search --context test \
        --now "$(entry_time log.jsonl 1)" <root.token >chain.token
    check 'a delegation by key 2' "$bin/aip-token" verify --trust "$worker" --log log.jsonl <chain.token
    refuses diddoc.key.not_found 'it without the log' "$bin/aip-token" verify --trust "$worker" <chain.token
    also 'the refusal names the element' complains 'element 1'
    refuses usage 'sources without --resolve' judge new.token --source https://logs.example.com
}

resolution() {
    check 'resolution by a log' did resolve "$owner" --log log.jsonl
    also 'shows the current key alone' test "$(grep -c '"publicKeyMultibase"' out)" = 1
    also 'which is number 2' says "$owner#key-2"
    check 'the result as JSON' did resolve "$owner" --log log.jsonl --json --offline
    also 'is at version 1' says '"versionId":"1"'
    check 'version 0 by its number' did resolve "$owner?versionId=0" --log log.jsonl --json
    also 'tells which came next' says '"nextVersionId":"1"'
    refuses did.not_found 'a version that is not there' did resolve "$owner?versionId=2" --log log.jsonl
    check 'one key by its DID URL' did resolve "$owner#key-2" --log log.jsonl
    also 'and nothing else' test "$(grep -c '"id"' out)" = 1
    refuses diddoc.key.not_found 'a key that is not current' did resolve "$owner#key-1" --log log.jsonl
    refuses did.url.invalid 'another query' did resolve "$owner?service=log" --log log.jsonl
    refuses did.url.invalid 'a path' did resolve "$owner/path" --log log.jsonl
    refuses did.not_found 'did:web, offline' did resolve did:web:example.com --offline
    refuses did.key.mismatch 'a key that is not its own' did resolve "$owner" --public-key "${worker#did:aip:}"
    refuses config.invalid 'a source that is none' did resolve "$owner" --source http://logs.example.com
    refuses config.invalid 'a range that is none' did resolve "$owner" --allow-address 10.0.0.1/8
    check 'steps are traced' did resolve "$worker" --trace
    also 'on standard error' complains 'trace: '
    also 'none of this made a cache' test -z "$(ls -A "$HOME")"
    check 'a cache that is named' did log verify log.jsonl --cache seen.db
    check 'serves the next resolution' did resolve "$owner" --cache seen.db --offline
    also 'with the key of the log' says "$owner#key-2"
    check 'and the judgement of tokens' judge new.token --cache seen.db
    refuses did.key.retired 'also the bad ones' judge late.token --cache seen.db
    mkdir -p "$HOME/.local/state/aip"
    cp seen.db "$HOME/.local/state/aip/identities.db"
    check 'so does the default one' judge new.token
    rm -r "$HOME/.local"
    refuses did.not_found 'readmission of a key that nobody saw' \
        did readmit did:web:example.com "${worker#did:aip:}" --cache seen.db
    refuses usage 'readmission without a cache' did readmit did:web:example.com "${worker#did:aip:}"
}

# Two logs that begin alike, and what a verifier says who has seen one of them.
forks() {
    cp log.jsonl fork.jsonl
    cp log.jsonl short.jsonl
    check 'rotation with a compromised key' did rotate --log log.jsonl --key k3 --next-out k4 --compromised '#key-1'
    check 'another rotation of the same key' did rotate --log fork.jsonl --key k3 --next-out fork.4
    refuses did.key.compromised 'a token of the compromised key' judge old.token --log log.jsonl
    check 'a token of key 2 in its time' judge new.token --log log.jsonl
    check 'the longer log goes on from what was seen' did log verify log.jsonl --cache seen.db
    refuses log.fork 'the other one does not' did log verify fork.jsonl --cache seen.db
    refuses log.rollback 'nor does a shorter one' did log verify short.jsonl --cache seen.db
    check 'what was seen first stays' did log verify log.jsonl --cache seen.db
    refuses log.fork 'a token by the fork' judge new.token --log fork.jsonl --cache seen.db
    refuses log.rollback 'a token by the shorter log' judge old.token --log short.jsonl --cache seen.db
    refuses log.fork 'resolution by both' did resolve "$owner" --log log.jsonl --log fork.jsonl
    check 'resolution by the shorter, then the longer' did resolve "$owner" --log short.jsonl --log log.jsonl
    refuses log.rollback 'and in the other order' did resolve "$owner" --log log.jsonl --log short.jsonl
    check 'the fork by itself cannot be told' did log verify fork.jsonl
}

# A rotation that ends in the middle: the log is the old one or the new one.
crashes() {
    local i key version status=0
    did create --out c1 --log crash.jsonl --next-out c2 >/dev/null
    did rotate --log crash.jsonl --key c2 --next-out c3 >/dev/null
    did rotate --log crash.jsonl --key c3 --next-out c4 >/dev/null
    cp crash.jsonl crash.jsonl.before
    (ulimit -c 0 -f 1 && did rotate --log crash.jsonl --key c4 --next-out c5) >out 2>err || status=$?
    also 'a rotation that dies while it writes' test "$status" != 0
    also 'leaves the old log' cmp -s crash.jsonl crash.jsonl.before
    rm -f c5 crash.jsonl.new-*
    key=c4
    for i in {1..16}; do
        version=$(entries crash.jsonl)
        "$bin/aip-did" rotate --log crash.jsonl --key "$key" --next-out "d$i" >/dev/null 2>&1 &
        status=$!
        sleep "$(printf '0.%04d' $((i * 12)))"
        kill -9 "$status" 2>/dev/null || true
        wait "$status" 2>/dev/null || true
        did log verify crash.jsonl >/dev/null || break
        if [ "$(entries crash.jsonl)" -gt "$version" ]; then
            key=d$i
            sleep 1 # so that the next one writes at once
        fi
    done
    check 'sixteen rotations, killed at any time, leave a good log' did log verify crash.jsonl
    also 'all of them were tried' test "$i" = 16
    check 'and its next key is at hand' did rotate --log crash.jsonl --key "$key" --next-out last.key
    rm -f crash.jsonl.new-*
    "$bin/aip-did" rotate --log crash.jsonl --key last.key --next-out e1 >one 2>&1 &
    status=$!
    did rotate --log crash.jsonl --key last.key --next-out e2 >two 2>&1 || true
    wait "$status" || true
    also 'of two rotations at once, one is made' test "$(grep -l '^version' one two | wc -l)" = 1
    also 'the other is refused' grep -q 'log.key' one two
    also 'and leaves no key file' test "$(find . -name 'e[12]' | wc -l)" = 1
    check 'the log is good' did log verify crash.jsonl
}

sealed() {
    echo 'correct horse' >phrase
    echo 'wrong horse' >wrong
    check 'a sealed identity with a log' \
        did create --out s1 --log sealed.jsonl --next-out s2 --passphrase-file phrase
    refuses keyfile.passphrase 'its rotation without the passphrase' did rotate --log sealed.jsonl --key s2 --final
    refuses keyfile.passphrase 'with a wrong one' \
        did rotate --log sealed.jsonl --key s2 --final --passphrase-file wrong
    check 'with the right one, for the last time' \
        did rotate --log sealed.jsonl --key s2 --final --passphrase-file phrase --json
    check 'its log says so' did log verify sealed.jsonl
    also 'plainly' says 'no further rotation is possible'
    refuses log.key 'a rotation after the last' did rotate --log sealed.jsonl --key k3 --final
}

# shake A_OPTIONS… -- B_OPTIONS…: a handshake through two pipes. Sets $left and $right to the exit codes.
shake() {
    local a=() b=()
    while [ "$1" != -- ]; do
        a+=("$1")
        shift
    done
    shift
    b=("$@")
    rm -f to_b to_a
    mkfifo to_b to_a
    left=0 right=0
    timeout 20 "$bin/aip-did" handshake answer "${b[@]}" <to_b >to_a 2>b.err &
    local answering=$!
    timeout 20 "$bin/aip-did" handshake start "${a[@]}" >to_b <to_a 2>a.err || left=$?
    wait "$answering" || right=$?
}

handshakes() {
    local a b
    a=$(did create --out a.key)
    b=$(did create --out b.key)
    shake --key a.key --with "$b" -- --key b.key --with "$a"
    also 'a handshake: both are content' test "$left$right" = 00
    also 'A knows B' grep -q -F "authenticated: $b" a.err
    also 'B knows A' grep -q -F "authenticated: $a" b.err
    shake --key b.key --with "$a" --json -- --key a.key --json
    also 'the other way round, with a verdict for programs' grep -q -F "\"valid\":true" a.err
    also 'that names the peer' grep -q -F "\"peer\":\"$b\"" b.err
    shake --key a.key --with "$worker" -- --key b.key
    also 'somebody else answers: A refuses' grep -q -F 'handshake.peer' a.err
    also 'and B is not content' test "$left$right" = 11
    shake --key a.key --with "$b" -- --key b.key --with "$worker"
    also 'somebody else asks: B refuses' grep -q -F 'handshake.peer' b.err
    also 'and A is not content' test "$left$right" = 11
    shake --key k3 --with "$b" --log log.jsonl -- --key b.key --log log.jsonl
    also 'a rotated key proves its identity to who has the log' test "$left$right" = 00
    shake --key k3 --with "$b" -- --key b.key
    also 'and to nobody else' grep -q -F 'handshake.signature' b.err
    shake --key b.key --with "$owner" --log log.jsonl -- --key k1 --log log.jsonl
    also 'a retired key proves nothing' grep -q -F 'handshake.signature' a.err
    refuses handshake.malformed 'an offer that is none' did handshake answer --key b.key <<<'{"type":"hello"}'
    refuses handshake.malformed 'an offer without an end' \
        did handshake answer --key b.key < <(head -c 100000 /dev/zero | tr '\0' x)
    refuses handshake.malformed 'no offer at all' did handshake answer --key b.key </dev/null
    refuses handshake.expired 'six minutes' did handshake start --key a.key --with "$b" --ttl 6m </dev/null
    refuses usage 'a handshake with nobody' did handshake start --key a.key </dev/null
    shake --key a.key --with "$b" --ttl 1s -- --key b.key
    also 'a second is enough' test "$left$right" = 00
    mkfifo never
    refuses handshake.expired 'nobody answers: the offer runs out' \
        timeout 10 "$bin/aip-did" handshake start --key a.key --with "$b" --ttl 1s <>never
}

endings() {
    cp log.jsonl log.jsonl.before
    refuses usage 'deactivation without --yes' did deactivate --log log.jsonl --key k4
    refuses log.key 'deactivation by the current key' did deactivate --log log.jsonl --key k3 --yes
    also 'nothing was written' untouched log.jsonl none
    check 'deactivation' did deactivate --log log.jsonl --key k4 --yes
    check 'its log verifies' did log verify log.jsonl --json --cache seen.db
    also 'and says so' says '"deactivated":true'
    refuses did.deactivated 'a token of its time' judge new.token --log log.jsonl
    refuses did.deactivated 'the same by what was seen' judge new.token --cache seen.db
    refuses did.deactivated 'its resolution' did resolve "$owner" --log log.jsonl
    also 'which prints the result' says '"deactivated":true'
    also 'and no document' says '"didDocument":null'
    refuses log.ended 'a rotation after it' did rotate --log log.jsonl --key k4 --final
    refuses log.ended 'a second deactivation' did deactivate --log log.jsonl --key k4 --yes
    shake --key k4 --with "$worker" -- --key worker.key --log log.jsonl
    also 'a handshake after it' grep -q -F 'did.deactivated' b.err
    refuses log.key 'deactivation by a later key without a log' did deactivate --log none.jsonl --key k2 --yes
    check 'deactivation without a log' did deactivate --log end.jsonl --key friend.key --yes
    also 'makes one of one entry' test "$(entries end.jsonl)" = 1
    refuses did.deactivated 'which ends the identity' did resolve "$(grep -o 'did:aip:z[1-9A-Za-z]*' end.jsonl)" --log end.jsonl
}

# A site that publishes a did:web document and the owner's log, on loopback under names of its own.
site() {
    local key folder=site/did.$domain/.well-known logs=site/logs.$domain/.well-known/aip/did tries=0
    mkdir -p "$folder" "$logs"
    key=$(did create --out web.key) key=${key#did:aip:}
    cat >"$folder/did.json" <<DOCUMENT
{"id":"$web","verificationMethod":[{"id":"$web#main","type":"Multikey","controller":"$web","publicKeyMultibase":"$key"}],
 "authentication":["$web#main"],"capabilityDelegation":["$web#main"]}
DOCUMENT
    cp log.jsonl "$logs/${owner#did:aip:}.jsonl"
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout site.key -out site.crt -days 2 \
        -subj "/CN=*.$domain" -addext "subjectAltName=DNS:*.$domain" >openssl.log 2>&1
    cat site.crt site.key >site.pem
    "${CC:-cc}" -std=c17 -D_GNU_SOURCE -fPIC -shared -O1 "$project/tests/e2e/names_shim.c" -o names.so
    python3 "$project/tests/e2e/identity_files.py" site site.pem >site.log 2>&1 &
    pid[site]=$!
    until grep -q 'listening on' site.log; do
        tries=$((tries + 1))
        [ "$tries" -lt 200 ] || return 1
        sleep 0.05
    done
    printf '*.%s all 127.0.0.2:%s\n' "$domain" "$(sed 's/.*://' site.log)" >names
}

# online COMMAND…: with the names of the site, and the options that let a command reach it.
online() {
    : >names.log
    AIP_NAMES_TABLE=$work/names AIP_NAMES_LOG=$work/names.log LD_PRELOAD=$work/names.so \
        "$@" --ca-file site.crt --allow-address 127.0.0.2
}

# judge_web [OPTION…]: is the token of the did:web identity good?
judge_web() {
    "$bin/aip-token" verify --trust "$web" "$@" <web.token
}

published() {
    local domain=aip-test.example cache=$HOME/.local/state/aip/identities.db
    local web=did:web:did.$domain
    if ! command -v openssl >/dev/null || ! command -v python3 >/dev/null || ! site; then
        verdict skip 'published identities: openssl, python3 and a compiler are needed'
        return
    fi
    issue web.key --issuer "$web" --kid "$web#main" >web.token
    refuses did.not_found 'a token of a did:web root' online judge_web
    also 'for which nothing was looked up' test ! -s names.log
    also 'nor a cache made' test ! -e "$cache"
    check 'with --resolve it is good' online judge_web --resolve
    also 'and its document remembered' test "$(stat -c %a "$cache" "$(dirname "$cache")" | tr '\n' ' ')" = '600 700 '
    check 'for the next time' online judge_web
    also 'when nothing is looked up' test ! -s names.log
    issue web.key --issuer "$web" --kid "$web#other" >web.token
    refuses diddoc.key.not_found 'a key that the document does not have' online judge_web
    rm -r "$HOME/.local"
    refuses did.key.compromised 'a token of the compromised key, by a source' \
        online judge late.token --resolve --source "https://logs.$domain"
    check 'one of the current key' online judge new.token --resolve --source "https://logs.$domain"
    rm -r "$HOME/.local"
    check 'resolution by a source' online did resolve "$owner" --source "https://logs.$domain" --trace
    also 'says so' complains 'logs.aip-test.example'
    also 'with the current key' says "$owner#key-3"
    check 'without the network its log is known' did resolve "$owner" --offline --json
    also 'still' says '"versionId":"2"'
    refuses log.rollback 'against which a shorter one fails' did resolve "$owner" --offline --log short.jsonl
    export AIP_NAMES_TABLE=$work/names AIP_NAMES_LOG=$work/names.log LD_PRELOAD=$work/names.so
    shake --key web.key --as "$web" --with "$worker" -- --key worker.key --with "$web" --ca-file site.crt \
        --allow-address 127.0.0.2
    also 'a handshake under a published name' test "$left$right" = 00
    shake --key worker.key --as "$web" --with "$worker" -- --key worker.key --ca-file site.crt --allow-address 127.0.0.2
    also 'and by somebody else' test "$left$right" != 00
    shake --key k2 --as "$web" --with "$worker" -- --key worker.key --ca-file site.crt --allow-address 127.0.0.2
    also 'with a key that it does not have' grep -q -F handshake.signature b.err
    unset AIP_NAMES_TABLE AIP_NAMES_LOG LD_PRELOAD
    rm -r "$HOME/.local"
    stop site || true
}

beginnings
rotation
resolution
forks
crashes
sealed
published
handshakes
endings
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ]
