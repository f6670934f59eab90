import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { is_running } from './is_running.ts'

const PROGRAM = fileURLToPath(new URL('../dist/main.js', import.meta.url))

function start(...args: string[]): ChildProcess {
  return spawn(process.execPath, [PROGRAM, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
}

async function run(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const child = start(...args)
  const output = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const)
    child[name]?.on('data', (text: Buffer) => {
      output[name] += text.toString()
    })
  const [code] = (await once(child, 'close')) as [number]
  return { code, ...output }
}

/** Returns the ids of the child processes of a process. */
function children_of(pid: number): number[] {
  return readdirSync('/proc')
    .filter(name => /^\d+$/.test(name))
    .filter(name => {
      try {
        return readFileSync(`/proc/${name}/stat`, 'utf8').split(') ')[1]?.split(' ')[1] === String(pid)
      } catch {
        // The process has ended meanwhile.
        return false
      }
    })
    .map(Number)
}

describe('the program', () => {
  it('prints its options with --help', async () => {
    const { code, stdout } = await run('--help')
    expect(code).toBe(0)
    expect(stdout).toContain('--quick')
  })

  it('exits with 2 after an invalid argument, and names the valid ones', async () => {
    const { code, stderr } = await run('--only', 'ecko')
    expect(code).toBe(2)
    expect(stderr).toContain("There is no measure 'ecko': choose from echo")
  })

  it('exits with 1 if a subject crashes, and prints its output', async () => {
    // This module is not a build of @bt/net, so it has no `listen`.
    const { code, stderr } = await run(
      ...[
        '--quick',
        '--only',
        'echo',
        '--subjects',
        'bt_net',
        '--bt-net',
        PROGRAM.replace('main.js', 'settings.js'),
      ],
    )
    expect(code).toBe(1)
    expect(stderr).toContain('bt_net_other (server)')
    expect(stderr).toContain('listen is not a function')
  })

  it('prints the report, and writes no files without --out', async () => {
    const { code, stdout, stderr } = await run('--quick', '--only', 'connect', '--subjects', 'raw,ws')
    expect(stderr).not.toContain('error')
    expect(code).toBe(0)
    expect(stdout).toContain('CONNECTING')
    expect(stdout).not.toContain('Written')
  })

  it.skipIf(process.platform !== 'linux')('leaves no process behind when it is interrupted', async () => {
    const child = start('--only', 'echo', '--subjects', 'ws')
    await once(child.stderr as NodeJS.ReadableStream, 'data')
    const children = children_of(child.pid as number)
    expect(children).not.toEqual([])
    let errors = ''
    child.stderr?.on('data', (text: Buffer) => {
      errors += text.toString()
    })
    child.kill('SIGINT')
    expect((await once(child, 'close'))[0]).toBe(130)
    expect(errors).not.toContain('error')
    expect(children.filter(is_running)).toEqual([])
  })

  it.skipIf(process.platform !== 'linux')('leaves no process behind when it is killed', async () => {
    const child = start('--only', 'echo', '--subjects', 'ws')
    await once(child.stderr as NodeJS.ReadableStream, 'data')
    const children = children_of(child.pid as number)
    expect(children).not.toEqual([])
    child.kill('SIGKILL')
    // The children have inherited its pipes, so `close` comes when the last of them has ended.
    await once(child, 'close')
    await expect.poll(() => children.filter(is_running), { timeout: 10_000 }).toEqual([])
  })
})
