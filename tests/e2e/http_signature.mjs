// HTTP message signatures (RFC 9421), digests (RFC 9530) and receipts as a gateway's callers need them, written apart
// from the C code: only what Node.js brings.
import { createHash, createPrivateKey, createPublicKey, randomBytes, sign, verify } from 'node:crypto';
import { readFileSync } from 'node:fs';

const PKCS8_BEGIN = Buffer.from('302e020100300506032b657004220420', 'hex');
const SPKI_BEGIN = Buffer.from('302a300506032b6570032100', 'hex');
const BASE58 = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz';

function demand(condition, why) {
    if (!condition) {
        throw new Error(why);
    }
}

// ---- keys ----

// A key file: {"did": …, "seed": base64url}.
export function loadHolder(file) {
    const { did, seed } = JSON.parse(readFileSync(file, 'utf8'));
    const der = Buffer.concat([PKCS8_BEGIN, Buffer.from(seed, 'base64url')]);
    return { did, keyId: `${did}#key-1`, key: createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }) };
}

// The key in the name did:aip:z6Mk…
export function keyOfDid(did) {
    demand(/^did:aip:z6Mk/.test(did), `no key in the name ${did}`);
    let number = 0n;
    for (const digit of did.slice('did:aip:z'.length)) {
        demand(BASE58.includes(digit), 'not base58');
        number = number * 58n + BigInt(BASE58.indexOf(digit));
    }
    const bytes = Buffer.from(number.toString(16).padStart(68, '0'), 'hex');
    demand(bytes.length === 34 && bytes[0] === 0xed && bytes[1] === 0x01, 'not an Ed25519 key');
    const der = Buffer.concat([SPKI_BEGIN, bytes.subarray(2)]);
    return createPublicKey({ key: der, format: 'der', type: 'spki' });
}

// ---- requests ----

export function contentDigest(body) {
    return `sha-256=:${createHash('sha256').update(body).digest('base64')}:`;
}

// The lines that are signed; `values` holds [component, value].
function signatureBase(values, parameters) {
    return [...values.map(([name, value]) => `${name}: ${value}`), `"@signature-params": ${parameters}`].join('\n');
}

// The headers that prove a request: X-AIP-Token, Content-Digest, Signature-Input, Signature. Any part of `changes` is
// signed instead of the request's own, so that a test can make proofs of something else.
export function proofOf({ method, url, body, token, holder }, changes = {}) {
    const { host, pathname, search } = new URL(url);
    const digest = body === undefined ? undefined : contentDigest(body);
    const values = [
        ['"@method"', changes.method ?? method],
        ['"@authority"', changes.authority ?? host],
        ['"@path"', changes.path ?? pathname],
        ['"@query"', search === '' ? '?' : search],
        ['"x-aip-token"', changes.token ?? token],
    ];
    if (digest !== undefined) {
        values.push(['"content-digest"', changes.digest ?? digest]);
    }
    const created = changes.created ?? Math.floor(Date.now() / 1000);
    const nonce = changes.nonce ?? randomBytes(16).toString('base64url');
    const parameters = `(${values.map(([name]) => name).join(' ')});created=${created};nonce="${nonce}"` +
        `;keyid="${changes.keyId ?? holder.keyId}";tag="${changes.tag ?? 'aip-proof'}"`;
    const signature = sign(null, Buffer.from(signatureBase(values, parameters)), holder.key);
    const headers = { 'X-AIP-Token': token };
    if (digest !== undefined) {
        headers['Content-Digest'] = digest;
    }
    const label = changes.label ?? 'aip';
    headers['Signature-Input'] = `${label}=${parameters}`;
    headers.Signature = `${label}=:${signature.toString('base64')}:`;
    return headers;
}

// ---- answers ----

// The members of a structured dictionary, as text: split where a comma is outside quotes.
function members(field) {
    const found = new Map();
    for (const [, key, value] of field.matchAll(/([a-z*][a-z0-9_.*-]*)=((?:"(?:\\.|[^"\\])*"|[^",])+)/g)) {
        demand(!found.has(key), `the member ${key} occurs twice`);
        found.set(key, value.trim());
    }
    return found;
}

function parameterOf(parameters, name) {
    return new RegExp(`;${name}=(?:"([^"]*)"|(\\d+))`).exec(parameters)?.slice(1).find((each) => each !== undefined);
}

// The value of one covered component of an answer to the request with the headers `sent`.
function componentValue(component, response, sent) {
    if (component === '"@status"') {
        return String(response.status);
    }
    const parts = /^"([a-z0-9-]+)"(;req)?$/.exec(component);
    demand(parts !== null, `the component ${component} is not expected`);
    const value = parts[2] ? sent.get(parts[1]) : response.headers.get(parts[1]);
    demand(value !== null && value !== undefined, `${component} is covered and missing`);
    return value;
}

