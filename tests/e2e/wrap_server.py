"""A server over stdin and stdout with the faults that real ones have. Its tools are its behaviours."""
import json
import os
import sys
import time

lives = os.environ.get('WRAP_LIVES')
greeted = 0


def write(message):
    sys.stdout.write(json.dumps(message, separators=(',', ':')) + '\n')
    sys.stdout.flush()


def text(value):
    return {'content': [{'type': 'text', 'text': value}]}


def call(identifier, name, params):
    """The result, or None where none is given."""
    arguments = params.get('arguments', {})
    if name == 'echo':
        return text(json.dumps(params, sort_keys=True))
    if name == 'pid':
        return text(str(os.getpid()))
    if name == 'greeted':
        return text(str(greeted))
    if name == 'environment':
        return text(','.join(sorted(os.environ)))
    if name == 'descriptors':
        return text(','.join(sorted(os.listdir('/proc/self/fd'))))
    if name == 'die':
        os._exit(9)
    if name == 'garbage':
        sys.stdout.write('this is no JSON\n{"jsonrpc":"2.0","id":999999,"result":{}}\n{"a":1,"a":2}\n\n[]\n')
        return text('after garbage')
    if name == 'other_answer':
        write({'jsonrpc': '2.0', 'id': identifier + 1, 'result': text('an answer to nobody')})
        return text('mine')
    if name == 'large':
        return text('x' * int(arguments['bytes']))
    if name == 'stderr':
        sys.stderr.write('a line on stderr \x1b[31m\n')
        sys.stderr.flush()
        return text('said')
    if name == 'wait':
        time.sleep(float(arguments['seconds']))
        return text('waited')
    if name == 'ask':
        write({'jsonrpc': '2.0', 'id': 'q1', 'method': 'sampling/createMessage',
               'params': {'messages': [], 'maxTokens': 1}})
        answer = json.loads(sys.stdin.readline())
        return text(json.dumps(answer.get('result', answer.get('error'))))
    if name == 'hidden_break':
        sys.stdout.write('{"jsonrpc":"2.0",\r"id":%d,"result":{"content":[]}}\n' % identifier)
        sys.stdout.flush()
        return None
    return None


TOOLS = ['echo', 'pid', 'greeted', 'environment', 'descriptors', 'die', 'garbage', 'other_answer', 'large', 'stderr', 'wait', 'ask',
         'hidden_break', 'forbidden']

if lives:
    with open(lives, 'a', encoding='ascii') as log:
        log.write('%d\n' % os.getpid())
if len(sys.argv) > 1:
    sys.exit(int(sys.argv[1]))

for line in sys.stdin:
    message = json.loads(line)
    method, identifier = message.get('method'), message.get('id')
    if identifier is None or method is None:
        continue
    if method == 'initialize':
        greeted += 1
        result = {'protocolVersion': message['params']['protocolVersion'], 'capabilities': {'tools': {}},
                  'serverInfo': {'name': 'faults', 'version': '1'}}
    elif method == 'tools/list':
        result = {'tools': [{'name': name, 'inputSchema': {'type': 'object'}} for name in TOOLS]}
    elif method == 'tools/call':
        result = call(identifier, message['params']['name'], message['params'])
    else:
        result = {}
    if result is not None:
        write({'jsonrpc': '2.0', 'id': identifier, 'result': result})
