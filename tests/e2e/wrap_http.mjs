// A server over stdin and stdout, served over HTTP to several clients at once.
// Usage: node wrap_http.mjs URL FOLDER SERVER_KIND
import { readFileSync } from 'node:fs';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { CreateMessageRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import { check, demand, end, first, pause, refuses, until } from './wrap_checks.mjs';

const [url, folder] = process.argv.slice(2);
const token = (name) => readFileSync(`${folder}/${name}.token`, 'utf8').trim();

async function connect(name, capabilities = {}) {
    const transport = new StreamableHTTPClientTransport(new URL(url),
        { requestInit: { headers: { 'X-AIP-Token': token(name) } } });
    const client = new Client({ name, version: '1' }, { capabilities });
    if (capabilities.sampling) {
        client.setRequestHandler(CreateMessageRequestSchema, async () => ({
            role: 'assistant', model: 'none', content: { type: 'text', text: `answered by ${name}` },
        }));
    }
    await client.connect(transport);
    return { client, transport };
}
const call = (client, name, args = {}, options) => client.callTool({ name, arguments: args }, undefined, options);

function post(name, message, headers = {}) {
    return fetch(url, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json', Accept: 'application/json, text/event-stream',
            'X-AIP-Token': token(name), ...headers },
        body: JSON.stringify(message),
        signal: AbortSignal.timeout(10000),
    });
}

const one = await connect('agent', { sampling: {} });
const two = await connect('friend', { sampling: {} });

await check('two clients have two sessions', async () => {
    demand(one.transport.sessionId && two.transport.sessionId, 'no session');
    demand(one.transport.sessionId !== two.transport.sessionId, 'one session');
});
await check('the same ids at once: each gets its own answers', async () => {
    const both = [];
    for (let i = 0; i < 40; i++) {
        both.push(call(one.client, 'echo', { message: `one ${i}` }).then((r) => demand(first(r).includes(`one ${i}`), first(r))));
        both.push(call(two.client, 'echo', { message: `two ${i}` }).then((r) => demand(first(r).includes(`two ${i}`), first(r))));
    }
    await Promise.all(both);
});
await check('the same progress tokens at once: each gets its own progress, before the result', async () => {
    const seen = { one: [], two: [] };
    await Promise.all([
        call(one.client, 'trigger-long-running-operation', { duration: 1, steps: 2 },
            { onprogress: (p) => seen.one.push(`${p.progress}/${p.total}`) }),
        call(two.client, 'trigger-long-running-operation', { duration: 1, steps: 5 },
            { onprogress: (p) => seen.two.push(`${p.progress}/${p.total}`) }),
    ]);
    demand(seen.one.join() === '1/2,2/2' && seen.two.join() === '1/5,2/5,3/5,4/5,5/5', JSON.stringify(seen));
});
await check('the server asks the one client that waits', async () => {
    const result = await call(two.client, 'trigger-sampling-request', { prompt: 'why', maxTokens: 5 });
    demand(first(result).includes('answered by friend'), first(result));
});
await check('a session is of its owner', async () => {
    const reply = await post('friend', { jsonrpc: '2.0', id: 1, method: 'tools/list' },
        { 'Mcp-Session-Id': one.transport.sessionId });
    demand(reply.status === 404, `status ${reply.status}`);
});
await check('a request without a session is refused', async () => {
    const reply = await post('agent', { jsonrpc: '2.0', id: 1, method: 'tools/list' });
    demand(reply.status === 400, `status ${reply.status}`);
});
await check('an unknown protocol version is refused', async () => {
    const reply = await post('agent', { jsonrpc: '2.0', id: 1, method: 'tools/list' },
        { 'Mcp-Session-Id': one.transport.sessionId, 'MCP-Protocol-Version': '2020-01-01' });
    demand(reply.status === 400, `status ${reply.status}`);
});
await check('a notification is accepted with 202', async () => {
    const reply = await post('agent', { jsonrpc: '2.0', method: 'notifications/roots/list_changed' },
        { 'Mcp-Session-Id': one.transport.sessionId });
    demand(reply.status === 202 && (await reply.text()) === '', `status ${reply.status}`);
});
await check('an id that is open already is refused', async () => {
    const long = { jsonrpc: '2.0', id: 'same', method: 'tools/call',
        params: { name: 'trigger-long-running-operation', arguments: { duration: 1, steps: 1 } } };
    const headers = { 'Mcp-Session-Id': one.transport.sessionId };
    const begun = post('agent', long, headers);
    await pause(200);
    demand((await post('agent', long, headers)).status === 400, 'taken twice');
    demand((await begun).status === 200, 'the first one was not answered');
});
await check('a token without the scope is refused', async () => {
    const small = await connect('small');
    await call(small.client, 'echo', { message: 'x' });
    await refuses('scope.insufficient', () => call(small.client, 'get-sum', { a: 1, b: 2 }));
    await small.client.close();
});
await check('a session that its client ended is unknown afterwards', async () => {
    const id = two.transport.sessionId;
    await two.transport.terminateSession();
    const reply = await post('friend', { jsonrpc: '2.0', id: 1, method: 'tools/list' }, { 'Mcp-Session-Id': id });
    demand(reply.status === 404, `status ${reply.status}`);
});
await check('a new stream of a session takes the place of the old one', async () => {
    const headers = { Accept: 'text/event-stream', 'X-AIP-Token': token('agent'),
        'Mcp-Session-Id': one.transport.sessionId };
    const old = await fetch(url, { headers, signal: AbortSignal.timeout(10000) });
    demand(old.status === 200 && old.headers.get('x-accel-buffering') === 'no', `status ${old.status}`);
    const next = await fetch(url, { headers, signal: AbortSignal.timeout(10000) });
    demand(next.status === 200, `status ${next.status}`);
    await old.text(); // ends
    await next.body.cancel();
});
await check('health is that of the server', async () => {
    const health = async () => (await fetch(new URL('/healthz', url))).status;
    demand((await health()) === 200, 'not well');
    process.kill(Number(readFileSync(`${folder}/server.pid`, 'utf8')), 'SIGKILL');
    await until('503', async () => (await health()) === 503);
    await until('200 again', async () => (await health()) === 200);
});
await check('after a restart the old session is unknown, and a new one works', async () => {
    const reply = await post('agent', { jsonrpc: '2.0', id: 1, method: 'tools/list' },
        { 'Mcp-Session-Id': one.transport.sessionId });
    demand(reply.status === 404, `status ${reply.status}`);
    const again = await connect('agent');
    demand(first(await call(again.client, 'echo', { message: 'again' })).includes('again'), 'no echo');
    await again.client.close();
});
end();
