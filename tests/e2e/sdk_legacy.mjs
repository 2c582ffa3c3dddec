// The official SDK's client of the revision 2025-11-25, through the gateway: sessions of two agents, the stream of a
// session, questions of the server, resumption, cancellation.
// Usage: node sdk_legacy.mjs GATEWAY_URL GATEWAY_DID SERVER_URL TOKEN_FILE KEY_FILE OTHER_TOKEN_FILE OTHER_KEY_FILE
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { CreateMessageRequestSchema, ToolListChangedNotificationSchema } from '@modelcontextprotocol/sdk/types.js';
import { agentOf, check, demand, outcome, refuses, until } from './sdk_checks.mjs';

const [url, gateway, direct, tokenFile, keyFile, otherTokenFile, otherKeyFile] = process.argv.slice(2);
const VERSION = '2025-11-25';
const first = agentOf(tokenFile, keyFile, gateway);
const second = agentOf(otherTokenFile, otherKeyFile, gateway);

async function connect(address, options) {
    const client = new Client({ name: 'e2e', version: '1' }, { capabilities: { sampling: {} } });
    client.setRequestHandler(CreateMessageRequestSchema, async () => ({
        role: 'assistant',
        model: 'none',
        content: { type: 'text', text: 'an answer of the client' },
    }));
    const transport = new StreamableHTTPClientTransport(new URL(address), options);
    await client.connect(transport);
    return { client, transport };
}

const asker = (await connect(direct)).client;
const tell = async () => JSON.parse((await asker.callTool({ name: 'tell', arguments: {} })).content[0].text);

function headersOf(transport) {
    return {
        'Content-Type': 'application/json',
        Accept: 'application/json, text/event-stream',
        'Mcp-Session-Id': transport.sessionId,
        'MCP-Protocol-Version': VERSION,
    };
}

function post(agent, transport, message, signal) {
    return agent.send(url, { method: 'POST', headers: headersOf(transport), body: JSON.stringify(message), signal });
}

const call = (id, name, args = {}, meta = {}) => ({
    jsonrpc: '2.0',
    id,
    method: 'tools/call',
    params: { name, arguments: args, _meta: meta },
});

