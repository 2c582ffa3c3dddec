// What the tests of `aip-gateway wrap` share: checks, clients over stdio, and what /proc says.
import { readdirSync, readFileSync } from 'node:fs';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';

let failed = 0;

export async function check(name, run) {
    let timer;
    const late = new Promise((_, reject) => {
        timer = setTimeout(() => reject(new Error('took more than 30 seconds')), 30000);
    });
    try {
        await Promise.race([run(), late]);
        console.log(`ok   ${name}`);
    } catch (error) {
        failed += 1;
        console.log(`FAIL ${name}: ${String(error.stack ?? error).slice(0, 400)}`);
    } finally {
        clearTimeout(timer);
    }
}

export function demand(condition, why) {
    if (!condition) {
        throw new Error(why);
    }
}

export function end() {
    process.exit(failed === 0 ? 0 : 1);
}

export const pause = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));

export async function until(what, condition, milliseconds = 8000) {
    for (let waited = 0; waited < milliseconds; waited += 50) {
        if (await condition()) {
            return;
        }
        await pause(50);
    }
    throw new Error(`${what} did not happen`);
}

// The name of a refusal, wherever the SDK put it.
export function codeName(error) {
    return error.data?.code_name ?? /"code_name":"([^"]*)"/.exec(error.message)?.[1] ?? `none in: ${error.message}`;
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

export async function connect(gateway, options, capabilities = {}) {
    const transport = new StdioClientTransport({ command: gateway, stderr: 'pipe', ...options });
    const client = new Client({ name: 'e2e', version: '1' }, { capabilities });
    const said = [];
    transport.stderr?.on('data', (bytes) => said.push(bytes.toString()));
    client.onerror = (error) => said.push(`client: ${error.message}\n`);
    await client.connect(transport);
    return { client, transport, said: () => said.join(''), pid: () => transport.pid };
}

export const first = (result) => result.content[0].text;

export function runs(pid) {
    try {
        return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
    } catch {
        return false;
    }
}

export const descriptors = (pid) => readdirSync(`/proc/${pid}/fd`).length;

// Children of a process, also those of its children; with those that nobody has reaped.
export function family(pid) {
    const below = [];
    for (const each of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
        try {
            const status = readFileSync(`/proc/${each}/status`, 'utf8');
            if (Number(/^PPid:\s+(\d+)/m.exec(status)[1]) === pid) {
                below.push({ pid: Number(each), zombie: /^State:\s+Z/m.test(status) }, ...family(Number(each)));
            }
        } catch {
            // it has ended meanwhile
        }
    }
    return below;
}
