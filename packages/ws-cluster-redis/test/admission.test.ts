import { expect, test } from 'vitest'
import { Admission } from '../src/admission.js'

/** Tasks of an admission, what has begun of them, and how each is ended. */
function watched(most: number) {
  const admission = new Admission(most)
  const begun: string[] = []
  const ends = new Map<string, { resolve(): void; reject(error: Error): void }>()
  const run = (name: string, size: number): Promise<void> =>
    admission.run(size, () => {
      begun.push(name)
      return new Promise((resolve, reject) => ends.set(name, { resolve, reject }))
    })
  return { run, begun, ends }
}

test('what there is room for begins at once, and the rest when there is some', async () => {
  const { run, begun, ends } = watched(10)
  const runs = [run('a', 6), run('b', 4), run('c', 5), run('d', 1)]
  expect(begun).toEqual(['a', 'b'])
  ends.get('b')?.resolve()
  await runs[1]
  expect(begun).toEqual(['a', 'b'])
  ends.get('a')?.resolve()
  await runs[0]
  expect(begun).toEqual(['a', 'b', 'c', 'd'])
})

test('what is too large for any room begins alone', async () => {
  const { run, begun, ends } = watched(10)
  const [small, large] = [run('small', 1), run('large', 11), run('later', 1)]
  ends.get('small')?.resolve()
  await small
  expect(begun).toEqual(['small', 'large'])
  ends.get('large')?.resolve()
  await large
  expect(begun).toEqual(['small', 'large', 'later'])
})

test('what fails makes room, too', async () => {
  const { run, begun, ends } = watched(1)
  const [first, second] = [run('first', 1), run('second', 1)]
  ends.get('first')?.reject(new Error('gone'))
  await expect(first).rejects.toThrow('gone')
  ends.get('second')?.reject(new Error('gone as well'))
  await expect(second).rejects.toThrow('gone as well')
  expect(begun).toEqual(['first', 'second'])
})
