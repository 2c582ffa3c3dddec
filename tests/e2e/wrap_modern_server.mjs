// An MCP server over stdin and stdout, of the official packages, that serves both eras: the first message says which.
import { setTimeout as sleep } from 'node:timers/promises';
import { Server } from '@modelcontextprotocol/server';
import { serveStdio } from '@modelcontextprotocol/server/stdio';

const told = { cancelled: 0 };
const text = (value) => ({ content: [{ type: 'text', text: value }] });
const question = {
    name: { method: 'elicitation/create', params: { mode: 'form', message: 'Your name?',
        requestedSchema: { type: 'object', properties: { name: { type: 'string' } } } } },
};

const TOOLS = {
    echo: ({ message }) => text(`Echo: ${message}`),
    told: () => text(JSON.stringify(told)),
    change: async (args, ctx, server) => (await server.sendToolListChanged(), text('changed')),
    ask: (args, ctx) => {
        const name = ctx.mcpReq.inputResponses?.name?.content?.name;
        return name === undefined ? { resultType: 'input_required', inputRequests: question, requestState: 'round 1' }
            : text(`Hello, ${name}, in ${ctx.mcpReq.requestState()}`);
    },
    work: async ({ steps }, ctx) => {
        for (let done = 1; done <= steps; done++) {
            await sleep(60);
            await ctx.mcpReq.notify({ method: 'notifications/progress',
                params: { progressToken: ctx.mcpReq._meta?.progressToken, progress: done, total: steps } });
        }
        await sleep(60);
        return text('worked');
    },
    wait: async (args, ctx) => {
        ctx.mcpReq.signal.addEventListener('abort', () => { told.cancelled += 1; });
        await sleep(1500, undefined, { signal: ctx.mcpReq.signal });
        return text('waited');
    },
};

serveStdio(() => {
    const server = new Server({ name: 'both', version: '1' }, { capabilities: { tools: { listChanged: true } } });
    server.setRequestHandler('tools/list', async () => ({
        tools: Object.keys(TOOLS).map((name) => ({ name, inputSchema: { type: 'object' } })),
    }));
    server.setRequestHandler('tools/call', async ({ params }, ctx) =>
        TOOLS[params.name](params.arguments ?? {}, ctx, server));
    return server;
});
