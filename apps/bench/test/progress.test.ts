import { describe, expect, it, vi } from 'vitest'
import type { Step } from '../src/bench.ts'
import { Progress } from '../src/progress.ts'

const STEP: Step = { measure: 'echo', round: 1, rounds: 5, subject: 'ws', done: 0.125 }

function progress_on(isTTY: boolean): { progress: Progress; said: string[] } {
  const said: string[] = []
  const stream = { isTTY, write: (text: string) => said.push(text) }
  return { progress: new Progress(stream as unknown as NodeJS.WriteStream), said }
}

describe('progress', () => {
  it('is one line that changes in a terminal, with the subject and the time that is left', () => {
    const { progress, said } = progress_on(true)
    progress.tell({ ...STEP, done: 0 })
    progress.tell(STEP)
    progress.clear()
    expect(said[0]).toBe('\r\u001b[K  0 %  echo, round 1 of 5: ws')
    expect(said[1]?.slice(4)).toMatch(/^ 12 % {2}echo, round 1 of 5: ws, \d+ s left$/)
    expect(said[2]).toBe('\r\u001b[K')
  })

  it('counts minutes where there are many left', () => {
    vi.useFakeTimers({ toFake: ['performance'] })
    const { progress, said } = progress_on(true)
    vi.advanceTimersByTime(60_000)
    progress.tell(STEP)
    vi.useRealTimers()
    expect(said[0]).toContain(': ws, 7 min left')
  })

  it('is a line for each round elsewhere', () => {
    const { progress, said } = progress_on(false)
    progress.tell({ ...STEP, round: 0 })
    progress.tell(STEP)
    progress.tell({ ...STEP, subject: 'bun' })
    progress.clear()
    expect(said).toEqual([' 12 %  echo, warming up\n', ' 12 %  echo, round 1 of 5\n'])
  })
})
