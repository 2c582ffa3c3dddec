# Functions of the end-to-end tests and the demonstration: start and stop programs, ask a gateway, assert by name.
# Source it under `set -euo pipefail`. It makes a scratch folder, $work, and removes it at the end.

project=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
bin=${BUILD:-build}
[[ $bin == /* ]] || bin=$project/$bin
umask 077
work=$(mktemp -d "${TMPDIR:-/tmp}/aip-e2e.XXXXXX")
declare -A pid=() address=()
clock=() # a command's beginning that gives it the clock of the gateway
gateway='' audit='' audit_before=0 http_status='' code=''

finish() {
    local name
    for name in "${!pid[@]}"; do
        stop "$name" || true
    done
    rm -rf "$work"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# need FILE…: these programs have been built.
need() {
    local name
    for name; do
        if [ ! -x "$bin/$name" ]; then
            echo "$bin/$name is missing: run make first" >&2
            exit 3
        fi
    done
}

# start NAME COMMAND…: in the background, its output in $work/NAME.log; returns when it says that it listens.
start() {
    local name=$1 line deadline=$((SECONDS + 20))
    shift
    : >"$work/$name.log" # here and now: a line of an earlier program of that name must not be taken for its own
    "$@" >>"$work/$name.log" 2>&1 </dev/null &
    pid[$name]=$!
    until line=$(grep -m 1 'listening on http' "$work/$name.log"); do
        if ! kill -0 "${pid[$name]}" 2>/dev/null || [ "$SECONDS" -gt "$deadline" ]; then
            echo "$name did not start:" >&2
            cat "$work/$name.log" >&2
            return 1
        fi
        sleep 0.05
    done
    address[$name]=$(grep -o 'http://127\.0\.0\.1:[0-9]*' <<<"$line" | head -n 1)/mcp
}

# stop NAME: SIGTERM, after ten seconds SIGKILL. Gives the program's exit status.
stop() {
    local id=${pid[$1]:-} tries=0
    [ -n "$id" ] || return 0
    unset "pid[$1]"
    kill "$id" 2>/dev/null || true
    while kill -0 "$id" 2>/dev/null; do
        tries=$((tries + 1))
        [ "$tries" -lt 100 ] || kill -9 "$id" 2>/dev/null || true
        sleep 0.1
    done
    wait "$id"
}

# new_identity NAME: a key in $work/NAME.key, its DID in $work/NAME.did and on standard output.
new_identity() {
    "$bin/aip-did" create --out "$work/$1.key" >"$work/$1.out"
    grep -o -m 1 'did:aip:z[1-9A-HJ-NP-Za-km-z]*' "$work/$1.out" | head -n 1 | tee "$work/$1.did"
}

# start_gateway NAME UPSTREAM ROOT_DID [OPTION…]: also makes it the one that `ask` asks.
start_gateway() {
    local name=$1 upstream=$2 root=$3
    shift 3
    start "$name" "$bin/aip-gateway" --upstream "$upstream" --port 0 --trust-key "${root#did:aip:}" \
        --audit "$work/$name.audit" --store "$work/$name.db" "$@"
    gateway=${address[$name]}
    audit=$work/$name.audit
}

# call TOOL ARGUMENTS: the message that calls a tool.
call() {
    printf '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"%s","arguments":%s}}' "$1" "$2"
}

# base64url_decode: of standard input.
base64url_decode() {
    local text
    text=$(tr -d '\n' | tr '_-' '/+')
    while [ $((${#text} % 4)) != 0 ]; do text+='='; done
    base64 -d <<<"$text" 2>/dev/null || true
}

# holder_key TOKEN_FILE: the key file of the `sub` of its last element, if this test made it.
holder_key() {
    local last=$(<"$1") subject
    last=${last##*~} last=${last#*.}
    subject=$(base64url_decode <<<"${last%%.*}" | sed -n 's/.*"sub":"\([^"]*\)".*/\1/p')
    subject=$(grep -l -x -F -e "$subject" "$work"/*.did | head -n 1) && printf '%s\n' "${subject%.did}.key"
}

# write_header TOKEN_FILE BODY: the headers that present a token, in $work/header. A chain goes with its holder's
# signature, a token of one element as a bearer; $proof is another key file that signs instead, `none` = nobody does.
write_header() {
    local key=${proof:-}
    if [ -z "$key" ] && grep -q -F '~' "$1"; then
        key=$(holder_key "$1") || key=none
    fi
    case $key in
    '' | none) sed 's/^/X-AIP-Token: /' "$1" >"$work/header" ;;
    *) "${clock[@]}" "$bin/aip-token" prove --key "$key" --token "$1" -d "$2" "$gateway" >"$work/header" ;;
    esac
}

# ask TOKEN_FILE BODY [CURL_OPTION…]: posts to the gateway; `-` = no token. Sets http_status and code; the reply is in
# $work/reply.
ask() {
    local token=$1 body=$2 header=()
    shift 2
    if [ "$token" != - ]; then
        write_header "$token" "$body"
        header=(--header "@$work/header")
    fi
    audit_before=$(audit_lines)
    : >"$work/reply"
    http_status=$(curl --silent --max-time 20 --noproxy '*' --output "$work/reply" --write-out '%{http_code}' \
        --header 'Content-Type: application/json' --header 'Accept: application/json, text/event-stream' \
        "${header[@]}" --data-binary "$body" "$@" "$gateway") || true
    code=$(sed -n 's/.*"code_name": *"\([^"]*\)".*/\1/p' "$work/reply" | head -n 1)
}

audit_lines() {
    if [ -s "$audit" ]; then wc -l <"$audit"; else echo 0; fi
}

# The line that the audit log got for the last question.
audit_line() {
    local tries=0
    until tail -n +"$((audit_before + 1))" "$audit" | grep -m 1 '"event":"decision"' || [ "$tries" -ge 40 ]; do
        sleep 0.05
        tries=$((tries + 1))
    done
}

# allowed: was the last question allowed, answered and recorded so?
allowed() {
    [ "$http_status" = 200 ] && [ -z "$code" ] && [[ $(audit_line) == *'"decision":"ALLOW"'* ]]
}

# refused CODE: was it refused for this reason, in the answer and in the audit log?
refused() {
    [ "$http_status" != 200 ] && [ "$code" = "$1" ] && [[ $(audit_line) == *'"decision":"BLOCK","code":"'"$1"'"'* ]]
}

# check NAME COMMAND…: ok when the command succeeds; $failed counts the others.
failed=0
check() {
    local name=$1
    shift
    if "$@"; then
        echo "ok   $name"
    else
        failed=$((failed + 1))
        echo "FAIL $name: HTTP $http_status ${code:-no code}: $(head -c 300 "$work/reply" | tr -d '\n')"
    fi
}

# accepts NAME TOKEN, refuses CODE NAME TOKEN: the gateway's verdict on $body, in its answer and in its log.
accepts() {
    ask "$work/$2.token" "$body"
    check "$1" allowed
}
refuses() {
    ask "$work/$3.token" "$body"
    check "$2: $1" refused "$1"
}

# tool TOKEN TOOL ARGUMENTS [CURL_OPTION…]: calls it.
tool() {
    local token=$1 name=$2 arguments=$3
    shift 3
    ask "$work/$token.token" "$(call "$name" "$arguments")" "$@"
}

# yes NAME TOKEN TOOL ARGUMENTS [CURL_OPTION…], no CODE NAME TOKEN TOOL ARGUMENTS [CURL_OPTION…]: it is allowed,
# or refused for that reason.
yes() {
    local name=$1
    shift
    tool "$@"
    check "$name" allowed
}
no() {
    local wanted=$1 name=$2
    shift 2
    tool "$@"
    check "$name: $wanted" refused "$wanted"
}
