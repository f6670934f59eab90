// Installs the npm packages of the workspace with the version of pnpm that package.json names. npm fetches that if it has to.
import { readFileSync } from 'node:fs'
import { run } from './children.mjs'

/**
 * Installs the packages, and puts pnpm on the PATH of this process. Returns whether that worked.
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
 * Runs npm to its end; returns its exit code, and what it wrote to pipes.
 * @param {readonly string[]} args
 * @param {import('node:child_process').SpawnOptions} [options]
 */
export function npm(args, options = {}) {
  // A script that npm runs finds npm's own file here; that spares the .cmd file of Windows.
  const { npm_execpath = '' } = process.env
  const is_npm = /npm-cli\.js$/.test(npm_execpath)
  return is_npm
    ? run(process.execPath, [npm_execpath, ...args], options)
    : run('npm', args, { ...options, shell: process.platform === 'win32' })
}
