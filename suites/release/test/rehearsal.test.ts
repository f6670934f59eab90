import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { start_nats, start_redis } from '@bt/test-support/brokers'
import { launch_chromium } from '@bt/test-support/chromium'
import { bun, DENO_RUN, deno, describe_with } from '@bt/test-support/installed'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { BUNDLERS } from './bundle.ts'
import { type Browser, said_in_a_page } from './page.ts'
import { Person } from './person.ts'
import { Registry, TOKEN } from './registry.ts'
import { COMMITTER, copy_of_this_repository, install_in, type Repository } from './repository.ts'
import { at, COMMONJS_SAMPLES, expect_to_run, PRINTED, SAMPLES, start_server, type Way } from './samples.ts'
import { expect_right_types } from './type_check.ts'
import { WorkflowHost } from './workflow_host.ts'

const PACKAGES = [
  '@bt/net',
  '@bt/ws-client',
  '@bt/ws-cluster-nats',
  '@bt/ws-cluster-redis',
  '@bt/ws-protocol',
  '@bt/ws-server',
]
/** `@bt/net` depends on it. */
const REFUSED_AT_FIRST = '@bt/ws-server'

const CHANGE = 'What this rehearsal says has changed.'

/** A change of its own, since there is none right after a release. */
const CHANGESET = `---\n'@bt/ws-protocol': patch\n---\n\n${CHANGE}\n`

const ON_NODE: Way = { command: process.execPath, args: [], extension: 'mjs' }

/** Sources whose types are right, and one where they are not: were there none, TypeScript would miss the error. */
const TYPED = {
  'server.ts': SAMPLES.server,
  'client.ts': SAMPLES.client,
  'server.mts': SAMPLES.server,
  'client.mts': SAMPLES.client,
  'wrong.ts':
    "import { listen } from '@bt/net'\n// @ts-expect-error: a port alone is no address\nlisten({ type: 'ws', bind: 8081 })\n",
}

/** Two servers that are one, through a broker: what is published on the one reaches a socket of the other. */
const CLUSTER = `
import { connect, listen } from '@bt/net'
import { nats } from '@bt/ws-cluster-nats'
import { redis } from '@bt/ws-cluster-redis'

const url = process.argv[2] ?? ''
const join_servers = () => (url.startsWith('nats:') ? nats({ servers: url }) : redis({ url }))
const one = listen({ type: 'ws', bind: '127.0.0.1:0', cluster: join_servers() })
const other = listen({
  type: 'ws', bind: '127.0.0.1:0', cluster: join_servers(),
  on_connect: async socket => {
    await socket.join('news')
    one.publish('news', 'from the other server')
  },
})
await Promise.all([one.opened, other.opened])
for await (const data of connect({ type: 'ws', url: 'ws://' + other.addr + '/ws' })) {
  console.log(data)
  break
}
await Promise.all([one[Symbol.asyncDispose](), other[Symbol.asyncDispose]()])
`

const folder = mkdtempSync(join(tmpdir(), 'rehearsal-'))
let registry: Registry
let repository: Repository
let releaser: Person
let host: WorkflowHost
let user: Person

beforeAll(async () => {
  registry = await Registry.start()
  repository = copy_of_this_repository(join(folder, 'repository'))
  writeFileSync(join(repository.folder, '.changeset/rehearsal.md'), CHANGESET)
  repository.commit('all that there is')
  repository.follow(join(folder, 'origin.git'))
  install_in(repository.folder)
  user = new Person(join(folder, 'user'))
  releaser = new Person(join(folder, 'releaser'), { ...COMMITTER, npm_config_registry: registry.url })
  const npmrc = `//${new URL(registry.url).host}/:_authToken=${TOKEN}\n`
  host = new WorkflowHost(join(folder, 'jobs'), join(folder, 'origin.git'), registry.url, npmrc)
})

afterAll(async () => {
  await registry.close()
  rmSync(folder, { recursive: true, force: true })
})

/** An empty folder of a user who knows the registry. */
function user_folder(name: string): string {
  const empty = join(folder, name)
  mkdirSync(empty)
  writeFileSync(join(empty, '.npmrc'), `registry=${registry.url}\n`)
  return empty
}

