#!/usr/bin/env node
// Measures what a session costs beside a connection without one, in one run: `pnpm bench:sessions`.
import { loadavg } from 'node:os'
import { parseArgs } from 'node:util'
import { quantile, spread_of } from '../statistics.js'
import { type EchoSettings, measure_echo } from './echo_cost.js'
import { measure_recovery } from './recovery.js'

const { values } = parseArgs({
  // pnpm passes `--` on.
  args: process.argv.slice(2).filter(word => word !== '--'),
  options: {
    rounds: { type: 'string', default: '7' },
    'round-ms': { type: 'string', default: '1500' },
    cuts: { type: 'string', default: '500' },
  },
})
const rounds = Number(values.rounds)
const round_ms = Number(values['round-ms'])
const percent = (part: number): string => `${(part * 100).toFixed(2)} %`

process.stdout.write(
  `Load average at the start: ${loadavg()[0]?.toFixed(1)}\n\n` +
    '| echo of | on their way | without, µs | with, µs | ratio (least–most) | more bytes | more frames/s |\n' +
    '|---|--:|--:|--:|--:|--:|--:|\n',
)
for (const kind of ['text', 'binary'] as const)
  for (const depth of [1, 8, 32]) {
    const settings: EchoSettings = { message_bytes: 128, kind, depth, rounds, round_ms }
    const { plain_us, session_us, ratios, extra_bytes, extra_frames_per_second } =
      await measure_echo(settings)
    const { median, least, most } = spread_of(ratios)
    const ratio = `${median.toFixed(2)} (${least.toFixed(2)}–${most.toFixed(2)})`
    process.stdout.write(
      `| ${kind}, 128 B | ${depth} | ${plain_us.toFixed(2)} | ${session_us.toFixed(2)} | ${ratio} | ${percent(extra_bytes)} | ${extra_frames_per_second.toFixed(0)} |\n`,
    )
  }
const times_ms = await measure_recovery(Number(values.cuts))
const at = (share: number): string => quantile(times_ms, share).toFixed(1)
process.stdout.write(
  `\nFrom a cut to the recovered session, ${times_ms.length} times on loopback: median ${at(0.5)} ms, 99 % within ${at(0.99)} ms\n`,
)
