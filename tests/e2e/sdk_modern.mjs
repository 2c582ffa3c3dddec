// The official SDK's client of the revision 2026-07-28, through the gateway, to a server of the same SDK.
// Usage: node sdk_modern.mjs GATEWAY_URL GATEWAY_DID SERVER_URL TOKEN_FILE KEY_FILE
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { agentOf, check, demand, outcome, refuses, until } from './sdk_checks.mjs';

const [url, gateway, direct, tokenFile, keyFile] = process.argv.slice(2);
const VERSION = '2026-07-28';
const { send, seen, sent } = agentOf(tokenFile, keyFile, gateway);

function makeClient(options = {}) {
    const client = new Client(
        { name: 'e2e', version: '1' },
        {
            capabilities: { sampling: {}, elicitation: {}, roots: {} },
            versionNegotiation: { mode: 'auto' },
            ...options,
        },
    );
    client.setRequestHandler('elicitation/create', async ({ params }) => {
        const name = Object.keys(params.requestedSchema.properties)[0];
        return { action: 'accept', content: { [name]: name === 'ok' ? true : `my ${name}` } };
    });
    client.setRequestHandler('sampling/createMessage', async () => ({
        role: 'assistant',
        model: 'none',
        content: { type: 'text', text: 'an answer of the client' },
    }));
    client.setRequestHandler('roots/list', async () => ({ roots: [{ uri: 'file:///here', name: 'here' }] }));
    return client;
}

const meta = (capabilities = {}) => ({
    'io.modelcontextprotocol/protocolVersion': VERSION,
    'io.modelcontextprotocol/clientCapabilities': capabilities,
});

function message(method, params = {}, id = 'a-1') {
    return { jsonrpc: '2.0', id, method, params: { ...params, _meta: { ...meta(), ...params._meta } } };
}

// A request by hand; `headers` go over what the message wants, undefined takes one away.
async function post(body, headers = {}) {
    const name = body.params?.name ?? body.params?.uri;
    const all = {
        'Content-Type': 'application/json',
        Accept: 'application/json, text/event-stream',
        'MCP-Protocol-Version': VERSION,
        'Mcp-Method': body.method,
        ...(name === undefined ? {} : { 'Mcp-Name': name }),
        ...headers,
    };
    const chosen = Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
    const reply = await send(url, {
        method: 'POST',
        headers: chosen,
        body: JSON.stringify(body),
        signal: AbortSignal.timeout(10000),
    });
    const text = await reply.text();
    const json = text.startsWith('{')
        ? text
        : /^data: (\{.*\})$/m.exec(
              text
                  .split('\n\n')
                  .filter((each) => each.includes('data:'))
                  .at(-1) ?? '',
          )?.[1];
    return {
        status: reply.status,
        headers: reply.headers,
        text,
        body: json === undefined ? undefined : JSON.parse(json),
    };
}

function demandError(reply, status, code) {
    demand(
        reply.status === status && reply.body?.error?.code === code,
        `HTTP ${reply.status}: ${reply.text.slice(0, 200)}`,
    );
}

async function tellDirectly() {
    const asker = makeClient();
    await asker.connect(new StreamableHTTPClientTransport(new URL(direct)));
    const { content } = await asker.callTool({ name: 'tell', arguments: {} });
    await asker.close();
    return JSON.parse(content[0].text);
}

const client = makeClient();
const transport = new StreamableHTTPClientTransport(new URL(url), { fetch: send });

await check('the client and the server agree on the newest version through the gateway', async () => {
    await client.connect(transport);
    demand(client.getNegotiatedProtocolVersion() === VERSION, client.getNegotiatedProtocolVersion());
    demand(transport.sessionId === undefined, 'a session was made');
});

await check('tools, resources, templates and prompts are listed, and no tool that may not be called', async () => {
    const { tools } = await client.listTools();
    const names = tools.map(({ name }) => name);
    demand(names.includes('echo') && !names.includes('test_error_handling'), names.join());
    demand((await client.listResources()).resources.length > 0, 'no resources');
    demand((await client.listResourceTemplates()).resourceTemplates.length === 1, 'no templates');
    demand(
        (await client.listPrompts()).prompts.some(({ name }) => name === 'test_simple_prompt'),
        'no prompt',
    );
});

await check('a resource is read, a prompt got, an argument completed', async () => {
    const { contents } = await client.readResource({ uri: 'test://static-text' });
    demand(contents[0].text.startsWith('This is'), contents);
    const { messages } = await client.getPrompt({
        name: 'test_prompt_with_arguments',
        arguments: { arg1: 'a', arg2: 'ż' },
    });
    demand(messages[0].content.text.includes("arg2='ż'"), messages);
    const ref = { type: 'ref/prompt', name: 'test_prompt_with_arguments' };
    const { completion } = await client.complete({ ref, argument: { name: 'arg1', value: 't' } });
    demand(completion.values[0] === 'test', completion);
});

