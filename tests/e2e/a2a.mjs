// The official A2A client through the gateway: both versions, both bindings. Prints a line for each check.
// Usage: a2a.mjs GATEWAY_ORIGIN AGENT_ORIGIN PUBLIC_ORIGIN GATEWAY_DID TOKEN_FILE OTHER_TOKEN_FILE
import { readFileSync } from 'node:fs';
import { randomUUID } from 'node:crypto';
import { Role, TaskState, verifyAgentCardSignature } from '@a2a-js/sdk';
import { ClientFactory, DefaultAgentCardResolver, JsonRpcTransportFactory, RestTransportFactory } from '@a2a-js/sdk/client';

const [gateway, agent, publicOrigin, did, tokenFile, otherFile] = process.argv.slice(2);
const tokens = { first: readFileSync(tokenFile, 'utf8').trim(), other: readFileSync(otherFile, 'utf8').trim() };
let failed = 0;
console.error = console.debug = () => {}; // the SDK tells there what it throws
const check = async (name, test) => {
  try {
    const problem = await test();
    if (problem) throw new Error(problem);
    console.log(`ok   ${name}`);
  } catch (error) {
    failed++;
    console.log(`FAIL ${name}: ${String(error?.stack ?? error).slice(0, 400)}`);
  }
};
const expect = (good, otherwise) => (good ? undefined : `${otherwise ?? 'not so'}`);
// Fails unless it is refused so.
const refused = async (pattern, call) => {
  try {
    await call();
  } catch (error) {
    const said = `${error?.name} ${error?.message} ${JSON.stringify(error?.data ?? error?.details ?? '')} ${error?.errorResponse ? JSON.stringify(error.errorResponse) : ''}`;
    return expect(pattern.test(said), `refused otherwise: ${said}`);
  }
  return 'it went through';
};

// The public name leads to the gateway, and calls carry a token.
const through = (token) => (input, init = {}) => {
  const url = String(input instanceof Request ? input.url : input).replace(publicOrigin, gateway);
  if (!url.startsWith(gateway)) throw new Error(`the card leads to ${url}`);
  const headers = new Headers(init.headers);
  if (token) headers.set('X-AIP-Token', token);
  return fetch(url, { ...init, headers });
};

const base58 = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz';
const keyOf = (identifier) => {
  let number = [...identifier.replace('did:aip:z', '')].reduce((sum, each) => sum * 58n + BigInt(base58.indexOf(each)), 0n);
  const bytes = Buffer.from(number.toString(16).padStart(68, '0'), 'hex').subarray(2);
  return { kty: 'OKP', crv: 'Ed25519', x: bytes.toString('base64url') };
};

const clientOf = async (who, binding, version) => {
  const legacyCompat = { enabled: true };
  const fetchImpl = through(tokens[who]);
  const resolver = new DefaultAgentCardResolver({ fetchImpl: through(), legacyCompat });
  const card = await resolver.resolve(gateway);
  const one = { ...card, supportedInterfaces: card.supportedInterfaces.filter((each) => each.protocolBinding === binding && each.protocolVersion === version) };
  const factory = new ClientFactory({ transports: [new JsonRpcTransportFactory({ fetchImpl, legacyCompat }), new RestTransportFactory({ fetchImpl, legacyCompat })] });
  return factory.createFromAgentCard(one);
};
const message = (said, more = {}) => ({
  tenant: '', metadata: undefined,
  message: { messageId: randomUUID(), contextId: '', taskId: '', role: Role.ROLE_USER, metadata: undefined, extensions: [], referenceTaskIds: [],
    parts: [{ content: { $case: 'text', value: said }, metadata: undefined, filename: '', mediaType: 'text/plain' }], ...more },
  configuration: { acceptedOutputModes: [], taskPushNotificationConfig: undefined, returnImmediately: false },
});
const push = (taskId, url) => ({ tenant: '', id: 'one', taskId, url, token: 'secret-token', authentication: undefined });
const counted = async (name) => (await fetch(`${agent}/${name}`)).json();
const sleep = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));

// ---- the card ----
const cardAddress = `${gateway}/.well-known/agent-card.json`;
const card = await (await fetch(cardAddress, { headers: { 'A2A-Version': '1.0' } })).json();
await check('the card needs no token', async () => {
  const answer = await fetch(cardAddress);
  return expect(answer.status === 200 && answer.headers.get('vary') === 'A2A-Version' && /max-age/.test(answer.headers.get('cache-control')));
});
await check('its interfaces are at the public address', () =>
  expect(card.supportedInterfaces.length >= 2 && card.supportedInterfaces.every((each) => each.url === `${publicOrigin}/agent/rpc`), JSON.stringify(card.supportedInterfaces)));
