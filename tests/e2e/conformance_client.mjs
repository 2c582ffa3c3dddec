// The client that the MCP conformance suite looks at, of the official SDK: it lists and uses what the suite's server
// has, directly or through a gateway that it starts for this server.
// node conformance_client.mjs [GATEWAY_PROGRAM ROOT_KEY TOKEN_FILE] SERVER_URL
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';

const given = process.argv.slice(2);
const url = new URL(given.pop());
const [program, root, tokenFile] = given;
const context = JSON.parse(process.env.MCP_CONFORMANCE_CONTEXT ?? '{}');

// Gives its address, and how to end it.
async function startGateway() {
    const folder = mkdtempSync(join(tmpdir(), 'aip-conformance.'));
    const places = ['--audit', join(folder, 'audit'), '--store', join(folder, 'db'), '--port', '0'];
    const gateway = spawn(program, ['--upstream', url.href, '--trust-key', root, '--quiet', ...places], {
        stdio: ['ignore', 'pipe', 'inherit'],
    });
    const ended = new Promise((resolve) => gateway.once('exit', resolve));
    const stop = async () => {
        gateway.kill();
        await ended;
        rmSync(folder, { recursive: true });
    };
    for await (const line of createInterface({ input: gateway.stdout })) {
        const address = /listening on (http:\S+?\d)(\/|\s|$)/.exec(line);
        if (address !== null) {
            return { address: new URL(url.pathname, address[1]), stop };
        }
    }
    await stop();
    throw new Error('the gateway did not start');
}

// Arguments as a tool's schema wants them; one of the suite's tools wants another's schema, told as it came.
function argumentsFor(tool, tools) {
    const made = { number: 2, integer: 2, boolean: true, string: 'text', array: [] };
    const { properties = {}, required = [] } = tool.inputSchema;
    return Object.fromEntries(
        required.map((name) => [name, name === 'schema' ? tools[0].inputSchema : (made[properties[name]?.type] ?? {})]),
    );
}

// What a client cannot do, or a server refuses, is for the suite to judge.
async function attempt(name, action) {
    try {
        return await action();
    } catch (error) {
        console.error(`${name}: ${error.message}`);
        return undefined;
    }
}

async function useAll(client) {
    const { tools } = await client.listTools();
    for (const { name, arguments: args } of context.toolCalls ??
        tools.map((tool) => ({ name: tool.name, arguments: argumentsFor(tool, tools) }))) {
        await attempt(name, () => client.callTool({ name, arguments: args }));
    }
    if (client.getServerCapabilities()?.resources) {
        const { resources } = await client.listResources();
        await attempt('a resource', () => client.readResource({ uri: resources[0].uri }));
    }
    if (client.getServerCapabilities()?.prompts) {
        const { prompts } = await client.listPrompts();
        await attempt('a prompt', () => client.getPrompt({ name: prompts[0].name }));
    }
}

const gateway = program === undefined ? undefined : await startGateway();
const headers = gateway === undefined ? {} : { 'X-AIP-Token': readFileSync(tokenFile, 'utf8').trim() };
const client = new Client(
    { name: 'e2e', version: '1' },
    { capabilities: { elicitation: { form: { applyDefaults: true } } }, versionNegotiation: { mode: 'auto' } },
);
client.setRequestHandler('elicitation/create', async ({ params }) => ({
    action: 'accept',
    content: params.requestedSchema.properties.confirmed === undefined ? {} : { confirmed: true },
}));
await attempt('the session', async () => {
    await client.connect(new StreamableHTTPClientTransport(gateway?.address ?? url, { requestInit: { headers } }));
    await useAll(client);
});
await client.close();
await gateway?.stop();
