// The official SDK's clients of both eras at the address of a group: the official test server, a server of both eras
// and commands, as if they were one.
// Usage: node groups_sdk.mjs legacy|modern GATEWAY_URL GATEWAY_DID TOKEN_FILE KEY_FILE
import { Client as LegacyClient } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport as LegacyTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { CreateMessageRequestSchema, ToolListChangedNotificationSchema } from '@modelcontextprotocol/sdk/types.js';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { agentOf, check, demand, outcome, refuses, until } from './sdk_checks.mjs';

const [era, url, gateway, tokenFile, keyFile] = process.argv.slice(2);
const { send, seen } = agentOf(tokenFile, keyFile, gateway);
const text = async (client, name, args = {}, ...more) =>
    (await client.callTool({ name, arguments: args }, ...more)).content[0].text;

async function runLegacy() {
    const client = new LegacyClient({ name: 'e2e', version: '1' }, { capabilities: { sampling: {}, roots: {} } });
    client.setRequestHandler(CreateMessageRequestSchema, async ({ params }) => ({
        role: 'assistant',
        model: 'none',
        content: { type: 'text', text: `answer to ${JSON.stringify(params.messages)}` },
    }));
    const transport = new LegacyTransport(new URL(url), { fetch: send });

    await check('the client greets a group as one server', async () => {
        await client.connect(transport);
        demand(transport.sessionId?.length > 36, `session id is ${transport.sessionId}`);
        const { tools, prompts, resources } = client.getServerCapabilities();
        demand(tools && prompts && resources, client.getServerCapabilities());
        demand(client.getInstructions()?.includes('everything'), client.getInstructions());
    });
    await check('tools of all are listed, and no tool that may not be called', async () => {
        const names = (await client.listTools()).tools.map(({ name }) => name);
        for (const name of ['everything__echo', 'both__echo', 'files__read_text_file', 'older__echo']) {
            demand(names.includes(name), names.join());
        }
        demand(!names.includes('everything__get-env') && new Set(names).size === names.length, names.join());
    });
    await check('each answers', async () => {
        demand((await text(client, 'everything__echo', { message: 'ż' })) === 'Echo: ż', 'everything');
        demand((await text(client, 'both__echo', { message: 'ż' })) === 'Echo: ż', 'both');
        demand((await text(client, 'older__echo', { message: 'ż' })) === 'Echo: ż', 'older');
        const { content } = await client.callTool({ name: 'files__list_allowed_directories', arguments: {} });
        demand(content[0].text.includes('/files'), content);
    });
    await check('a tool outside the token is refused', () =>
        refuses('scope.insufficient', () => client.callTool({ name: 'everything__get-env', arguments: {} })));
    await check('one that a policy of its member forbids, too', () =>
        refuses('policy.tool', () =>
            client.callTool({ name: 'files__write_file', arguments: { path: 'x', content: '' } })));
    await check('a name without a member is refused', () =>
        refuses('request.invalid', () => client.callTool({ name: 'echo', arguments: {} })));
    await check('forty calls at once get their own answers', async () => {
        const members = ['everything', 'both', 'older', 'both'];
        const calls = Array.from({ length: 40 }, (_, i) =>
            text(client, `${members[i % 4]}__echo`, { message: `m${i}` }));
        (await Promise.all(calls)).forEach((told, i) => demand(told === `Echo: m${i}`, told));
    });
    await check('questions of two members at once are answered to those who asked', async () => {
        const [first, second] = await Promise.all([
            text(client, 'everything__trigger-sampling-request', { prompt: 'from everything', maxTokens: 5 }),
            text(client, 'both__test_sampling', { prompt: 'from both' }),
        ]);
        demand(first.includes('from everything') && !first.includes('from both'), first);
        demand(second.includes('from both') && !second.includes('from everything'), second);
    });
    await check('progress arrives while a tool works', async () => {
        const times = [];
        await text(client, 'both__test_tool_with_progress', { pause: 200 }, undefined,
            { onprogress: () => times.push(Date.now()) });
        demand(times.length === 3 && Date.now() - times[0] > 300, `${times.length} notifications`);
    });
    await check('resources are listed and read where they are', async () => {
        const { resources } = await client.listResources();
        const mine = resources.find(({ uri }) => uri === 'both.test://static-text');
        demand(mine !== undefined && resources.some(({ uri }) => uri.startsWith('everything.')), resources);
        for (const { uri } of [mine, resources.find((each) => each.uri.startsWith('everything.'))]) {
            const { contents } = await client.readResource({ uri });
            demand(contents[0].uri === uri, contents);
        }
    });
    await check('links in results are addresses of the group', async () => {
        const { content } = await client.callTool({ name: 'both__test_embedded_resource', arguments: {} });
        demand(content[0].resource.uri.startsWith('both.test:'), content);
    });
    await check('prompts likewise', async () => {
        const names = (await client.listPrompts()).prompts.map(({ name }) => name);
        demand(names.some((name) => name.startsWith('everything__')), names.join());
        const args = { arg1: 'a', arg2: 'b' };
        const { messages } = await client.getPrompt({ name: 'both__test_prompt_with_arguments', arguments: args });
        demand(messages[0].content.text.includes("arg2='b'"), messages);
        const ref = { type: 'ref/prompt', name: 'both__test_prompt_with_arguments' };
        const { completion } = await client.complete({ ref, argument: { name: 'arg1', value: 't' } });
        demand(completion.values[0] === 'test', completion);
    });
    await check('the stream of the session brings what a member says', async () => {
        const changed = [];
        client.setNotificationHandler(ToolListChangedNotificationSchema, () => void changed.push(1));
        await text(client, 'both__test_trigger_tool_change');
        await until(() => changed.length > 0, 'nothing came');
    });
    await check('a question on that stream is answered', async () => {
        await text(client, 'both__test_tool_asks_later');
        await until(async () => JSON.parse(await text(client, 'both__tell')).later?.startsWith('answer to'),
            'the server got no answer');
    });
    await check('a stream that its server closes is resumed by the client', async () => {
        demand((await text(client, 'both__test_reconnection')).includes('resumed'), 'it was not');
    });
    await check('a cancellation reaches the member', async () => {
        const before = JSON.parse(await text(client, 'both__tell'));
        const controller = new AbortController();
        const waiting = client.callTool({ name: 'both__wait', arguments: {} }, undefined, { signal: controller.signal })
            .catch((error) => error);
        const told = async () => JSON.parse(await text(client, 'both__tell'));
        await until(async () => (await told()).started > before.started, 'it did not start');
        controller.abort('enough');
        demand((await waiting) instanceof Error, 'it was answered');
        await until(async () => (await told()).cancelled > before.cancelled, 'the server still works');
    });
    await check('the session ends when its client says so', () => transport.terminateSession());
    await client.close();
}

