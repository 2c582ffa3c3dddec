#!/usr/bin/env bash
# A plain HTTP API behind the real gateway: methods and paths by scope, arguments by policy, secrets, and requests that
# two readers could read differently.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/lib.sh"
need aip-did aip-token aip-gateway

# api METHOD TARGET TOKEN [CURL_OPTION…]: sets http_status and code; the reply is in $work/reply, its head in $work/head.
api() {
    local method=$1 target=$2 token=$3 header=()
    shift 3
    [ "$token" = - ] || header=(--header "X-AIP-Token: $(<"$work/$token.token")")
    audit_before=$(audit_lines)
    : >"$work/reply"
    reached_before=$(reached)
    http_status=$(curl --silent --max-time 20 --noproxy '*' --path-as-is --globoff --request "$method" \
        --output "$work/reply" --dump-header "$work/head" --write-out '%{http_code}' "${header[@]}" "$@" \
        "$gateway$target") || true
    code=$(sed -n 's/.*"code_name": *"\([^"]*\)".*/\1/p' "$work/reply" | head -n 1)
}
reached() { wc -l <"$work/reached"; }
# answers STATUS: it went on, and this is what came back.
answers() { [ "$http_status" = "$1" ] && [ -z "$code" ] && [ "$(reached)" = $((reached_before + 1)) ]; }
# stopped CODE: nothing went on.
stopped() { [ "$(reached)" = "$reached_before" ] && refused "$1"; }
# went PATTERN: what the API saw of the last request.
went() { tail -n 1 "$work/reached" | grep -q -e "$1"; }

for name in root agent; do new_identity "$name" >/dev/null; done
issue() {
    local name=$1
    shift
    "$bin/aip-token" issue --key "$work/root.key" --to "$(<"$work/agent.did")" --max-depth 0 --ttl 1h "$@" \
        >"$work/$name.token"
}
issue reader --scope 'http:GET /v1/*'
issue writer --scope 'http:POST /v1/*' --scope 'http:PUT /v1/*' --scope 'http:PATCH /v1/*' --scope 'http:DELETE /v1/*'
issue exact --scope 'http:GET /v1/items'
issue tool --scope 'tool:*'
: >"$work/reached"
start api python3 "$here/plain_api.py" "$work/reached"
upstream=${address[api]%/mcp}/v1
start_gateway plain "$upstream" "$(<"$work/root.did")" --protocol http
gateway=${gateway%/mcp}

api GET '/v1/items?q=two+words&n=1' reader
check 'GET with a query' answers 200
check 'the target goes on as it was sent' went '"target": "/v1/items?q=two+words&n=1"'
check 'the token does not' test "$(grep -c x-aip-token "$work/reached")" = 0
check 'the API is told who asks' went '"x-aip-subject": "did:aip:'
check 'nobody keeps an answer for others' grep -qi '^cache-control: private, no-cache' "$work/head"
api HEAD /v1/echo reader --head
check 'HEAD needs what GET needs' answers 200
check 'HEAD goes on as HEAD' went '"method": "HEAD"'
check 'and tells the length' grep -qi '^content-length: [1-9]' "$work/head"
for method in POST PUT PATCH; do
    api "$method" /v1/echo writer --header 'Content-Type: application/json' --data-binary '{"a": 1.0}'
    check "$method with a body" answers 200
    check "$method: the bytes are the caller's" went '"body": "{\\"a\\": 1.0}"'
    check "$method: goes on as such" went "\"method\": \"$method\""
done
api DELETE /v1/items/7 writer
check 'DELETE' answers 200
api GET /v1/items exact
check 'an exact address' answers 200
api GET /v1/text reader
check 'a text comes back' answers 200
check 'as it was' grep -q 'a plain text' "$work/reply"
api GET /v1/bytes reader
check 'bytes come back' answers 200
check 'all of them' test "$(wc -c <"$work/reply")" = 256
api GET /v1/empty reader
check 'nothing comes back' answers 204
api GET /v1/missing reader
check 'a failure of the API is its answer' answers 404
check 'with its body' grep -q 'nothing here' "$work/reply"
api GET /v1/cached reader --header 'If-None-Match: "one"'
check 'unchanged' answers 304
api GET /v1/cookies reader
check 'cookies do not come back' test "$(grep -ci '^set-cookie' "$work/head")" = 0
check 'nor what the server is' test "$(grep -ci '^server: inner' "$work/head")" = 0
check 'nor its word on caches' test "$(grep -ci '^cache-control: public' "$work/head")" = 0
api GET /v1/echo reader --header 'Cookie: a=b' --header 'Range: bytes=0-3' --header 'Authorization: Bearer inner'
check 'cookies, ranges and credentials do not go on' test "$(tail -n 1 "$work/reached" | grep -c -e '"cookie"' -e '"range"' -e 'Bearer')" = 0
api GET /v1/events reader --header 'Accept: text/event-stream'
check 'events that are no JSON' answers 200
check 'to the last' grep -q 'DONE' "$work/reply"
api GET /v1/moved reader
check 'a redirect is not followed' test "$http_status $code" = '502 upstream.invalid'
api GET /v1/broken reader
check 'JSON of two meanings' test "$http_status $code" = '502 upstream.invalid'

