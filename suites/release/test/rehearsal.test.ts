import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { start_nats, start_redis } from '@bt/test-support/brokers'
import { launch_chromium } from '@bt/test-support/chromium'
import { bun, DENO_RUN, deno, describe_with } from '@bt/test-support/installed'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { BUNDLERS } from './bundle.ts'
import { IsolatedUser } from './isolated_user.ts'
import { type Browser, console_messages } from './page.ts'
import { Registry, TOKEN } from './registry.ts'
import { COMMITTER, copy_repository, link_dependencies, type Repository } from './repository.ts'
import {
  CLIENT_OUTPUT,
  COMMONJS_SAMPLES,
  expect_samples_to_run,
  type Runtime,
  SAMPLES,
  start_server,
  with_address,
} from './samples.ts'
import { COMPILERS, expect_no_type_errors, expect_to_compile } from './type_check.ts'
import { WorkflowHost } from './workflow_host.ts'

const PACKAGES = [
  '@bt/net',
  '@bt/ws-client',
  '@bt/ws-cluster-nats',
  '@bt/ws-cluster-redis',
  '@bt/ws-protocol',
  '@bt/ws-server',
]
/** A dependency of `@bt/net`. */
const REFUSED_AT_FIRST = '@bt/ws-server'

const CHANGE = 'Something changes for users.'

/** A changeset for the rehearsal, since the repository has none right after a release. */
const CHANGESET = `---\n'@bt/ws-protocol': patch\n---\n\n${CHANGE}\n`

const NODE: Runtime = { command: process.execPath, args: [], extension: 'mjs' }

/** Sources without type errors, and one that expects an error: without types, there would be none. */
const TYPED = {
  'server.ts': SAMPLES.server,
  'client.ts': SAMPLES.client,
  'server.mts': SAMPLES.server,
  'client.mts': SAMPLES.client,
  'wrong.ts':
    "import { listen } from '@bt/net'\n// @ts-expect-error: a port alone is no address\nlisten({ type: 'ws', bind: 8081 })\n",
}

/** A program with two servers on one broker: a message published on one reaches a socket of the other. */
const CLUSTER = `
import { connect, listen } from '@bt/net'
import { nats } from '@bt/ws-cluster-nats'
import { redis } from '@bt/ws-cluster-redis'

const url = process.argv[2] ?? ''
const create_port = () => (url.startsWith('nats:') ? nats({ servers: url }) : redis({ url }))
const one = listen({ type: 'ws', bind: '127.0.0.1:0', cluster: create_port() })
const other = listen({
  type: 'ws', bind: '127.0.0.1:0', cluster: create_port(),
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
let releaser: IsolatedUser
let host: WorkflowHost
let user: IsolatedUser

beforeAll(async () => {
  registry = await Registry.start()
  repository = copy_repository(join(folder, 'repository'))
  writeFileSync(join(repository.folder, '.changeset/rehearsal.md'), CHANGESET)
  repository.commit('Add all files')
  repository.push_to_new_remote(join(folder, 'origin.git'))
  link_dependencies(repository.folder)
  user = new IsolatedUser(join(folder, 'user'))
  releaser = new IsolatedUser(join(folder, 'releaser'), { ...COMMITTER, npm_config_registry: registry.url })
  const npmrc = `//${new URL(registry.url).host}/:_authToken=${TOKEN}\n`
  host = new WorkflowHost(join(folder, 'jobs'), join(folder, 'origin.git'), registry.url, npmrc)
})

afterAll(async () => {
  await registry.close()
  rmSync(folder, { recursive: true, force: true })
})

/** Creates a folder that is empty except for an `.npmrc` with the registry. */
function create_project(name: string): string {
  const project = join(folder, name)
  mkdirSync(project)
  writeFileSync(join(project, '.npmrc'), `registry=${registry.url}\n`)
  return project
}

