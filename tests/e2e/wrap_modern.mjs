// The official client of the revision 2026-07-28 and a server of the same packages over stdin and stdout: at the
// gateway's own stdin, and over HTTP.
// Usage: node wrap_modern.mjs stdio GATEWAY FOLDER SERVER, or node wrap_modern.mjs URL FOLDER
import { readFileSync } from 'node:fs';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { check, demand, end, pause, refuses, until } from './wrap_checks.mjs';

const VERSION = '2026-07-28';
const [where, ...rest] = process.argv.slice(2);
const token = (folder, name) => readFileSync(`${folder}/${name}.token`, 'utf8').trim();

function transportOf(name) {
    if (where === 'stdio') {
        const [gateway, folder, server] = rest;
        const args = ['wrap', '--audit', `${folder}/modern.jsonl`, '--store', `${folder}/modern.db`, '--trust-key',
            readFileSync(`${folder}/organisation.did`, 'utf8').trim().replace('did:aip:', ''), '--token',
            `${folder}/${name}.token`, '--', process.execPath, server];
        return new StdioClientTransport({ command: gateway, args, cwd: folder, stderr: 'ignore' });
    }
    return new StreamableHTTPClientTransport(new URL(where),
        { requestInit: { headers: { 'X-AIP-Token': token(rest[0], name) } } });
}

async function connect(name) {
    const client = new Client({ name, version: '1' },
        { capabilities: { elicitation: {} }, versionNegotiation: { mode: 'auto' } });
    client.setRequestHandler('elicitation/create', async () => ({ action: 'accept', content: { name } }));
    await client.connect(transportOf(name));
    return client;
}
const call = async (client, name, args = {}, options) =>
    (await client.callTool({ name, arguments: args }, options)).content[0].text;
const title = (name) => `modern, ${where === 'stdio' ? 'stdio' : 'HTTP'}: ${name}`;

const one = await connect('agent');
await check(title('the newest version is agreed on'), async () =>
    demand(one.getNegotiatedProtocolVersion() === VERSION, one.getNegotiatedProtocolVersion()));
await check(title('twenty calls at once get their own answers'), async () => {
    const answers = await Promise.all(Array.from({ length: 20 }, (_, i) => call(one, 'echo', { message: `m${i}` })));
    answers.forEach((answer, i) => demand(answer === `Echo: m${i}`, answer));
});
await check(title('a question comes in a result, and the retry is answered'), async () => {
    const answer = await call(one, 'ask');
    demand(answer === 'Hello, agent, in round 1', answer);
});
await check(title('progress'), async () => {
    const seen = [];
    await call(one, 'work', { steps: 3 }, { onprogress: ({ progress }) => seen.push(progress) });
    demand(seen.join() === '1,2,3', seen.join());
});
await check(title('a subscription hears of a change, until it is closed'), async () => {
    let heard = 0;
    one.setNotificationHandler('notifications/tools/list_changed', () => { heard += 1; });
    const subscription = await one.listen({ toolsListChanged: true });
    await call(one, 'change');
    await until('the change', () => heard === 1);
    await subscription.close();
    await call(one, 'change');
    await pause(200);
    demand(heard === 1, `heard of ${heard}`);
});
await check(title('who gives up cancels at the server'), async () => {
    const cancel = new AbortController();
    const waiting = call(one, 'wait', {}, { signal: cancel.signal });
    setTimeout(() => cancel.abort(), 200);
    await waiting.then(() => { throw new Error('answered'); }, () => {});
    await until('the cancellation', async () => JSON.parse(await call(one, 'told')).cancelled === 1);
});
if (where !== 'stdio') {
    const two = await connect('friend');
    await check(title('two clients with the same ids and tokens at once'), async () => {
        const seen = { agent: 0, friend: 0 };
        await Promise.all([[one, 'agent', 2], [two, 'friend', 4]].map(([client, name, steps]) =>
            call(client, 'work', { steps }, { onprogress: ({ total }) => { seen[name] += total === steps ? 1 : 100; } })));
        demand(seen.agent === 2 && seen.friend === 4, JSON.stringify(seen));
    });
    await check(title('a subscription is of its client'), async () => {
        const heard = [];
        one.setNotificationHandler('notifications/tools/list_changed', () => heard.push('one'));
        two.setNotificationHandler('notifications/tools/list_changed', () => heard.push('two'));
        const first = await one.listen({ toolsListChanged: true });
        const second = await two.listen({ toolsListChanged: true });
        await first.close();
        await pause(100);
        await call(one, 'change');
        await until('the change', () => heard.length > 0);
        await pause(200);
        demand(heard.join() === 'two', heard.join());
        await second.close();
    });
    const small = await connect('small');
    await check(title('a token without the scope is refused'), async () => {
        await call(small, 'echo', { message: 'x' });
        await refuses('scope.insufficient', () => call(small, 'told'));
    });
    await small.close();
    await two.close();
}
await one.close();
end();
