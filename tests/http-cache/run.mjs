// Runs http-cache-tests against a cache and prints one line for each test: `{"id", "kind", "result"}`.
//
//   node run.mjs CACHE_URL [ID...]
//
// What only a browser can run is left out. `result` is `true`, or what the test did not find.

import { getResults, runTests } from 'http-cache-tests/client/runner.mjs'
import suites from 'http-cache-tests/tests/index.mjs'
import surrogate from 'http-cache-tests/tests/surrogate-control.mjs'
import fetch from 'node-fetch'

const [base, ...ids] = process.argv.slice(2)
const wanted = (test) => !test.browser_only && (ids.length === 0 || ids.includes(test.id))
const chosen = [...suites, surrogate]
  .map((suite) => ({ ...suite, tests: suite.tests.filter(wanted) }))
  .filter((suite) => suite.tests.length > 0)

await runTests(chosen, fetch, false, base)
const results = getResults()
for (const { id, kind } of chosen.flatMap((suite) => suite.tests)) {
  console.log(JSON.stringify({ id, kind: kind ?? 'required', result: results[id] ?? null }))
}
