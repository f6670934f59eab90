import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { ROOT } from './repository.ts'

interface Step {
  readonly uses?: string
  readonly run?: string
  readonly with?: Readonly<Record<string, unknown>>
}

interface Job {
  readonly uses?: string
  readonly permissions?: Readonly<Record<string, string>>
  readonly strategy?: { readonly matrix: { readonly node?: readonly number[] } }
  readonly steps?: readonly Step[]
}

interface Workflow {
  readonly permissions?: Readonly<Record<string, string>>
  readonly concurrency?: { readonly group: string }
  readonly jobs: Readonly<Record<string, Job>>
}

const FOLDER = join(ROOT, '.github/workflows')
const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'))

/** The actions that are used, by the major version that is known to be there. */
const ACTIONS = ['actions/checkout@v6', 'actions/setup-node@v6']

function text_of(file: string): string {
  return readFileSync(join(ROOT, file), 'utf8')
}

function workflow(name: string): Workflow {
  return parse(text_of(`.github/workflows/${name}`))
}

function steps_of({ jobs }: Workflow): Step[] {
  return Object.values(jobs).flatMap(({ steps = [] }) => steps)
}

describe.each(readdirSync(FOLDER))('the workflow %s', name => {
  const { jobs, permissions, concurrency } = workflow(name)
  const steps = steps_of(workflow(name))
  const commands = steps.flatMap(({ run }) => (run === undefined ? [] : run.trim().split('\n')))

  it('calls scripts, files and a version of pnpm that there are', () => {
    for (const command of commands) {
      const [, script = 'install'] = /^p?npm (?:run )?([\w:-]+)/.exec(command) ?? []
      expect(['install', ...Object.keys(manifest.scripts)], command).toContain(script)
      const [, pnpm = manifest.packageManager] = /(pnpm@\S+)/.exec(command) ?? []
      expect(pnpm).toBe(manifest.packageManager)
      const [, file] = /^bash (\S+)/.exec(command) ?? []
      if (file !== undefined) expect(text_of(file)).toMatch(/^#!.*bash\n/)
    }
    for (const { uses } of Object.values(jobs)) {
      if (uses !== undefined) expect(readdirSync(FOLDER)).toContain(uses.replace('./.github/workflows/', ''))
    }
  })

  it('uses actions of a known major version', () => {
    for (const { uses } of steps) if (uses !== undefined) expect(ACTIONS).toContain(uses)
  })

  it('may do no more than it has to, and is not run twice at a time', () => {
    const writers = Object.entries(jobs).filter(([, job]) =>
      /write/.test(JSON.stringify(job.permissions) ?? ''),
    )
    expect(JSON.stringify(permissions)).not.toMatch(/write/)
    expect(writers.map(([job]) => job)).toEqual(name === 'release.yml' ? ['release'] : [])
    expect(concurrency?.group).toBeDefined()
  })

  it('names no registry, and keeps no token', () => {
    expect(text_of(`.github/workflows/${name}`)).not.toMatch(/secrets\.|registry-url|_TOKEN|https?:/)
  })
})

describe('CI', () => {
  it('runs on each Node that the READMEs name', () => {
    const tested = workflow('ci.yml').jobs.linux?.strategy?.matrix.node
    for (const readme of ['README.md', 'README.zh-CN.md']) {
      const named = /Node (20(?:[^.。\n]*?\d\d)+)/.exec(text_of(readme).split('\n## ').at(-1) ?? '')?.[1]
      expect(named?.match(/\d+/g)?.map(Number), readme).toEqual(tested)
    }
  })
})

describe('a release', () => {
  it('is made by npm test’s own jobs and pnpm release, apart from each other', () => {
    const { jobs } = workflow('release.yml')
    expect(jobs.ci?.uses).toBe('./.github/workflows/ci.yml')
    expect(jobs.release).toMatchObject({
      needs: 'ci',
      permissions: { contents: 'write', 'id-token': 'write' },
    })
    expect(jobs.release?.steps?.at(-1)).toMatchObject({
      run: expect.stringMatching(/^pnpm release --checked /),
      env: { NPM_CONFIG_PROVENANCE: 'true' },
    })
  })
})
