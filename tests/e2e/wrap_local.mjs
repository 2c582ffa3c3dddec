// The official SDK's client over stdin and stdout, through `aip-gateway wrap`, to official servers and to one with faults.
// Usage: node wrap_local.mjs GATEWAY PACKAGES FOLDER PYTHON_SERVER
import { readFileSync } from 'node:fs';
import { CreateMessageRequestSchema, LoggingMessageNotificationSchema } from '@modelcontextprotocol/sdk/types.js';
import { check, connect, demand, descriptors, end, family, first, pause, refuses, runs, until }
    from './wrap_checks.mjs';

const [gateway, packages, folder, faulty] = process.argv.slice(2);
const official = (name) => [process.execPath, `${packages}/@modelcontextprotocol/${name}/dist/index.js`];
const token = (name) => readFileSync(`${folder}/${name}.token`, 'utf8').trim();
const root = readFileSync(`${folder}/organisation.did`, 'utf8').trim().replace('did:aip:', '');
let count = 0;

// Each its own log and database.
const wrap = (options, command) => {
    count += 1;
    return { args: ['wrap', '--audit', `${folder}/wrap-${count}.jsonl`, '--store', `${folder}/wrap-${count}.db`,
        ...options, '--', ...command], cwd: folder };
};
const policy = ['--policy', `${folder}/wrap.yaml`];
const python = ['python3', faulty];
const call = (client, name, args = {}, options) =>
    client.callTool({ name, arguments: args }, undefined, options);

// ---- official servers ----

{
    const files = await connect(gateway, wrap(policy, [...official('server-filesystem'), `${folder}/files`]));
    await check('server-filesystem: a file is read', async () => {
        const result = await call(files.client, 'read_text_file', { path: `${folder}/files/hello.txt` });
        demand(first(result).includes('hello from a file'), first(result));
    });
    await check('server-filesystem: what the policy does not allow is refused', () =>
        refuses('policy.tool', () => call(files.client, 'write_file', { path: `${folder}/files/x`, content: 'x' })));
    await check('server-filesystem: and is not listed', async () => {
        const names = (await files.client.listTools()).tools.map((tool) => tool.name).sort().join();
        demand(names === 'list_directory,read_text_file', names);
    });
    const server = family(files.pid()).map((each) => each.pid);
    await files.client.close();
    await check('the end of the client is the end of the server', () =>
        until('the end', () => server.every((pid) => !runs(pid))));
}
{
    const memory = await connect(gateway, { ...wrap([...policy, '--pass-env', 'MEMORY_FILE_PATH'],
        official('server-memory')), env: { ...process.env, MEMORY_FILE_PATH: `${folder}/memory.jsonl` } });
    await check('server-memory: entities are kept and found', async () => {
        const entities = [{ name: 'tide', entityType: 'thing', observations: ['rises'] }];
        await call(memory.client, 'create_entities', { entities });
        const found = await call(memory.client, 'search_nodes', { query: 'tide' });
        demand(first(found).includes('rises'), first(found));
    });
    await memory.client.close();
}
{
    const everything = await connect(gateway,
        wrap(['--trust-key', root, '--token', `${folder}/agent.token`], official('server-everything')), { sampling: {} });
    everything.client.setRequestHandler(CreateMessageRequestSchema, async () => ({
        role: 'assistant', model: 'none', content: { type: 'text', text: 'an answer from the client' },
    }));
    await check('server-everything: a call', async () => {
        demand(first(await call(everything.client, 'echo', { message: 'hello' })).includes('hello'), 'no echo');
    });
    await check('server-everything: progress comes before the result', async () => {
        // As the lines come: the SDK's client forgets the last progress when its result stands in the same chunk.
        const seen = [];
        const taken = everything.transport.onmessage;
        everything.transport.onmessage = (message) => {
            seen.push(message.method === 'notifications/progress' ? message.params.progress : 'result');
            taken(message);
        };
        await call(everything.client, 'trigger-long-running-operation', { duration: 1, steps: 4 },
            { onprogress: () => {} });
        everything.transport.onmessage = taken;
        demand(seen.join() === '1,2,3,4,result', `progress ${seen}`);
    });
    await check('server-everything: the server asks the client', async () => {
        const result = await call(everything.client, 'trigger-sampling-request', { prompt: 'why', maxTokens: 5 });
        demand(first(result).includes('an answer from the client'), first(result));
    });
    await check('server-everything: what it says of its own accord arrives', async () => {
        const heard = [];
        everything.client.setNotificationHandler(LoggingMessageNotificationSchema, (each) => heard.push(each));
        await call(everything.client, 'toggle-simulated-logging');
        await until('a log message', () => heard.length > 0, 12000);
        await call(everything.client, 'toggle-simulated-logging');
    });
    await check('server-everything: prompts and resources', async () => {
        demand((await everything.client.listPrompts()).prompts.length > 0, 'no prompts');
        const { resources } = await everything.client.listResources();
        demand((await everything.client.readResource({ uri: resources[0].uri })).contents.length > 0, 'nothing read');
    });
    await everything.client.close();
}

