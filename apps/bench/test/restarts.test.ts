import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, it } from 'vitest'
import { stop_all } from '../src/process/running.ts'
import { back_ms, rates_of, restarts_svg, restarts_table } from '../src/restarts/report.ts'
import { measure_restart, type Restart } from '../src/restarts/restart.ts'

const MAIN = fileURLToPath(new URL('../dist/restarts/main.js', import.meta.url))
const UNPINNED = { subject: undefined, load: undefined, note: '' }

function run(...args: string[]) {
  return spawnSync(process.execPath, [MAIN, ...args], { encoding: 'utf8', timeout: 60_000 })
}

afterAll(stop_all)

describe('measure_restart', () => {
  it.each([
    ['closed with a hint', { spread_ms: 200 }],
    ['killed', undefined],
  ])('sees all clients come back to a server that was %s', async (label, close) => {
    const settings = { clients: 20, down_ms: 100 }
    const { opened_ms, listening_ms, attempts } = await measure_restart({ label, close }, settings, UNPINNED)
    expect(listening_ms).toBeGreaterThanOrEqual(100)
    expect(opened_ms).toHaveLength(20)
    // The second server may accept a client before its own report that it listens arrives.
    expect(opened_ms[0]).toBeGreaterThan(100)
    expect(attempts).toBeGreaterThanOrEqual(20)
  })
})

describe('a report of restarts', () => {
  const restart = (...opened_ms: number[]): Restart => ({ listening_ms: 1_000, opened_ms, attempts: 7 })
  const results = {
    date: '2026-01-01T00:00:00.000Z',
    machine: { cpu: 'x', cores: 2, memory_bytes: 1, kernel: 'linux', node: 'v20' },
    load_average: { hint: 0, no_hint: 0, killed: 0 },
    settings: { clients: 4, down_ms: 1_000 },
    restarts: {
      hint: restart(1_000, 2_000, 3_000, 4_000),
      no_hint: restart(1_000, 1_300, 1_600, 1_900),
      killed: restart(1_000, 1_001, 1_002, 1_300),
    },
  }

  it('counts connections per second in each quarter of a second', () => {
    expect(rates_of([0, 10, 249, 250, 999])).toEqual([12, 4, 0, 4])
    expect(rates_of([])).toEqual([0])
  })

  it('finds when a share of the clients is back', () => {
    expect(back_ms([1, 2, 3, 40], 0.5)).toBe(2)
    expect(back_ms([1, 2, 3, 40], 1)).toBe(40)
  })

  it('has a row for each ending', () => {
    expect(restarts_table(results).split('\n').slice(4)).toEqual([
      '| closed with spread_ms: 10,000 | 4 | 2.0 s | 4.0 s | 7 |',
      '| closed with 1012, without spread_ms | 4 | 1.3 s | 1.9 s | 7 |',
      '| killed | 12 | 1.0 s | 1.3 s | 7 |',
    ])
  })

  it('has a chart with a curve for each ending', () => {
    const svg = restarts_svg(results)
    expect(svg.match(/<path /g)).toHaveLength(3)
    expect(svg).toContain('4 clients whose server restarts')
    expect(svg).not.toContain('NaN')
  })
})

describe('pnpm bench:restarts', () => {
  it('refuses wrong arguments', () => {
    const { status, stderr } = run('--clients', 'many')
    expect(status).toBe(2)
    expect(stderr).toContain('--clients is "many"; expected a whole number from 1 to 99,999')
  })
})
