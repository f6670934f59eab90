// Installs the npm packages of the workspace, with the version of pnpm that package.json names. npm fetches
// that version if needed.
import { readFileSync } from 'node:fs'
import { run } from './children.mjs'

/**
 * Installs the packages, adds pnpm to the PATH of this process, and returns whether both succeeded.
 * @returns {Promise<boolean>}
 */
export async function install_npm_packages() {
  const { packageManager } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))
  const exec = ['exec', '--yes', '--prefer-offline', `--package=${packageManager}`, '--call']
  const install = 'pnpm install --frozen-lockfile --prefer-offline --loglevel=warn'
  if ((await npm([...exec, install])).code !== 0) return false
  const { code, output } = await npm([...exec, 'node -p process.env.PATH'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  process.env.PATH = output.trim()
  return code === 0
}

/**
 * Runs npm to its end, and returns its exit code and its output, unless that is inherited.
 * @param {readonly string[]} args
 * @param {import('node:child_process').SpawnOptions} [options]
 */
export function npm(args, options = {}) {
  // npm sets this variable for scripts that it runs; the path avoids the .cmd file on Windows.
  const { npm_execpath = '' } = process.env
  const is_npm = /npm-cli\.js$/.test(npm_execpath)
  return is_npm
    ? run(process.execPath, [npm_execpath, ...args], options)
    : run('npm', args, { ...options, shell: process.platform === 'win32' })
}