/** What npm has installed in a folder, without what is ours. */
function installed_of_others(where: string): string[] {
  const { packages } = JSON.parse(readFileSync(join(where, 'package-lock.json'), 'utf8'))
  return Object.keys(packages)
    .map(path => path.replace(/^.*node_modules\//, ''))
    .filter(name => name !== '' && !PACKAGES.includes(name))
}

function version(): string {
  return JSON.parse(readFileSync(join(repository.folder, 'packages/net/package.json'), 'utf8')).version
}

describe('a release', () => {
  /** Runs jobs of the workflow one after the other, up to one that fails. */
  async function run(jobs: readonly string[], resume: boolean): Promise<{ failed?: string; said: string }> {
    let said = ''
    for (const job of jobs) {
      const { status, stdout, stderr } = await host.run(job, { resume })
      said += stdout + stderr
      if (status !== 0) return { failed: job, said }
    }
    return { said }
  }

  it('says by hand with --dry-run what it would do, and does nothing', async ({ annotate }) => {
    const head = repository.git('rev-parse', 'HEAD')
    const args = ['scripts/release.mjs', '--dry-run']
    const said = await releaser.runs(repository.folder, process.execPath, ...args)
    await annotate(said)
    expect(said.trim().split('\n')).toEqual(
      [
        /would ask the registry who publishes$/,
        /would run npm test$/,
        /would make version \d+\.\d+\.\d+ of \d+ changesets?, and write the changelogs$/,
        /would commit that as "Release \d+\.\d+\.\d+"$/,
        /would build the packages from nothing$/,
        /would pack them in the folder release$/,
        /would push the commit$/,
        /would publish @bt\/ws-protocol, .*, @bt\/ws-cluster-redis$/,
        /would tag the commit, as @bt\/net@/,
      ].map(line => expect.stringMatching(line)),
    )
    expect(repository.git('rev-parse', 'HEAD')).toBe(head)
    expect(repository.git('status', '--porcelain')).toBe('')
    expect(registry.published).toEqual([])
  })

  it('is built by a job that can neither push nor publish', async ({ annotate }) => {
    const head = repository.git('rev-parse', 'HEAD')
    const { failed, said } = await run(['build'], false)
    await annotate(said)
    expect(failed).toBeUndefined()
    expect(said).toMatch(/name git\+https:\/\/git\.example\.com\/somebody\/net\.git as the repository/)
    expect(repository.git('ls-remote', 'origin', 'refs/heads/main')).toContain(head)
    const build = join(folder, 'jobs/build')
    const builder = new Person(join(folder, 'jobs/build_home'), { npm_config_registry: registry.url })
    for (const stage of ['push', 'publish']) {
      const args = ['scripts/release.mjs', stage]
      const { status, stdout, stderr } = await builder.tries(build, process.execPath, ...args)
      expect(status).toBe(1)
      expect(stdout + stderr).toMatch(/no right to push|ENEEDAUTH/)
    }
    expect(registry.published).toEqual([])
  })

  it('that a registry refuses half-way has published nothing that cannot be installed, and no tag', async ({
    annotate,
  }) => {
    registry.refused = REFUSED_AT_FIRST
    const { failed, said } = await run(['push', 'publish', 'tag'], false)
    await annotate(said)
    expect(failed).toBe('publish')
    repository.git('pull', '--quiet')
    expect(said).toContain(`${REFUSED_AT_FIRST}@${version()} is refused`)
    expect(said).toContain('pnpm release --resume')
    const published = registry.published.map(({ manifest }) => manifest.name)
    expect(published).toContain('@bt/ws-protocol')
    expect(published).not.toContain('@bt/net')
    expect(repository.git('ls-remote', '--tags', 'origin')).toBe('')
  })

  it('goes on when it is started again with resume, and publishes what was not published', async ({
    annotate,
  }) => {
    registry.refused = undefined
    const { failed, said } = await run(host.jobs, true)
    await annotate(said)
    expect(failed).toBeUndefined()
    expect(registry.published.map(({ manifest }) => manifest.name)).toEqual(PACKAGES)
  })

  it('is a commit and a tag for each package, which everybody can get', () => {
    repository.git('pull', '--quiet', '--tags')
    const names = PACKAGES.map(name => `${name}@${version()}`).join('\n')
    expect(repository.git('status', '--porcelain')).toBe('')
    expect(repository.git('log', '-1', '--format=%s')).toBe(`Release ${version()}`)
    expect(repository.git('tag', '--points-at', 'origin/main')).toBe(names)
  })

  it('leaves a lockfile that still says what is installed', async () => {
    const args = ['install', '--frozen-lockfile', '--lockfile-only', '--offline']
    await releaser.runs(repository.folder, 'pnpm', ...args)
  })

  it('has changelogs of what has changed for users, and of nothing else', async ({ annotate }) => {
    const changelog = (name: string): string =>
      readFileSync(join(repository.folder, `packages/${name}/CHANGELOG.md`), 'utf8')
    await annotate(changelog('net'))
    expect(changelog('ws-protocol')).toContain(`## ${version()}\n`)
    expect(changelog('ws-protocol')).toContain(`- ${CHANGE}\n`)
    expect(changelog('net')).not.toMatch(/Updated dependencies|@[\d.]+\n/)
  })
})

describe.each(PACKAGES)('%s as it was published', name => {
  function released(): Registry['published'][number] {
    const found = registry.published.find(({ manifest }) => manifest.name === name)
    if (found === undefined) throw new Error(`${name} was not published`)
    return found
  }

  it('has the version of all, names its repository, and needs what others can get', () => {
    const { manifest } = released()
    expect(manifest.version).toBe(version())
    expect(JSON.stringify(manifest)).not.toMatch(/"(workspace|catalog):/)
    expect(manifest.repository).toEqual({
      type: 'git',
      url: 'git+https://git.example.com/somebody/net.git',
      directory: name.replace('@bt', 'packages'),
    })
  })

  it('has its build, the sources of all of it, a README, a licence, and nothing else', async ({
    annotate,
  }) => {
    const { tarball } = released()
    const listed = spawnSync('tar', ['-tzf', '-'], { input: tarball, encoding: 'utf8' })
    const files = listed.stdout
      .trim()
      .split('\n')
      .map(file => file.replace('package/', ''))
    await annotate(`${files.length} files, ${tarball.length} bytes`)
    expect(files).toEqual(expect.arrayContaining(['LICENSE', 'README.md', 'package.json', 'dist/index.js']))
    const sources = new Set(files.filter(file => /^src\/.*\.ts$/.test(file)))
    const source_of = (file: string): string =>
      file.replace(/^dist\/(.*?)(\.d\.ts|\.js)(\.map)?$/, 'src/$1.ts')
    const others = files.filter(file => !sources.has(file) && !sources.has(source_of(file)))
    expect(others.sort()).toEqual(['LICENSE', 'README.md', 'package.json'])
  })
})

describe('who installs @bt/net', () => {
  let project: string
  let browser: Browser

  beforeAll(async () => {
    browser = await launch_chromium()
    return () => browser.close()
  })

  it('gets ws besides, and nothing else', async ({ annotate }) => {
    project = user_folder('project')
    await annotate(await user.runs(project, 'npm', 'install', '@bt/net'))
    expect(installed_of_others(project)).toEqual(['ws'])
  })

  it('runs both samples as modules', () => expect_to_run(user, project, SAMPLES, ON_NODE))

  it('runs both samples in CommonJS, through require()', () =>
    expect_to_run(user, project, COMMONJS_SAMPLES, { ...ON_NODE, extension: 'cjs' }))

  for (const resolution of ['nodenext', 'bundler'] as const) {
    it(`has both samples checked by TypeScript, which finds modules by "${resolution}", without types of Node`, () =>
      expect_right_types(user, project, TYPED, { resolution, types: [] }))
  }

  for (const { name, extension, bundle } of BUNDLERS) {
    it(`has ${name} make files of both samples that run alone on Node`, async () => {
      const alone = join(folder, `bundled_by_${name}`)
      mkdirSync(alone)
      const server = await bundle(project, SAMPLES.server, 'node')
      const client = await bundle(project, SAMPLES.client, 'node')
      await expect_to_run(user, alone, { server, client }, { ...ON_NODE, extension })
    })

    it(`has ${name} make a file of the client that runs in a browser`, async () => {
      const client = await bundle(project, SAMPLES.client, 'browser')
      const { address } = await start_server(user, project, SAMPLES.server, ON_NODE)
      const said = await said_in_a_page(browser, at(address, client), PRINTED.at(-1) ?? '')
      expect(said).toEqual(PRINTED)
    })
  }

  describe_with(bun(), 'on Bun', () => {
    it('runs both samples', () =>
      expect_to_run(user, project, SAMPLES, { ...ON_NODE, command: bun().command }))
  })

  describe_with(deno(), 'on Deno', () => {
    it('runs both samples', () =>
      expect_to_run(user, project, SAMPLES, { ...ON_NODE, command: deno().command, args: DENO_RUN }))
  })

  it('runs both samples where pnpm lets each package import only what it depends on', async () => {
    const strict = user_folder('strict')
    await user.runs(strict, 'pnpm', 'add', '@bt/net')
    await expect_to_run(user, strict, SAMPLES, ON_NODE)
  })
})

describe('who installs the packages of brokers as well', () => {
  let project: string

  it('gets the clients of both brokers, and what they need', async ({ annotate }) => {
    project = user_folder('cluster')
    const packages = ['@bt/net', '@bt/ws-cluster-nats', '@bt/ws-cluster-redis', '@types/node']
    await annotate(await user.runs(project, 'npm', 'install', ...packages))
    expect(installed_of_others(project)).toEqual([
      '@nats-io/nats-core',
      '@nats-io/nkeys',
      '@nats-io/nuid',
      '@nats-io/transport-node',
      '@redis/client',
      '@types/node',
      'tweetnacl',
      'undici-types',
      'ws',
    ])
  })

  for (const resolution of ['nodenext', 'bundler'] as const) {
    it(`has all of it checked by TypeScript, which finds modules by "${resolution}", with types of Node`, () =>
      expect_right_types(
        user,
        project,
        { ...TYPED, 'cluster.mts': CLUSTER },
        { resolution, types: ['node'] },
      ))
  }

  it.each([
    ['NATS', start_nats],
    ['Redis', start_redis],
  ])('has a message pass from one server to another through %s', async (_, start) => {
    const broker = await start()
    try {
      const program = join(project, 'cluster.mjs')
      writeFileSync(program, CLUSTER)
      expect(await user.runs(project, process.execPath, program, broker.url)).toBe('from the other server\n')
    } finally {
      await broker.close()
    }
  })
})
