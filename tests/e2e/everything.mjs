// The official SDK's client, through the gateway, to the official test server. Prints one line for each check.
// Each request is signed by the holder of the token, and each answer has to be signed by the gateway.
// Usage: node everything.mjs GATEWAY_URL GATEWAY_DID TOKEN_FILE KEY_FILE OTHER_AGENTS_TOKEN_FILE
import { readFileSync } from 'node:fs';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { CreateMessageRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import { loadHolder, proofOf, provenFetch } from './http_signature.mjs';
import { check, demand, outcome, refuses } from './sdk_checks.mjs';

const [url, gateway, tokenFile, keyFile, otherFile] = process.argv.slice(2);
const token = readFileSync(tokenFile, 'utf8').trim();
const holder = loadHolder(keyFile);
const seen = { answers: 0, streams: 0, receipts: [], failures: [] };
const proven = provenFetch({ token, holder, gateway, seen });
const other = readFileSync(otherFile, 'utf8').trim();

function post(headers, message, send = fetch) {
    return send(url, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json', Accept: 'application/json, text/event-stream', ...headers },
        body: JSON.stringify(message),
        signal: AbortSignal.timeout(10000),
    });
}

const client = new Client({ name: 'e2e', version: '1' }, { capabilities: { sampling: {} } });
client.setRequestHandler(CreateMessageRequestSchema, async () => ({
    role: 'assistant',
    model: 'none',
    content: { type: 'text', text: 'an answer from the client' },
}));
const transport = new StreamableHTTPClientTransport(new URL(url), { fetch: proven });

await check('the SDK connects through the gateway', () => client.connect(transport));

await check('the session id is not the upstream\'s own', async () => {
    demand(transport.sessionId?.length > 36, `session id is ${transport.sessionId}`);
});

await check('tools are listed', async () => {
    const { tools } = await client.listTools();
    demand(tools.some((tool) => tool.name === 'echo'), 'echo is missing');
});

await check('an allowed tool answers', async () => {
    const { content } = await client.callTool({ name: 'echo', arguments: { message: 'żółć 😀 "\\' } });
    demand(content[0].text === 'Echo: żółć 😀 "\\', content[0].text);
});

await check('a tool outside the token is refused', () =>
    refuses('scope.insufficient', () => client.callTool({ name: 'get-env', arguments: {} })));

await check('progress arrives while the tool works', async () => {
    const times = [];
    await client.callTool({ name: 'trigger-long-running-operation', arguments: { duration: 1.5, steps: 5 } }, undefined, {
        onprogress: () => times.push(Date.now()),
    });
    const last = Date.now();
    demand(times.length >= 4, `${times.length} progress notifications`);
    demand(last - times[0] > 800, `the first came ${last - times[0]} ms before the result`);
});

await check('twenty calls at once get their own answers', async () => {
    const calls = Array.from({ length: 20 }, (_, i) => client.callTool({ name: 'echo', arguments: { message: `m${i}` } }));
    (await Promise.all(calls)).forEach(({ content }, i) => demand(content[0].text === `Echo: m${i}`, content[0].text));
});

await check('a question of the server reaches the client, and its answer the server', async () => {
    const { content } = await client.callTool({ name: 'trigger-sampling-request', arguments: { prompt: 'hello', maxTokens: 5 } });
    demand(JSON.stringify(content).includes('an answer from the client'), JSON.stringify(content));
});

const list = { jsonrpc: '2.0', id: 7, method: 'tools/list' };
const session = { 'Mcp-Session-Id': transport.sessionId, 'MCP-Protocol-Version': '2025-11-25' };

await check('without a token: 401 and a challenge', async () => {
    const reply = await post(session, list);
    const body = await reply.json();
    demand(reply.status === 401, `HTTP ${reply.status}`);
    demand(body.error.data.code_name === 'token.missing', body.error.data.code_name);
    demand(/^AIP /.test(reply.headers.get('www-authenticate')), reply.headers.get('www-authenticate'));
});

await check('the session with its own token: 200', async () => {
    const reply = await post(session, list, proven);
    await reply.text();
    demand(reply.status === 200, `HTTP ${reply.status}`);
});

await check('the session with its own token and no proof: 401', async () => {
    const reply = await post({ ...session, 'X-AIP-Token': token }, list);
    const body = await reply.json();
    demand(reply.status === 401, `HTTP ${reply.status}`);
    demand(body.error.data.code_name === 'proof.missing', body.error.data.code_name);
});

await check('a proof is used once', async () => {
    const body = JSON.stringify(list);
    const headers = { ...session, ...proofOf({ method: 'POST', url, body, token, holder }) };
    const replies = [await post(headers, list), await post(headers, list)];
    const texts = await Promise.all(replies.map((each) => each.text()));
    demand(replies[0].status === 200, texts[0]);
    demand(replies[1].status === 401 && texts[1].includes('"proof.replayed"'), texts[1]);
});

await check('the session with another agent\'s token: 404', async () => {
    const reply = await post({ ...session, 'X-AIP-Token': other }, list);
    const body = await reply.json();
    demand(reply.status === 404, `HTTP ${reply.status}`);
    demand(body.error.data.code_name === 'session.not_found', body.error.data.code_name);
});

await check('the stream of the session with another agent\'s token: 404', async () => {
    const reply = await fetch(url, {
        headers: { ...session, 'X-AIP-Token': other, Accept: 'text/event-stream' },
        signal: AbortSignal.timeout(10000),
    });
    await reply.text();
    demand(reply.status === 404, `HTTP ${reply.status}`);
});

await check('another agent cannot end the session', async () => {
    const reply = await fetch(url, {
        method: 'DELETE',
        headers: { ...session, 'X-AIP-Token': other },
        signal: AbortSignal.timeout(10000),
    });
    await reply.text();
    demand(reply.status === 404, `HTTP ${reply.status}`);
});

await check('the session ends when its client says so', () => transport.terminateSession());

await client.close();

await check('the gateway signed every answer, and closed each with a receipt', async () => {
    demand(seen.failures.length === 0, seen.failures.join(', '));
    demand(seen.answers > 25 && seen.streams > 5, `${seen.answers} answers, ${seen.streams} streams`);
    const refused = seen.receipts.filter(({ decision, code }) => decision === 'BLOCK' && code === 'scope.insufficient');
    const answered = seen.receipts.filter(({ decision, tool }) => decision === 'ALLOW' && tool === 'echo');
    demand(refused.length === 1, `${refused.length} receipts for the call that was refused`);
    demand(answered.length === 21, `${answered.length} receipts for the 21 calls of echo`);
});
process.exit(outcome.failed === 0 ? 0 : 1);