// Events of a reply as they come: {id, data}.
async function* events(reply) {
    let held = '';
    for await (const piece of reply.body.pipeThrough(new TextDecoderStream())) {
        held += piece;
        for (let end = held.indexOf('\n\n'); end >= 0; end = held.indexOf('\n\n')) {
            const event = held.slice(0, end);
            held = held.slice(end + 2);
            yield { id: /^id: ?(.*)$/m.exec(event)?.[1], data: /^data: ?(\{.*)$/m.exec(event)?.[1] };
        }
    }
}

const a = await connect(url, { fetch: first.send });
const b = await connect(url, { fetch: second.send });

await check('two agents have sessions of their own', async () => {
    demand(a.transport.sessionId !== b.transport.sessionId, 'one id for both');
    const calls = Array.from({ length: 20 }, (_, i) =>
        (i % 2 === 0 ? a : b).client.callTool({ name: 'echo', arguments: { message: `m${i}` } }),
    );
    (await Promise.all(calls)).forEach(({ content }, i) => demand(content[0].text === `Echo: m${i}`, content));
});

await check('and what one may not call is refused to it alone', async () => {
    await a.client.callTool({ name: 'test_sampling', arguments: { prompt: 'hello' } });
    await refuses('scope.insufficient', () =>
        b.client.callTool({ name: 'test_sampling', arguments: { prompt: 'hello' } }),
    );
});

await check('the stream of a session brings what changed', async () => {
    const changed = [];
    a.client.setNotificationHandler(ToolListChangedNotificationSchema, () => void changed.push('a'));
    b.client.setNotificationHandler(ToolListChangedNotificationSchema, () => void changed.push('b'));
    await a.client.callTool({ name: 'test_trigger_tool_change', arguments: {} });
    await until(() => changed.length > 0, 'nothing came');
    demand(changed.join() === 'a', changed.join());
});

await check('a question of the server rides the stream of its call', async () => {
    const { content } = await a.client.callTool({ name: 'test_sampling', arguments: { prompt: 'hello' } });
    demand(content[0].text === 'LLM response: an answer of the client', content);
});

await check('a question on the stream of the session is answered', async () => {
    await a.client.callTool({ name: 'test_tool_asks_later', arguments: {} });
    await until(async () => (await tell()).later === 'an answer of the client', 'the server got no answer');
});

await check('an answer to no question is refused', async () => {
    const reply = await post(first, a.transport, { jsonrpc: '2.0', id: 4711, result: {} });
    demand(reply.status === 400 && (await reply.text()).includes('request.invalid'), `HTTP ${reply.status}`);
});

await check('another agent cannot answer a question', async () => {
    const reply = await post(first, a.transport, call('q-1', 'test_sampling', { prompt: 'hello' }));
    let stolen;
    for await (const { data } of events(reply)) {
        const message = data === undefined ? {} : JSON.parse(data);
        if (message.method === 'sampling/createMessage') {
            const answer = {
                jsonrpc: '2.0',
                id: message.id,
                result: { role: 'assistant', model: 'x', content: { type: 'text', text: 'x' } },
            };
            stolen = await post(second, b.transport, answer);
            demand((await stolen.text()).includes('request.invalid'), `HTTP ${stolen.status}`);
            const own = await post(first, a.transport, answer);
            await own.text();
            demand(own.status === 202, `HTTP ${own.status}`);
        }
    }
    demand(stolen?.status === 400, 'no question came');
});

// ---- resumption ----

await check('a stream that its server closes is resumed by the client', async () => {
    const { content } = await a.client.callTool({ name: 'test_reconnection', arguments: {} });
    demand(content[0].text.includes('resumed'), content);
});

async function breakOff(agent, transport, message) {
    const controller = new AbortController();
    const reply = await post(agent, transport, message, controller.signal);
    let last;
    for await (const { id, data } of events(reply)) {
        last = id ?? last;
        if (data !== undefined) {
            break;
        }
    }
    controller.abort();
    return last;
}

function resume(agent, transport, id) {
    return agent.send(url, {
        method: 'GET',
        headers: { ...headersOf(transport), Accept: 'text/event-stream', 'Last-Event-ID': id },
    });
}

await check('a client that lost its stream gets the rest of it', async () => {
    const id = await breakOff(
        first,
        a.transport,
        call('r-1', 'test_tool_with_progress', { pause: 200 }, { progressToken: 'p' }),
    );
    demand(id !== undefined, 'no event id');
    await new Promise((done) => setTimeout(done, 800)); // it goes on without its caller
    const rest = [];
    for await (const { data } of events(await resume(first, a.transport, id))) {
        rest.push(...(data === undefined ? [] : [JSON.parse(data)]));
        if (rest.at(-1)?.id === 'r-1') {
            break;
        }
    }
    demand(rest.length === 3 && rest[0].params.progress === 50 && rest[2].result !== undefined, rest);
});

await check('another agent does not', async () => {
    const id = await breakOff(
        first,
        a.transport,
        call('r-2', 'test_tool_with_progress', { pause: 50 }, { progressToken: 'p' }),
    );
    const stolen = await resume(second, a.transport, id);
    await stolen.text();
    demand(stolen.status === 404, `HTTP ${stolen.status}`);
    const guessed = await resume(second, b.transport, id);
    const text = guessed.status === 200 ? '' : await guessed.text();
    await guessed.body?.cancel().catch(() => {});
    demand(guessed.status !== 200 || !text.includes('r-2'), 'it got the events of the other session');
});

// ---- cancellation ----

await check('a client that goes away has not cancelled', async () => {
    const before = await tell();
    const controller = new AbortController();
    const reply = post(first, a.transport, call('w-1', 'wait'), controller.signal).catch((error) => error);
    await until(async () => (await tell()).started > before.started, 'it did not start');
    controller.abort();
    await reply;
    await new Promise((done) => setTimeout(done, 700));
    demand((await tell()).cancelled === before.cancelled, 'the server gave up');
    const told = await post(first, a.transport, {
        jsonrpc: '2.0',
        method: 'notifications/cancelled',
        params: { requestId: 'w-1' },
    });
    demand(told.status === 202, `HTTP ${told.status}`);
    await until(async () => (await tell()).cancelled > before.cancelled, 'the notification did not arrive');
});

await check('a cancellation reaches the server', async () => {
    const before = await tell();
    const controller = new AbortController();
    const waiting = a.client
        .callTool({ name: 'wait', arguments: {} }, undefined, { signal: controller.signal })
        .catch((error) => error);
    await until(async () => (await tell()).started > before.started, 'it did not start');
    controller.abort('enough');
    demand((await waiting) instanceof Error, 'it was answered');
    await until(async () => (await tell()).cancelled > before.cancelled, 'the server still works');
});

await check("another agent's cancellation does not", async () => {
    const before = await tell();
    const controller = new AbortController();
    const waiting = post(first, a.transport, call('w-2', 'wait'), controller.signal).catch((error) => error);
    await until(async () => (await tell()).started > before.started, 'it did not start');
    const cancel = { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 'w-2' } };
    await (await post(second, b.transport, cancel)).text();
    const stolen = await post(second, a.transport, cancel);
    await stolen.text();
    await new Promise((done) => setTimeout(done, 300));
    demand(stolen.status === 404 && (await tell()).cancelled === before.cancelled, `HTTP ${stolen.status}`);
    await (await post(first, a.transport, cancel)).text();
    controller.abort();
    await waiting;
});

