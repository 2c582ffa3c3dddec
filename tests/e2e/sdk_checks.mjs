// Checks of the tests that are written for Node.js: one line each, a bound on its time, and how many failed.
import { loadHolder, provenFetch } from './http_signature.mjs';
import { readFileSync } from 'node:fs';

export const outcome = { failed: 0 };

export async function check(name, run) {
    let timer;
    const late = new Promise((_, reject) => {
        timer = setTimeout(() => reject(new Error('took more than 20 seconds')), 20000);
    });
    try {
        await Promise.race([run(), late]);
        console.log(`ok   ${name}`);
    } catch (error) {
        outcome.failed += 1;
        console.log(`FAIL ${name}: ${String(error?.message ?? error).slice(0, 300)}`);
    } finally {
        clearTimeout(timer);
    }
}

export function demand(condition, why) {
    if (!condition) {
        throw new Error(typeof why === 'string' ? why : JSON.stringify(why));
    }
}

// The name of a refusal, wherever the SDK put the reply: an error object, or the text of an HTTP error.
export function codeName(error) {
    const told = `${error?.message} ${JSON.stringify(error?.data ?? {})}`;
    return error?.data?.code_name ?? /"code_name":\s*"([^"]*)"/.exec(told)?.[1] ?? `none in: ${told}`;
}

export async function refuses(wanted, run) {
    let refusal = null;
    try {
        await run();
    } catch (error) {
        refusal = error;
    }
    demand(refusal !== null, 'was not refused');
    demand(codeName(refusal) === wanted, `refused with ${codeName(refusal)}, not ${wanted}`);
}

export async function until(condition, why) {
    for (let tries = 0; tries < 100; tries++) {
        if (await condition()) {
            return;
        }
        await new Promise((done) => setTimeout(done, 50));
    }
    throw new Error(why);
}

// An agent: a fetch that proves each request as the token's holder and believes only signed answers. `sent` gets each
// message that was posted, as text.
export function agentOf(tokenFile, keyFile, gateway) {
    const token = readFileSync(tokenFile, 'utf8').trim();
    const seen = { answers: 0, streams: 0, receipts: [], failures: [] };
    const sent = [];
    const proven = provenFetch({ token, holder: loadHolder(keyFile), gateway, seen });
    const send = (input, init = {}) => {
        if (typeof init.body === 'string') {
            sent.push(init.body);
        }
        return proven(input, init);
    };
    return { send, seen, sent };
}