// ---- tokens ----

{
    const agent = await connect(gateway,
        wrap(['--trust-key', root, '--token', `${folder}/worker.token`], python));
    await check('a token of two elements, set at start, allows its tool', async () => {
        demand(first(await call(agent.client, 'echo')).includes('echo'), 'no echo');
    });
    await check('and refuses another', () =>
        refuses('scope.insufficient', () => call(agent.client, 'pid')));
    await check('and other tools are not listed', async () => {
        const names = (await agent.client.listTools()).tools.map((tool) => tool.name).join();
        demand(names === 'echo', names);
    });
    await check('a token of one element in a message takes its place', async () => {
        const result = await agent.client.callTool(
            { name: 'pid', arguments: {}, _meta: { 'aip/token': token('agent') } });
        demand(Number(first(result)) > 0, first(result));
    });
    await check('the server does not see it', async () => {
        const result = await agent.client.callTool(
            { name: 'echo', arguments: {}, _meta: { 'aip/token': token('agent'), other: 1 } });
        demand(!first(result).includes('aip/token') && first(result).includes('"other": 1'), first(result));
    });
    await check('a token of two elements in a message is no proof of anything', () =>
        refuses('proof.missing', () => agent.client.callTool(
            { name: 'echo', arguments: {}, _meta: { 'aip/token': token('worker') } })));
    await check('a token that is no text is refused', () =>
        refuses('token.repeated', () => agent.client.callTool(
            { name: 'echo', arguments: {}, _meta: { 'aip/token': 7 } })));
    await agent.client.close();
}
await check('without a token nobody is let in', async () => {
    await refuses('token.missing', () => connect(gateway, wrap(['--trust-key', root], python)));
});
await check('with --require-proof a token in a message is refused, the one set at start is not', async () => {
    const agent = await connect(gateway,
        wrap(['--trust-key', root, '--require-proof', '--token', `${folder}/agent.token`], python));
    await call(agent.client, 'echo');
    await refuses('proof.missing', () => agent.client.callTool(
        { name: 'echo', arguments: {}, _meta: { 'aip/token': token('agent') } }));
    await agent.client.close();
});

await check('with --port the same server is served over HTTP as well', async () => {
    const both = await connect(gateway,
        wrap(['--trust-key', root, '--token', `${folder}/agent.token`, '--port', '0'], python));
    await until('the address', () => /listening on http/.test(both.said()));
    const url = `${/listening on (http:\/\/\S+)/.exec(both.said())[1]}/mcp`;
    const post = (message, headers = {}) => fetch(url, { method: 'POST', body: JSON.stringify(message), headers: {
        'Content-Type': 'application/json', 'X-AIP-Token': token('friend'), ...headers } });
    const greeted = await post({ jsonrpc: '2.0', id: 0, method: 'initialize',
        params: { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 'x', version: '1' } } });
    const message = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'pid', arguments: {} } };
    const answer = await (await post(message, { 'Mcp-Session-Id': greeted.headers.get('mcp-session-id') })).json();
    demand(first(answer.result) === first(await call(both.client, 'pid')), 'two servers');
    demand(first(await call(both.client, 'greeted')) === '1', 'greeted twice');
    await both.client.close();
});

