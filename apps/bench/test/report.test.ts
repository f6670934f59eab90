import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { charts_of } from '../src/report/charts.ts'
import { gate_text, read_results, readme_of, report_text, write_report } from '../src/report/page.ts'
import { markdown_of, shown, shown_ratio, text_of } from '../src/report/table.ts'
import { groups_of, measures_of, tables_of } from '../src/report/tables.ts'
import { targets_table } from '../src/report/targets.ts'
import { VIEWS } from '../src/report/views.ts'
import { warnings_of } from '../src/report/warnings.ts'
import { MEASURE_NAMES } from '../src/results.ts'
import { cpu, results_of, rounds_of } from './results_of.ts'

const ONE_MESSAGE = { measure: 'fan_out', group: 'one message', case_name: 'to 1,000' } as const

const results = results_of([
  ...rounds_of('bt_net', cpu(8, 9, 8.5)),
  ...rounds_of('ws', cpu(10, 10, 10)),
  ...rounds_of('bun', cpu(5, 5, 5)),
  ...rounds_of('bt_net', cpu(9, 9, 9), ONE_MESSAGE),
  ...rounds_of('ws', cpu(10, 10, 10), ONE_MESSAGE),
  ...rounds_of('bt_net', cpu(1, 1, 1), { ...ONE_MESSAGE, group: '16 messages in a turn' }),
])

describe('shown', () => {
  it.each([
    [1234.5, '1,235'],
    [99.94, '99.9'],
    [8.234, '8.23'],
    [0.2671, '0.267'],
    [0, '0.000'],
    [-4321, '-4,321'],
  ])('writes %d as %s', (value, text) => {
    expect(shown(value)).toBe(text)
  })

  it('writes small ratios with more digits', () => {
    expect([shown_ratio(1.234), shown_ratio(0.0678)]).toEqual(['1.23', '0.068'])
  })
})

describe('a table', () => {
  const table = { title: 'µs', columns: ['one', 'two'], rows: [{ name: 'a case', cells: ['1', '22'] }] }

  it('is formatted as Markdown', () => {
    expect(markdown_of(table)).toBe('µs:\n\n|  | one | two |\n|---|--:|--:|\n| a case | 1 | 22 |')
  })

  it('is formatted as columns of text', () => {
    expect(text_of(table)).toBe('µs\n          one  two\n  a case    1   22')
  })
})

