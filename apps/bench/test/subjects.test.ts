import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { find_subjects } from '../src/subjects/subjects.ts'

it('shows another build with its version if that is known', () => {
  const folder = mkdtempSync(join(tmpdir(), 'bench-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  mkdirSync(join(folder, 'dist'))
  const version = (): string | undefined =>
    find_subjects(['bt_net_other'], join(folder, 'dist', 'index.js')).found[0]?.version
  expect(version()).toBe('of unknown version')
  writeFileSync(join(folder, 'package.json'), '{ "version": "0.0.9" }')
  expect(version()).toBe('0.0.9')
})

it('uses bufferutil for only one subject', () => {
  const from_ws = createRequire(createRequire(import.meta.url).resolve('ws'))
  expect(() => from_ws.resolve('bufferutil')).toThrow('Cannot find module')
  const { found, notes } = find_subjects(['ws', 'ws_bufferutil'], undefined)
  if (found[1] === undefined)
    expect(notes).toEqual([expect.stringContaining('ws with bufferutil is left out')])
  else expect(existsSync(join(found[1].env?.NODE_PATH as string, 'bufferutil'))).toBe(true)
  expect(found[0]?.env).toBeUndefined()
})