# What no scope covers.
api POST /v1/items reader
check 'another method: scope.insufficient' stopped scope.insufficient
api GET /v1/items2 exact
check 'a longer address: scope.insufficient' stopped scope.insufficient
api GET /v1/items/ exact
check 'a slash more: scope.insufficient' stopped scope.insufficient
api GET /v1/items tool
check 'a token for tools: scope.insufficient' stopped scope.insufficient
api GET /v1/items -
check 'no token: token.missing' stopped token.missing
api GET /v2/items reader
check 'beside the API: request.not_found' stopped request.not_found
api GET /v1items reader
check 'not below it: request.not_found' stopped request.not_found
api OPTIONS /v1/items reader
check 'another method: request.http_method' stopped request.http_method
check 'which names those there are' grep -qi '^allow: GET, HEAD, POST, PUT, PATCH, DELETE' "$work/head"

# Two readings.
while read -r target; do
    api GET "$target" reader
    check "$target: request.invalid" stopped request.invalid
done <<'END'
/v1/../admin
/v1/%2e%2e/admin
/v1/%2E./admin
/v1/a%2fb
/v1/a%5cb
/v1/a\b
/v1//items
/v1/./items
/v1/a%00b
/v1/a%25b
/v1/a;b
/v1/a%3bb
/v1/a%zz
/v1/%c0%af
/v1/items?a=1&a=2
/v1/items?_method=DELETE
/v1/items?a=%zz
/v1/items?a=%c0%af
/v1/items?a="b"
/v1/items?a=<b>
/v1/items?a=b\c
END
for header in 'X-HTTP-Method-Override: DELETE' 'X-HTTP-Method: PUT' 'X-Original-URL: /admin' 'X-Rewrite-URL: /admin' \
    'x-method-override: DELETE'; do
    api POST /v1/items writer --header "$header" --data ''
    check "$header: request.headers" stopped request.headers
done
api POST '/v1/items?a=1' writer --header 'Content-Type: application/json' --data-binary '{"a":2}'
check 'a parameter in query and body: request.invalid' stopped request.invalid
for body in '_method=DELETE&a=1' 'a=1&%5FMethod=PUT'; do
    api POST /v1/items writer --data-binary "$body"
    check "a form that asks for another method ($body): request.invalid" stopped request.invalid
done
api POST /v1/items writer --form '_method=DELETE'
check 'a part that does: request.invalid' stopped request.invalid
api POST /v1/items writer --header 'Content-Type: application/json' --data-binary '{"_method":"DELETE"}'
check 'a member that does: request.invalid' stopped request.invalid
check 'and the answer says why' grep -q '"reason":"the body asks for another method"' "$work/reply"
api POST /v1/items writer --header 'Content-Type: application/json; charset=utf-16' --data-binary '{"a":1}'
check 'another character set than UTF-8: request.media_type' stopped request.media_type
api GET "/v1/items/$(printf '%0300d' 7)" reader
check 'a path that is longer than any scope entry lies within a prefix' answers 200
api POST /v1/items writer --header 'Content-Type: application/json' --data-binary '{"a":1,"a":2}'
check 'a member twice: json.duplicate' stopped json.duplicate
api POST /v1/items writer --header 'Content-Type: application/vnd.api+json' --data-binary '{"a":1,}'
check 'JSON by another name: json.syntax' stopped json.syntax
api DELETE /v1/items writer --data-binary 'x'
check 'DELETE with a body: request.headers' stopped request.headers
api GET '/v1/items?X-AIP-Token=abc' reader
check 'a token in the query: token.place' stopped token.place
printf '%05000000d' 0 >"$work/large"
api POST /v1/items writer --data-binary "@$work/large" --header 'Expect:'
check 'five megabytes: request.size' stopped request.size
if command -v python3 >/dev/null; then
    tail_of() { python3 "$here/plain_raw.py" "$gateway" "$work/reader.token" "$work/reached"; }
    check 'raw requests' tail_of
fi
stop plain || true

