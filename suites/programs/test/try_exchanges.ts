import { describe_with } from '@bt/test-support/installed'
import { afterAll, expect, it } from 'vitest'
import { EXCHANGES, type Habits } from './exchanges.ts'
import { DIRECT, type Front } from './front.ts'
import {
  ask_our_server,
  open_to_our_server,
  open_to_their_server,
  type Pair,
  type PairWishes,
} from './pair.ts'
import { Program } from './program.ts'
import type { ForeignProgram, Role } from './programs.ts'

type OpenPair = (theirs: Program, wishes: PairWishes, front: Front) => Promise<Pair>

const OPENERS: Readonly<Record<Role, { readonly title: string; readonly open: OpenPair }>> = {
  client: { title: 'as a client of our server', open: open_to_our_server },
  server: { title: 'as the server of our client', open: open_to_their_server },
}

/** Tries every exchange with a program, in each of its roles. One process serves them all, until it is killed. */
export function try_exchanges(foreign: ForeignProgram, front: Front = DIRECT): void {
  const { installed, args, roles, skills, habits } = foreign
  let running: Program | undefined
  const program = async (): Promise<Program> => {
    if (!running?.is_ready) {
      await running?.kill()
      running = new Program(installed.command, args, front.env())
    }
    return running
  }
  afterAll(() => running?.kill())
  for (const role of roles) {
    const { title, open } = OPENERS[role]
    describe_with(installed, `${installed.name} ${title}${front.title}`, () => {
      if (role === 'client') try_refusals(program, habits, front)
      for (const { name, needs, wishes = {}, run } of EXCHANGES) {
        if (needs !== undefined && !skills.includes(needs)) continue
        it(name, async () => {
          const theirs = await program()
          let pair: Pair | undefined
          try {
            pair = await open(theirs, wishes, front)
            await run(pair, habits)
          } catch (error) {
            // What it still tells of this would confuse the next.
            await theirs.kill()
            throw error
          } finally {
            await pair?.end()
          }
        })
      }
    })
  }
}

/** Tries what does not become a connection. */
function try_refusals(
  program: () => Promise<Program>,
  { needs_protocol = false }: Habits,
  front: Front,
): void {
  it('their client tells that our server has nothing at another path', async () => {
    const { told, stats } = await ask_our_server(await program(), { route: '/other' }, front)
    expect(told.event).toBe('refused')
    expect(stats.refused.wrong_path).toBe(1)
  })

  it(`their client ${needs_protocol ? 'gives up' : 'goes on'} where our server takes none of its subprotocols`, async () => {
    const protocols = { ours: ['one'], theirs: ['two', 'three'] }
    const { told, stats } = await ask_our_server(await program(), { protocols }, front)
    if (needs_protocol) expect(told.event).toBe('refused')
    else expect(told).toEqual({ event: 'open', protocol: '' })
    expect(stats.accepted).toBe(1)
  })
}
