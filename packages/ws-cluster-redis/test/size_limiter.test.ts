import { expect, test } from 'vitest'
import { SizeLimiter } from '../src/size_limiter.js'

/** Makes a limiter whose tasks record that they started, and end on request. */
function start_limiter(max_size: number) {
  const limiter = new SizeLimiter(max_size)
  const started: string[] = []
  const ends = new Map<string, { resolve(): void; reject(error: Error): void }>()
  const run = (name: string, size: number): Promise<void> =>
    limiter.run(size, () => {
      started.push(name)
      return new Promise((resolve, reject) => ends.set(name, { resolve, reject }))
    })
  return { run, started, ends }
}

test('starts tasks that fit at once, and the others in order when there is room', async () => {
  const { run, started, ends } = start_limiter(10)
  const runs = [run('a', 6), run('b', 4), run('c', 5), run('d', 1)]
  expect(started).toEqual(['a', 'b'])
  ends.get('b')?.resolve()
  await runs[1]
  expect(started).toEqual(['a', 'b'])
  ends.get('a')?.resolve()
  await runs[0]
  expect(started).toEqual(['a', 'b', 'c', 'd'])
})

test('runs a task larger than the limit alone', async () => {
  const { run, started, ends } = start_limiter(10)
  const [small, large] = [run('small', 1), run('large', 11), run('later', 1)]
  ends.get('small')?.resolve()
  await small
  expect(started).toEqual(['small', 'large'])
  ends.get('large')?.resolve()
  await large
  expect(started).toEqual(['small', 'large', 'later'])
})

test('starts the next task after one fails', async () => {
  const { run, started, ends } = start_limiter(1)
  const [first, second] = [run('first', 1), run('second', 1)]
  ends.get('first')?.reject(new Error('gone'))
  await expect(first).rejects.toThrow('gone')
  ends.get('second')?.reject(new Error('gone as well'))
  await expect(second).rejects.toThrow('gone as well')
  expect(started).toEqual(['first', 'second'])
})
