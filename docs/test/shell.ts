import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { PAGES, ROOT } from './pages.ts'

/** Programs that a reader has, or is told how to get. */
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

/** What pnpm and npm do by themselves. */
const OWN_COMMANDS: ReadonlySet<string> = new Set([
  ...['add', 'create', 'dlx', 'exec', 'init', 'install', 'pack', 'publish', 'version', 'view'],
])

/** The scripts of the root, which can be run anywhere, and those that packages have, as `@bt/net` does, each in its folder. */
const SCRIPTS: ReadonlySet<string> = new Set(
  ['package.json', 'packages/net/package.json'].flatMap(path => {
    const { scripts } = JSON.parse(readFileSync(join(ROOT, path), 'utf8')) as {
      scripts: Record<string, string>
    }
    return Object.keys(scripts)
  }),
)

/** The commands of a block that name something that there is not. */
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
      return first === 'run' ? SCRIPTS.has(second) : OWN_COMMANDS.has(first) || SCRIPTS.has(first)
    case 'node':
      return rest.filter(word => /^[^-].*\.(m?js|ts)$/.test(word)).every(is_file)
    case 'cd':
      return existsSync(join(ROOT, first)) || PAGES.some(({ text }) => text.includes(`mkdir ${first}`))
    default:
      return true
  }
}

/** Whether there is such a file, once all is built, or a page says that its reader writes it. */
function is_file(path: string): boolean {
  const source = path.replace('/dist/', '/src/').replace(/\.js$/, '.ts')
  return (
    [path, source].some(file => existsSync(join(ROOT, file))) ||
    PAGES.some(({ text }) => text.includes(`\`${path}\``))
  )
}
