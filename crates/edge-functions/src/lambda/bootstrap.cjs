// Runs one Lambda@Edge handler for events that come as lines of JSON, one at a time. The first line says what to run.
// Lines that begin with the token are answers; whatever else is printed is the function's log.
'use strict';
const readline = require('node:readline');
const path = require('node:path');
const fs = require('node:fs');
const { pathToFileURL } = require('node:url');

const print = process.stdout.write.bind(process.stdout);
let token = '';
const say = (message) => print(token + JSON.stringify(message) + '\n');
const told = (error) =>
  error instanceof Error
    ? { type: error.name, message: error.message, stack: String(error.stack) }
    : { type: 'string', message: String(error), stack: '' };

async function load(task) {
  const [file, name] = [task.handler.slice(0, task.handler.lastIndexOf('.')), task.handler.split('.').pop()];
  const found = ['.mjs', '.js', '.cjs', ''].map((end) => path.resolve(file + end)).find((one) => fs.existsSync(one));
  if (!found) throw new Error('there is no module ' + file);
  const module = await import(pathToFileURL(found).href);
  const handler = module[name] || (module.default && module.default[name]);
  if (typeof handler !== 'function') throw new Error(task.handler + ' is no function');
  return handler;
}

function call(handler, invocation) {
  return new Promise((resolve, reject) => {
    const until = Date.now() + invocation.timeoutMs;
    const done = (error, value) => (error ? reject(error) : resolve(value));
    const context = {
      awsRequestId: invocation.requestId,
      functionName: invocation.name,
      functionVersion: invocation.version,
      invokedFunctionArn: invocation.arn,
      memoryLimitInMB: String(invocation.memoryMb),
      callbackWaitsForEmptyEventLoop: true,
      getRemainingTimeInMillis: () => Math.max(0, until - Date.now()),
      done,
      succeed: (value) => resolve(value),
      fail: (error) => reject(error),
    };
    const made = handler(invocation.event, context, done);
    if (made && typeof made.then === 'function') made.then(resolve, reject);
    else if (handler.length < 3 && made !== undefined) resolve(made);
  });
}

process.on('uncaughtException', (error) => {
  say({ fatal: told(error) });
  process.exitCode = 1;
  setImmediate(() => process.exit());
});

const lines = readline.createInterface({ input: process.stdin, crlfDelay: Infinity, terminal: false });
let handler;
(async () => {
  for await (const line of lines) {
    const message = JSON.parse(line);
    if (message.token !== undefined) {
      token = message.token;
      try {
        handler = await load(message);
        say({ ready: true });
      } catch (error) {
        say({ error: told(error) });
      }
      continue;
    }
    try {
      const value = await call(handler, message);
      say({ value: value === undefined ? null : value });
    } catch (error) {
      say({ error: told(error) });
    }
  }
  process.exit();
})();