// The head of an answer, signed by the gateway for the one request that was sent.
export function verifyHead(response, sent, gateway) {
    const parameters = members(response.headers.get('signature-input') ?? '').get('aip');
    const signature = members(response.headers.get('signature') ?? '').get('aip');
    demand(parameters !== undefined && signature !== undefined, `HTTP ${response.status} is not signed`);
    const components = /^\(([^)]*)\)/.exec(parameters)[1].split(' ');
    const wanted = ['"@status"', '"signature";req'];
    for (const name of ['content-type', 'content-digest', 'x-aip-decision-id']) {
        wanted.push(...(response.headers.has(name) ? [`"${name}"`] : []));
    }
    const uncovered = wanted.filter((each) => !components.includes(each));
    demand(uncovered.length === 0, `${uncovered} is not covered`);
    demand(parameterOf(parameters, 'tag') === 'aip-reply', 'another tag');
    demand(parameterOf(parameters, 'keyid') === `${gateway}#key-1`, 'another key');
    demand(Math.abs(Number(parameterOf(parameters, 'created')) - Date.now() / 1000) < 30, 'another time');
    const base = signatureBase(components.map((each) => [each, componentValue(each, response, sent)]), parameters);
    const bytes = Buffer.from(/^:([A-Za-z0-9+/]+=*):$/.exec(signature)[1], 'base64');
    const good = verify(null, Buffer.from(base), keyOfDid(gateway), bytes);
    demand(good, `the signature of HTTP ${response.status} is wrong`);
}

// What a receipt says, if the gateway signed it for this decision and these bytes.
export function verifyReceipt(text, gateway, decisionId, hash) {
    const [header, payload, signature] = text.split('.');
    const input = Buffer.from(`${header}.${payload}`);
    const good = verify(null, input, keyOfDid(gateway), Buffer.from(signature, 'base64url'));
    demand(good, "the receipt's signature is wrong");
    const { alg, typ, kid } = JSON.parse(Buffer.from(header, 'base64url'));
    demand(alg === 'EdDSA' && typ === 'aip-receipt+jwt' && kid === `${gateway}#key-1`, 'another header');
    const claims = JSON.parse(Buffer.from(payload, 'base64url'));
    demand(claims.iss === gateway && claims.jti === decisionId, 'a receipt of another decision');
    demand(claims.response_digest === hash.digest('base64url'), 'a receipt of other bytes');
    return claims;
}

// ---- fetch ----

// Passes a stream on as it comes; the line before its end has to be the receipt for all that went before.
function watchStream(response, gateway, seen) {
    const decisionId = response.headers.get('x-aip-decision-id');
    let held = Buffer.alloc(0);
    const take = (chunk) => {
        held = Buffer.concat([held, chunk]);
    };
    const end = () => {
        const begin = held.lastIndexOf(': aip-receipt ');
        const text = begin < 0 ? null : /^: aip-receipt (\S+)\n\n$/.exec(held.subarray(begin).toString());
        demand(text !== null, 'a stream ended without a receipt');
        const hash = createHash('sha256').update(held.subarray(0, begin));
        seen.receipts.push(verifyReceipt(text[1], gateway, decisionId, hash));
    };
    const watched = new TransformStream({
        transform(chunk, controller) {
            take(chunk);
            controller.enqueue(chunk);
        },
        flush(controller) {
            try {
                end();
            } catch (error) {
                seen.failures.push(error.message);
                controller.error(error);
            }
        },
    });
    return response.body.pipeThrough(watched);
}

async function verifyAnswer(response, sent, gateway, seen) {
    verifyHead(response, sent, gateway);
    seen.answers += 1;
    const { status, statusText, headers } = response;
    if ((headers.get('content-type') ?? '').startsWith('text/event-stream')) {
        seen.streams += 1;
        return new Response(watchStream(response, gateway, seen), { status, statusText, headers });
    }
    const body = Buffer.from(await response.arrayBuffer());
    demand(headers.get('content-digest') === contentDigest(body), 'the body has another digest');
    const hash = createHash('sha256').update(body);
    const decisionId = headers.get('x-aip-decision-id');
    seen.receipts.push(verifyReceipt(headers.get('x-aip-receipt') ?? '..', gateway, decisionId, hash));
    return new Response(body.length === 0 ? null : body, { status, statusText, headers });
}

// A fetch that signs each request as the token's holder and believes no answer that the gateway did not sign for it.
// `seen` counts: {answers, streams, receipts: [claims], failures: [text]}.
export function provenFetch({ token, holder, gateway, seen }) {
    return async (input, init = {}) => {
        const method = init.method ?? 'GET';
        const proof = proofOf({ method, url: String(input), body: init.body ?? undefined, token, holder });
        const sent = new Headers(init.headers);
        Object.entries(proof).forEach(([name, value]) => sent.set(name, value));
        const response = await fetch(input, { ...init, method, headers: sent });
        try {
            return await verifyAnswer(response, sent, gateway, seen);
        } catch (error) {
            seen.failures.push(error.message);
            throw error;
        }
    };
}
