// An MCP server with tasks (revision 2025-11-25), of the official SDK: without sessions, so that a task outlives every
// connection, or with them (`sessions`), so that a task can ask its client. And at /modern one of 2026-07-28, which the
// SDK has no tasks for: it answers what the extension's text says.
// `GET /lost` counts requests about tasks of others that came to it there.
import { randomUUID } from 'node:crypto';
import express from 'express';
import { InMemoryTaskMessageQueue, InMemoryTaskStore } from '@modelcontextprotocol/sdk/experimental/tasks';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import { CreateTaskResultSchema, ElicitResultSchema, GetTaskResultSchema } from '@modelcontextprotocol/sdk/types.js';
import { z } from 'zod';

const taskStore = new InMemoryTaskStore();
const taskMessageQueue = new InMemoryTaskMessageQueue();
const text = (value) => ({ content: [{ type: 'text', text: value }] });

function makeServer() {
    const server = new McpServer(
        { name: 'tasks', version: '1' },
        {
            capabilities: { tools: {}, tasks: { list: {}, cancel: {}, requests: { tools: { call: {} } } } },
            taskStore,
            taskMessageQueue,
        },
    );
    // `work(input, ask)` gives the result of a task, whenever it will.
    const add = (name, work) =>
        server.experimental.tasks.registerToolTask(
            name,
            { description: name, inputSchema: { input: z.string() }, execution: { taskSupport: 'required' } },
            {
                createTask: async ({ input }, extra) => {
                    const task = await extra.taskStore.createTask({ ttl: 600000, pollInterval: 50 });
                    const ask = (message) =>
                        extra.sendRequest(
                            {
                                method: 'elicitation/create',
                                params: {
                                    message,
                                    mode: 'form',
                                    requestedSchema: { type: 'object', properties: { word: { type: 'string' } } },
                                },
                            },
                            ElicitResultSchema,
                            { relatedTask: { taskId: task.taskId } },
                        );
                    work(input, ask).then(
                        (result) => extra.taskStore.storeTaskResult(task.taskId, 'completed', result),
                        () => {},
                    );
                    return { task };
                },
                getTask: (_, extra) => extra.taskStore.getTask(extra.taskId),
                getTaskResult: (_, extra) => extra.taskStore.getTaskResult(extra.taskId),
            },
        );
    add('shout', async (input) => text(input.toUpperCase()));
    add('leak', async () => text(`the key is AKIA${'QWERTYUIOPASDFGH'}`));
    add('wait', () => new Promise(() => {}));
    add('ask', async (input, ask) => text(`you said ${(await ask(input)).content.word}`));
    // Here the client has the task, and the server asks for it.
    server.registerTool('far', { description: 'far', inputSchema: { input: z.string() } }, async ({ input }, extra) => {
        const requestedSchema = { type: 'object', properties: { word: { type: 'string' } } };
        const params = { message: input, mode: 'form', requestedSchema, task: { ttl: 60000 } };
        const { task } = await extra.sendRequest({ method: 'elicitation/create', params }, CreateTaskResultSchema);
        const of = { taskId: task.taskId };
        const { status } = await extra.sendRequest({ method: 'tasks/get', params: of }, GetTaskResultSchema);
        const { content } = await extra.sendRequest({ method: 'tasks/result', params: of }, ElicitResultSchema);
        return text(`${status}: ${content.word}`);
    });
    server.registerTool('plain', { description: 'plain', inputSchema: { input: z.string() } }, async ({ input }) => text(input));
    return server;
}

const app = express();
app.use(express.json());

const sessions = new Map();
app.all('/mcp', async (request, response) => {
    const id = request.headers['mcp-session-id'];
    let transport = sessions.get(id);
    if (transport === undefined) {
        transport = new StreamableHTTPServerTransport({
            sessionIdGenerator: process.argv[2] === 'sessions' ? randomUUID : undefined,
            onsessioninitialized: (made) => sessions.set(made, transport),
        });
        await makeServer().connect(transport);
    }
    await transport.handleRequest(request, response, request.body);
});

// ---- 2026-07-28 ----

const modern = new Map();
const state = (task) => ({
    resultType: 'complete',
    taskId: task.id,
    createdAt: '2026-01-01T00:00:00Z',
    lastUpdatedAt: '2026-01-01T00:00:00Z',
    ttlMs: 600000,
    status: task.word === undefined ? 'input_required' : 'completed',
    ...(task.word === undefined
        ? { inputRequests: { word: { method: 'elicitation/create', params: { message: 'a word', mode: 'form' } } } }
        : { result: text(`you said ${task.word}`) }),
});
const methods = {
    'tools/call': (_, __, who) => {
        const task = { id: randomUUID(), who };
        modern.set(task.id, task);
        return { ...state(task), status: 'working', inputRequests: undefined, resultType: 'task' };
    },
    'tasks/get': (task) => state(task),
    'tasks/update': (task, { inputResponses }) => {
        task.word = inputResponses.word.content.word;
        return { resultType: 'complete' };
    },
    'tasks/cancel': (task) => {
        modern.delete(task.id);
        return { resultType: 'complete' };
    },
};
let lost = 0;
app.get('/lost', (_, response) => response.json(lost));
app.post('/modern', (request, response) => {
    const { id, method, params } = request.body;
    const [task, who] = [modern.get(params.taskId), request.headers['x-aip-subject']];
    if (method !== 'tools/call' && (task?.who !== who || request.headers['mcp-name'] !== task.id)) {
        lost += 1;
        response.json({ jsonrpc: '2.0', id, error: { code: -32602, message: 'Task not found' } });
        return;
    }
    response.json({ jsonrpc: '2.0', id, result: methods[method](task, params, who) });
});

const server = app.listen(0, '127.0.0.1', () => console.log(`listening on http://127.0.0.1:${server.address().port}/mcp`));
