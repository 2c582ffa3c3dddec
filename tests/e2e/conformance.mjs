// What the MCP conformance suite needs to run through a gateway, and what is made of its results.
// node conformance.mjs shim TARGET_FILE TOKEN_FILE: passes all requests on to the URL in the file, with the token.
// node conformance.mjs compare DIRECT_FOLDER GATEWAY_FOLDER: fails when the gateway makes a check fail.
// node conformance.mjs judge FOLDER SCENARIOS: fails unless so many scenarios each passed a check and failed none.
import { readFileSync, readdirSync } from 'node:fs';
import { createServer, request } from 'node:http';
import { join } from 'node:path';

function startShim(targetFile, tokenFile) {
    const token = readFileSync(tokenFile, 'utf8').trim();
    const server = createServer((incoming, outgoing) => {
        const target = new URL(readFileSync(targetFile, 'utf8').trim());
        const raw = [];
        for (let i = 0; i < incoming.rawHeaders.length; i += 2) {
            raw.push([incoming.rawHeaders[i], incoming.rawHeaders[i + 1]]);
        }
        const onward = request({
            host: target.hostname,
            port: target.port,
            path: target.pathname,
            method: incoming.method,
            setHost: false,
        });
        for (const name of new Set(raw.map(([each]) => each))) {
            onward.setHeader(
                name,
                raw.filter(([each]) => each === name).map(([, value]) => value),
            );
        }
        onward.setHeader('X-AIP-Token', token);
        onward.on('response', (response) => {
            outgoing.writeHead(response.statusCode, response.headers);
            outgoing.flushHeaders();
            response.on('error', () => outgoing.destroy()).pipe(outgoing);
        });
        onward.on('error', () => outgoing.destroy());
        outgoing.on('close', () => onward.destroy());
        incoming.pipe(onward);
    });
    server.listen(0, '127.0.0.1', () => console.log(`listening on http://127.0.0.1:${server.address().port}/mcp`));
}

// Checks by name with the worst that became of each: {"scenario check": status}.
function readChecks(folder) {
    const worst = ['INFO', 'SKIPPED', 'SUCCESS', 'WARNING', 'FAILURE'];
    const found = new Map();
    for (const entry of readdirSync(folder)) {
        const scenario = entry.replace(/-\d{4}-\d\d-\d\dT.*$/, '').replace(/^server-/, '');
        for (const { id, status, errorMessage } of JSON.parse(
            readFileSync(join(folder, entry, 'checks.json'), 'utf8'),
        )) {
            const name = `${scenario} ${id}`;
            const before = found.get(name);
            if (before === undefined || worst.indexOf(status) > worst.indexOf(before.status)) {
                found.set(name, { status, errorMessage });
            }
        }
    }
    return found;
}

function compare(directFolder, gatewayFolder) {
    const direct = readChecks(directFolder);
    const through = readChecks(gatewayFolder);
    let failed = 0;
    for (const [name, { status }] of direct) {
        const reached = through.get(name);
        const good = status !== 'SUCCESS' || reached?.status === 'SUCCESS';
        failed += good ? 0 : 1;
        if (!good) {
            console.log(
                `FAIL ${name}: ${reached?.status ?? 'missing'} through the gateway: ${reached?.errorMessage ?? ''}`.slice(
                    0,
                    400,
                ),
            );
        }
    }
    const count = (checks) => [...checks.values()].filter(({ status }) => status === 'SUCCESS').length;
    console.log(
        `${failed === 0 && direct.size > 20 ? 'ok  ' : 'FAIL'} of ${direct.size} checks ${count(direct)} pass directly, ` +
            `${count(through)} through the gateway`,
    );
    return failed === 0 && direct.size > 20;
}

// For scenarios that all pass directly.
function judge(folder, scenarios) {
    const checks = [...readChecks(folder)];
    const bad = checks.filter(([, { status }]) => status === 'FAILURE' || status === 'WARNING');
    const passed = checks.filter(([, { status }]) => status === 'SUCCESS');
    const good = new Set(passed.map(([name]) => name.split(' ')[0])).size;
    for (const [name, { status, errorMessage }] of bad) {
        console.log(`FAIL ${name}: ${status}: ${errorMessage ?? ''}`.slice(0, 400));
    }
    const ok = bad.length === 0 && good === scenarios;
    console.log(
        `${ok ? 'ok  ' : 'FAIL'} a client through the gateway: ${good} of ${scenarios} scenarios, ` +
            `${passed.length} checks pass, ${bad.length} do not`,
    );
    return ok;
}

const [mode, first, second] = process.argv.slice(2);
if (mode === 'shim') {
    startShim(first, second);
} else if (mode === 'judge') {
    process.exit(judge(first, Number(second)) ? 0 : 1);
} else {
    process.exit(compare(first, second) ? 0 : 1);
}
