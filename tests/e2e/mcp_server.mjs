// An MCP server for the tests, of the official packages: both eras on one URL. Legacy sessions keep their events for
// resumption.
import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { Readable } from 'node:stream';
import {
    ProtocolError,
    Server,
    WebStandardStreamableHTTPServerTransport,
    createMcpHandler,
    hostHeaderValidationResponse,
    isLegacyRequest,
    localhostAllowedHostnames,
    localhostAllowedOrigins,
    originValidationResponse,
} from '@modelcontextprotocol/server';
import { PROMPTS, RESOURCES, TOOLS, readResource, told } from './mcp_tools.mjs';

const CAPABILITIES = {
    tools: { listChanged: true },
    prompts: { listChanged: true },
    resources: { listChanged: true, subscribe: true },
    logging: {},
    completions: {},
};
const none = { type: 'object', properties: {} };

function makeServer(era, notify) {
    const server = new Server(
        { name: 'test-server', version: '1' },
        {
            capabilities: CAPABILITIES,
            cacheHints: Object.fromEntries(
                [
                    'server/discover',
                    'tools/list',
                    'prompts/list',
                    'resources/list',
                    'resources/templates/list',
                    'resources/read',
                ].map((method) => [method, { ttlMs: 1000, cacheScope: 'public' }]),
            ),
        },
    );
    const on = (method, run) => server.setRequestHandler(method, async ({ params = {} }, ctx) => run(params, ctx));
    on('tools/list', () => ({
        tools: Object.entries(TOOLS).map(([name, tool]) => ({
            name,
            description: `The tool ${name}`,
            inputSchema:
                tool.schema ??
                (tool.input ? { ...none, properties: tool.input, required: Object.keys(tool.input) } : none),
        })),
    }));
    on('tools/call', ({ name, arguments: args = {} }, ctx) => {
        told.calls += 1;
        if (TOOLS[name] === undefined) {
            throw new ProtocolError(-32602, `Unknown tool: ${name}`);
        }
        return TOOLS[name].call(args, ctx, notify(server), server);
    });
    on('resources/list', () => ({
        resources: Object.entries(RESOURCES).map(([uri, { mimeType }]) => ({ uri, name: uri, mimeType })),
    }));
    on('resources/templates/list', () => ({
        resourceTemplates: [
            { uriTemplate: 'test://template/{id}/data', name: 'template', mimeType: 'application/json' },
        ],
    }));
    on('resources/read', ({ uri }) => readResource(uri));
    on('prompts/list', () => ({
        prompts: Object.entries(PROMPTS).map(([name, prompt]) => ({
            name,
            description: `The prompt ${name}`,
            arguments: (prompt.arguments ?? []).map((each) => ({ name: each, description: each, required: true })),
        })),
    }));
    on('prompts/get', ({ name, arguments: args = {} }, ctx) => PROMPTS[name].get(args, ctx));
    on('completion/complete', () => ({ completion: { values: ['test', 'testing'], total: 2, hasMore: false } }));
    if (era === 'legacy') {
        on('resources/subscribe', () => ({}));
        on('resources/unsubscribe', () => ({}));
    }
    return server;
}

// ---- legacy sessions ----

// Events by stream, in their order.
class Events {
    streams = new Map();

    async storeEvent(stream, message) {
        const events = this.streams.get(stream) ?? [];
        this.streams.set(stream, events);
        events.push(message);
        return `${stream}#${events.length}`;
    }

    async getStreamIdForEventId(id) {
        return id.slice(0, id.lastIndexOf('#'));
    }

    async replayEventsAfter(id, { send }) {
        const stream = id.slice(0, id.lastIndexOf('#'));
        const seen = Number(id.slice(id.lastIndexOf('#') + 1));
        for (const [i, message] of (this.streams.get(stream) ?? []).entries()) {
            if (i >= seen && Object.keys(message).length > 0) {
                await send(`${stream}#${i + 1}`, message);
            }
        }
        return stream;
    }
}

const sessions = new Map();
const tellSession = (server) => ({
    toolsChanged: () => void server.sendToolListChanged(),
    promptsChanged: () => void server.sendPromptListChanged(),
    resourceUpdated: (uri) => void server.sendResourceUpdated({ uri }),
});

async function serveLegacy(request) {
    const id = request.headers.get('mcp-session-id');
    if (id !== null) {
        return sessions.get(id)?.handleRequest(request) ?? new Response(null, { status: 404 });
    }
    const transport = new WebStandardStreamableHTTPServerTransport({
        sessionIdGenerator: randomUUID,
        eventStore: new Events(),
        retryInterval: 100,
        onsessioninitialized: (made) => void sessions.set(made, transport),
        onsessionclosed: (ended) => void sessions.delete(ended),
    });
    await makeServer('legacy', tellSession).connect(transport);
    return transport.handleRequest(request);
}

// ---- HTTP ----

const modern = createMcpHandler(({ era }) => makeServer(era, () => modern.notify), { legacy: 'reject' });

async function answer(request) {
    const refused =
        hostHeaderValidationResponse(request, localhostAllowedHostnames()) ??
        originValidationResponse(request, localhostAllowedOrigins());
    if (refused) {
        return refused;
    }
    return (await isLegacyRequest(request.clone())) ? serveLegacy(request) : modern.fetch(request);
}

async function onRequest(incoming, outgoing) {
    const gone = new AbortController();
    outgoing.on('close', () => gone.abort());
    const request = new Request(`http://${incoming.headers.host}${incoming.url}`, {
        method: incoming.method,
        headers: incoming.headers,
        signal: gone.signal,
        ...(incoming.method === 'POST' ? { body: Readable.toWeb(incoming), duplex: 'half' } : {}),
    });
    const response = await answer(request);
    outgoing.writeHead(response.status, Object.fromEntries(response.headers));
    outgoing.flushHeaders();
    if (response.body === null) {
        outgoing.end();
        return;
    }
    const body = Readable.fromWeb(response.body);
    outgoing.on('close', () => body.destroy()); // a stream that nobody reads is none of its session's any more
    body.on('error', () => outgoing.destroy()).pipe(outgoing);
}

const http = createServer((incoming, outgoing) => {
    onRequest(incoming, outgoing).catch((error) => {
        console.error(error);
        outgoing.destroy();
    });
});
http.listen(0, '127.0.0.1', () => console.log(`listening on http://127.0.0.1:${http.address().port}/mcp`));