describe('the tables of a group', () => {
  it('show figures, ratios to ws and Bun with their spread, and the rate', () => {
    const [group] = groups_of(results, 'echo')
    const tables = tables_of(results, group as NonNullable<typeof group>)
    expect(tables.map(({ title }) => title)).toEqual([
      'CPU time of the server per message, µs',
      'Relative to ws',
      'Relative to Bun',
      'messages/s',
    ])
    expect(tables[0]?.rows).toEqual([{ name: '1 under way', cells: ['8.50', '10.0', '5.00'] }])
    expect(tables[1]).toMatchObject({
      columns: ['@bt/net', 'Bun'],
      rows: [{ cells: ['0.85 (0.80–0.90)', '0.50 (0.50–0.50)'] }],
    })
  })

  it('show no comparison with subjects that were not measured', () => {
    const [, burst] = groups_of(results, 'fan_out')
    const tables = tables_of(results, burst as NonNullable<typeof burst>)
    expect(tables.map(({ title }) => title)).toEqual([
      'CPU time of the server per message and socket, 16 messages in a turn, µs',
      'deliveries/s',
    ])
  })

  it('name the figure in each row if there are several', () => {
    const figures = { heap_bytes_per_connection: 2_000, rss_bytes_per_connection: 9_000 }
    const place = { measure: 'memory', case_name: 'idle' } as const
    const memory = results_of(rounds_of('ws', [figures], place))
    const [group] = groups_of(memory, 'memory')
    const [table] = tables_of(memory, group as NonNullable<typeof group>)
    expect(table?.rows).toEqual([
      { name: 'idle: heap', cells: ['2,000'] },
      { name: 'idle: resident', cells: ['9,000'] },
    ])
  })

  it('name the unit as well if there are several units', () => {
    const figures = { p50_us: 50, p99_us: 90, p999_us: 99, late_p99_us: 5, rate_per_s: 1_000 }
    const latency = results_of(rounds_of('ws', [figures], { measure: 'latency', case_name: '50 %' }))
    const [group] = groups_of(latency, 'latency')
    const [values, others] = tables_of(latency, group as NonNullable<typeof group>)
    expect(values?.rows.map(({ name }) => name)).toEqual(['50 %: p50', '50 %: p99', '50 %: p99.9'])
    expect(others?.title).toBe('Other figures')
    expect(others?.rows.slice(0, 2)).toEqual([
      { name: '50 %: delay of the load (p99), µs', cells: ['5.00'] },
      { name: '50 %: rate, messages/s', cells: ['1,000'] },
    ])
  })

  it('show the main figures of a group that has its own', () => {
    const place = { measure: 'cluster', group: '25 messages a second', case_name: 'to 1,000' } as const
    const times = { p50_us: 50, p99_us: 90, publisher_late_p99_us: 3, cpu_us_per_message: 7 }
    const cluster = results_of([
      ...rounds_of('bt_net_nats', [times], place),
      ...rounds_of('socket.io_redis', [{ ...times, p99_us: 180 }], place),
    ])
    const [group] = groups_of(cluster, 'cluster')
    const tables = tables_of(cluster, group as NonNullable<typeof group>)
    expect(tables.map(({ title }) => title)).toEqual([
      'Time from publishing to receipt, 25 messages a second, µs',
      'Relative to socket.io over Redis',
      'Other figures, µs',
    ])
    expect(tables[1]?.rows[1]).toEqual({ name: 'to 1,000: p99', cells: ['0.50 (0.50–0.50)'] })
    expect(charts_of(cluster).map(({ name }) => name)).toEqual([
      'cluster_25_messages_a_second_p50.svg',
      'cluster_25_messages_a_second_p99.svg',
    ])
  })

  it('name only the unit if a figure has no label', () => {
    const place = { measure: 'cluster', group: 'one message', case_name: 'to 1,000' } as const
    const figures = { cpu_us_per_message: 7, messages_per_s: 9_000, publisher_us_per_publish: 20 }
    const cluster = results_of(rounds_of('bt_net_nats', [figures], place))
    const [group] = groups_of(cluster, 'cluster')
    const others = tables_of(cluster, group as NonNullable<typeof group>).at(-1)
    expect(others?.rows.slice(0, 2)).toEqual([
      { name: 'to 1,000: deliveries/s', cells: ['9,000'] },
      { name: 'to 1,000: publishing server, per message, µs', cells: ['20.0'] },
    ])
  })

  it('show a dash for a missing figure', () => {
    const lacking = results_of([
      ...rounds_of('ws', cpu(1)),
      ...rounds_of('bun', cpu(1), { case_name: '8 under way' }),
    ])
    const [group] = groups_of(lacking, 'echo')
    const [values, ratios] = tables_of(lacking, group as NonNullable<typeof group>)
    expect(values?.rows[0]?.cells).toEqual(['1.00', '–'])
    expect(ratios?.rows[0]?.cells).toEqual(['–'])
  })
})

describe('measures', () => {
  it('are shown in the order of the views, which contain all of them', () => {
    expect(measures_of(results)).toEqual(['echo', 'fan_out'])
    expect(Object.keys(VIEWS)).toEqual([...MEASURE_NAMES])
  })
})

