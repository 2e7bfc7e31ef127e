// Runs functions as CloudFront does: one line of JSON in, one line of reasons out.
// A line is {"code": the function, "events": [[address, country or null], ...]}.
const readline = require('readline');
const vm = require('vm');

const lines = readline.createInterface({ input: process.stdin, terminal: false });
lines.on('line', (line) => {
  const { code, events } = JSON.parse(line);
  const context = vm.createContext({});
  vm.runInContext(code, context);
  const reasons = events.map(([ip, country]) => {
    const headers = country === null ? {} : { 'cloudfront-viewer-country': { value: country } };
    context.event = { version: '1.0', viewer: { ip }, request: { method: 'GET', uri: '/', headers } };
    const answer = vm.runInContext('handler(event)', context);
    return answer.statusCode === undefined ? 'admitted' : answer.headers['x-portcullis-reason'].value;
  });
  process.stdout.write(JSON.stringify(reasons) + '\n');
});