await check('a tool answers', async () => {
    const { content } = await client.callTool({ name: 'echo', arguments: { message: 'żółć 😀 "\\' } });
    demand(content[0].text === 'Echo: żółć 😀 "\\', content);
});

await check('a tool outside the token is refused', () =>
    refuses('scope.insufficient', () => client.callTool({ name: 'test_error_handling', arguments: {} })),
);

await check('a resource outside the token is refused', () =>
    refuses('scope.insufficient', () => client.readResource({ uri: 'other://static-text' })),
);

await check('progress arrives while the tool works', async () => {
    const times = [];
    await client.callTool(
        { name: 'test_tool_with_progress', arguments: { pause: 300 } },
        { onprogress: () => times.push(Date.now()) },
    );
    demand(times.length === 3, `${times.length} notifications`);
    demand(Date.now() - times[0] > 500, 'the first came with the answer');
});

await check('twenty calls at once get their own answers', async () => {
    const calls = Array.from({ length: 20 }, (_, i) =>
        client.callTool({ name: 'echo', arguments: { message: `m${i}` } }),
    );
    (await Promise.all(calls)).forEach(({ content }, i) => demand(content[0].text === `Echo: m${i}`, content));
});

await check('the server gets no credential, and is told who calls', async () => {
    const { content } = await client.callTool({ name: 'what_came', arguments: {} });
    const { headers } = JSON.parse(content[0].text);
    const bad = Object.keys(headers).filter((each) =>
        /^(x-aip-token|authorization|signature|content-digest)/.test(each),
    );
    demand(bad.length === 0, bad.join());
    demand(headers['x-aip-verified'] === 'true' && /^did:aip:z/.test(headers['x-aip-subject']), headers);
    demand(headers['mcp-method'] === 'tools/call' && headers['mcp-name'] === 'what_came', headers);
});

// ---- questions of the server ----

await check('a question of the server comes in a result, and the retry is answered', async () => {
    const before = sent.length;
    const { content } = await client.callTool({ name: 'test_input_required_result_multi_round', arguments: {} });
    demand(content[0].text === 'my name likes my color', content);
    const rounds = sent.slice(before).map((each) => JSON.parse(each));
    demand(
        rounds.length === 3 && new Set(rounds.map(({ id }) => id)).size === 3,
        rounds.map(({ id }) => id),
    );
});

await check('each round is judged and recorded afresh', async () => {
    const receipts = seen.receipts.filter(({ tool }) => tool === 'test_input_required_result_multi_round');
    demand(receipts.length === 3 && new Set(receipts.map(({ jti }) => jti)).size === 3, `${receipts.length} receipts`);
});

await check('several questions at once, and state, come through', async () => {
    const many = await client.callTool({ name: 'test_input_required_result_multiple_inputs', arguments: {} });
    demand(many.content[0].text === 'all answered', many);
    const state = await client.callTool({ name: 'test_input_required_result_request_state', arguments: {} });
    demand(state.content[0].text === 'state-ok', state);
    const prompt = await client.getPrompt({ name: 'test_input_required_result_prompt' });
    demand(prompt.messages[0].content.text === 'Context: my context', prompt);
});

await check("state that was changed is the server's to refuse", async () => {
    const name = 'test_input_required_result_tampered_state';
    const capable = { _meta: meta({ elicitation: {} }) };
    const first = await post(message('tools/call', { name, arguments: {}, ...capable }));
    const { requestState } = first.body.result;
    const answers = { confirm: { action: 'accept', content: { ok: true } } };
    const good = await post(
        message('tools/call', { name, arguments: {}, ...capable, inputResponses: answers, requestState }, 'a-2'),
    );
    demand(good.body.result?.content[0].text === 'confirmed', good.text);
    const bad = await post(
        message(
            'tools/call',
            { name, arguments: {}, ...capable, inputResponses: answers, requestState: `${requestState}x` },
            'a-3',
        ),
    );
    demand(bad.body.error?.code === -32602, bad.text);
});

await check('a retry for a tool outside the token is refused', () =>
    refuses('scope.insufficient', async () => {
        const params = { name: 'test_error_handling', arguments: {}, inputResponses: {}, requestState: 'x' };
        throw Object.assign(new Error('refused'), (await post(message('tools/call', params))).body.error);
    }),
);

await check('a missing capability is told as the server tells it', async () =>
    demandError(await post(message('tools/call', { name: 'test_missing_capability', arguments: {} })), 400, -32021),
);

// ---- subscriptions ----