describe('targets', () => {
  it('are met or not by the median of the ratios', () => {
    expect(targets_table(results)?.rows).toEqual([
      { name: 'echo, 64 B, D = 1: CPU per message', cells: ['at most 1.00 × ws', '0.85 (0.80–0.90)', 'yes'] },
      {
        name: 'fan-out to 1,000, one message: CPU per delivery',
        cells: ['at most 0.88 × ws', '0.90 (0.90–0.90)', 'no'],
      },
    ])
  })

  it('may have a lower bound', () => {
    const place = { measure: 'connect', case_name: 'connections' } as const
    const slow = results_of([...rounds_of('bt_net', cpu(200), place), ...rounds_of('ws', cpu(100), place)])
    expect(targets_table(slow)?.rows[0]?.cells).toEqual(['at least 1.00 × ws', '0.50 (0.50–0.50)', 'no'])
  })

  it('may compare one cluster with another', () => {
    const place = { measure: 'cluster', group: 'one message', case_name: 'to 1,000' } as const
    const cluster = results_of([
      ...rounds_of('bt_net_nats', cpu(3), place),
      ...rounds_of('socket.io_redis', cpu(12), place),
    ])
    expect(targets_table(cluster)?.rows).toEqual([
      {
        name: 'to 1,000 over NATS, one message: CPU per delivery',
        cells: ['at most 0.20 × socket.io over Redis', '0.25 (0.25–0.25)', 'no'],
      },
    ])
  })

  it('may have a bound for the figure itself', () => {
    const place = { measure: 'floods', case_name: 'beside 64 that send pings' } as const
    const floods = results_of(rounds_of('bt_net', [{ worst_added_ms: 90 }, { worst_added_ms: 210 }], place))
    expect(targets_table(floods)?.rows).toEqual([
      {
        name: 'honest client beside 64 that send pings: ms above its worst wait alone',
        cells: ['at most 150.00', '150.00 (90.00–210.00)', 'yes, not in every round'],
      },
    ])
  })

  it('show if rounds differ from the median', () => {
    const verdict_of = (...figures: number[]): string | undefined => {
      const ws = rounds_of('ws', cpu(...figures.map(() => 10)))
      return targets_table(results_of([...rounds_of('bt_net', cpu(...figures)), ...ws]))?.rows[0]?.cells[2]
    }
    expect(verdict_of(8, 9, 11)).toBe('yes, not in every round')
    expect(verdict_of(9, 11, 12)).toBe('no, but in some rounds')
    expect(verdict_of(11, 12, 13)).toBe('no')
  })

  it('are left out if nothing can be compared', () => {
    expect(targets_table(results_of(rounds_of('ws', cpu(1))))).toBeUndefined()
  })
})

describe('the gate', () => {
  it('shows the ratio to ws with gate and goal, and which of them is met', () => {
    const place = { measure: 'sizes', group: 'texts', case_name: '256 KiB, 2 under way' } as const
    const text = gate_text(
      results_of(
        [
          ...rounds_of('bt_net', cpu(9.8, 9.7, 9.9)),
          ...rounds_of('ws', cpu(10, 10, 10)),
          ...rounds_of('bun', cpu(5, 5, 5)),
          ...rounds_of('bt_net', cpu(40, 41, 39), place),
          ...rounds_of('ws', cpu(100, 100, 100), place),
        ],
        ['not pinned'],
      ),
    )
    const cells = (name: string): string[] => {
      const line = text.split('\n').find(it => it.trim().startsWith(name))
      return (line ?? '').trim().split(/ {2,}/)
    }
    expect(cells('64 B, D = 1')).toHaveLength(7)
    expect(cells('@bt/net, µs')).toEqual(['@bt/net, µs', '9.80', '–', '–', '–', '–', '40.0', '–'])
    expect(cells('@bt/net / ws')[1]).toBe('0.98 (0.97–0.99)')
    expect(cells('gate')[6]).toBe('≤ 0.38')
    expect(cells('met')).toEqual(['met', 'gate', '–', '–', '–', '–', 'no', '–'])
    expect(cells('@bt/net / Bun')[1]).toBe('1.96 (1.94–1.98)')
    expect(text).toContain('! not pinned')
  })
})

