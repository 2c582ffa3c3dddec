// The official client of the revision 2025-11-25 with tasks, through the gateway. Prints a line for each check.
// Usage: node tasks.mjs begin|later|sessions|stdio GATEWAY_URL TOKEN_FILE OTHER_TOKEN_FILE FILE
// `begin` writes to FILE what `later` asks for.
import { readFileSync, writeFileSync } from 'node:fs';
import { InMemoryTaskStore } from '@modelcontextprotocol/sdk/experimental/tasks';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { CallToolResultSchema, CreateTaskResultSchema, ElicitRequestSchema, TaskStatusNotificationSchema } from '@modelcontextprotocol/sdk/types.js';
import { check, demand, outcome, refuses, until } from './sdk_checks.mjs';

const [stage, url, tokenFile, otherTokenFile, file] = process.argv.slice(2);

async function connect(tokens) {
    const client = new Client(
        { name: 'e2e', version: '1' },
        {
            capabilities: {
                elicitation: { form: {} },
                tasks: { list: {}, cancel: {}, requests: { elicitation: { create: {} } } },
            },
            taskStore: new InMemoryTaskStore(),
        },
    );
    client.setRequestHandler(ElicitRequestSchema, async ({ params }, extra) => {
        const said = `yes to ${params.message}`;
        const answer = { action: 'accept', content: { word: said, interpretation: said } };
        if (params.task === undefined) {
            return answer;
        }
        const task = await extra.taskStore.createTask({ ttl: params.task.ttl });
        setTimeout(() => extra.taskStore.storeTaskResult(task.taskId, 'completed', answer), 300);
        return { task };
    });
    const headers = { 'X-AIP-Token': readFileSync(tokens, 'utf8').trim() };
    await client.connect(new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers } }));
    return client;
}

const mine = await connect(tokenFile);
const other = await connect(otherTokenFile);
const tasks = mine.experimental.tasks;
const others = other.experimental.tasks;

async function begin(client, name, input) {
    const params = { name, arguments: { input }, task: { ttl: 600000 } };
    const { task } = await client.request({ method: 'tools/call', params }, CreateTaskResultSchema);
    return task.taskId;
}
const isDone = (id) => until(async () => (await tasks.getTask(id)).status === 'completed', 'it does not end');
const textOf = async (of, id) => (await of.getTaskResult(id, CallToolResultSchema)).content[0].text;

// JSON-RPC's own number, which a server gives as well, and the same words for a task that never was.
async function isUnknown(run) {
    let told = null;
    await refuses('task.not_found', () => run().catch((error) => {
        told = error;
        throw error;
    }));
    demand(told.code === -32602, `the code is ${told.code}`);
    return told.message;
}

async function others_know_nothing(id) {
    const never = await isUnknown(() => others.getTask('never-was'));
    for (const run of [() => others.getTask(id), () => textOf(others, id), () => others.cancelTask(id)]) {
        const told = await isUnknown(run);
        demand(told === never, `"${told}" is not "${never}"`);
    }
}