const noted = [];
client.setNotificationHandler('notifications/tools/list_changed', () => void noted.push('tools'));
client.setNotificationHandler('notifications/prompts/list_changed', () => void noted.push('prompts'));
client.setNotificationHandler('notifications/resources/updated', ({ params }) => void noted.push(params.uri));

await check('a subscription brings what was asked for, and nothing else', async () => {
    const subscription = await client.listen({
        toolsListChanged: true,
        resourceSubscriptions: ['test://watched-resource'],
    });
    await client.callTool({ name: 'test_trigger_prompt_change', arguments: {} });
    await client.callTool({ name: 'test_trigger_tool_change', arguments: {} });
    await client.callTool({ name: 'touch', arguments: { uri: 'test://watched-resource' } });
    await until(() => noted.length >= 2, `only ${noted.join()}`);
    demand(noted.join() === 'tools,test://watched-resource', noted.join());
    await subscription.close();
    demand((await subscription.closed) === 'local', 'it did not end');
    await client.callTool({ name: 'test_trigger_tool_change', arguments: {} });
    demand(noted.length === 2, 'it went on after its end');
});

await check('two subscriptions of one client keep apart', async () => {
    noted.length = 0;
    const first = await client.listen({ toolsListChanged: true });
    const second = await client.listen({ promptsListChanged: true });
    await first.close();
    await client.callTool({ name: 'test_trigger_tool_change', arguments: {} });
    await client.callTool({ name: 'test_trigger_prompt_change', arguments: {} });
    await until(() => noted.length >= 1, 'nothing came');
    demand(noted.join() === 'prompts', noted.join());
    await second.close();
});

await check('a subscription to a resource outside the token is refused', () =>
    refuses('scope.insufficient', () => client.listen({ resourceSubscriptions: ['other://watched'] })),
);

// ---- cancellation ----

await check('a client that gives up cancels at the server', async () => {
    const before = await tellDirectly();
    const controller = new AbortController();
    const call = client
        .callTool({ name: 'wait', arguments: {} }, { signal: controller.signal })
        .catch((error) => error);
    await until(async () => (await tellDirectly()).started > before.started, 'it did not start');
    controller.abort(new Error('enough'));
    demand((await call) instanceof Error, 'it was answered');
    await until(async () => (await tellDirectly()).cancelled > before.cancelled, 'the server still works');
});

await check('so does one that only closes its connection', async () => {
    const before = await tellDirectly();
    const controller = new AbortController();
    const body = message('tools/call', { name: 'wait', arguments: {} });
    const reply = send(url, {
        method: 'POST',
        body: JSON.stringify(body),
        signal: controller.signal,
        headers: {
            'Content-Type': 'application/json',
            Accept: 'application/json, text/event-stream',
            'MCP-Protocol-Version': VERSION,
            'Mcp-Method': 'tools/call',
            'Mcp-Name': 'wait',
        },
    }).catch((error) => error);
    await until(async () => (await tellDirectly()).started > before.started, 'it did not start');
    controller.abort();
    await reply;
    await until(async () => (await tellDirectly()).cancelled > before.cancelled, 'the server still works');
});

// ---- headers and methods ----

const echo = message('tools/call', { name: 'echo', arguments: { message: 'x' } });

await check('by hand: a good call', async () => {
    const reply = await post(echo);
    demand(
        reply.status === 200 && reply.body.id === 'a-1' && reply.body.result.content[0].text === 'Echo: x',
        reply.text,
    );
    demand(!reply.headers.has('mcp-session-id'), 'a session was made');
});

await check('a coded Mcp-Name is read', async () => {
    const name = `=?base64?${Buffer.from('echo').toString('base64')}?=`;
    const reply = await post(echo, { 'Mcp-Name': name });
    demand(reply.status === 200, reply.text);
});

for (const [name, headers] of [
    ['another Mcp-Name', { 'Mcp-Name': 'wait' }],
    ['an Mcp-Name in other letters', { 'Mcp-Name': 'Echo' }],
    ['another coded Mcp-Name', { 'Mcp-Name': `=?base64?${Buffer.from('wait').toString('base64')}?=` }],
    ['no Mcp-Name', { 'Mcp-Name': undefined }],
    ['another Mcp-Method', { 'Mcp-Method': 'tools/list' }],
    ['no Mcp-Method', { 'Mcp-Method': undefined }],
    ['no MCP-Protocol-Version', { 'MCP-Protocol-Version': undefined }],
    ['an older MCP-Protocol-Version', { 'MCP-Protocol-Version': '2025-11-25' }],
]) {
    await check(`${name}: 400, -32020`, async () => demandError(await post(echo, headers), 400, -32020));
}