/** Returns the third-party packages that npm has installed in a folder. */
function installed_third_party(project: string): string[] {
  const { packages } = JSON.parse(readFileSync(join(project, 'package-lock.json'), 'utf8'))
  return Object.keys(packages)
    .map(path => path.replace(/^.*node_modules\//, ''))
    .filter(name => name !== '' && !PACKAGES.includes(name))
}

function version(): string {
  return JSON.parse(readFileSync(join(repository.folder, 'packages/net/package.json'), 'utf8')).version
}

describe('a release', () => {
  /** Runs jobs of the workflow one after another, until one fails. */
  async function run(
    jobs: readonly string[],
    resume: boolean,
  ): Promise<{ failed_job?: string; output: string }> {
    let output = ''
    for (const job of jobs) {
      const { status, stdout, stderr } = await host.run(job, { resume })
      output += stdout + stderr
      if (status !== 0) return { failed_job: job, output }
    }
    return { output }
  }

  it('with --dry-run lists its steps, and changes nothing', async ({ annotate }) => {
    const head = repository.git('rev-parse', 'HEAD')
    const args = ['scripts/release.mjs', '--dry-run']
    const output = await releaser.run(repository.folder, process.execPath, ...args)
    await annotate(output)
    expect(output.trim().split('\n')).toEqual(
      [
        /would check the login at the registry$/,
        /would run npm test$/,
        /would set version \d+\.\d+\.\d+ from \d+ changesets?, and write the changelogs$/,
        /would commit the version as "Release \d+\.\d+\.\d+"$/,
        /would build the packages from scratch$/,
        /would pack them into the folder release$/,
        /would push the commit$/,
        /would publish @bt\/ws-protocol, .*, @bt\/ws-cluster-redis$/,
        /would tag the commit as @bt\/net@/,
      ].map(line => expect.stringMatching(line)),
    )
    expect(repository.git('rev-parse', 'HEAD')).toBe(head)
    expect(repository.git('status', '--porcelain')).toBe('')
    expect(registry.published).toEqual([])
  })

  it('is built by a job that can neither push nor publish', async ({ annotate }) => {
    const head = repository.git('rev-parse', 'HEAD')
    const { failed_job, output } = await run(['build'], false)
    await annotate(output)
    expect(failed_job).toBeUndefined()
    expect(output).toMatch(
      /set the repository of each package to https:\/\/git\.example\.com\/somebody\/net\n/,
    )
    expect(repository.git('ls-remote', 'origin', 'refs/heads/main')).toContain(head)
    const checkout = join(folder, 'jobs/build')
    const builder = new IsolatedUser(join(folder, 'jobs/build_home'), { npm_config_registry: registry.url })
    for (const stage of ['push', 'publish']) {
      const args = ['scripts/release.mjs', stage]
      const { status, stdout, stderr } = await builder.try_run(checkout, process.execPath, ...args)
      expect(status).toBe(1)
      expect(stdout + stderr).toMatch(/no right to push|ENEEDAUTH/)
    }
    expect(registry.published).toEqual([])
  })

  it('that the registry refuses halfway publishes only packages whose dependencies are published, and no tag', async ({
    annotate,
  }) => {
    registry.refused = REFUSED_AT_FIRST
    const { failed_job, output } = await run(['push', 'publish', 'tag'], false)
    await annotate(output)
    expect(failed_job).toBe('publish')
    repository.git('pull', '--quiet')
    expect(output).toContain(`${REFUSED_AT_FIRST}@${version()} is refused`)
    expect(output).toContain('pnpm release --resume')
    const published = registry.published.map(({ manifest }) => manifest.name)
    expect(published).toContain('@bt/ws-protocol')
    expect(published).not.toContain('@bt/net')
    expect(repository.git('ls-remote', '--tags', 'origin')).toBe('')
  })

  it('with resume publishes the remaining packages', async ({ annotate }) => {
    registry.refused = undefined
    const { failed_job, output } = await run(host.jobs, true)
    await annotate(output)
    expect(failed_job).toBeUndefined()
    expect(registry.published.map(({ manifest }) => manifest.name)).toEqual(PACKAGES)
  })

  it('pushes one commit, and a tag for each package', () => {
    repository.git('pull', '--quiet', '--tags')
    const names = PACKAGES.map(name => `${name}@${version()}`).join('\n')
    expect(repository.git('status', '--porcelain')).toBe('')
    expect(repository.git('log', '-1', '--format=%s')).toBe(`Release ${version()}`)
    expect(repository.git('tag', '--points-at', 'origin/main')).toBe(names)
  })

  it('leaves the lockfile up to date', async () => {
    const args = ['install', '--frozen-lockfile', '--lockfile-only', '--offline']
    await releaser.run(repository.folder, 'pnpm', ...args)
  })

  it('writes changelogs that contain the changesets and nothing else', async ({ annotate }) => {
    const changelog = (name: string): string =>
      readFileSync(join(repository.folder, `packages/${name}/CHANGELOG.md`), 'utf8')
    await annotate(changelog('net'))
    expect(changelog('ws-protocol')).toContain(`## ${version()}\n`)
    expect(changelog('ws-protocol')).toContain(`- ${CHANGE}\n`)
    expect(changelog('net')).not.toMatch(/Updated dependencies|@[\d.]+\n/)
  })
})

describe.each(PACKAGES)('the published %s', name => {
  function published(): Registry['published'][number] {
    const found = registry.published.find(({ manifest }) => manifest.name === name)
    if (found === undefined) throw new Error(`${name} was not published`)
    return found
  }

  it('has the common version, its repository, and no dependency on the workspace', () => {
    const { manifest } = published()
    expect(manifest.version).toBe(version())
    expect(JSON.stringify(manifest)).not.toMatch(/"(workspace|catalog):/)
    const directory = name.replace('@bt', 'packages')
    expect(manifest).toMatchObject({
      homepage: `https://git.example.com/somebody/net/tree/main/${directory}#readme`,
      bugs: { url: 'https://git.example.com/somebody/net/issues' },
      repository: { type: 'git', url: 'git+https://git.example.com/somebody/net.git', directory },
    })
  })

  it('has a README whose links are absolute, and lead to files of the release', () => {
    const { tarball } = published()
    const readme = spawnSync('tar', ['-xzOf', '-', 'package/README.md'], { input: tarball, encoding: 'utf8' })
    const links = Array.from(readme.stdout.matchAll(/\]\(([^)]*)\)/g), ([, link = '']) => link)
    const start = `https://git.example.com/somebody/net/blob/${name}@${version()}/`
    const paths = links.filter(link => link.startsWith(start)).map(link => link.slice(start.length))
    expect(paths).not.toEqual([])
    for (const path of paths) repository.git('cat-file', '-e', `HEAD:${path.replace(/#.*/, '')}`)
    expect(links.filter(link => !/^(https:|#)/.test(link))).toEqual([])
  })

  it('contains its build with all sources, a README, a licence, and nothing else', async ({ annotate }) => {
    const { tarball } = published()
    const listed = spawnSync('tar', ['-tzf', '-'], { input: tarball, encoding: 'utf8' })
    const files = listed.stdout
      .trim()
      .split('\n')
      .map(file => file.replace('package/', ''))
    await annotate(`${files.length} files, ${tarball.length} bytes`)
    expect(files).toEqual(expect.arrayContaining(['LICENSE', 'README.md', 'package.json', 'dist/index.js']))
    const sources = new Set(files.filter(file => /^src\/.*\.ts$/.test(file)))
    const source_of = (file: string): string =>
      file.replace(/^dist\/(.*?)(\.d\.c?ts|\.c?js)(\.map)?$/, 'src/$1.ts')
    const others = files.filter(file => !sources.has(file) && !sources.has(source_of(file)))
    const of_pages = ['development', 'production'].flatMap(name => [
      `dist/page/${name}.js`,
      `dist/page/${name}.js.map`,
    ])
    const expected = ['LICENSE', 'README.md', ...(name === '@bt/ws-client' ? of_pages : []), 'package.json']
    expect(others.sort()).toEqual(expected)
  })
})

describe('a project that installs @bt/net', () => {
  let project: string
  let browser: Browser

  beforeAll(async () => {
    browser = await launch_chromium()
    return () => browser.close()
  })

  it('gets ws as the only third-party package', async ({ annotate }) => {
    project = create_project('project')
    await annotate(await user.run(project, 'npm', 'install', '@bt/net'))
    expect(installed_third_party(project)).toEqual(['ws'])
  })

  it('runs both samples as modules', () => expect_samples_to_run(user, project, SAMPLES, NODE))

  it('runs both samples in CommonJS, through require()', () =>
    expect_samples_to_run(user, project, COMMONJS_SAMPLES, { ...NODE, extension: 'cjs' }))

  for (const resolution of ['nodenext', 'bundler'] as const) {
    it(`type-checks both samples with module resolution "${resolution}", without the types of Node`, () =>
      expect_no_type_errors(user, project, TYPED, { resolution, types: [] }))
  }

  for (const { name, extension, bundle } of BUNDLERS) {
    it(`bundles both samples with ${name} into files that run on Node without node_modules`, async () => {
      const empty = join(folder, `bundled_by_${name}`)
      mkdirSync(empty)
      const server = await bundle(project, SAMPLES.server, 'node')
      const client = await bundle(project, SAMPLES.client, 'node')
      await expect_samples_to_run(user, empty, { server, client }, { ...NODE, extension })
    })

    it(`bundles the client with ${name} into a file that runs in a browser`, async () => {
      const client = await bundle(project, SAMPLES.client, 'browser')
      const { address } = await start_server(user, project, SAMPLES.server, NODE)
      const code = with_address(address, client)
      expect(await console_messages(browser, code, CLIENT_OUTPUT.at(-1) ?? '')).toEqual(CLIENT_OUTPUT)
    })
  }

  describe_with(bun(), 'on Bun', () => {
    it('runs both samples', () =>
      expect_samples_to_run(user, project, SAMPLES, { ...NODE, command: bun().command }))
  })

  describe_with(deno(), 'on Deno', () => {
    it('runs both samples', () =>
      expect_samples_to_run(user, project, SAMPLES, { ...NODE, command: deno().command, args: DENO_RUN }))
  })

  it('runs both samples with pnpm, where a package can import only its own dependencies', async () => {
    const strict = create_project('strict')
    await user.run(strict, 'pnpm', 'add', '@bt/net')
    await expect_samples_to_run(user, strict, SAMPLES, NODE)
  })
})

describe('a project that installs the packages of brokers as well', () => {
  let project: string

  it("gets both brokers' clients and their dependencies", async ({ annotate }) => {
    project = create_project('cluster')
    const packages = ['@bt/net', '@bt/ws-cluster-nats', '@bt/ws-cluster-redis', '@types/node']
    await annotate(await user.run(project, 'npm', 'install', ...packages))
    expect(installed_third_party(project)).toEqual([
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
    it(`type-checks with module resolution "${resolution}" and the types of Node`, () =>
      expect_no_type_errors(
        user,
        project,
        { ...TYPED, 'cluster.mts': CLUSTER },
        { resolution, types: ['node'] },
      ))
  }

  it.each(Object.keys(COMPILERS))(
    'compiles all packages strictly with TypeScript %s, in each module format',
    version => expect_to_compile(user, project, version),
  )

  it('gets the same classes through require() and import', async () => {
    const program = join(project, 'both.cjs')
    writeFileSync(
      program,
      "const { NetError } = require('@bt/net')\nimport('@bt/net').then(net => console.log(net.NetError === NetError))\n",
    )
    expect(await user.run(project, process.execPath, program)).toBe('true\n')
  })

  it.each([
    ['NATS', start_nats],
    ['Redis', start_redis],
  ])('passes a message from one server to another through %s', async (_, start) => {
    const broker = await start()
    try {
      const program = join(project, 'cluster.mjs')
      writeFileSync(program, CLUSTER)
      expect(await user.run(project, process.execPath, program, broker.url)).toBe('from the other server\n')
    } finally {
      await broker.close()
    }
  })
})