describe('warnings', () => {
  const busy = (cpu_share: number, load_cpu_share: number, others_share = 0) => [
    {
      cpu_us_per_message: 1,
      cpu_share,
      load_cpu_share,
      others_share,
      load_others_share: 0,
      elapsed_ms: 1000,
    },
  ]

  it('are empty if the subject was the limit, on a quiet machine', () => {
    expect(warnings_of(results_of(rounds_of('ws', busy(0.99, 0.95, 0.02))))).toEqual([])
  })

  it('name the subject and the case if the load was the limit', () => {
    const [warning] = warnings_of(results_of(rounds_of('ws', busy(0.5, 0.95))))
    expect(warning).toContain('echo, 1 under way: ws')
  })

  it('are empty for an open loop, which is never idle', () => {
    const [figures] = busy(0.5, 1)
    const open_loop = [{ ...figures, p99_us: 200, late_p99_us: 20 }]
    expect(warnings_of(results_of(rounds_of('ws', open_loop, { measure: 'latency' })))).toEqual([])
  })

  it('name latency that is mostly delay of the load', () => {
    const open_loop = [{ p99_us: 200, late_p99_us: 120 }]
    const [warning] = warnings_of(
      results_of(rounds_of('ws', open_loop, { measure: 'latency', case_name: 'at 50 %' })),
    )
    expect(warning).toContain('latency, at 50 %: ws')
  })

  it('name the measure that other programs disturbed', () => {
    const [warning] = warnings_of(results_of(rounds_of('ws', busy(0.9, 0.5, 0.1))))
    expect(warning).toContain("Other programs took 10 % of the subject's core during echo")
  })

  it('begin with the notes of the run', () => {
    expect(warnings_of(results_of([], ['not pinned']))).toEqual(['not pinned'])
  })
})

describe('charts', () => {
  it('are drawn for each group and figure, with valid file names', () => {
    expect(charts_of(results).map(({ name }) => name)).toEqual([
      'echo.svg',
      'fan_out_one_message.svg',
      'fan_out_16_messages_in_a_turn.svg',
    ])
  })

  it('draw no bar for a missing figure', () => {
    const [chart] = charts_of(
      results_of([...rounds_of('ws', cpu(1)), ...rounds_of('bun', cpu(1), { case_name: '8 under way' })]),
    )
    expect(chart?.svg.match(/class="spread"/g)).toHaveLength(2)
  })
})

describe('the page', () => {
  it('has an introduction, the run, the targets, and each measure with its charts', () => {
    const page = readme_of(results)
    for (const words of [
      '# Benchmarks',
      '2025-01-02, A CPU, 2 cores, 8 GiB',
      'seed 7',
      '## Targets',
      '## Echo',
    ])
      expect(page).toContain(words)
    const named = [...page.matchAll(/!\[[^\]]+\]\(([^)]+)\)/g)].map(match => match[1])
    expect(named).toEqual(charts_of(results).map(({ name }) => name))
  })

  it('lists the warnings', () => {
    expect(readme_of(results_of(rounds_of('ws', cpu(1)), ['not pinned']))).toContain('- not pinned')
  })
})

describe('the text for a terminal', () => {
  it('has the tables, targets and warnings', () => {
    const text = report_text(results_of(results.samples, ['not pinned']))
    for (const words of ['ECHO', 'FAN-OUT', 'Relative to ws', 'Targets for @bt/net', '! not pinned'])
      expect(text).toContain(words)
  })

  it('leaves out empty sections', () => {
    expect(report_text(results_of(rounds_of('raw', cpu(1))))).not.toMatch(/^\.$/m)
    expect(report_text(results_of(rounds_of('ws', cpu(1))))).not.toContain('Targets')
  })
})

describe('writing', () => {
  let folder = ''
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'bench-'))
  })
  afterAll(() => rmSync(folder, { recursive: true }))

  it('replaces the charts of an earlier run, and writes results that can be read again', () => {
    writeFileSync(join(folder, 'old.svg'), '')
    writeFileSync(join(folder, 'notes.txt'), 'mine')
    const written = write_report(results, folder)
    expect(readdirSync(folder).sort()).toEqual([...written, 'notes.txt'].sort())
    expect(read_results(join(folder, 'results.json'))).toEqual(results)
    expect(readFileSync(join(folder, 'README.md'), 'utf8')).toBe(readme_of(results))
  })

  it.each(['', '{}', 'null', '{"samples":1}'])(
    'refuses to read results from %j, and names the file',
    content => {
      const file = join(folder, 'other.json')
      writeFileSync(file, content)
      expect(() => read_results(file)).toThrow(`${file} holds no results of this bench`)
    },
  )
})