await check('another version in the body: 400', async () => {
    const body = message('tools/list', { _meta: { 'io.modelcontextprotocol/protocolVersion': '2025-11-25' } });
    const reply = await post(body);
    demand(reply.status === 400 && [-32020, -32022].includes(reply.body.error.code), reply.text);
});

await check('a version that nobody has: 400, -32022, and the ones there are', async () => {
    const body = message('tools/list', { _meta: { 'io.modelcontextprotocol/protocolVersion': '2099-01-01' } });
    const reply = await post(body, { 'MCP-Protocol-Version': '2099-01-01' });
    demandError(reply, 400, -32022);
    demand(
        reply.body.error.data.supported?.includes(VERSION) && reply.body.error.data.requested === '2099-01-01',
        reply.text,
    );
});

await check('no _meta: 400, -32602', async () => {
    const reply = await post({ jsonrpc: '2.0', id: 1, method: 'tools/list', params: {} });
    demandError(reply, 400, -32602);
});

for (const method of ['danger/now', 'ping', 'logging/setLevel', 'resources/subscribe', 'initialize']) {
    await check(`${method}: 404, -32601`, async () =>
        demandError(await post(message(method, { uri: 'test://static-text' }), { 'Mcp-Name': undefined }), 404, -32601),
    );
}

await check('a mirrored argument passes, also one that the gateway does not know', async () => {
    const body = message('tools/call', { name: 'test_headers', arguments: { region: 'west' } });
    const good = await post(body, { 'Mcp-Param-Region': 'west' });
    demand(good.status === 200 && good.body.result.content[0].text === 'west', good.text);
    const other = await post(message('tools/call', { name: 'what_came', arguments: {} }), {
        'Mcp-Param-Unknown': 'kept',
    });
    demand(JSON.parse(other.body.result.content[0].text).headers['mcp-param-unknown'] === 'kept', other.text);
});

await check('a mirrored argument of a tool that was listed is compared by the gateway itself', async () => {
    await client.listTools();
    const reply = await client.callTool({ name: 'test_headers', arguments: { region: ' wést' } });
    demand(reply.content[0].text === ' wést', JSON.stringify(reply));
    const body = message('tools/call', { name: 'test_headers', arguments: { region: 'west' } });
    for (const headers of [{ 'Mcp-Param-Region': 'east' }, {}]) {
        const lie = await post(body, headers);
        demandError(lie, 400, -32020);
        demand(lie.body.error.data.code_name === 'request.headers', lie.text);
    }
});

for (const method of ['GET', 'DELETE', 'PUT']) {
    await check(`${method} of this version: 405`, async () => {
        const reply = await send(url, {
            method,
            headers: { Accept: 'text/event-stream', 'MCP-Protocol-Version': VERSION },
        });
        await reply.text();
        demand(
            reply.status === 405 && /POST/.test(reply.headers.get('allow')),
            `HTTP ${reply.status} ${reply.headers.get('allow')}`,
        );
    });
}

await check('a stray session id and Last-Event-ID are ignored', async () => {
    const reply = await post(echo, { 'Mcp-Session-Id': 'stray', 'Last-Event-ID': 'x#1' });
    demand(reply.status === 200 && !reply.headers.has('mcp-session-id'), reply.text);
});

await check('a response of the client is refused', async () => {
    const reply = await send(url, {
        method: 'POST',
        body: JSON.stringify({ jsonrpc: '2.0', id: 1, result: {} }),
        headers: {
            'Content-Type': 'application/json',
            Accept: 'application/json, text/event-stream',
            'MCP-Protocol-Version': VERSION,
        },
    });
    await reply.text();
    demand(reply.status === 400, `HTTP ${reply.status}`);
});

// ---- the other era at the same address ----

await check('a client of the era before works at the same address', async () => {
    const { Client: OldClient } = await import('@modelcontextprotocol/sdk/client/index.js');
    const { StreamableHTTPClientTransport: OldTransport } =
        await import('@modelcontextprotocol/sdk/client/streamableHttp.js');
    const old = new OldClient({ name: 'e2e', version: '1' });
    const way = new OldTransport(new URL(url), { fetch: send });
    await old.connect(way);
    demand(way.sessionId?.length > 36, 'no session');
    const { content } = await old.callTool({ name: 'echo', arguments: { message: 'old' } });
    demand(content[0].text === 'Echo: old', content);
    await way.terminateSession();
    await old.close();
});

await client.close();

await check('the gateway signed every answer, and closed each with a receipt', async () => {
    demand(seen.failures.length === 0, seen.failures.join(', '));
    demand(seen.answers > 60 && seen.receipts.length > 60, `${seen.answers} answers, ${seen.receipts.length} receipts`);
});
process.exit(outcome.failed === 0 ? 0 : 1);