if (stage === 'begin') {
    const [done, waits] = [await begin(mine, 'shout', 'hello'), await begin(mine, 'wait', '')];
    const theirs = await begin(other, 'shout', 'theirs');

    await check('a tool is called as a task, and its result fetched', async () => {
        await isDone(done);
        const text = await textOf(tasks, done);
        demand(text === 'HELLO', text);
    });
    await check('the SDK follows a task to its end', async () => {
        const seen = [];
        for await (const each of tasks.callToolStream({ name: 'shout', arguments: { input: 'a' } }, CallToolResultSchema, { task: {} })) {
            seen.push(each.type === 'result' ? each.result.content[0].text : each.type);
        }
        demand(seen[0] === 'taskCreated' && seen.at(-1) === 'A', seen);
    });
    await check('another agent finds no such task', () => others_know_nothing(done));
    await check('each sees its own in lists, on every page', async () => {
        for (let i = 0; i < 12; i++) {
            await begin(i % 4 === 0 ? mine : other, 'shout', `${i}`);
        }
        const all = async (of) => {
            const ids = [];
            let cursor;
            do {
                const page = await of.listTasks(cursor);
                ids.push(...page.tasks.map((each) => each.taskId));
                cursor = page.nextCursor;
            } while (cursor !== undefined);
            return ids;
        };
        const [a, b] = [await all(tasks), await all(others)];
        demand(a.length === 6 && a.includes(done) && a.includes(waits) && !a.includes(theirs), a);
        demand(b.length === 10 && b.includes(theirs) && !b.includes(done), b);
    });
    await check('a call without a task is as before', async () => {
        const { content } = await mine.callTool({ name: 'plain', arguments: { input: 'x' } });
        demand(content[0].text === 'x', content);
    });
    await check('what a tool must not tell is taken out of the result of its task', async () => {
        const id = await begin(mine, 'leak', '');
        await isDone(id);
        await refuses('dlp.blocked', () => textOf(tasks, id));
    });
    await check('what is no id of a task is refused as such', () =>
        refuses('request.invalid', () => mine.request({ method: 'tasks/get', params: { taskId: 'a\u0000b' } }, CallToolResultSchema)));
    writeFileSync(file, JSON.stringify({ done, waits }));
}

if (stage === 'later') {
    const { done, waits } = JSON.parse(readFileSync(file, 'utf8'));
    await check('the owner still has its task', async () => demand((await textOf(tasks, done)) === 'HELLO', 'another result'));
    await check('which is in its list', async () => {
        const { tasks: listed } = await tasks.listTasks();
        demand(listed.some((each) => each.taskId === done), listed);
    });
    await check('nobody else has it', () => others_know_nothing(done));
    await check('nobody else cancels one', async () => {
        await isUnknown(() => others.cancelTask(waits));
        demand((await tasks.getTask(waits)).status === 'working', 'it was cancelled');
    });
    if (file.endsWith('.last')) {
        await check('but its owner', async () => {
            await tasks.cancelTask(waits);
            demand((await tasks.getTask(waits)).status === 'cancelled', 'it was not cancelled');
        });
    }
}

if (stage === 'sessions') {
    await check('a task asks its own client while its result is waited for', async () => {
        const id = await begin(mine, 'ask', 'a word');
        await until(async () => (await tasks.getTask(id)).status === 'input_required', 'it does not ask');
        const text = await textOf(tasks, id);
        demand(text === 'you said yes to a word', text);
    });
    await check('a server asks for a task that its client has', async () => {
        const { content } = await mine.callTool({ name: 'far', arguments: { input: 'it' } });
        demand(content[0].text === 'working: yes to it', content);
    });
}

if (stage === 'stdio') {
    const told = { mine: [], other: [] };
    mine.setNotificationHandler(TaskStatusNotificationSchema, ({ params }) => void told.mine.push(params.taskId));
    other.setNotificationHandler(TaskStatusNotificationSchema, ({ params }) => void told.other.push(params.taskId));
    const research = async (client, ambiguous) => {
        const params = { name: 'simulate-research-query', arguments: { topic: 'python', ambiguous }, task: { ttl: 60000 } };
        return (await client.request({ method: 'tools/call', params }, CreateTaskResultSchema)).task.taskId;
    };
    const [id, theirs] = [await research(mine, true), await research(other, false)];
    await check('two agents have tasks of their own at one server behind a pipe', () => others_know_nothing(id));
    await check('a task asks its own client there', async () => {
        await until(async () => (await tasks.getTask(id)).status === 'input_required', 'it does not ask');
        const text = await textOf(tasks, id);
        demand(/yes to/.test(text), text);
    });
    await check('and each is told of its own', async () => {
        await until(() => told.mine.length > 0 && told.other.length > 0, `told: ${JSON.stringify(told)}`);
        demand(told.mine.every((each) => each === id) && told.other.every((each) => each === theirs), told);
    });
}

await mine.close();
await other.close();
process.exit(outcome.failed === 0 ? 0 : 1);
