import { describe_with } from '@bt/test-support/installed'
import { afterAll, expect, it } from 'vitest'
import { EXCHANGES, type Quirks } from './exchanges.ts'
import {
  open_to_our_server,
  open_to_peer_server,
  type Pair,
  type PairOptions,
  try_to_connect,
} from './pair.ts'
import { PeerProgram } from './peer_program.ts'
import type { Peer, Role } from './peers.ts'
import { DIRECT, type ServerAccess } from './server_access.ts'

type OpenPair = (peer: PeerProgram, options: PairOptions, access: ServerAccess) => Promise<Pair>

const ROLES: Readonly<Record<Role, { readonly title: string; readonly open: OpenPair }>> = {
  client: { title: 'as a client of our server', open: open_to_our_server },
  server: { title: 'as the server of our client', open: open_to_peer_server },
}

/**
 * Defines a test for each exchange that a program supports, in each of its roles. One process serves all
 * tests, until one kills it.
 */
export function describe_exchanges(peer: Peer, access: ServerAccess = DIRECT): void {
  const { installed, args, roles, capabilities, quirks } = peer
  let running: PeerProgram | undefined
  const get_program = async (): Promise<PeerProgram> => {
    if (!running?.is_ready) {
      await running?.kill()
      running = new PeerProgram(installed.command, args, access.peer_env())
    }
    return running
  }
  afterAll(() => running?.kill())
  for (const role of roles) {
    const { title, open } = ROLES[role]
    describe_with(installed, `${installed.name} ${title}${access.title}`, () => {
      if (role === 'client') test_refusals(get_program, quirks, access)
      for (const { name, requires, options = {}, run } of EXCHANGES) {
        if (requires !== undefined && !capabilities.includes(requires)) continue
        it(name, async () => {
          const program = await get_program()
          let pair: Pair | undefined
          try {
            pair = await open(program, options, access)
            await run(pair, quirks)
          } catch (error) {
            // Otherwise the next test would read the remaining events of this one.
            await program.kill()
            throw error
          } finally {
            await pair?.end()
          }
        })
      }
    })
  }
}

function test_refusals(
  get_program: () => Promise<PeerProgram>,
  { requires_subprotocol = false }: Quirks,
  access: ServerAccess,
): void {
  it("the peer's client reports that our server refuses another path", async () => {
    const { event, stats } = await try_to_connect(await get_program(), { route: '/other' }, access)
    expect(event.event).toBe('refused')
    expect(stats.refused.wrong_path).toBe(1)
  })

  it(`the peer's client ${requires_subprotocol ? 'gives up' : 'connects'} if our server selects none of its subprotocols`, async () => {
    const protocols = { ours: ['one'], peer: ['two', 'three'] }
    const { event, stats } = await try_to_connect(await get_program(), { protocols }, access)
    if (requires_subprotocol) expect(event.event).toBe('refused')
    else expect(event).toEqual({ event: 'open', protocol: '' })
    expect(stats.accepted).toBe(1)
  })
}
