// @ts-check
// Installs the missing programs that tests need, if no confirmation is required: as root on Debian or Ubuntu,
// or in CI with sudo.
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { is_ci, missing_programs } from '../programs.mjs'

/** Services that Debian's packages start. They are stopped, because the tests start their own. */
const SERVICES = ['nginx', 'nats-server', 'redis-server']

const APT_OPTIONS = ['-o', 'DPkg::Lock::Timeout=600', '-o', 'Acquire::Retries=1']

/**
 * The programs that are still missing after the set-up.
 * @typedef {object} StillMissing
 * @property {readonly import('../programs.mjs').SystemProgram[]} programs
 * @property {string} advice how to install them, or why that failed; empty if nothing is missing
 */

/**
 * Installs the missing programs if that is allowed, and returns those that are still missing.
 * @param {string} [suite] the name of a package, to install only what its tests need
 * @param {(line: string) => void} [log]
 * @returns {StillMissing}
 */
export function set_up(suite, log = console.log) {
  const missing = missing_programs(suite)
  if (missing.length === 0) return { programs: [], advice: '' }
  const sudo = install_prefix()
  const packages = missing.map(program => program.package)
  if (sudo === undefined) {
    const advice = has_apt()
      ? `to install what is missing: sudo apt-get install --no-install-recommends ${packages.join(' ')}`
      : `to test everything, install ${packages.join(', ')} (these are the names of Debian's packages)`
    return { programs: missing, advice }
  }
  log(`Installing what the tests need and this machine lacks: ${list_of(missing)}`)
  const failure = install(sudo, packages)
  const programs = missing_programs(suite)
  if (programs.length === 0) return { programs, advice: '' }
  const advice = `${programs.map(program => program.package).join(', ')} could not be installed: ${failure}`
  return { programs, advice }
}

/**
 * Lists packages with their uses.
 * @param {readonly import('../programs.mjs').SystemProgram[]} programs
 */
function list_of(programs) {
  return programs.map(program => `${program.package} (for ${program.use})`).join(', ')
}

/**
 * Installs packages, and returns the reason for those that could not be installed.
 * @param {readonly string[]} sudo
 * @param {readonly string[]} packages
 */
function install(sudo, packages) {
  // Without `any`, an update that could not fetch anything exits with 0.
  const updated = apt(sudo, 'update', '-o', 'APT::Update::Error-Mode=any')
  const known = packages.filter(name => run(['apt-cache', 'show', '--no-all-versions', name]).status === 0)
  const installed =
    known.length === 0 ? updated : apt(sudo, 'install', '-y', '--no-install-recommends', ...known)
  for (const service of SERVICES) if (known.includes(service)) run([...sudo, 'service', service, 'stop'])
  return (
    reason_of(updated) ?? reason_of(installed) ?? 'this system has no such package; see the remedies above'
  )
}

/**
 * @param {readonly string[]} sudo
 * @param {readonly string[]} args
 */
function apt(sudo, ...args) {
  return run([...sudo, 'env', 'DEBIAN_FRONTEND=noninteractive', 'apt-get', '-q', ...APT_OPTIONS, ...args])
}

/** @param {readonly string[]} command */
function run([command = '', ...args]) {
  return spawnSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
}

/**
 * Returns why apt-get failed, from its first error message.
 * @param {ReturnType<typeof run>} ran
 */
function reason_of({ status, stderr, error }) {
  if (status === 0) return undefined
  const [first] = (stderr ?? '').split('\n').filter(line => line.startsWith('E: '))
  return first?.slice(3).trim() ?? `apt-get ended with ${status ?? error}`
}

/** Returns the prefix of a command that installs packages; `undefined` if installing is not allowed. */
function install_prefix() {
  if (!has_apt()) return undefined
  if (process.getuid?.() === 0) return []
  const sudo = ['sudo', '-n']
  return is_ci() && run([...sudo, 'true']).status === 0 ? sudo : undefined
}

/** Returns whether this is Debian or a derivative of it. */
function has_apt() {
  const release = '/etc/os-release'
  return (
    process.platform === 'linux' &&
    existsSync(release) &&
    /^ID(?:_LIKE)?=.*\b(?:debian|ubuntu)\b/m.test(readFileSync(release, 'utf8')) &&
    run(['apt-get', '--version']).status === 0
  )
}