await check('one that is not served is not shown', () => expect(!JSON.stringify(card).includes('GRPC')));
await check('no inner address is left', () => expect(!JSON.stringify(card).includes('127.0.0.1')));
await check('the extension is declared', () => expect(card.capabilities.extensions.some((each) => each.uri === 'urn:aip-gateway:a2a:1')));
await check("the SDK verifies the gateway's signature", async () => {
  const resolved = await new DefaultAgentCardResolver({ fetchImpl: through() }).resolve(gateway);
  await verifyAgentCardSignature(async (kid) => {
    if (!kid.startsWith(`${did}#`)) throw new Error(`signed by ${kid}`);
    return keyOf(did);
  })(resolved);
});
await check('and refuses a changed card', async () => {
  const resolved = await new DefaultAgentCardResolver({ fetchImpl: through() }).resolve(gateway);
  return refused(/signature/i, () => verifyAgentCardSignature(async () => keyOf(did))({ ...resolved, name: 'Another' }));
});
await check('unchanged is 304', async () => {
  const first = await fetch(cardAddress);
  const again = await fetch(cardAddress, { headers: { 'If-None-Match': first.headers.get('etag') } });
  return expect(again.status === 304, again.status);
});
await check("0.3's card for those who ask for it", async () => {
  const old = await (await fetch(cardAddress, { headers: { 'A2A-Version': '0.3' } })).json();
  return expect(old.url === `${publicOrigin}/agent/rpc` && !JSON.stringify(old).includes('127.0.0.1'), JSON.stringify(old).slice(0, 300));
});

