// Compares the frame decoder with that of `ws` and with a reference decoder, on random streams:
// `pnpm fuzz [--minutes 20] [--seed NUMBER]`. The tests do the same for a few seconds.
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { run } from './children.mjs'

const { values } = parseArgs({
  options: { minutes: { type: 'string', default: '20' }, seed: { type: 'string' } },
})
const minutes = Number(values.minutes)
if (!(minutes > 0)) throw new Error(`--minutes must be more than 0, not ${values.minutes}`)

const { code } = await run(
  process.execPath,
  ['node_modules/vitest/vitest.mjs', 'run', 'test/frames/differential.test.ts'],
  {
    cwd: fileURLToPath(new URL('../packages/ws-protocol', import.meta.url)),
    env: {
      ...process.env,
      FUZZ_SECONDS: String(minutes * 60),
      ...(values.seed !== undefined && { TEST_SEED: values.seed }),
    },
  },
)
process.exitCode = code
