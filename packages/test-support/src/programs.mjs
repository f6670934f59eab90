// @ts-check
// The programs that tests need besides Node and npm: where they are, which Debian package has them, and which
// suites need them. There is no other such list.
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'

/** Where Debian installs servers; these folders are not on the PATH of every user. */
const SERVER_FOLDERS = ['/usr/sbin', '/usr/local/sbin', '/sbin']

/** The headless shell comes first: it starts and renders with half the work of a full browser. */
const CHROMIUM_NAMES = [
  'chromium-headless-shell',
  ...['chromium', 'chromium-browser', 'google-chrome', 'chrome.exe'],
]

/** Debian's own Python: only that one finds the modules of Debian's packages. */
const PYTHON = '/usr/bin/python3'

/**
 * A program, or one of its modules, that some tests need.
 * @typedef {object} Program
 * @property {string} name
 * @property {string} use the tests that need it, in words that follow "for"
 * @property {() => string | undefined} find returns the path to start; `undefined` if it is missing
 * @property {string} remedy how to install it
 * @property {boolean} [is_optional] whether its tests may be skipped in CI as well
 */

/**
 * A program that Debian packages.
 * @typedef {Program & { readonly package: string, readonly suites: readonly string[] }} SystemProgram
 */

/** Thrown when a program is missing. A test that fails with it is skipped, except in CI. */
export class MissingProgram extends Error {
  /** @override */
  name = 'MissingProgram'

  /** @param {Omit<Program, 'find'>} program */
  constructor({ name, use, remedy, is_optional = false }) {
    super(`${name} is missing, which is needed for ${use}: ${remedy}`)
    this.lacks = { name, use, remedy, is_optional }
  }
}

export const CHROMIUM = debian({
  name: 'Chromium',
  package: 'chromium-headless-shell',
  use: 'tests in a browser',
  suites: ['@bt/browser-demo', '@bt/docs', '@bt/echo-demo', '@bt/release-suite', '@bt/ws-client'],
  find: () => process.env.CHROMIUM_PATH || on_path(...CHROMIUM_NAMES),
  or: 'set CHROMIUM_PATH to any Chromium or Chrome',
})

export const NATS = debian({
  name: 'nats-server',
  package: 'nats-server',
  use: 'tests with NATS',
  suites: [
    ...['@bt/bench', '@bt/browser-demo', '@bt/cluster-suite', '@bt/echo-demo', '@bt/faults'],
    ...['@bt/release-suite', '@bt/ws-cluster-nats'],
  ],
  find: () => on_path('nats-server'),
})

export const REDIS = debian({
  name: 'redis-server',
  package: 'redis-server',
  use: 'tests with Redis',
  suites: [
    ...['@bt/bench', '@bt/browser-demo', '@bt/cluster-suite', '@bt/echo-demo', '@bt/faults'],
    ...['@bt/release-suite', '@bt/ws-cluster-redis'],
  ],
  find: () => on_path('redis-server'),
})

export const NGINX = debian({
  name: 'nginx',
  package: 'nginx',
  use: 'tests with a proxy in front',
  suites: ['@bt/programs'],
  find: () => on_path('nginx'),
})

export const TINYPROXY = debian({
  name: 'tinyproxy',
  package: 'tinyproxy-bin',
  use: 'tests of clients behind a proxy',
  suites: ['@bt/programs'],
  find: () => on_path('tinyproxy'),
})

export const OPENSSL = debian({
  name: 'openssl',
  package: 'openssl',
  use: 'tests with certificates of another make',
  suites: ['@bt/programs'],
  find: () => on_path('openssl'),
})

export const CURL = debian({
  name: 'curl',
  package: 'curl',
  use: 'tests of what HTTP clients see',
  suites: ['@bt/programs'],
  find: () => on_path('curl'),
})

export const PYTHON_WEBSOCKETS = python_module('websockets')
export const PYTHON_AIOHTTP = python_module('aiohttp')
export const PYTHON_TORNADO = python_module('tornado')

export const PYTHON_3 = debian({
  name: 'Python 3',
  package: 'python3',
  use: 'tests of bad links',
  suites: ['@bt/faults'],
  find: () => on_path('python3'),
})

export const IP = debian({
  name: 'ip',
  package: 'iproute2',
  use: 'tests of bad links',
  suites: ['@bt/faults'],
  find: () => on_path('ip'),
})

export const GIT = debian({
  name: 'git',
  package: 'git',
  use: 'the rehearsal of a release',
  suites: ['@bt/release-suite'],
  find: () => on_path('git'),
})

/** A library that the newest Node needs, unlike earlier ones. */
const LIBATOMIC = debian({
  name: 'libatomic',
  package: 'libatomic1',
  use: 'the newest Node',
  suites: ['@bt/ws-client', '@bt/ws-server'],
  find: () => {
    if (process.platform !== 'linux') return process.execPath
    const folders = ['/usr/lib/x86_64-linux-gnu', '/usr/lib/aarch64-linux-gnu', '/usr/lib64', '/usr/lib']
    return folders.map(folder => join(folder, 'libatomic.so.1')).find(file => existsSync(file))
  },
})

const SYSTEM_PROGRAMS = [
  ...[CHROMIUM, NATS, REDIS, NGINX, TINYPROXY, OPENSSL, CURL],
  ...[PYTHON_WEBSOCKETS, PYTHON_AIOHTTP, PYTHON_TORNADO, PYTHON_3, IP, GIT, LIBATOMIC],
]

/**
 * Returns the path of a program.
 * @param {Program} program
 * @returns {string}
 * @throws {MissingProgram} if it is missing
 */
export function path_of(program) {
  const path = program.find()
  if (path === undefined) throw new MissingProgram(program)
  return path
}

/**
 * Returns the programs that this machine lacks.
 * @param {string} [suite] the name of a package, to return only the programs that its tests need
 */
export function missing_programs(suite) {
  return SYSTEM_PROGRAMS.filter(
    ({ suites, find }) => (suite === undefined || suites.includes(suite)) && find() === undefined,
  )
}

/** Returns whether tests run in CI, where a missing program is an error. */
export function is_ci() {
  const { CI = '' } = process.env
  return CI !== '' && CI !== 'false' && CI !== '0'
}

/**
 * @param {Omit<SystemProgram, 'remedy'> & { readonly or?: string }} program
 * @returns {SystemProgram}
 */
function debian({ or, ...program }) {
  const install = `install it (Debian: apt-get install ${program.package})`
  return { ...program, remedy: or === undefined ? install : `${install}, or ${or}` }
}

/** @param {string} module */
function python_module(module) {
  return debian({
    name: `Python's ${module}`,
    package: `python3-${module}`,
    use: `tests with Python's ${module}`,
    suites: ['@bt/programs'],
    find: () => (spawnSync(PYTHON, ['-c', `import ${module}`]).status === 0 ? PYTHON : undefined),
  })
}

/** @param {readonly string[]} names */
function on_path(...names) {
  const folders = [...(process.env.PATH ?? '').split(delimiter), ...SERVER_FOLDERS]
  return folders.flatMap(folder => names.map(name => join(folder, name))).find(path => existsSync(path))
}