// ---- both versions, both bindings ----
for (const [binding, version] of [['JSONRPC', '1.0'], ['HTTP+JSON', '1.0'], ['JSONRPC', '0.3'], ['HTTP+JSON', '0.3']]) {
  const name = `${binding} ${version}`;
  const mine = await clientOf('first', binding, version), other = await clientOf('other', binding, version);
  let task;
  await check(`${name}: a message begins a task`, async () => {
    task = await mine.sendMessage(message('hello'));
    return expect(task.id && task.status.state === TaskState.TASK_STATE_COMPLETED, JSON.stringify(task));
  });
  await check(`${name}: an answer without a task`, async () => {
    const answer = await mine.sendMessage(message('message'));
    return expect(answer.parts[0].content.value === 'no task', JSON.stringify(answer));
  });
  await check(`${name}: a stream, event by event`, async () => {
    const kinds = [], times = [];
    for await (const event of mine.sendMessageStream(message('slow'))) {
      kinds.push(event.payload.$case);
      times.push(Date.now());
    }
    return expect(kinds.join() === 'task,statusUpdate,artifactUpdate,statusUpdate' && times[2] - times[0] > 1000, `${kinds} ${times}`);
  });
  await check(`${name}: the task is its owner's`, async () => {
    const found = await mine.getTask({ tenant: '', id: task.id, historyLength: undefined });
    return expect(found.id === task.id);
  });
  await check(`${name}: not another agent's`, () => refused(/TaskNotFound|task.*(not found|unknown)/i, () => other.getTask({ tenant: '', id: task.id })));
  await check(`${name}: nobody's is the same refusal`, () => refused(/TaskNotFound|task.*(not found|unknown)/i, () => mine.getTask({ tenant: '', id: randomUUID() })));
  await check(`${name}: another's cannot be cancelled`, () => refused(/TaskNotFound|task.*(not found|unknown)/i, () => other.cancelTask({ tenant: '', id: task.id, metadata: undefined })));
  await check(`${name}: nor talked to`, () => refused(/TaskNotFound|task.*(not found|unknown)/i, () => other.sendMessage(message('hello', { taskId: task.id, contextId: task.contextId }))));
  await check(`${name}: nor its context`, () => refused(/TaskNotFound|task.*(not found|unknown)/i, () => other.sendMessage(message('hello', { contextId: task.contextId }))));
  // The messages of 0.3's REST have no references.
  if (name !== 'HTTP+JSON 0.3')
    await check(`${name}: nor referred to`, () => refused(/TaskNotFound|task.*(not found|unknown)/i, () => other.sendMessage(message('hello', { referenceTaskIds: [task.id] }))));
  await check(`${name}: nor its notifications set`, () => refused(/TaskNotFound|task.*(not found|unknown)/i, () => other.createTaskPushNotificationConfig(push(task.id, 'https://hooks.example.com/x'))));
  await check(`${name}: the owner goes on in the context`, async () => {
    const next = await mine.sendMessage(message('again', { contextId: task.contextId }));
    return expect(next.contextId === task.contextId && next.id !== task.id);
  });
  await check(`${name}: notifications to a public host`, async () => {
    const config = await mine.createTaskPushNotificationConfig(push(task.id, 'https://hooks.example.com/x'));
    return expect(config.url === 'https://hooks.example.com/x', JSON.stringify(config));
  });
  for (const url of ['http://hooks.example.com/x', 'https://127.0.0.1/x', 'https://169.254.169.254/latest', 'https://evil.example.org/x', 'https://hooks.example.com@evil.example.org/'])
    await check(`${name}: notifications to ${url}`, () => refused(/notification|a2a.push|PUSH/i, () => mine.createTaskPushNotificationConfig(push(task.id, url))));
  await check(`${name}: nor along with a message`, () => {
    const request = message('hello');
    request.configuration.taskPushNotificationConfig = push('', 'https://10.0.0.1/x');
    return refused(/notification|a2a.push|PUSH/i, () => mine.sendMessage(request));
  });
  if (version === '1.0') {
    await check(`${name}: a list has one's own tasks only`, async () => {
      const theirs = await other.sendMessage(message('hello'));
      const list = { tenant: '', contextId: '', status: 0, pageSize: 100, pageToken: '', historyLength: undefined, statusTimestampAfter: undefined, includeArtifacts: undefined };
      const of = async (client) => (await client.listTasks(list)).tasks.map((each) => each.id);
      const [a, b] = [await of(mine), await of(other)];
      return expect(a.includes(task.id) && !a.includes(theirs.id) && b.includes(theirs.id) && !b.includes(task.id), `${a} ${b}`);
    });
    await check(`${name}: the extended card is rewritten`, async () => {
      const fetchImpl = through(tokens.first);
      const answer = binding === 'JSONRPC'
        ? await fetchImpl(`${publicOrigin}/agent/rpc`, { method: 'POST', headers: { 'Content-Type': 'application/json', 'A2A-Version': '1.0' }, body: '{"jsonrpc":"2.0","id":1,"method":"GetExtendedAgentCard","params":{}}' })
        : await fetchImpl(`${publicOrigin}/agent/rpc/extendedAgentCard`, { headers: { 'A2A-Version': '1.0' } });
      const body = await answer.json(), got = body.result ?? body;
      return expect(got.description === 'For those who are known.' && !JSON.stringify(got).includes('127.0.0.1') && /no-store/.test(answer.headers.get('cache-control')), JSON.stringify(got).slice(0, 300));
    });
  }
  await check(`${name}: who goes away cancels nothing`, async () => {
    const [finished, cancelled] = [await counted('finished'), await counted('cancelled')];
    const abort = new AbortController();
    let id;
    try {
      for await (const event of mine.sendMessageStream(message('slow'), { signal: abort.signal })) {
        id ??= event.payload.value.id;
        abort.abort();
      }
    } catch {}
    await sleep(2200);
    const found = await mine.getTask({ tenant: '', id });
    return expect((await counted('finished')) === finished + 1 && (await counted('cancelled')) === cancelled && found.status.state === TaskState.TASK_STATE_COMPLETED, JSON.stringify(found.status));
  });
  await check(`${name}: cancelling does`, async () => {
    let id, state;
    for await (const event of mine.sendMessageStream(message('later'))) {
      if (event.payload.$case === 'task') {
        id = event.payload.value.id;
        setTimeout(() => void mine.cancelTask({ tenant: '', id, metadata: undefined }).catch(() => {}), 200);
      }
      state = event.payload.value.status?.state ?? state;
    }
    return expect(state === TaskState.TASK_STATE_CANCELED, state);
  });
  await check(`${name}: a stream is taken up again by its owner only`, async () => {
    const stream = mine.sendMessageStream(message('later'));
    const id = (await stream.next()).value.payload.value.id;
    const problem = await refused(/TaskNotFound|task.*(not found|unknown)/i, async () => { for await (const _ of other.resubscribeTask({ tenant: '', id })) break; });
    const kinds = [];
    setTimeout(() => void mine.cancelTask({ tenant: '', id, metadata: undefined }).catch(() => {}), 400);
    for await (const event of mine.resubscribeTask({ tenant: '', id })) kinds.push(event.payload.$case);
    for await (const _ of stream);
    return problem ?? expect(kinds.includes('statusUpdate'), kinds);
  });
}
process.exit(failed ? 1 : 0);