// ---- faults ----

{
    const options = wrap(['--policy', `${folder}/faults.yaml`, '--pass-env', 'WRAP_PASSED'], python);
    const it = await connect(gateway,
        { ...options, env: { ...process.env, WRAP_PASSED: '1', WRAP_SECRET: 'x' } }, { sampling: {} });
    it.client.setRequestHandler(CreateMessageRequestSchema, async () => ({
        role: 'assistant', model: 'none', content: { type: 'text', text: 'asked and answered' },
    }));
    await check('the server gets no variable but those that it is given', async () => {
        const names = first(await call(it.client, 'environment')).split(',');
        demand(names.includes('WRAP_PASSED') && !names.includes('WRAP_SECRET'), names.join());
    });
    await check('and no descriptor of ours', async () => {
        const open = first(await call(it.client, 'descriptors'));
        demand(open === '0,1,2,3', open); // 3 is the folder that it reads
    });
    await check('lines that are no messages are dropped, and the call is answered', async () => {
        demand(first(await call(it.client, 'garbage')) === 'after garbage', 'another answer');
        await until('a line in the log', () => it.said().includes('not one JSON message'));
    });
    await check('an answer that nobody waits for goes nowhere', async () => {
        demand(first(await call(it.client, 'other_answer')) === 'mine', 'another answer');
    });
    await check('a line break between values does not break the line', async () => {
        demand((await call(it.client, 'hidden_break')).content.length === 0, 'another answer');
    });
    await check('a megabyte goes and comes', async () => {
        const text = 'y'.repeat(1 << 20);
        demand(first(await call(it.client, 'echo', { text })).includes(text), 'not the same');
        demand(first(await call(it.client, 'large', { bytes: 1 << 20 })).length === 1 << 20, 'not a megabyte');
    });
    await check('what is too long is refused, and the next call works', async () => {
        await refuses('upstream.invalid', () => call(it.client, 'large', { bytes: 6 << 20 }));
        demand(first(await call(it.client, 'echo')).includes('echo'), 'no echo');
    });
    await check('stderr is in the log, without control characters', async () => {
        await call(it.client, 'stderr');
        await until('the line', () => /server: a line on stderr [^\x1b]*\n/.test(it.said()));
    });
    await check('the server asks, and gets the answer', async () => {
        demand(first(await call(it.client, 'ask')).includes('asked and answered'), 'not answered');
    });
    await check('fifty calls leave nothing behind', async () => {
        await call(it.client, 'echo');
        const before = descriptors(it.pid());
        await Promise.all(Array.from({ length: 50 }, (_, i) => call(it.client, 'echo', { i })));
        demand(descriptors(it.pid()) === before, `${before} descriptors, then ${descriptors(it.pid())}`);
        demand(family(it.pid()).every((each) => !each.zombie), 'a zombie');
    });
    await check('a server that dies within a call is an error, and is started again', async () => {
        const before = first(await call(it.client, 'pid'));
        await refuses('upstream.unreachable', () => call(it.client, 'die'));
        await refuses('upstream.unreachable', () => call(it.client, 'echo'));
        await pause(1300);
        const now = first(await call(it.client, 'pid'));
        demand(now !== before && !runs(Number(before)), 'the same server');
        demand(first(await call(it.client, 'greeted')) === '1', 'it was not greeted once');
        demand(family(it.pid()).every((each) => !each.zombie), 'a zombie');
    });
    await check('a call that is cancelled gets no answer, and the next one does', async () => {
        const cancel = new AbortController();
        const waiting = call(it.client, 'wait', { seconds: 0.5 }, { signal: cancel.signal });
        setTimeout(() => cancel.abort(), 100);
        await waiting.then(() => { throw new Error('answered'); }, (error) => demand(/abort/i.test(String(error)), error));
        demand(first(await call(it.client, 'echo')).includes('echo'), 'no echo');
        demand(!it.said().includes('client: '), it.said());
    });
    await check('the gateway killed is the end of the server', async () => {
        const server = Number(first(await call(it.client, 'pid')));
        process.kill(it.pid(), 'SIGKILL');
        await until('the end', () => !runs(server));
    });
}
end();
