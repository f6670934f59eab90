import { bun, DENO_RUN, deno, type Installed, java, node, system_program } from '@bt/test-support/installed'
import { PYTHON_AIOHTTP, PYTHON_TORNADO, PYTHON_WEBSOCKETS } from '@bt/test-support/programs'
import type { Habits, Skill } from './exchanges.ts'
import { foreign } from './foreign.ts'

/** What a program can be to our side: a client of our server, or the server of our client. */
export type Role = 'client' | 'server'

/** A program in another language that obeys commands, and what it can do. */
export interface ForeignProgram {
  readonly installed: Installed
  readonly args: readonly string[]
  readonly roles: readonly Role[]
  readonly skills: readonly Skill[]
  readonly habits: Habits
}

/** Python's websockets. */
export function python_websockets(): ForeignProgram {
  return {
    installed: system_program(PYTHON_WEBSOCKETS),
    args: [foreign('python_websockets.py')],
    roles: ['client', 'server'],
    skills: ['fragment', 'ping', 'inflate', 'deflate'],
    habits: {},
  }
}

/** Python's aiohttp, which has no public way to send fragments. */
export function python_aiohttp(): ForeignProgram {
  return {
    installed: system_program(PYTHON_AIOHTTP),
    args: [foreign('python_aiohttp.py')],
    roles: ['client', 'server'],
    skills: ['ping', 'inflate', 'deflate'],
    habits: { answers_with: 1000 },
  }
}

/** Tornado's client, which compresses with a context though ours rules that out: see tornado.test.ts. */
export function python_tornado_client(): ForeignProgram {
  return {
    installed: system_program(PYTHON_TORNADO),
    args: [foreign('python_tornado.py')],
    roles: ['client'],
    skills: ['ping', 'inflate'],
    habits: {},
  }
}

/** Tornado's server. */
export function python_tornado_server(): ForeignProgram {
  return { ...python_tornado_client(), roles: ['server'], skills: ['ping', 'inflate', 'deflate'] }
}

/** Java's own client, which compresses nothing. It runs for seconds: to compile its code well takes longer than that saves. */
export function java_client(): ForeignProgram {
  return {
    installed: java(),
    args: ['-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC', foreign('JavaClient.java')],
    roles: ['client'],
    skills: ['fragment', 'ping'],
    habits: {},
  }
}

/** undici's client, which always offers compression, and compresses nothing of its own. */
export function undici_client(): ForeignProgram {
  return {
    installed: { ...node, name: 'undici' },
    args: [foreign('undici.mjs')],
    roles: ['client'],
    skills: ['ping', 'inflate'],
    habits: { needs_protocol: true },
  }
}

/** Bun's own WebSocket. */
export function bun_web_socket(): ForeignProgram {
  return {
    installed: bun(),
    args: [foreign('bun.mjs')],
    roles: ['client', 'server'],
    skills: ['ping', 'inflate', 'deflate'],
    habits: { needs_protocol: true },
  }
}

/** Deno's own WebSocket, which sends no ping when it is asked to, and compresses nothing. */
export function deno_web_socket(): ForeignProgram {
  return {
    installed: deno(),
    args: [...DENO_RUN, foreign('deno.mjs')],
    roles: ['client', 'server'],
    skills: [],
    habits: { lost_is: 0 },
  }
}
