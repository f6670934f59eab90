import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { PAGES, ROOT } from './pages.ts'

/** Programs that readers have, or that a page explains how to install. */
const PROGRAMS: ReadonlySet<string> = new Set([
  ...[
    'apt-get',
    'brew',
    'cat',
    'cd',
    'cp',
    'curl',
    'docker',
    'echo',
    'export',
    'git',
    'kill',
    'mkdir',
    'mv',
    'rm',
    'sudo',
    'sysctl',
  ],
  ...['node', 'npm', 'npx', 'pnpm', 'bun', 'deno', 'tsx', 'vite'],
  ...[
    'nats-server',
    'redis-server',
    'redis-cli',
    'nginx',
    'openssl',
    'systemctl',
    'taskset',
    'ulimit',
    'wscat',
  ],
])

/** Built-in commands of pnpm and npm. */
const BUILT_IN_COMMANDS: ReadonlySet<string> = new Set([
  ...['add', 'create', 'dlx', 'exec', 'init', 'install', 'pack', 'publish', 'version', 'view'],
])

/** The scripts of the root package, and those of packages, which all have the scripts of `@bt/net`. */
const SCRIPTS: ReadonlySet<string> = new Set(
  ['package.json', 'packages/net/package.json'].flatMap(path => {
    const { scripts } = JSON.parse(readFileSync(join(ROOT, path), 'utf8')) as {
      scripts: Record<string, string>
    }
    return Object.keys(scripts)
  }),
)

/** Returns the commands of a block that use a program, script or file that does not exist. */
export function unknown_commands(code: string): string[] {
  const lines = code.replaceAll('\\\n', ' ').split('\n')
  return lines
    .map(line => line.replace(/(^|\s)#.*$/, ''))
    .flatMap(line => line.split(/&&|\|\|?|;|(?<!&)&(?!&)/))
    .map(command => command.trim())
    .filter(command => command !== '' && !is_known(command.split(/\s+/)))
}

function is_known(words: readonly string[]): boolean {
  const [program = '', ...rest] = words.slice(words.findIndex(word => !/^\w+=/.test(word)))
  if (/^(for|do|done|while|if|fi|then|break)$/.test(program)) return true
  if (!PROGRAMS.has(program)) return false
  const filter = rest[0] === '--filter' ? rest.slice(2) : rest
  const [first = '', second = ''] = filter
  switch (program) {
    case 'npm':
    case 'pnpm':
      return first === 'run' ? SCRIPTS.has(second) : BUILT_IN_COMMANDS.has(first) || SCRIPTS.has(first)
    case 'node':
      return rest.filter(word => /^[^-].*\.(m?js|ts)$/.test(word)).every(is_file)
    case 'cd':
      return existsSync(join(ROOT, first)) || PAGES.some(({ text }) => text.includes(`mkdir ${first}`))
    default:
      return true
  }
}

/** Returns whether a file exists after the build, or a page asks its readers to create it. */
function is_file(path: string): boolean {
  const source = path.replace('/dist/', '/src/').replace(/\.js$/, '.ts')
  return (
    [path, source].some(file => existsSync(join(ROOT, file))) ||
    PAGES.some(({ text }) => text.includes(`\`${path}\``))
  )
}