# The public rows of raw requests, for an API at their path.
vectors=${AIP_VECTORS:-$project/../shared/vectors}/10-attack/http_raw_public.jsonl
if [ -f "$vectors" ]; then
    issue rows --scope 'http:POST /mcp'
    start_gateway rows "${address[api]%/mcp}/mcp" "$(<"$work/root.did")" --protocol http --allow-host gw.test
    rows_end() { python3 "$here/plain_raw.py" "${gateway%/mcp}" "$work/rows.token" "$work/reached" "$vectors"; }
    check 'the public rows of raw requests' rows_end
    stop rows || true
else
    echo 'skip the public rows of raw requests: absent'
fi

# Policy, constraints and secrets.
cat >"$work/policy.yaml" <<'END'
apiVersion: aip-gateway/v1
kind: AgentPolicy
metadata: {name: api}
spec:
  http_rules:
    - route: "GET /v1/*"
    - route: "POST /v1/orders"
    - route: "POST /v1/echo"
    - route: "POST /v1/never"
      action: block
  dlp:
    scan_requests: true
    scan_responses: true
    on_request_match: block
    patterns:
      - name: key
        regex: AKIA[A-Z]{16}
END
printf '{"http:POST /v1/orders":{"amount":{"type":"range","min":1,"max":10}}}' >"$work/constraints"
issue all --scope 'http:*' --constraints "$work/constraints"
printf '{"http:POST /v1/orders":{"amount":{"type":"exact","value":"5"},"note":{"type":"prefix","value":"a+b"}}}' \
    >"$work/constraints"
issue forms --scope 'http:*' --constraints "$work/constraints"
start_gateway policy "$upstream" "$(<"$work/root.did")" --protocol http --policy "$work/policy.yaml"
gateway=${gateway%/mcp}
json=(--header 'Content-Type: application/json')
api GET /v1/items all
check 'a route that the policy has' answers 200
api POST /v1/orders all "${json[@]}" --data-binary '{"amount":5}'
check 'a constraint that is kept' answers 200
api POST /v1/orders all "${json[@]}" --data-binary '{"amount":50}'
check 'one that is not: constraint.violated' stopped constraint.violated
api POST '/v1/orders?other=1' all "${json[@]}" --data-binary '{"amount":5}'
check 'an argument more, in the query: constraint.violated' stopped constraint.violated
api POST /v1/orders all --header 'Content-Type: text/plain' --data-binary '{"amount":50}'
check 'JSON as another type: constraint.violated' stopped constraint.violated
api POST /v1/orders forms --data-binary 'note=a%2Bb+c&amount=%35'
check 'a form whose parameters are within the constraints' answers 200
check 'goes on as it was sent' went '"body": "note=a%2Bb+c&amount=%35"'
api POST /v1/orders forms --data-binary 'amount=6'
check 'a parameter that is not: constraint.violated' stopped constraint.violated
api POST /v1/orders forms --data-binary 'note=x&other=1&amount=5'
check 'a parameter more: constraint.violated' stopped constraint.violated
api POST /v1/orders forms --data-binary 'amount=5&amount=6'
check 'a parameter twice: request.invalid' stopped request.invalid
api POST '/v1/orders?amount=5' forms --data-binary 'amount=6'
check 'a parameter of the query in the form: request.invalid' stopped request.invalid
api POST /v1/orders forms --data-binary 'amount=5;amount=6'
check 'two parameters, or one: request.invalid' stopped request.invalid
api POST /v1/never all
check 'a route that is blocked: policy.target' stopped policy.target
api DELETE /v1/items all
check 'a route that the policy has not: policy.target' stopped policy.target
api POST /v1/echo all "${json[@]}" --data-binary '{"x":"AKIAQWERTYUIOPASDFGH"}'
check 'a secret in JSON: dlp.blocked' stopped dlp.blocked
api POST /v1/echo all --header 'Content-Type: text/plain' --data-binary 'key AKIAQWERTYUIOPASDFGH'
check 'a secret in a text: dlp.blocked' stopped dlp.blocked
api GET '/v1/items?x=AKIAQWERTYUIOPASDFGH' all
check 'a secret in the query: dlp.blocked' stopped dlp.blocked
api GET /v1/secret all
check 'a secret in an answer' test "$http_status" = 502 -o "$http_status" = 403
check 'is not in what the caller gets' test "$(grep -c AKIA "$work/reply")" = 0
api GET /v1/secret-events all
check 'a secret in an event' grep -q 'fine' "$work/reply"
check 'neither' test "$(grep -c AKIA "$work/reply")" = 0
stop policy || true
stop api || true
exit "$((failed > 0))"
