// Writes the compressed variants beside the text of the pages, as a site's build would: KEY.br and KEY.gz.
// Also holds hashed names to their content, because a wrong one is served without `immutable` and nobody notices.
//
//   node examples/handbook/make-variants.mjs
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

const pages = join(import.meta.dirname, "buckets", "handbook-pages");
const brotli = { params: { [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY } };

for (const entry of readdirSync(pages, { recursive: true })) {
  if (!/\.(html|css|js)$/.test(entry)) continue;
  const file = join(pages, entry);
  const content = readFileSync(file);
  const stated = /\.([0-9a-f]{12})\.\w+$/.exec(basename(file))?.[1];
  const actual = createHash("sha256").update(content).digest("hex").slice(0, 12);
  if (stated && stated !== actual) throw new Error(`${entry}: the content's name is ${actual}`);
  writeFileSync(`${file}.br`, brotliCompressSync(content, brotli));
  writeFileSync(`${file}.gz`, gzipSync(content, { level: 9 }));
}