async function runModern() {
    const client = new Client({ name: 'e2e', version: '1' },
        { capabilities: { elicitation: {}, sampling: {}, roots: {} }, versionNegotiation: { mode: 'auto' } });
    client.setRequestHandler('elicitation/create', async ({ params }) => {
        const name = Object.keys(params.requestedSchema.properties)[0];
        return { action: 'accept', content: { [name]: `my ${name}` } };
    });
    const transport = new StreamableHTTPClientTransport(new URL(url), { fetch: send });

    await check('the newest version is agreed on where all members have it', async () => {
        await client.connect(transport);
        demand(client.getNegotiatedProtocolVersion() === '2026-07-28', client.getNegotiatedProtocolVersion());
        demand(transport.sessionId === undefined, 'a session was made');
    });
    await check('tools of a server and of a command are listed and answer', async () => {
        const names = (await client.listTools()).tools.map(({ name }) => name);
        demand(names.includes('both__echo') && names.includes('local__echo'), names.join());
        demand(!names.includes('both__test_error_handling'), names.join());
        demand((await text(client, 'both__echo', { message: 'ż' })) === 'Echo: ż', 'both');
        demand((await text(client, 'local__echo', { message: 'ż' })) === 'Echo: ż', 'local');
    });
    await check('a tool outside the token is refused', () =>
        refuses('scope.insufficient', () => client.callTool({ name: 'both__test_error_handling', arguments: {} })));
    await check('a name without a member is refused', () =>
        refuses('request.invalid', () => client.callTool({ name: 'echo', arguments: {} })));
    await check('questions in results are answered to those who asked', async () => {
        const told = await text(client, 'both__test_input_required_result_multi_round');
        demand(told === 'my name likes my color', told);
        demand((await text(client, 'local__ask')) === 'Hello, my name, in round 1', 'local');
    });
    await check('an argument that stands in a header, too, is the same there', async () => {
        demand((await text(client, 'both__test_headers', { region: 'żółć' })) === 'żółć', 'another region');
    });
    await check('a resource is read where it is', async () => {
        const { contents } = await client.readResource({ uri: 'both.test://static-text' });
        demand(contents[0].uri === 'both.test://static-text' && contents[0].text.startsWith('This is'), contents);
    });
    await check('one subscription hears all members', async () => {
        const noted = [];
        client.setNotificationHandler('notifications/tools/list_changed', () => void noted.push('tools'));
        client.setNotificationHandler('notifications/resources/updated', ({ params }) => void noted.push(params.uri));
        const uri = 'both.test://watched-resource';
        const subscription = await client.listen({ toolsListChanged: true, resourceSubscriptions: [uri] });
        await text(client, 'both__test_trigger_tool_change');
        await until(() => noted.length >= 1, 'both said nothing');
        await text(client, 'local__change');
        await until(() => noted.length >= 2, 'local said nothing');
        await text(client, 'both__touch', { uri: 'test://watched-resource' });
        await until(() => noted.length >= 3, 'no update came');
        demand(noted.join() === `tools,tools,${uri}`, noted.join());
        await subscription.close();
    });
    await check('progress of a command arrives while it works', async () => {
        const steps = [];
        await text(client, 'local__work', { steps: 3 }, { onprogress: ({ progress }) => steps.push(progress) });
        demand(steps.join() === '1,2,3', steps.join());
    });
    await check('a client that gives up cancels at the member', async () => {
        const told = async () => JSON.parse(await text(client, 'both__tell'));
        const before = await told();
        const controller = new AbortController();
        const call = client.callTool({ name: 'both__wait', arguments: {} }, { signal: controller.signal })
            .catch((error) => error);
        await until(async () => (await told()).started > before.started, 'it did not start');
        controller.abort(new Error('enough'));
        demand((await call) instanceof Error, 'it was answered');
        await until(async () => (await told()).cancelled > before.cancelled, 'the server still works');
    });
    await client.close();
}

await (era === 'modern' ? runModern() : runLegacy());
await check('the gateway signed every answer', async () => {
    demand(seen.failures.length === 0, seen.failures.join());
    demand(seen.answers > 10, `${seen.answers} answers`);
});
process.exit(outcome.failed === 0 ? 0 : 1);
