// An A2A agent made of the official SDK: JSON-RPC at /agent/rpc, REST at /agent/rest, both versions.
// What it is told decides what it does: `slow` takes a second and a half, `later` waits until it is cancelled, `message`
// answers without a task, `secret` and `split` are answered with a key, anything else is a task that ends at once. `GET /finished` counts slow tasks that came to
// their end, `GET /cancelled` what was cancelled.
import { randomUUID } from 'node:crypto';
import express from 'express';
import { AGENT_CARD_PATH, Role, TaskState } from '@a2a-js/sdk';
import { AgentEvent, DefaultRequestHandler, InMemoryPushNotificationStore, InMemoryTaskStore } from '@a2a-js/sdk/server';
import { agentCardHandler, jsonRpcHandler, restHandler } from '@a2a-js/sdk/server/express';

const counts = { finished: 0, cancelled: 0 };
const sleep = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));
const text = (value) => ({ content: { $case: 'text', value }, metadata: undefined, filename: '', mediaType: 'text/plain' });

class Executor {
  open = new Map();
  async execute(context, bus) {
    const { taskId, contextId, userMessage } = context;
    const said = userMessage.parts.map((part) => part.content?.value ?? '').join(' ');
    const status = (state) => ({ state, message: undefined, timestamp: new Date().toISOString() });
    if (said === 'message') {
      bus.publish(AgentEvent.message({ messageId: randomUUID(), contextId, taskId: '', role: Role.ROLE_AGENT,
        parts: [text('no task')], metadata: undefined, extensions: [], referenceTaskIds: [] }));
      bus.finished();
      return;
    }
    bus.publish(AgentEvent.task({ id: taskId, contextId, status: status(TaskState.TASK_STATE_SUBMITTED), artifacts: [],
      history: [userMessage], metadata: undefined }));
    if (said === 'slow') {
      bus.publish(AgentEvent.statusUpdate({ taskId, contextId, status: status(TaskState.TASK_STATE_WORKING), metadata: undefined }));
      await sleep(1500);
      counts.finished++;
    }
    if (said === 'later') {
      bus.publish(AgentEvent.statusUpdate({ taskId, contextId, status: status(TaskState.TASK_STATE_WORKING), metadata: undefined }));
      await new Promise((done) => this.open.set(taskId, done));
      bus.publish(AgentEvent.statusUpdate({ taskId, contextId, status: status(TaskState.TASK_STATE_CANCELED), metadata: undefined }));
      bus.finished();
      return;
    }
    const key = `AKIA${'QWERTYUIOPASDFGH'}`;
    const parts = said === 'secret' ? [`the key is ${key}`] : said === 'split' ? [`it is ${key.slice(0, 9)}`, `${key.slice(9)} and so on`] : [`you said ${said}`];
    for (const value of parts)
      bus.publish(AgentEvent.artifactUpdate({ taskId, contextId, append: false, lastChunk: true, metadata: undefined,
        artifact: { artifactId: 'answer', name: 'answer', description: '', parts: [text(value)], metadata: undefined, extensions: [] } }));
    bus.publish(AgentEvent.statusUpdate({ taskId, contextId, status: status(TaskState.TASK_STATE_COMPLETED), metadata: undefined }));
    bus.finished();
  }
  cancelTask = async (taskId) => {
    counts.cancelled++;
    this.open.get(taskId)?.();
  };
}

const app = express();
const server = app.listen(0, '127.0.0.1', () => {
  const origin = `http://127.0.0.1:${server.address().port}`;
  const at = (url, protocolBinding, protocolVersion) => ({ url, protocolBinding, tenant: '', protocolVersion });
  const card = {
    name: 'Echo', description: 'Says what it was told.', version: '1.0.0', provider: { organization: 'Example', url: `${origin}/about` },
    supportedInterfaces: ['1.0', '0.3'].flatMap((version) => [at(`${origin}/agent/rpc`, 'JSONRPC', version), at(`${origin}/agent/rest`, 'HTTP+JSON', version)])
      .concat([at('127.0.0.1:9', 'GRPC', '1.0')].map((each) => ({ ...each, url: 'http://127.0.0.1:9' }))),
    capabilities: { streaming: true, pushNotifications: true, extensions: [], extendedAgentCard: true },
    securitySchemes: {}, securityRequirements: [], defaultInputModes: ['text/plain'], defaultOutputModes: ['text/plain'],
    skills: [{ id: 'echo', name: 'Echo', description: 'Says it again.', tags: ['test'], examples: [], inputModes: [], outputModes: [], securityRequirements: [] }],
    signatures: [],
  };
  const extended = { ...card, description: 'For those who are known.' };
  const requestHandler = new DefaultRequestHandler(card, new InMemoryTaskStore(), new Executor(), undefined,
    new InMemoryPushNotificationStore(), { send: async () => {} }, extended);
  const userBuilder = async () => ({ isAuthenticated: true, userName: 'the gateway' });
  const legacyCompat = { enabled: true };
  app.get('/finished', (_, response) => response.json(counts.finished));
  app.get('/cancelled', (_, response) => response.json(counts.cancelled));
  app.use(`/${AGENT_CARD_PATH}`, agentCardHandler({ agentCardProvider: requestHandler, legacyCompat }));
  app.use('/agent/rpc', jsonRpcHandler({ requestHandler, userBuilder, legacyCompat }));
  app.use('/agent/rest', restHandler({ requestHandler, userBuilder, legacyCompat }));
  console.log(`listening on ${origin}`);
});