// ---- streams and ends of sessions ----

await check('a stream that is opened again replaces one that nobody reads any more', async () => {
    const initialize = {
        jsonrpc: '2.0',
        id: 0,
        method: 'initialize',
        params: { protocolVersion: VERSION, capabilities: {}, clientInfo: { name: 'e2e', version: '1' } },
    };
    const made = await first.send(url, {
        method: 'POST',
        body: JSON.stringify(initialize),
        headers: { 'Content-Type': 'application/json', Accept: 'application/json, text/event-stream' },
    });
    await made.text();
    const session = { sessionId: made.headers.get('mcp-session-id') };
    const open = () =>
        first.send(url, { method: 'GET', headers: { ...headersOf(session), Accept: 'text/event-stream' } });
    const before = await open();
    const again = await open();
    demand(before.status === 200 && again.status === 200, `HTTP ${before.status}, ${again.status}`);
    await before.text(); // it ends
    await (await first.send(url, { method: 'DELETE', headers: headersOf(session) })).text();
    await again.text().catch(() => {});
});

await check('a session that ended is not found', async () => {
    const sessionId = b.transport.sessionId;
    const ended = await second.send(url, { method: 'DELETE', headers: headersOf(b.transport) });
    await ended.text();
    demand(ended.status === 200 || ended.status === 204, `HTTP ${ended.status}`);
    const after = await post(second, { sessionId }, call('x', 'echo', { message: 'x' }));
    await after.text();
    demand(after.status === 404, `HTTP ${after.status}`);
    const { content } = await a.client.callTool({ name: 'echo', arguments: { message: 'still' } });
    demand(content[0].text === 'Echo: still', content);
});

await check('a request without the session that it needs is refused by the server', async () => {
    const reply = await post(first, { sessionId: '' }, call('x', 'echo', { message: 'x' }));
    await reply.text();
    demand(reply.status === 400 || reply.status === 404, `HTTP ${reply.status}`);
});

await a.transport.terminateSession();
await Promise.allSettled([a.client.close(), b.client.close(), asker.close()]);

await check('the gateway signed every answer of both', async () => {
    demand(
        first.seen.failures.length + second.seen.failures.length === 0,
        [...first.seen.failures, ...second.seen.failures].join(),
    );
});
process.exit(outcome.failed === 0 ? 0 : 1);
