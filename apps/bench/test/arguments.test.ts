import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CommanderError } from 'commander'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { is_full, read_arguments } from '../src/arguments.ts'
import { CLUSTER_NAMES } from '../src/subjects/subjects.ts'

/** Returns the text that is printed when arguments are refused, or with `--help`. */
function refusal(...argv: string[]): string {
  let printed = ''
  const output = (text: string): void => {
    printed += text
  }
  try {
    read_arguments(argv, output)
  } catch (error) {
    expect(error).toBeInstanceOf(CommanderError)
    return printed
  }
  throw new Error(`accepted: ${argv.join(' ')}`)
}

describe('read_arguments', () => {
  it('measures everything without arguments', () => {
    const args = read_arguments([])
    expect(args.measures).toHaveLength(12)
    expect(args.subjects).toEqual([
      'bt_net',
      'ws',
      'ws_bufferutil',
      'socket.io',
      'bun',
      'raw',
      ...CLUSTER_NAMES,
    ])
    expect(is_full(args)).toBe(true)
  })

  it('accepts names separated by commas, with or without spaces', () => {
    const args = read_arguments(['--only', 'echo,fan_out', '--subjects', 'ws, bt_net'])
    expect(args.measures).toEqual(['echo', 'fan_out'])
    expect(args.subjects).toEqual(['ws', 'bt_net'])
  })

  it('ignores the two dashes that pnpm passes on', () => {
    expect(read_arguments(['--', '--quick']).is_quick).toBe(true)
    expect(read_arguments(['--gate', '--', '--rounds', '3']).rounds).toBe(3)
  })

  it('calls a run full only if everything is measured with the default settings', () => {
    for (const argv of [
      ['--quick'],
      ['--gate'],
      ['--only', 'echo'],
      ['--subjects', 'ws,raw'],
      ['--rounds', '2'],
      ['--seconds', '1'],
    ])
      expect(is_full(read_arguments(argv))).toBe(false)
    expect(is_full(read_arguments(['--seed', '3']))).toBe(true)
  })

  it('compares echo with ws for the gate, or with the subjects that are named', () => {
    const args = read_arguments(['--gate', '--seconds', '2'])
    expect([args.measures, args.subjects, args.seconds]).toEqual([['echo', 'sizes'], ['bt_net', 'ws'], 2])
    expect(read_arguments(['--gate', '--subjects', 'bt_net,bun']).subjects).toEqual(['bt_net', 'bun'])
    expect(refusal('--gate', '--quick')).toContain('cannot be used with')
  })

  it('refuses an unknown measure, and lists the known ones', () => {
    const printed = refusal('--only', 'echo,ecko')
    expect(printed).toContain("There is no measure 'ecko'")
    expect(printed).toContain(
      'echo, sizes, tls, fan_out, connect, memory, latency, many, floods, client, compression, cluster',
    )
  })

  it('refuses an unknown subject, and lists the known ones', () => {
    expect(refusal('--subjects', 'uws')).toContain(
      "There is no subject 'uws': choose from bt_net, ws, ws_bufferutil, socket.io, bun, raw, bt_net_nats, bt_net_redis, socket.io_redis, socket.io_sharded.",
    )
  })

  it.each(['0', '-1', '1.5', 'many', '1001', ''])('refuses %j rounds, and names the valid range', rounds => {
    const printed = refusal(`--rounds=${rounds}`)
    expect(printed).toContain(`'${rounds}'`)
    expect(printed).toContain('a whole number from 1 to 1,000')
  })

  it('refuses a seed that is too large', () => {
    expect(refusal('--seed', '4294967296')).toContain('a whole number from 0 to 4,294,967,295')
  })

  it('refuses unknown options and arguments', () => {
    expect(refusal('--quik')).toContain('--quick')
    expect(refusal('echo')).toContain('too many arguments')
  })

  it('lists every option with --help', () => {
    const printed = refusal('--help')
    for (const option of [
      'quick',
      'only',
      'subjects',
      'bt-net',
      'gate',
      'rounds',
      'seconds',
      'seed',
      'out',
      'from',
    ])
      expect(printed).toContain(`--${option}`)
  })

  describe('with another build', () => {
    let checkout = ''
    beforeAll(() => {
      checkout = mkdtempSync(join(tmpdir(), 'bench-'))
      mkdirSync(join(checkout, 'packages/net/dist'), { recursive: true })
      writeFileSync(join(checkout, 'packages/net/dist/index.js'), '')
    })
    afterAll(() => rmSync(checkout, { recursive: true }))

    it('finds it from a checkout, the folder of its package, or its file', () => {
      const file = join(checkout, 'packages/net/dist/index.js')
      for (const path of [checkout, join(checkout, 'packages/net'), file])
        expect(read_arguments(['--bt-net', path]).other_build).toBe(file)
    })

    it('measures it right after this build', () => {
      const args = read_arguments(['--bt-net', checkout, '--subjects', 'bt_net,ws'])
      expect(args.subjects).toEqual(['bt_net', 'bt_net_other', 'ws'])
      expect(is_full(read_arguments(['--bt-net', checkout]))).toBe(false)
    })

    it('refuses a path without a build, and suggests `pnpm build`', () => {
      const printed = refusal('--bt-net', join(checkout, 'packages'))
      expect(printed).toContain('packages')
      expect(printed).toContain('pnpm build')
    })
  })

  it('measures once what is named twice', () => {
    const args = read_arguments(['--only', 'echo,sizes,echo', '--subjects', 'ws,ws'])
    expect([args.measures, args.subjects]).toEqual([['echo', 'sizes'], ['ws']])
  })

  it('refuses to write to a file, before anything is measured', () => {
    expect(refusal('--out', import.meta.filename)).toContain('This is a file: name a folder')
    expect(read_arguments(['--out', '/nowhere/yet']).out).toBe('/nowhere/yet')
  })

  it('refuses to report results from a missing file', () => {
    expect(refusal('--from', '/nowhere/results.json')).toContain('results.json')
    expect(read_arguments(['--from', import.meta.filename])).toMatchObject({
      from: import.meta.filename,
      measures: [],
    })
    expect(read_arguments(['--from', import.meta.filename, '--only', 'tls']).measures).toEqual(['tls'])
  })
})
