// The tools, resources and prompts of the tests' MCP server: those that the conformance suite asks for, and some that
// tell what reached them.
import { createHmac, randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { MissingRequiredClientCapabilityError, ProtocolError, ResourceNotFoundError } from '@modelcontextprotocol/server';

const IMAGE = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==';
const AUDIO = 'UklGRiQAAABXQVZFZm10IBAAAAABAAEARKwAAIhYAQACABAAZGF0YQAAAAA=';
const text = (value) => ({ content: [{ type: 'text', text: value }] });
const secret = randomBytes(32);
export const told = { cancelled: 0, calls: 0, started: 0, later: '' };

// ---- state that comes back from the caller ----

function seal(value) {
    const body = Buffer.from(JSON.stringify(value)).toString('base64url');
    return `${body}.${createHmac('sha256', secret).update(body).digest('base64url')}`;
}

function unseal(state) {
    const body = String(state).split('.')[0];
    const value = JSON.parse(Buffer.from(body, 'base64url').toString() || 'null');
    if (seal(value) !== state) {
        throw new ProtocolError(-32602, 'requestState was changed');
    }
    return value;
}

// ---- questions to the caller ----

const elicit = (message, properties) => ({
    method: 'elicitation/create',
    params: { message, requestedSchema: { type: 'object', properties, required: Object.keys(properties) } },
});
const sample = (prompt, maxTokens) => ({
    method: 'sampling/createMessage',
    params: { messages: [{ role: 'user', content: { type: 'text', text: prompt } }], maxTokens },
});
const roots = { method: 'roots/list', params: {} };
const askName = { user_name: elicit('What is your name?', { name: { type: 'string' } }) };
const required = (inputRequests, state) => ({
    resultType: 'input_required',
    inputRequests,
    ...(state === undefined ? {} : { requestState: state }),
});

function answered(ctx, key) {
    const value = ctx.mcpReq.inputResponses?.[key];
    return value !== null && typeof value === 'object' ? value : undefined;
}

// Asks with `questions` until all of them are answered; then what `done` makes of the answers.
function ask(questions, done, state) {
    return (args, ctx) => {
        const given = ctx.mcpReq.requestState();
        const before = given === undefined ? undefined : unseal(given);
        const complete = Object.keys(questions).every((key) => answered(ctx, key));
        return complete ? done((key) => answered(ctx, key), before) : required(questions, state && seal(state));
    };
}

function multiRound(args, ctx) {
    const state = ctx.mcpReq.requestState();
    const { round, name } = state === undefined ? { round: 0 } : unseal(state);
    const step1 = { step1: elicit('Step 1: What is your name?', { name: { type: 'string' } }) };
    const step2 = { step2: elicit('Step 2: What is your favorite color?', { color: { type: 'string' } }) };
    if (round === 1 && answered(ctx, 'step1')) {
        return required(step2, seal({ round: 2, name: answered(ctx, 'step1').content?.name }));
    }
    return round === 2 && answered(ctx, 'step2')
        ? text(`${name} likes ${answered(ctx, 'step2').content?.color}`)
        : required(step1, seal({ round: 1 }));
}

function demandCapability(ctx, name) {
    const has = ctx.mcpReq.envelope?.['io.modelcontextprotocol/clientCapabilities']?.[name];
    if (ctx.mcpReq.envelope !== undefined && has === undefined) {
        throw new MissingRequiredClientCapabilityError({ requiredCapabilities: { [name]: {} } });
    }
}

// Asks only for what the caller can answer.
function askWhatIsPossible(args, ctx) {
    const can = ctx.mcpReq.envelope?.['io.modelcontextprotocol/clientCapabilities'] ?? {};
    const questions = {
        ...(can.elicitation ? askName : {}),
        ...(can.sampling ? { greeting: sample('Say hello', 50) } : {}),
        ...(can.roots ? { client_roots: roots } : {}),
    };
    return Object.keys(questions).length === 0
        ? text('nothing to ask')
        : ask(questions, () => text('asked'))(args, ctx);
}

const FORM_WITH_DEFAULTS = {
    name: { type: 'string', default: 'John Doe' },
    age: { type: 'integer', default: 30 },
    score: { type: 'number', default: 95.5 },
    verified: { type: 'boolean', default: true },
    status: { type: 'string', enum: ['active', 'inactive', 'pending'], default: 'active' },
};
const choices = (...values) => values.map((value, i) => ({ const: value, title: `Choice ${i + 1}` }));
const FORM_OF_ENUMS = {
    untitledSingle: { type: 'string', enum: ['option1', 'option2', 'option3'] },
    titledSingle: { type: 'string', oneOf: choices('value1', 'value2', 'value3') },
    legacyEnum: { type: 'string', enum: ['opt1', 'opt2', 'opt3'], enumNames: ['One', 'Two', 'Three'] },
    untitledMulti: {
        type: 'array',
        minItems: 1,
        maxItems: 3,
        items: { type: 'string', enum: ['option1', 'option2', 'option3'] },
    },
    titledMulti: { type: 'array', minItems: 1, maxItems: 3, items: { anyOf: choices('value1', 'value2', 'value3') } },
};

async function askForm(ctx, message, properties, label) {
    const { params } = elicit(message, properties);
    const reply = await ctx.mcpReq.send({
        method: 'elicitation/create',
        params: { ...params, requestedSchema: { ...params.requestedSchema, required: [] } },
    });
    return text(`${label}: action=${reply.action}, content=${JSON.stringify(reply.content ?? {})}`);
}

// ---- tools ----

async function log(args, ctx) {
    for (const data of ['Tool execution started', 'Tool processing data', 'Tool execution completed']) {
        await ctx.mcpReq.log('info', data);
        await sleep(50);
    }
    return text('logged');
}

async function progress(args, ctx) {
    const progressToken = ctx.mcpReq._meta?.progressToken;
    for (let done = 0; done <= 100 && progressToken !== undefined; done += 50) {
        await ctx.mcpReq.notify({
            method: 'notifications/progress',
            params: { progressToken, progress: done, total: 100 },
        });
        await sleep(args.pause ?? 50);
    }
    return text(String(progressToken));
}

// Works until its caller goes or cancels.
async function wait(args, ctx) {
    told.started += 1;
    await new Promise((done) => ctx.mcpReq.signal.addEventListener('abort', done));
    told.cancelled += 1;
    return text('cancelled');
}

// Asks when the call is over, so on the stream of the session.
function askLater(args, ctx, notify, server) {
    setTimeout(() => {
        const { params } = sample('Are you still there?', 10);
        server.createMessage(params).then(
            ({ content }) => void (told.later = content.text),
            () => {},
        );
    }, 50);
    return text('later');
}

async function reconnection(args, ctx) {
    ctx.http?.closeSSE?.();
    await sleep(200);
    return text('the stream was closed and resumed');
}

const embedded = {
    type: 'resource',
    resource: { uri: 'test://embedded-resource', mimeType: 'text/plain', text: 'embedded' },
};
export const TOOLS = {
    test_simple_text: { call: () => text('This is a simple text response for testing.') },
    test_image_content: { call: () => ({ content: [{ type: 'image', data: IMAGE, mimeType: 'image/png' }] }) },
    test_audio_content: { call: () => ({ content: [{ type: 'audio', data: AUDIO, mimeType: 'audio/wav' }] }) },
    test_embedded_resource: { call: () => ({ content: [embedded] }) },
    test_multiple_content_types: {
        call: () => ({
            content: [
                { type: 'text', text: 'Multiple content types test:' },
                { type: 'image', data: IMAGE, mimeType: 'image/png' },
                {
                    type: 'resource',
                    resource: { uri: 'test://mixed-content-resource', mimeType: 'application/json', text: '{}' },
                },
            ],
        }),
    },
    test_tool_with_logging: { call: log },
    test_logging_tool: { call: log },
    test_tool_with_progress: { call: progress },
    test_error_handling: {
        call: () => ({ isError: true, ...text('This tool intentionally returns an error for testing') }),
    },
    test_reconnection: { call: reconnection },
    test_sampling: {
        input: { prompt: { type: 'string' } },
        call: async ({ prompt }, ctx) => {
            const reply = await ctx.mcpReq.send(sample(prompt, 100));
            return text(`LLM response: ${reply.content?.text}`);
        },
    },
    test_elicitation: {
        input: { message: { type: 'string' } },
        call: async ({ message }, ctx) => {
            const reply = await ctx.mcpReq.send(elicit(message, { response: { type: 'string' } }));
            return text(`User response: action=${reply.action}, content=${JSON.stringify(reply.content ?? {})}`);
        },
    },
    test_elicitation_sep1034_defaults: {
        call: (args, ctx) => askForm(ctx, 'Please review', FORM_WITH_DEFAULTS, 'Elicitation completed'),
    },
    test_elicitation_sep1330_enums: {
        call: (args, ctx) => askForm(ctx, 'Please select', FORM_OF_ENUMS, 'Elicitation completed'),
    },
    json_schema_2020_12_tool: {
        schema: {
            $schema: 'https://json-schema.org/draft/2020-12/schema',
            type: 'object',
            $defs: {
                address: {
                    $anchor: 'addressDef',
                    type: 'object',
                    properties: { street: { type: 'string' }, city: { type: 'string' } },
                },
            },
            properties: {
                name: { type: 'string' },
                address: { $ref: '#/$defs/address' },
                contactMethod: { type: 'string', enum: ['phone', 'email'] },
                phone: { type: 'string' },
                email: { type: 'string' },
            },
            allOf: [{ anyOf: [{ required: ['phone'] }, { required: ['email'] }] }],
            if: { properties: { contactMethod: { const: 'phone' } }, required: ['contactMethod'] },
            then: { required: ['phone'] },
            else: { required: ['email'] },
            additionalProperties: false,
        },
        call: (args) => text(JSON.stringify(args)),
    },
    test_headers: {
        schema: {
            type: 'object',
            properties: { region: { type: 'string', 'x-mcp-header': 'Region' } },
            required: ['region'],
        },
        call: ({ region }) => text(region),
    },
    test_missing_capability: {
        call: (args, ctx) => {
            demandCapability(ctx, 'sampling');
            return text('the caller can sample');
        },
    },
    test_streaming_elicitation: {
        call: async (args, ctx) => {
            await progress({ pause: 1 }, ctx);
            return ask(askName, () => text('done'))(args, ctx);
        },
    },
    test_trigger_tool_change: { call: (args, ctx, notify) => (notify.toolsChanged(), text('told')) },
    test_trigger_prompt_change: { call: (args, ctx, notify) => (notify.promptsChanged(), text('told')) },
    test_input_required_result_elicitation: {
        call: ask(askName, (of) => text(`Hello, ${of('user_name').content?.name}!`)),
    },
    test_input_required_result_sampling: {
        call: ask({ capital_question: sample('What is the capital of France?', 100) }, (of) =>
            text(of('capital_question').content?.text ?? 'no text'),
        ),
    },
    test_input_required_result_list_roots: {
        call: ask({ client_roots: roots }, (of) => text(JSON.stringify(of('client_roots').roots ?? []))),
    },
    test_input_required_result_request_state: {
        call: ask(
            { confirm: elicit('Please confirm', { ok: { type: 'boolean' } }) },
            (of, before) => text(before === undefined ? 'no state' : 'state-ok'),
            { of: 'żółć "\\' },
        ),
    },
    test_input_required_result_multiple_inputs: {
        call: ask(
            { ...askName, greeting: sample('Generate a greeting', 50), client_roots: roots },
            () => text('all answered'),
            { many: true },
        ),
    },
    test_input_required_result_multi_round: { call: multiRound },
    test_input_required_result_tampered_state: {
        call: ask({ confirm: elicit('Please confirm', { ok: { type: 'boolean' } }) }, () => text('confirmed'), {
            sealed: true,
        }),
    },
    test_input_required_result_capabilities: { call: askWhatIsPossible },
    test_tool_asks_later: { call: askLater },
    echo: { input: { message: { type: 'string' } }, call: ({ message }) => text(`Echo: ${message}`) },
    wait: { call: wait },
    tell: { call: () => text(JSON.stringify(told)) },
    touch: {
        input: { uri: { type: 'string' } },
        call: ({ uri }, ctx, notify) => (notify.resourceUpdated(uri), text('touched')),
    },
    what_came: {
        call: (args, ctx) =>
            text(JSON.stringify({ id: ctx.mcpReq.id, headers: Object.fromEntries(ctx.http?.req?.headers ?? []) })),
    },
};

export const RESOURCES = {
    'test://static-text': { text: 'This is the content of the static text resource.', mimeType: 'text/plain' },
    'test://static-binary': { blob: IMAGE, mimeType: 'image/png' },
    'test://watched-resource': { text: 'watched', mimeType: 'text/plain' },
};

export function readResource(uri) {
    const id = /^test:\/\/template\/([^/]+)\/data$/.exec(uri)?.[1];
    const found =
        id === undefined
            ? RESOURCES[uri]
            : {
                  mimeType: 'application/json',
                  text: JSON.stringify({ id, templateTest: true, data: `Data for ID: ${id}` }),
              };
    if (found === undefined) {
        throw new ResourceNotFoundError(uri);
    }
    return { contents: [{ uri, ...found }] };
}

const said = (...contents) => ({ messages: contents.map((content) => ({ role: 'user', content })) });
export const PROMPTS = {
    test_simple_prompt: { get: () => said({ type: 'text', text: 'This is a simple prompt for testing.' }) },
    test_prompt_with_arguments: {
        arguments: ['arg1', 'arg2'],
        get: ({ arg1, arg2 }) => said({ type: 'text', text: `Prompt with arguments: arg1='${arg1}', arg2='${arg2}'` }),
    },
    test_prompt_with_embedded_resource: {
        arguments: ['resourceUri'],
        get: ({ resourceUri }) =>
            said(
                { type: 'resource', resource: { uri: resourceUri, mimeType: 'text/plain', text: 'embedded' } },
                { type: 'text', text: 'Please process the embedded resource above.' },
            ),
    },
    test_prompt_with_image: {
        get: () =>
            said(
                { type: 'image', data: IMAGE, mimeType: 'image/png' },
                { type: 'text', text: 'Please analyze the image above.' },
            ),
    },
    test_input_required_result_prompt: {
        get: (args, ctx) =>
            ask(
                { user_context: elicit('What context should the prompt use?', { context: { type: 'string' } }) },
                (of) => said({ type: 'text', text: `Context: ${of('user_context').content?.context}` }),
            )(args, ctx),
    },
};
