import { describe, expect, it, vi } from 'vitest'
import { allowed_cores, choose_cores } from '../src/process/cores.ts'
import { Program } from '../src/process/program.ts'
import { stop_all } from '../src/process/running.ts'
import { is_running } from './is_running.ts'

function node(script: string, core?: number): Program {
  return new Program({ name: 'it', command: process.execPath, args: ['-e', script], core })
}

/** Answers each command with its own name. */
const ECHO = `require('node:readline').createInterface({ input: process.stdin }).on('line', line => {
  const { id, command } = JSON.parse(line)
  console.log(JSON.stringify(command === 'fail' ? { id, error: 'it would not' } : { id, result: command }))
})`

describe('a program', () => {
  it('answers each command with its own answer', async () => {
    const program = node(ECHO)
    expect(await Promise.all([program.call('one'), program.call('two')])).toEqual(['one', 'two'])
    await expect(program.call('fail')).rejects.toThrow('it: it would not')
    await program.stop()
  })

  it('rejects current and later calls with the output of a crash', async () => {
    const program = node(`process.stdin.once('data', () => { throw new Error('the disk is full') })`)
    const reason = /^it ended with 1; it said:[\s\S]*the disk is full/
    await expect(program.call('go')).rejects.toThrow(reason)
    await expect(program.call('go')).rejects.toThrow(reason)
    await program.stop()
  })

  it('reports other printed lines when it crashes', async () => {
    const program = node(
      `console.log('a warning'); console.log('null'); ${ECHO.replace("command === 'fail'", "command === 'crash' ? process.exit(3) : command === 'fail'")}`,
    )
    expect(await program.call('hello')).toBe('hello')
    await expect(program.call('crash')).rejects.toThrow(/^it ended with 3; it said:\na warning\nnull$/)
  })

  it('reports an unfinished answer when it ends', async () => {
    const program = node(
      `process.stdin.once('data', () => process.stdout.write('{"id":0,"result":[1', () => process.kill(process.pid, 'SIGKILL')))`,
    )
    await expect(program.call('go')).rejects.toThrow('it ended with SIGKILL; it said:\n{"id":0,"result":[1')
  })

  it('rejects its calls when another program crashes', async () => {
    const silent = node('process.stdin.resume()')
    const crashing = node(`process.stdin.once('data', () => { throw new Error('the disk is full') })`)
    const answers = Promise.allSettled([silent.call('wait'), crashing.call('go')])
    const reason = expect.objectContaining({ message: expect.stringContaining('the disk is full') })
    expect(await answers).toEqual([
      { status: 'rejected', reason },
      { status: 'rejected', reason },
    ])
    await silent.stop()
  })

  it('does not affect other programs when it is stopped', async () => {
    const [stopped, other] = [node(ECHO), node(ECHO)]
    const answer = other.call('hello')
    await stopped.stop()
    expect(await answer).toBe('hello')
    await other.stop()
  })

  it('reports a command that cannot be started', async () => {
    const program = new Program({ name: 'it', command: '/nowhere/node', args: [], core: undefined })
    await expect(program.call('go')).rejects.toThrow(/it could not be started: .*ENOENT/)
    await program.stop()
  })

  it('has ended after `stop`, even if it ignores SIGTERM', async () => {
    const program = node(`process.on('SIGTERM', () => {}); ${ECHO}`)
    await program.call('hello')
    expect(is_running(program.pid)).toBe(true)
    await program.stop()
    expect(is_running(program.pid)).toBe(false)
    await expect(program.call('hello')).rejects.toThrow('it was stopped')
  })

  it('runs on its core', async context => {
    const { subject, note } = choose_cores()
    if (subject === undefined) return context.skip(note)
    const script = ECHO.replace(
      'result: command',
      "result: require('node:fs').readFileSync('/proc/self/status', 'utf8')",
    )
    const program = node(script, subject)
    expect(allowed_cores(await program.call<string>('status'))).toEqual([subject])
    await program.stop()
  })

  it('rejects a call that is not answered in time', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
    const program = node('process.stdin.resume()')
    const answer = program.call('sleep', {}, 5_000)
    const refused = expect(answer).rejects.toThrow('it: does not answer to sleep within 65 s')
    vi.advanceTimersByTime(65_000)
    await refused
    vi.useRealTimers()
    await program.stop()
  })

  it('ends with all others when everything is stopped', async () => {
    const programs = [node(ECHO), node(ECHO)]
    await stop_all()
    expect(programs.map(({ pid }) => is_running(pid))).toEqual([false, false])
  })
})
