import { status_for } from '@bt/test-support/handshake'
import { expect, it } from 'vitest'
import { start_server } from './program.ts'

it('accepts its own page, and rejects and reports one of another origin', async () => {
  const { program, url, ws_url } = await start_server()
  expect(await status_for(ws_url, new URL(url).origin)).toBe(101)
  expect(await status_for(ws_url, 'https://example.com')).toBe(403)
  program.child.kill('SIGINT')
  await program.exit
  expect(program.stderr).toMatch(/^error: .*https:\/\/example\.com.*\n$/)
})
